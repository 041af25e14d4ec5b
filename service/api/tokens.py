"""What a JSON Web Token must be to hold: PyJWT's checks, each failure in words of its own."""

from collections.abc import Mapping
from typing import Any, Final

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from jwt.exceptions import InvalidSubjectError

from service.errors import Unauthorized
from service.settings import Settings

MIN_SECRET: Final = 32
"""Shortest HS256 secret, in bytes: RFC 7518 section 3.2."""
MIN_RSA_BITS: Final = 2048
"""Smallest RS256 key: RFC 7518 section 3.3."""

MALFORMED: Final = "JWT token is malformed"
_WORDS: Final[tuple[tuple[type[jwt.PyJWTError], str], ...]] = (
    (jwt.ExpiredSignatureError, "JWT token has expired"),
    (jwt.ImmatureSignatureError, "JWT token is not yet valid"),
    (jwt.InvalidSignatureError, "JWT token signature is invalid"),
    (jwt.InvalidIssuerError, "JWT token issuer is not accepted"),
    (jwt.InvalidAudienceError, "JWT token audience is not accepted"),
    (InvalidSubjectError, "JWT token subject is not a string"),
)


class Verifier:
    """Verifies tokens against the configured keys.

    Each algorithm has a key of its own, so that a token cannot choose what its signature is
    compared with; an algorithm without a key is not accepted.

    Args:
        settings: ``jwt_secret`` and ``jwt_public_key``, of which one at least is needed, and the
            rest of ``jwt_*``.

    Raises:
        ValueError: no key, or one that is too weak or not readable; says which setting to mend.
    """

    def __init__(self, settings: Settings) -> None:
        self._keys = _keys(settings)
        self._issuer = settings.jwt_issuer
        self._audience = settings.jwt_audience
        self._leeway = settings.jwt_leeway

    def claims(self, token: str) -> Mapping[str, Any]:
        """The claims of a token that holds.

        Raises:
            Unauthorized: it does not; ``details`` says why.
        """
        try:
            algorithm = jwt.get_unverified_header(token).get("alg")
            key = self._keys.get(algorithm) if isinstance(algorithm, str) else None
            if key is None:
                raise Unauthorized("JWT token algorithm is not accepted")
            return jwt.decode(
                token,
                key,
                algorithms=[str(algorithm)],
                issuer=self._issuer,
                audience=self._audience,
                leeway=self._leeway,
                options={
                    "require": ["exp"],
                    "verify_iss": self._issuer is not None,
                    "verify_aud": self._audience is not None,
                },
            )
        except (jwt.PyJWTError, ValueError) as exc:
            raise Unauthorized(_words(exc)) from exc


def _words(exc: Exception) -> str:
    if isinstance(exc, jwt.MissingRequiredClaimError):
        return f"JWT token has no {exc.claim} claim"
    return next((words for kind, words in _WORDS if isinstance(exc, kind)), MALFORMED)


def _keys(settings: Settings) -> dict[str, str | RSAPublicKey]:
    keys: dict[str, str | RSAPublicKey] = {}
    if settings.jwt_secret is not None:
        secret = settings.jwt_secret.get_secret_value()
        if len(secret.encode()) < MIN_SECRET:
            raise ValueError(f"BULK_IMPORT_JWT_SECRET is shorter than {MIN_SECRET} bytes")
        keys["HS256"] = secret
    if settings.jwt_public_key is not None:
        keys["RS256"] = _public_key(settings.jwt_public_key)
    if not keys:
        raise ValueError("set BULK_IMPORT_JWT_SECRET or BULK_IMPORT_JWT_PUBLIC_KEY")
    return keys


def _public_key(pem: str) -> RSAPublicKey:
    try:
        key = load_pem_public_key(pem.encode())
    except ValueError as exc:
        raise ValueError("BULK_IMPORT_JWT_PUBLIC_KEY is not a public key in PEM") from exc
    if not isinstance(key, RSAPublicKey) or key.key_size < MIN_RSA_BITS:
        raise ValueError(
            f"BULK_IMPORT_JWT_PUBLIC_KEY is not an RSA key of at least {MIN_RSA_BITS} bits"
        )
    return key
