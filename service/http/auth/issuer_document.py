"""Documents that the service reads from the token issuer, and keeps fresh while it runs."""

import asyncio
import contextlib
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from typing import Final
from urllib.parse import urlsplit

import aiohttp
import structlog

REFRESH_INTERVAL: Final = 300.0
"""Seconds between two regular reads."""
MIN_INTERVAL: Final = 60.0
"""Least seconds between two reads, however often one is wanted."""
READ_TIMEOUT: Final = 5.0
"""Time limit of a read, in seconds."""
MAX_BYTES: Final = 256 * 1024

_LOCAL: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_log = structlog.get_logger(__name__)


class IssuerDocument(ABC):
    """A document of the issuer. If the issuer is unreachable, the last valid one is used.

    Args:
        name: of the document, in the log.
        pause: least seconds between two reads.
    """

    def __init__(self, name: str, *, pause: float = MIN_INTERVAL) -> None:
        self._name = name
        self._pause = pause
        self._next = 0.0
        self._reading: asyncio.Task[None] | None = None

    @abstractmethod
    async def _load(self) -> None:
        """Read the document and keep its content.

        Raises:
            OSError, ValueError, aiohttp.ClientError: there is no usable document.
        """

    @property
    @abstractmethod
    def _loaded(self) -> bool:
        """Whether a valid document has been read."""

    async def renew(self) -> None:
        """Read the document unless it was read within the pause; calls share a read."""
        if self._reading is None or self._reading.done():
            now = asyncio.get_running_loop().time()
            if now < self._next:
                return
            self._next = now + self._pause
            self._reading = asyncio.create_task(self._renew(), name=self._name)
        await asyncio.wait({self._reading})

    @contextlib.asynccontextmanager
    async def refreshed(self) -> AsyncIterator[None]:
        """Refresh the document until the block ends; an unreachable issuer does not stop it."""
        await self.renew()
        refreshing = asyncio.create_task(self._refresh_periodically(), name=f"{self._name}-keep")
        try:
            yield
        finally:
            tasks = {task for task in (refreshing, self._reading) if task is not None}
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)

    async def _refresh_periodically(self) -> None:
        while True:
            await asyncio.sleep(REFRESH_INTERVAL if self._loaded else self._pause)
            await self.renew()

    async def _renew(self) -> None:
        try:
            async with asyncio.timeout(READ_TIMEOUT):
                await self._load()
        except (OSError, ValueError, aiohttp.ClientError) as error:
            _log.warning(f"{self._name}.not_read", fault=f"{type(error).__name__}: {error}")


async def fetch(url: str) -> bytes:
    """Return a document of at most ``MAX_BYTES``.

    Raises:
        ValueError: the issuer answers with an error or a redirect, or the document is too large.
        OSError, aiohttp.ClientError: the issuer is unreachable.
    """
    async with (
        aiohttp.ClientSession() as session,
        # A redirect could lead to an address that the settings do not trust.
        session.get(url, allow_redirects=False) as response,
    ):
        if response.status != 200:
            raise ValueError(f"the issuer answers {response.status}")
        data = bytearray()
        async for chunk in response.content.iter_any():
            data += chunk
            if len(data) > MAX_BYTES:
                raise ValueError(f"the document is larger than {MAX_BYTES} bytes")
        return bytes(data)


def is_trusted(url: str) -> bool:
    """Return whether a URL is https, or http to this machine."""
    parts = urlsplit(url)
    local = parts.scheme == "http" and parts.hostname in _LOCAL
    return bool(parts.hostname) and (parts.scheme == "https" or local)
