"""Verifies JSON Web Tokens: PyJWT's checks, with a message for each failure.

The times of a token are checked here: PyJWT accepts strings of digits and booleans as numbers.
"""

import math
import time
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Any, Final, NamedTuple

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from jwt.exceptions import InvalidSubjectError

from service.errors import Unauthorized
from service.http.auth.jwks import MIN_RSA_BITS, KeySet, PublicKey
from service.settings import Settings

MAX_TOKEN: Final = 6 * 1024
"""Longest token, in bytes. aiohttp itself refuses header lines of more than 8,190 bytes."""
MAX_SUBJECT: Final = 255

MAX_VERIFIED: Final = 1000
"""Tokens that are not verified again when they return; up to 6 KiB each, and their claims."""

MALFORMED: Final = "JWT token is malformed"
_MESSAGES: Final[tuple[tuple[type[jwt.PyJWTError], str], ...]] = (
    (
        jwt.InvalidSignatureError,
        "JWT token signature is invalid: it was changed, or another key signed it, such as that of "
        "another data directory",
    ),
    (jwt.InvalidIssuerError, "JWT token issuer is not accepted"),
    (jwt.InvalidAudienceError, "JWT token audience is not accepted"),
    (InvalidSubjectError, "JWT token subject is not a string"),
)


class UnknownKey(Unauthorized):
    """The token names a key that the issuer's set does not have."""

    default = "JWT token key is not known"


class _Verified(NamedTuple):
    """A token that was verified, and the key that verified it."""

    algorithm: object
    kid: object
    key: str | PublicKey
    claims: Mapping[str, Any]


class Verifier:
    """Verifies tokens against the configured keys.

    A token that names a key (``kid``) is verified with that key of the issuer's set, if there is a
    set; any other token with the static key of its algorithm. The key, not the token, decides the
    algorithm, so a token cannot choose how its signature is verified.

    Args:
        settings: the ``jwt_*`` settings. At least one of ``jwt_secret``, ``jwt_public_key`` and
            ``jwt_jwks`` must be set.

    Raises:
        ValueError: no key is set, or one is too weak or unreadable; the text names the setting.
    """

    def __init__(self, settings: Settings) -> None:
        self._keys = _static_keys(settings)
        self._issued = _key_set(settings)
        self._issuer = settings.jwt_issuer
        self._audience = settings.jwt_audience
        self._leeway = settings.jwt_leeway
        self._verified: dict[str, _Verified] = {}

    async def verify(self, token: str) -> Mapping[str, Any]:
        """Do as ``claims``, but read the issuer's set again if the token's key is unknown."""
        try:
            return self.claims(token)
        except UnknownKey:
            assert self._issued is not None
            await self._issued.renew()
            return self.claims(token)

    def refreshed(self) -> AbstractAsyncContextManager[None]:
        """Refresh the issuer's keys until the block ends; see ``KeySet.refreshed``."""
        return nullcontext() if self._issued is None else self._issued.refreshed()

    def claims(self, token: str) -> Mapping[str, Any]:
        """Return the claims of a valid token.

        The signature of a token is verified once for each key. Its times are checked each time.

        Raises:
            Unauthorized: the token is not valid; ``details`` gives the reason.
            Unavailable: the issuer's keys have not been read yet.
        """
        if len(token) > MAX_TOKEN:
            raise Unauthorized(f"JWT token is longer than {MAX_TOKEN} bytes")
        verified = self._verified.get(token)
        if verified is None or verified.key is not self._key(verified.algorithm, verified.kid):
            verified = self._verify(token)
            if len(self._verified) == MAX_VERIFIED:
                self._verified.pop(next(iter(self._verified)))  # the oldest
            self._verified[token] = verified
        try:
            _check_times(verified.claims, self._leeway)
        except Unauthorized:
            del self._verified[token]
            raise
        return verified.claims

    def _verify(self, token: str) -> _Verified:
        """Return a token whose signature and issuer are right; raises as ``claims``."""
        try:
            header = jwt.get_unverified_header(token)
            algorithm, kid = header.get("alg"), header.get("kid")
            key = self._key(algorithm, kid)
            claims = jwt.decode(
                token,
                key,
                algorithms=[header["alg"]],
                issuer=self._issuer,
                audience=self._audience,
                options={
                    "require": ["exp"],
                    "verify_exp": False,
                    "verify_nbf": False,
                    "verify_iat": False,
                    "verify_iss": self._issuer is not None,
                    "verify_aud": self._audience is not None,
                },
            )
        except (jwt.PyJWTError, ValueError, OverflowError) as exc:
            raise Unauthorized(_message(exc)) from exc
        _check_subject(claims.get("sub") or "")
        return _Verified(algorithm, kid, key, claims)

    def _key(self, algorithm: object, kid: object) -> str | PublicKey:
        """Return the key for a token's header."""
        key: str | PublicKey | None = None
        if isinstance(algorithm, str):
            if self._issued is None or not isinstance(kid, str):
                key = self._keys.get(algorithm)
            elif self._issued.has_key(kid):
                key = self._issued.get(kid, algorithm)
            else:
                raise UnknownKey
        if key is None:
            raise Unauthorized("JWT token algorithm is not accepted")
        return key


def _check_times(claims: Mapping[str, Any], leeway: float) -> None:
    """Refuse a token that has expired or is not yet valid, or whose times are not numbers."""
    now = time.time()
    for name in ("exp", "nbf", "iat"):
        value = claims.get(name, now)
        if type(value) not in (int, float) or (
            isinstance(value, float) and not math.isfinite(value)
        ):
            raise Unauthorized(f"JWT token {name} is not a number")
        if name == "exp" and value <= now - leeway:
            raise Unauthorized("JWT token has expired")
        if name != "exp" and value > now + leeway:
            raise Unauthorized("JWT token is not yet valid")


def _check_subject(subject: str) -> None:
    """Refuse a subject that the database cannot store."""
    if len(subject) > MAX_SUBJECT or not subject.isprintable():
        raise Unauthorized(f"JWT token subject is not at most {MAX_SUBJECT} printable characters")


def _message(exc: Exception) -> str:
    if isinstance(exc, jwt.MissingRequiredClaimError):
        return f"JWT token has no {exc.claim} claim"
    return next((message for kind, message in _MESSAGES if isinstance(exc, kind)), MALFORMED)


def _static_keys(settings: Settings) -> dict[str, str | RSAPublicKey]:
    keys: dict[str, str | RSAPublicKey] = {}
    if settings.jwt_secret is not None:
        keys["HS256"] = settings.jwt_secret.get_secret_value()
    if settings.jwt_public_key is not None:
        keys["RS256"] = _public_key(settings.jwt_public_key)
    if not keys and settings.jwt_jwks is None:
        raise ValueError(
            "set BULK_IMPORT_JWT_SECRET, BULK_IMPORT_JWT_PUBLIC_KEY or BULK_IMPORT_JWT_JWKS"
        )
    return keys


def _key_set(settings: Settings) -> KeySet | None:
    if settings.jwt_jwks is None:
        return None
    try:
        return KeySet(settings.jwt_jwks)
    except ValueError as exc:
        raise ValueError(f"BULK_IMPORT_JWT_JWKS: {exc}") from exc


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
