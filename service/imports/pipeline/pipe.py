"""The bounded pipe between the event loop, which receives a file, and the thread that parses it."""

import asyncio
import contextlib
import threading
from collections import deque

HAND_OVER = 64 * 1024
"""Small chunks are joined up to this many bytes for one read: fewer and larger hand-overs."""

PATIENCE = 10.0
"""Seconds that a writer waits for room; then its chunk passes over the limit. While a lock or the
database is waited for, the uploader's socket is still read now and then: proxies that can send
nothing for some 20 s give up."""


class Pipe:
    """Bytes from one writer on an event loop to one reader in a thread.

    The writer waits while the pipe is full, the reader while it is empty. Either side can end it:
    ``close`` after the last byte, ``fail`` where the upload broke off, ``abandon`` where the reader
    needs no more. A reader that stands in ``read`` sees no time-out, so whoever gives up the loop
    side must close or fail the pipe.

    Args:
        limit_bytes: held at most; a single chunk above it passes alone, and one passes whenever
            ``TRANSACTION_TIMEOUT`` is over.
        loop: the writer's event loop.

    Attributes:
        taken: how many bytes the reader has taken so far.
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
        self._last: Exception | None = None
        self._fault: BaseException | None = None

    @property
    def ready(self) -> bool:
        """Whether ``read`` would not have to wait."""
        return bool(self._chunks or self._closed or self._abandoned or self._fault)

    async def write(self, chunk: bytes) -> None:
        """Hand on a chunk, waiting for room; dropped at once where the reader has abandoned.

        Raises:
            BaseException: what ``fail`` was given, also while waiting.
            ValueError: the pipe was closed.
        """
        over = False
        while (room := self._put(chunk, over)) is not None:
            over = not (await asyncio.wait({room}, timeout=PATIENCE))[0]
        if self._abandoned:
            await asyncio.sleep(0)  # no room is waited for any more, and the loop wants its turn

    def _put(self, chunk: bytes, over: bool) -> asyncio.Future[None] | None:
        """Take the chunk and return None, or return what to wait for before the next try.

        ``over`` tells that it is taken whether there is room or not.
        """
        with self._state:
            if self._fault is not None:
                raise self._fault
            if self._closed:
                raise ValueError("write to a closed pipe")
            if self._abandoned or not chunk:
                return None
            if self._chunks and self._held + len(chunk) > self._limit and not over:
                self._state.notify()
                self._room = self._loop.create_future()
                return self._room
            self._chunks.append(chunk)
            self._held += len(chunk)
        if not self._wake_scheduled:
            # At the end of the loop's turn: the reader is woken once for all chunks of the turn.
            self._wake_scheduled = True
            self._loop.call_soon(self._wake)
        return None

    def _wake(self) -> None:
        self._wake_scheduled = False
        with self._state:
            self._state.notify()

    def close(self, fault: Exception | None = None) -> None:
        """No more bytes come: the reader gets what is held, then ``b""``, or ``fault`` raised.

        Without effect once the pipe is closed.
        """
        with self._state:
            if not self._closed:
                self._closed = True
                self._last = fault
            self._state.notify()

    def fail(self, exc: BaseException) -> None:
        """End both sides at once with an exception; what is held is dropped. The first one counts.

        To be called on the event loop.
        """
        with self._state:
            if self._fault is None:
                self._fault = exc
            self._drop()
            self._state.notify()
            room, self._room = self._room, None
        _release(room)

    def read(self, n: int = HAND_OVER) -> bytes:
        """Wait for bytes and take them; in the reader's thread.

        A chunk is handed over as it came, without a copy, so the answer may be longer than ``n``;
        smaller ones are joined.

        Args:
            n: how many bytes are wanted at least, if they are there.

        Returns:
            ``b""`` at the end, and after ``abandon``.

        Raises:
            BaseException: what ``fail`` was given, or ``close``.
        """
        with self._state:
            while not self.ready:
                self._state.wait()
            if self._fault is not None:
                raise self._fault
            if self._last is not None and not self._chunks:
                raise self._last
            data = self._take(max(n, HAND_OVER))
            room = None
            if self._held <= self._limit // 2:
                room, self._room = self._room, None
        self._release_from_thread(room)
        return data

    def _take(self, wanted: int) -> bytes:
        parts: list[bytes] = []
        size = 0
        while self._chunks and (not parts or size + len(self._chunks[0]) <= wanted):
            parts.append(self._chunks.popleft())
            size += len(parts[-1])
        self._held -= size
        self.taken += size
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def abandon(self) -> None:
        """The reader needs no more: what is held is dropped and later writes return at once.

        To be called in the reader's thread.
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
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
                self._loop.call_soon_threadsafe(_release, room)


def _release(room: asyncio.Future[None] | None) -> None:
    if room is not None and not room.done():
        room.set_result(None)
