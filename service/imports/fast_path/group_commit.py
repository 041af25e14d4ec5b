"""Collects small imports that wait for the database, and writes them together.

While a group is being committed, the imports that arrive form the next one. So an import alone
waits for nobody, and under load one flush of the disk serves several.
"""

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import Any, Final

import structlog

from service.imports.fast_path.small_file import MAX_LOCKS
from service.imports.fast_path.transaction import (
    CommitUnknown,
    SmallImport,
    StoredImport,
    project_keys,
    write_group,
)
from service.observability import metrics
from service.storage import Pool, watchdog
from service.storage.db_errors import Remedy, remedy_for, sqlstate

_log = structlog.get_logger()

MAX_GROUP: Final = 16
"""Imports in one group. They hold their locks until its commit."""

MAX_GROUP_BYTES: Final = 512 * 1024
"""Approximate size of the rows of a group. The event loop serves nobody while it prepares them."""

TIMEOUT: Final = 10.0
"""Seconds for a group. The responses begin only at its end, and proxies close a connection on which
nothing is sent."""

_AWAY: Final = ("08", "53", "57")
"""Classes of faults of the database or its connection, which no other group would avoid."""


@dataclass(slots=True, eq=False)
class _Waiting:
    small: SmallImport
    projects: set[int]
    done: asyncio.Future[StoredImport | None]


class GroupCommit:
    """The small imports of a process that wait to be written.

    Args:
        pool: the connections.
        connections: groups that are written at the same time. With few, imports that wait make
            larger groups.
        timeout: seconds to wait for a connection.
        notifies: the end of each import sends an event.
    """

    def __init__(
        self, pool: Pool, connections: int, timeout: float, *, notifies: bool = False
    ) -> None:
        self._pool = pool
        self._connections = connections
        self._timeout = timeout
        self._notifies = notifies
        self._waiting: deque[_Waiting] = deque()
        self._writers: set[asyncio.Task[Any] | None] = set()

    async def write(self, small: SmallImport) -> StoredImport | None:
        """Write an import with its group.

        Returns:
            What is stored, or None if nothing is stored and the import takes the long way.

        Raises:
            CommitUnknown: see there.
        """
        done: asyncio.Future[StoredImport | None] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(small, project_keys(small), done))
        if len(self._writers) < self._connections:
            writer = asyncio.create_task(self._write_groups())
            self._writers.add(writer)
        return await done

    async def _write_groups(self) -> None:
        try:
            while self._waiting:
                await self._write(self._take_group())
        finally:  # a callback would run later, and an import that comes meanwhile find no writer
            self._writers.remove(asyncio.current_task())

    def _take_group(self) -> list[_Waiting]:
        """Take imports in their order; one that shares a project waits for a later group."""
        group: list[_Waiting] = []
        later: list[_Waiting] = []
        seen: set[int] = set()
        size = locks = 0
        while self._waiting and len(group) < MAX_GROUP:
            each = self._waiting.popleft()
            size += each.small.file.batch.size
            locks += len(each.projects)
            fits = size <= MAX_GROUP_BYTES and locks <= MAX_LOCKS
            if not group or (fits and seen.isdisjoint(each.projects)):
                group.append(each)
            else:
                later.append(each)
                size -= each.small.file.batch.size
                locks -= len(each.projects)
            seen |= each.projects
        self._waiting.extendleft(reversed(later))
        return group

    async def _write(self, group: list[_Waiting]) -> None:
        """Write a group; if the database refuses it, write its imports one by one."""
        try:
            stored = await self._try(group)
        except CommitUnknown as exc:
            for each in group:
                _set(each.done, exc)
        except Exception as exc:
            metrics.count_error(sqlstate(exc))
            if remedy_for(exc) is Remedy.FAIL:
                _log.warning("fast path failed", imports=len(group), fault=repr(exc))
            if len(group) > 1 and sqlstate(exc)[:2] not in _AWAY:
                for each in group:
                    await self._write([each])
            else:
                for each in group:
                    _set(each.done, None)
        else:
            for each, result in zip(group, stored, strict=True):
                _set(each.done, result)

    async def _try(self, group: list[_Waiting]) -> list[StoredImport | None]:
        async with self._pool.acquire(timeout=self._timeout) as conn:
            with watchdog.terminate_after(conn, TIMEOUT):
                imports = [each.small for each in group]
                return await write_group(conn, imports, notifies=self._notifies)


def _set(
    done: asyncio.Future[StoredImport | None], result: StoredImport | Exception | None
) -> None:
    if done.done():  # cancelled
        return
    if isinstance(result, Exception):
        done.set_exception(result)
    else:
        done.set_result(result)
