"""The bounded pipe between the event loop, which receives a file, and the thread that parses it."""

import asyncio
import contextlib
import threading
from collections import deque
from dataclasses import dataclass
from typing import Final

CHUNK_BYTES = 64 * 1024
"""Small chunks are joined up to this size for one read, so that reads are few and large."""

MAX_WAIT = 10.0
"""Seconds that a write waits for room. Then the pipe takes the chunk over its limit: while an
import waits for a lock or for the database, the uploader's socket must still be read now and then,
because proxies close a connection on which they can send nothing for about 20 s."""


_FILE_BYTES: Final = 1024
"""Bytes that the beginning of a file, or its fault, counts."""


@dataclass(frozen=True, slots=True)
class FilePart:
    """What the upload states about the file that begins.

    Attributes:
        name: its cleaned name, or None.
        charset: the charset that the part names, or None.
    """

    name: str | None = None
    charset: str | None = None


class PipeAborted(Exception):
    """The pipe was aborted: there is nothing more to read, and nobody reads."""


class Pipe:
    """The files of an upload, from one writer on an event loop to one reader in a thread.

    A file begins with a ``FilePart``, then has its bytes, and perhaps a fault that ends it. A write
    waits while the pipe is full, a read while it is empty. The writer ends the pipe by ``close``
    after the last byte, the reader by ``abandon``. ``abort`` ends both sides at once. A read has no
    time-out, so the event loop must close or abort the pipe in every case.

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
        self._chunks: deque[bytes | FilePart | Exception] = deque()
        self._held = 0
        self._room: asyncio.Future[None] | None = None
        self._wake_scheduled = False
        self._closed = False
        self._abandoned = False
        self._aborted = False

    @property
    def ready(self) -> bool:
        """Whether ``read`` would return without waiting."""
        return bool(self._chunks or self._closed or self._abandoned or self._aborted)

    async def begin_file(self, part: FilePart) -> None:
        """Begin the next file, and wait for room; raises as ``write``."""
        await self._write(part, _FILE_BYTES)

    async def break_off(self, fault: Exception) -> None:
        """End the current file with a fault that its reader gets, and wait for room.

        Raises as ``write``.
        """
        await self._write(fault, _FILE_BYTES)

    async def write(self, chunk: bytes) -> None:
        """Write a chunk and wait for room. After ``abandon`` the chunk is dropped.

        Raises:
            PipeAborted: the pipe was aborted, perhaps during the wait.
            ValueError: the pipe was closed.
        """
        if chunk:
            await self._write(chunk, len(chunk))

    async def _write(self, chunk: bytes | FilePart | Exception, size: int) -> None:
        over_limit = False
        while (room := self._put(chunk, size, over_limit)) is not None:
            over_limit = not (await asyncio.wait({room}, timeout=MAX_WAIT))[0]
        if self._abandoned:
            await asyncio.sleep(0)  # writes no longer wait, so let the event loop run

    def _put(
        self, chunk: bytes | FilePart | Exception, size: int, over_limit: bool
    ) -> asyncio.Future[None] | None:
        """Take the chunk and return None, or return what to wait for before the next try.

        Args:
            chunk: to be taken.
            size: bytes that it counts.
            over_limit: take the chunk although there is no room.
        """
        with self._state:
            if self._aborted:
                raise PipeAborted
            if self._closed:
                raise ValueError("write to a closed pipe")
            if self._abandoned:
                return None
            if self._chunks and self._held + size > self._limit and not over_limit:
                self._state.notify()
                self._room = self._loop.create_future()
                return self._room
            self._chunks.append(chunk)
            self._held += size
        if not self._wake_scheduled:
            # After this iteration of the loop: wake the reader once for all chunks that it wrote.
            self._wake_scheduled = True
            self._loop.call_soon(self._wake)
        return None

    def _wake(self) -> None:
        self._wake_scheduled = False
        with self._state:
            self._state.notify()

    def close(self) -> None:
        """End the upload: the reader gets what the pipe holds, and then no further file."""
        with self._state:
            self._closed = True
            self._state.notify()

    def abort(self) -> None:
        """Drop what the pipe holds and raise ``PipeAborted`` on both sides; on the event loop."""
        with self._state:
            self._aborted = True
            self._drop()
            self._state.notify()
            room, self._room = self._room, None
        _release(room)

    def check(self) -> None:
        """Check that the reader shall continue; in its thread.

        Raises:
            PipeAborted: the pipe was aborted.
        """
        if self._aborted:
            raise PipeAborted

    def next_file(self) -> FilePart | None:
        """Go on to the next file, past what is left of the current one; in the reader's thread.

        Returns:
            None at the end, and after ``abandon``.

        Raises:
            PipeAborted: the pipe was aborted.
        """
        while True:
            with self._state:
                self._wait()
                if not self._chunks:
                    return None
                chunk = self._chunks.popleft()
                self._held -= len(chunk) if isinstance(chunk, bytes) else _FILE_BYTES
                if isinstance(chunk, bytes):
                    self.taken += len(chunk)
                room = self._take_room()
            self._release_from_thread(room)
            if isinstance(chunk, FilePart):
                return chunk

    def read(self, n: int = CHUNK_BYTES) -> bytes:
        """Wait for bytes of the current file and take them; in the reader's thread.

        A large chunk is returned as it was written, without a copy, so the result may be longer
        than ``n``. Small chunks are joined.

        Args:
            n: bytes to return at least, if the pipe holds them.

        Returns:
            ``b""`` at the end of the file, and after ``abandon``.

        Raises:
            PipeAborted: the pipe was aborted.
            Exception: the fault that ``break_off`` was given.
        """
        with self._state:
            self._wait()
            if self._chunks and isinstance(fault := self._chunks[0], Exception):
                raise fault
            data = self._take(max(n, CHUNK_BYTES))
            room = self._take_room()
        self._release_from_thread(room)
        return data

    def _wait(self) -> None:
        while not self.ready:
            self._state.wait()
        self.check()

    def _take_room(self) -> asyncio.Future[None] | None:
        """Return what a write waits for, if there is room for it now."""
        if self._held > self._limit // 2:
            return None
        room, self._room = self._room, None
        return room

    def _take(self, n: int) -> bytes:
        parts: list[bytes] = []
        size = 0
        while self._chunks and isinstance(chunk := self._chunks[0], bytes):
            if parts and size + len(chunk) > n:
                break
            parts.append(chunk)
            size += len(chunk)
            self._chunks.popleft()
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
