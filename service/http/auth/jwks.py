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
from urllib.parse import urlsplit

import aiohttp
import jwt
import structlog
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from service.errors import Unavailable
from service.observability import metrics

MIN_RSA_BITS: Final = 2048
"""Smallest RSA key: RFC 7518 section 3.3."""
REFRESH_INTERVAL: Final = 300.0
"""Seconds between two regular reads of the set."""
MIN_INTERVAL: Final = 60.0
"""Least seconds between two reads, however many unknown keys tokens name."""
READ_TIMEOUT: Final = 5.0
"""Time limit of a read, in seconds."""
MAX_BYTES: Final = 256 * 1024

_LOCAL: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_DEFAULT_ALGORITHM: Final = {"RSA": "RS256", "EC": "ES256"}
"""Algorithms of keys without ``alg``, by ``kty``."""
_ALGORITHMS: Final = frozenset({"RS256", "PS256", "ES256"})

PublicKey = RSAPublicKey | EllipticCurvePublicKey
_log = structlog.get_logger(__name__)


class KeySet:
    """The keys by ``kid`` and algorithm.

    Args:
        location: an https URL (http only for this machine), or the path of a file.
        pause: least seconds between two reads.

    Raises:
        ValueError: ``location`` is not such a URL, or a file without a supported key.
    """

    def __init__(self, location: str, *, pause: float = MIN_INTERVAL) -> None:
        self._url = location if "://" in location else None
        self._path = Path(location)
        self._pause = pause
        self._next = 0.0
        self._reading: asyncio.Task[None] | None = None
        self._keys: Mapping[tuple[str, str], PublicKey] = {}
        if self._url is None:
            self._keys = parse_key_set(self._read_file())
        elif not _is_trusted(self._url):
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

    async def renew(self) -> None:
        """Read the set unless it was read within the pause; concurrent callers share one read."""
        if self._reading is None or self._reading.done():
            now = asyncio.get_running_loop().time()
            if now < self._next:
                return
            self._next = now + self._pause
            self._reading = asyncio.create_task(self._renew(), name="jwks")
        await asyncio.wait({self._reading})

    @contextlib.asynccontextmanager
    async def refreshed(self) -> AsyncIterator[None]:
        """Refresh the set until the block ends. An unreachable issuer does not delay its start."""
        metrics.KEY_SET_READ.set_to_current_time()
        await self.renew()
        refreshing = asyncio.create_task(self._refresh_periodically(), name="jwks-keep")
        try:
            yield
        finally:
            tasks = {task for task in (refreshing, self._reading) if task is not None}
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)

    async def _refresh_periodically(self) -> None:
        while True:
            await asyncio.sleep(REFRESH_INTERVAL if self._keys else self._pause)
            await self.renew()

    async def _renew(self) -> None:
        try:
            async with asyncio.timeout(READ_TIMEOUT):
                self._keys = parse_key_set(await self._read())
        except (OSError, ValueError, aiohttp.ClientError) as error:
            _log.warning("jwks.not_read", fault=f"{type(error).__name__}: {error}")
        else:
            metrics.KEY_SET_READ.set_to_current_time()

    async def _read(self) -> bytes:
        if self._url is None:
            return await asyncio.to_thread(self._read_file)
        async with (
            aiohttp.ClientSession() as session,
            # A redirect could lead to an address that the settings do not trust.
            session.get(self._url, allow_redirects=False) as response,
        ):
            if response.status != 200:
                raise ValueError(f"the issuer answers {response.status}")
            data = bytearray()
            async for chunk in response.content.iter_any():
                data += chunk
                if len(data) > MAX_BYTES:
                    raise ValueError(f"the set is larger than {MAX_BYTES} bytes")
            return bytes(data)

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


def _is_trusted(url: str) -> bool:
    parts = urlsplit(url)
    local = parts.scheme == "http" and parts.hostname in _LOCAL
    return bool(parts.hostname) and (parts.scheme == "https" or local)
