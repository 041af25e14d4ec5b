"""The keys of the token issuer: a JSON Web Key Set (RFC 7517) from a URL or a file.

The set is read every few minutes, so that the issuer can add and withdraw keys without a restart,
and when a token names an unknown key. If the issuer is unreachable, the last valid set is used.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any, Final

import jwt
import structlog
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from service.errors import Unavailable
from service.http.auth.issuer_document import (
    MAX_BYTES,
    MIN_INTERVAL,
    IssuerDocument,
    fetch,
    is_trusted,
)
from service.observability import metrics

MIN_RSA_BITS: Final = 2048
"""Smallest RSA key: RFC 7518 section 3.3."""

_DEFAULT_ALGORITHM: Final = {"RSA": "RS256", "EC": "ES256"}
"""Algorithms of keys without ``alg``, by ``kty``."""
_ALGORITHMS: Final = frozenset({"RS256", "PS256", "ES256"})

PublicKey = RSAPublicKey | EllipticCurvePublicKey
_log = structlog.get_logger(__name__)


class KeySet(IssuerDocument):
    """The keys by ``kid`` and algorithm.

    Args:
        location: an https URL (http only for this machine), or the path of a file.
        pause: least seconds between two reads.

    Raises:
        ValueError: ``location`` is not such a URL, or a file without a supported key.
    """

    def __init__(self, location: str, *, pause: float = MIN_INTERVAL) -> None:
        super().__init__("jwks", pause=pause)
        self._url = location if "://" in location else None
        self._path = Path(location)
        self._keys: Mapping[tuple[str, str], PublicKey] = {}
        if self._url is None:
            self._keys = parse_key_set(self._read_file())
        elif not is_trusted(self._url):
            raise ValueError("it is neither an https URL, nor http to localhost, nor a file")

    def get(self, kid: str, algorithm: str) -> PublicKey | None:
        """Return the key with this id for this algorithm, or None."""
        return self._keys.get((kid, algorithm))

    def has_key(self, kid: str) -> bool:
        """Return whether the set has a key with this id.

        Raises:
            Unavailable: no set has been read yet.
        """
        if not self._keys:
            raise Unavailable("The keys that verify tokens cannot be read from their issuer")
        return any(name == kid for name, _ in self._keys)

    @contextlib.asynccontextmanager
    async def refreshed(self) -> AsyncIterator[None]:
        """Do as the base class. The age of the set counts from the start until it is read."""
        metrics.KEY_SET_READ.set_to_current_time()
        async with super().refreshed():
            yield

    @property
    def _loaded(self) -> bool:
        return bool(self._keys)

    async def _load(self) -> None:
        read = asyncio.to_thread(self._read_file) if self._url is None else fetch(self._url)
        self._keys = parse_key_set(await read)
        metrics.KEY_SET_READ.set_to_current_time()

    def _read_file(self) -> bytes:
        try:
            with self._path.open("rb") as file:
                return file.read(MAX_BYTES)
        except OSError as error:
            raise ValueError(f"the file cannot be read: {error.strerror}") from error


def parse_key_set(document: bytes) -> dict[tuple[str, str], PublicKey]:
    """Return the supported keys of a set, by id and algorithm; log the others.

    Raises:
        ValueError: the document is not a key set, or has no supported key.
    """
    try:
        members = json.loads(document)["keys"]
        each = [key for key in members if isinstance(key, dict)]
    except (ValueError, LookupError, TypeError, RecursionError):
        raise ValueError("it is not a JSON Web Key Set") from None
    keys: dict[tuple[str, str], PublicKey] = {}
    for data in each:
        try:
            kid, algorithm, key = _parse_key(data)
        except (ValueError, TypeError, jwt.PyJWTError) as error:
            _log.warning("jwks.key_ignored", kid=str(data.get("kid"))[:100], fault=str(error)[:200])
        else:
            keys[kid, algorithm] = key
    if not keys:
        raise ValueError("it has no supported key")
    return keys


def _parse_key(data: Mapping[str, Any]) -> tuple[str, str, PublicKey]:
    """Parse one key. Symmetric keys are refused: a published key is no secret."""
    kid = data.get("kid")
    algorithm = data.get("alg") or _DEFAULT_ALGORITHM.get(data.get("kty", ""))
    if not isinstance(kid, str):
        raise ValueError("it has no kid")
    if data.get("use", "sig") != "sig" or "verify" not in data.get("key_ops", ["verify"]):
        raise ValueError("it is not for signatures")
    if algorithm not in _ALGORITHMS:
        raise ValueError("its algorithm is not RS256, PS256 or ES256")
    key = jwt.PyJWK(dict(data), algorithm=algorithm).key
    if algorithm == "ES256":
        if not isinstance(key, EllipticCurvePublicKey) or not isinstance(key.curve, SECP256R1):
            raise ValueError("it is not a public key on P-256")
    elif not isinstance(key, RSAPublicKey) or key.key_size < MIN_RSA_BITS:
        raise ValueError(f"it is not a public RSA key of at least {MIN_RSA_BITS} bits")
    return kid, algorithm, key
