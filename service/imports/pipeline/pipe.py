"""The bounded pipe between the event loop, which receives a file, and the thread that parses it."""

import asyncio
import contextlib
import threading
from collections import deque

CHUNK_BYTES = 64 * 1024
"""Small chunks are joined up to this size for one read, so that reads are few and large."""

MAX_WAIT = 10.0
"""Seconds that a write waits for room. Then the pipe takes the chunk over its limit: while an
import waits for a lock or for the database, the uploader's socket must still be read now and then,
because proxies close a connection on which they can send nothing for about 20 s."""


class PipeAborted(Exception):
    """The pipe was aborted: there is nothing more to read, and nobody reads."""


class Pipe:
    """Bytes from one writer on an event loop to one reader in a thread.

    A write waits while the pipe is full, a read while it is empty. The writer ends the pipe by
    ``close`` after the last byte, the reader by ``abandon``. ``abort`` ends both sides at once. A
    read has no time-out, so the event loop must close or abort the pipe in every case.

    Args:
        limit_bytes: the most that the pipe holds. A single larger chunk passes alone, and one
            chunk passes after every ``MAX_WAIT`` seconds.
        loop: the writer's event loop.

    Attributes:
        taken: bytes read so far.
    """

    def __init__(self, limit_bytes: int, loop: asyncio.AbstractEventLoop) -> None:
        self.taken = 0
        self._limit = limit_bytes
        self._loop = loop
        self._state = threading.Condition()
        self._chunks: deque[bytes] = deque()
        self._held = 0
        self._room: asyncio.Future[None] | None = None
        self._wake_scheduled = False
        self._closed = False
        self._abandoned = False
        self._aborted = False
        self._fault: Exception | None = None

    @property
    def ready(self) -> bool:
        """Whether ``read`` would return without waiting."""
        return bool(self._chunks or self._closed or self._abandoned or self._aborted)

    async def write(self, chunk: bytes) -> None:
        """Write a chunk and wait for room. After ``abandon`` the chunk is dropped.

        Raises:
            PipeAborted: the pipe was aborted, perhaps during the wait.
            ValueError: the pipe was closed.
        """
        over_limit = False
        while (room := self._put(chunk, over_limit)) is not None:
            over_limit = not (await asyncio.wait({room}, timeout=MAX_WAIT))[0]
        if self._abandoned:
            await asyncio.sleep(0)  # writes no longer wait, so let the event loop run

    def _put(self, chunk: bytes, over_limit: bool) -> asyncio.Future[None] | None:
        """Take the chunk and return None, or return what to wait for before the next try.

        Args:
            over_limit: take the chunk although there is no room.
        """
        with self._state:
            if self._aborted:
                raise PipeAborted
            if self._closed:
                raise ValueError("write to a closed pipe")
            if self._abandoned or not chunk:
                return None
            if self._chunks and self._held + len(chunk) > self._limit and not over_limit:
                self._state.notify()
                self._room = self._loop.create_future()
                return self._room
            self._chunks.append(chunk)
            self._held += len(chunk)
        if not self._wake_scheduled:
            # After this iteration of the loop: wake the reader once for all chunks that it wrote.
            self._wake_scheduled = True
            self._loop.call_soon(self._wake)
        return None

    def _wake(self) -> None:
        self._wake_scheduled = False
        with self._state:
            self._state.notify()

    def close(self, fault: Exception | None = None) -> None:
        """End the file: the reader gets what the pipe holds, then ``b""``, or ``fault`` raised.

        Calls after the first one have no effect.
        """
        with self._state:
            if not self._closed:
                self._closed = True
                self._fault = fault
            self._state.notify()

    def abort(self) -> None:
        """Drop what the pipe holds and raise ``PipeAborted`` on both sides; on the event loop."""
        with self._state:
            self._aborted = True
            self._drop()
            self._state.notify()
            room, self._room = self._room, None
        _release(room)

    def read(self, n: int = CHUNK_BYTES) -> bytes:
        """Wait for bytes and take them; in the reader's thread.

        A large chunk is returned as it was written, without a copy, so the result may be longer
        than ``n``. Small chunks are joined.

        Args:
            n: bytes to return at least, if the pipe holds them.

        Returns:
            ``b""`` at the end, and after ``abandon``.

        Raises:
            PipeAborted: the pipe was aborted.
            Exception: the fault that ``close`` was given.
        """
        with self._state:
            while not self.ready:
                self._state.wait()
            if self._aborted:
                raise PipeAborted
            if self._fault is not None and not self._chunks:
                raise self._fault
            data = self._take(max(n, CHUNK_BYTES))
            room = None
            if self._held <= self._limit // 2:
                room, self._room = self._room, None
        self._release_from_thread(room)
        return data

    def _take(self, n: int) -> bytes:
        parts: list[bytes] = []
        size = 0
        while self._chunks and (not parts or size + len(self._chunks[0]) <= n):
            parts.append(self._chunks.popleft())
            size += len(parts[-1])
        self._held -= size
        self.taken += size
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def abandon(self) -> None:
        """Stop reading: drop what the pipe holds, and let later writes return at once.

        Call this in the reader's thread.
        """
        with self._state:
            self._abandoned = True
            self._drop()
            room, self._room = self._room, None
        self._release_from_thread(room)

    def _drop(self) -> None:
        self._chunks.clear()
        self._held = 0

    def _release_from_thread(self, room: asyncio.Future[None] | None) -> None:
        if room is not None:
            with contextlib.suppress(RuntimeError):  # the loop is closed, so nobody waits
                self._loop.call_soon_threadsafe(_release, room)


def _release(room: asyncio.Future[None] | None) -> None:
    if room is not None and not room.done():
        room.set_result(None)
