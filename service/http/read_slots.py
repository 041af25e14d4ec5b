"""Bounds the reads of each client: neither all connections nor much memory belong to one client."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from typing import Final, Literal
from weakref import WeakValueDictionary

from service.errors import Unavailable

LARGE: Final = 256 * 1024
"""Bytes of a block that keeps its slot until it is sent."""
MOST_WAITING: Final = 200
"""Requests of a client that may wait for a slot."""
_SHARE: Final = 6
"""The reads of a client use at most this fraction of the database connections."""


class ClientSlots(asyncio.Semaphore):
    """The slots of one client.

    Attributes:
        waiting: number of requests that wait for a slot.
    """

    waiting = 0

    async def acquire(self) -> Literal[True]:
        """Wait for a slot."""
        self.waiting += 1
        try:
            return await super().acquire()
        finally:
            self.waiting -= 1


class ReadSlots:
    """Bounds the reads of each client that run at the same time.

    The reads of one client can then neither use all database connections nor much memory.

    Args:
        pool_size: number of database connections.
    """

    def __init__(self, pool_size: int) -> None:
        self._size = max(1, pool_size // _SHARE)
        self._slots: WeakValueDictionary[int, ClientSlots] = WeakValueDictionary()

    def of(self, client_id: int) -> ClientSlots:
        """Return the slots of a client, for one request.

        Raises:
            Unavailable: too many requests wait for them, perhaps of clients that are gone.
        """
        slots = self._slots.setdefault(client_id, ClientSlots(self._size))
        if slots.waiting >= MOST_WAITING:
            raise Unavailable("Too many requests of the client wait for the database")
        return slots


async def read_in_turns(
    blocks: AsyncGenerator[bytes], slots: asyncio.Semaphore
) -> AsyncGenerator[bytes]:
    """Yield blocks, and read each one in a slot.

    A large block keeps its slot until the next one is read, which is after it was sent. So slow
    readers of large values wait for each other.
    """
    async with contextlib.aclosing(blocks):  # at once, because it holds a block too
        while True:
            async with slots:
                block = await anext(blocks, b"")
                if large := len(block) > LARGE:
                    yield block
            if not block:
                return
            if not large:
                yield block
            del block
