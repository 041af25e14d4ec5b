"""Waits for the ends of imports, in whichever process they run.

One statement serves all requests of a client in this process that wait, so that a waiting request
holds no connection, no read slot and no lock.
"""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import structlog

from service.imports.failing_last import FailingLast
from service.imports.history import list_ended
from service.observability import metrics
from service.settings import Settings
from service.storage import Pool, watchdog
from service.storage.db_errors import sqlstate

_log = structlog.get_logger()

INTERVAL: Final = 0.5
"""Seconds between two statements for a client."""
_PATIENCE: Final = 2.0
"""Seconds for a statement, by which a client whose node of Citus is silent can delay the others."""
_SHARE: Final = 4
"""Requests that wait use at most this fraction of the HTTP connections, and those of one client at
most this fraction of them."""


@dataclass(eq=False, slots=True)
class _Waiter:
    client_id: int
    import_id: int
    is_gone: Callable[[], bool]
    woken: asyncio.Event = field(default_factory=asyncio.Event)


class EndWatch:
    """Wakes requests when their imports end. Enter it as an asynchronous context.

    Args:
        pool: the connections.
        settings: the number of HTTP connections, and the time for one of the database.
    """

    def __init__(self, pool: Pool, settings: Settings) -> None:
        self._pool = pool
        self._connect_timeout = settings.connect_timeout
        self._clients = FailingLast()
        self._most = max(1, settings.max_connections // _SHARE)
        self._most_of_client = max(1, self._most // _SHARE)
        self._waiters: set[_Waiter] = set()
        self._watching: asyncio.Task[None] | None = None
        self._closed = False

    async def __aenter__(self) -> "EndWatch":
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.wait([self._watching])

    def close(self) -> None:
        """Wake all requests, and let no more wait."""
        self._closed = True
        for waiter in self._waiters:
            waiter.woken.set()

    async def wait(
        self, client_id: int, import_id: int, seconds: float, is_gone: Callable[[], bool]
    ) -> bool:
        """Wait until an import ends, or the time is over.

        Args:
            client_id: the import's client.
            import_id: an import that was running a moment ago.
            seconds: the longest wait.
            is_gone: whether the request's connection is lost; its place is then free.

        Returns:
            False if the wait ended early or did not begin, because too many requests wait or the
            service shuts down.
        """
        if self._closed or self._is_full(client_id):
            return False
        waiter = _Waiter(client_id, import_id, is_gone)
        self._waiters.add(waiter)
        if self._watching is None or self._watching.done():
            self._watching = asyncio.create_task(self._watch(), name="end-watch")
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await waiter.woken.wait()
        finally:
            self._waiters.discard(waiter)
        return not self._closed

    def _is_full(self, client_id: int) -> bool:
        of_client = sum(waiter.client_id == client_id for waiter in self._waiters)
        return len(self._waiters) >= self._most or of_client >= self._most_of_client

    async def _watch(self) -> None:
        """Wake the requests whose import has ended or whose client is gone, until none is left."""
        while self._waiters:
            await asyncio.sleep(INTERVAL)
            for waiter in self._waiters:
                if waiter.is_gone():
                    waiter.woken.set()
            await self._wake_ended()

    async def _wake_ended(self) -> None:
        imports: defaultdict[int, set[int]] = defaultdict(set)
        for waiter in self._waiters:
            if not waiter.woken.is_set():
                imports[waiter.client_id].add(waiter.import_id)
        for client_id in self._clients.order(imports):
            ended = await self._list_ended(client_id, imports[client_id])
            if ended is None:
                return  # so that clients that do not fail wait for one that does at most
            for waiter in self._waiters:
                if waiter.client_id == client_id and waiter.import_id in ended:
                    waiter.woken.set()

    async def _list_ended(self, client_id: int, imports: set[int]) -> set[int] | None:
        """Return those imports that have ended; None if the database fails: the watch goes on."""
        try:
            async with self._pool.acquire(timeout=self._connect_timeout) as conn:
                with watchdog.terminate_after(conn, _PATIENCE):
                    return await list_ended(conn, client_id, imports)
        except Exception as exc:
            metrics.count_error(sqlstate(exc))
            _log.warning("the ends of imports are unknown", client_id=client_id, fault=repr(exc))
            return None
