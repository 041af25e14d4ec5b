"""A client that costs little: a file goes from the page cache to the socket by the kernel."""

import asyncio
import contextlib
import json
import re
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

_BOUNDARY: Final = "bench-8c1f0f5e"
_PART: Final = (
    f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="plans.xml"\r\n'
    "Content-Type: application/xml\r\n\r\n"
).encode()
_END: Final = f"\r\n--{_BOUNDARY}--\r\n".encode()
_HEAD_KEPT: Final = 64 * 1024
_TAIL_KEPT: Final = 1024
_COUNTS: Final = re.compile(rb'"counts": ?(\{[^}]*\})')
_WHOLE: Final = re.compile(rb'"complete": ?true')
_SAYS: Final = b'{"'
"""Start of a response's JSON, after its head and the keep-alive spaces."""
_ITEM: Final = b'{"index":'
_HEAD_END: Final = b"\r\n\r\n"
_LAST_CHUNK: Final = b"\r\n0\r\n\r\n"
_LENGTH: Final = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)


class Failed(Exception):
    """An upload was not answered as the measurement needs it."""


@dataclass(frozen=True)
class Answer:
    """What came back.

    Attributes:
        status: of the answer; 0 where the connection broke before one.
        seconds: from the first byte sent to the last byte received.
        streaming: of these, from the answer's first byte that is not a space to its last.
        settling: of these, from the last byte sent to that first byte. All is committed then.
        counts: of a 207.
        items: of a 207, counted as they came.
        size: bytes that came back, the head among them.
        head: the answer's first bytes.
    """

    status: int
    seconds: float
    streaming: float
    settling: float
    counts: dict[str, int]
    items: int
    size: int
    head: bytes

    def expect(self, **counts: int) -> "Answer":
        """Insist on these counts, such as ``created=1``.

        Raises:
            Failed: others came, or none.
        """
        if self.status != 207 or any(self.counts.get(name) != n for name, n in counts.items()):
            raise Failed(f"wanted {counts}, got {self.status}: {self.head[:2000]!r}")
        return self

    def header(self, name: str) -> str | None:
        """A header's value."""
        found = re.search(rf"^{name}: *([^\r]*)".encode(), self.head, re.MULTILINE | re.IGNORECASE)
        return None if found is None else found[1].decode()


@dataclass(frozen=True)
class Made:
    """A file that is made while it is sent.

    Attributes:
        size: of all blocks together.
        blocks: its bytes.
    """

    size: int
    blocks: Iterable[bytes]


async def upload(
    url: str,
    token: str,
    file: Path | bytes | Made,
    *,
    answered: Callable[[], None] | None = None,
) -> Answer:
    """Send a file on a new connection, and read the response to its end.

    The answer is never held as a whole.

    Args:
        url: where to.
        token: for the ``Authorization``.
        file: a path, or the file itself.
        answered: called at the answer's first byte that is not a space.

    Raises:
        OSError: no connection can be had.
        Failed: a 207 without its end.
    """
    async with _connected(url) as connection:
        begun = time.perf_counter()
        with contextlib.suppress(ConnectionError):  # answered early; the answer says why
            await _send(connection, _request(url, token, file), file)
        sent = time.perf_counter()
        received = await _receive(connection, answered)
        ended = time.perf_counter()
    return _read(received, begun, sent, ended)


@contextlib.asynccontextmanager
async def kept(url: str, token: str) -> AsyncIterator[Callable[[bytes], Awaitable[Answer]]]:
    """Connect once, and give a function that uploads a file; arguments as of ``upload``.

    Raises:
        Failed: the server closed the connection, or a 207 has no end.
    """
    loop = asyncio.get_running_loop()

    async def send(file: bytes) -> Answer:
        request = _request(url, token, file, close=False) + file + _END
        begun = time.perf_counter()
        await loop.sock_sendall(connection, request)
        sent = time.perf_counter()
        received = _Received()
        while not received.ended:
            block = await loop.sock_recv(connection, 64 * 1024)
            if not block:
                raise Failed(f"the connection was closed after {bytes(received.head)!r}")
            received.take(block)
        return _read(received, begun, sent, time.perf_counter())

    async with _connected(url) as connection:
        yield send


async def leave(url: str, token: str, file: bytes) -> None:
    """Send half of a file, and go away."""
    async with _connected(url) as connection:
        half = _request(url, token, file) + file[: len(file) // 2]
        await asyncio.get_running_loop().sock_sendall(connection, half)


def _request(url: str, token: str, file: Path | bytes | Made, *, close: bool = True) -> bytes:
    """What comes before a file's bytes."""
    parts = urlsplit(url)
    match file:
        case Path():
            size = file.stat().st_size
        case Made():
            size = file.size
        case bytes():
            size = len(file)
    head = (
        f"POST {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nAuthorization: Bearer {token}\r\n"
        f"Accept: application/json\r\nConnection: {'close' if close else 'keep-alive'}\r\n"
        f"Content-Type: multipart/form-data; boundary={_BOUNDARY}\r\n"
        f"Content-Length: {len(_PART) + size + len(_END)}\r\n\r\n"
    ).encode()
    return head + _PART


@contextlib.asynccontextmanager
async def _connected(url: str) -> AsyncIterator[socket.socket]:
    parts = urlsplit(url)
    with socket.socket() as connection:
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await asyncio.get_running_loop().sock_connect(connection, (parts.hostname, parts.port))
        yield connection


async def _send(connection: socket.socket, before: bytes, file: Path | bytes | Made) -> None:
    loop = asyncio.get_running_loop()
    if isinstance(file, bytes):
        await loop.sock_sendall(connection, before + file + _END)
        return
    await loop.sock_sendall(connection, before)
    if isinstance(file, Made):
        for block in file.blocks:
            await loop.sock_sendall(connection, block)
    else:
        with file.open("rb") as opened:
            await loop.sock_sendfile(connection, opened)
    await loop.sock_sendall(connection, _END)


@dataclass
class _Received:
    """What is known of an answer while it comes."""

    begun: float = 0.0
    head: bytearray = field(default_factory=bytearray)
    tail: bytes = b""
    items: int = 0
    size: int = 0

    def take(self, block: bytes) -> None:
        self.size += len(block)
        if len(self.head) < _HEAD_KEPT:
            self.head += block
        # An item's beginning may lie across the two.
        joined = self.tail[1 - len(_ITEM) :] + block
        self.items += joined.count(_ITEM)
        self.tail = (self.tail + block[-_TAIL_KEPT:])[-_TAIL_KEPT:]
        if not self.begun and _SAYS in self.head:
            self.begun = time.perf_counter()

    @property
    def ended(self) -> bool:
        """Whether the answer is whole, on a connection that is kept."""
        end = self.head.find(_HEAD_END)
        if end < 0:
            return False
        length = _LENGTH.search(self.head, 0, end + len(_HEAD_END))
        if length is None:
            return self.tail.endswith(_LAST_CHUNK)
        return self.size >= end + len(_HEAD_END) + int(length[1])


async def _receive(connection: socket.socket, answered: Callable[[], None] | None) -> _Received:
    loop = asyncio.get_running_loop()
    received = _Received()
    buffer = bytearray(256 * 1024)
    with contextlib.suppress(ConnectionError):
        while got := await loop.sock_recv_into(connection, buffer):
            begun = received.begun
            received.take(bytes(memoryview(buffer)[:got]))
            if answered is not None and received.begun != begun:
                answered()
    return received


def _read(received: _Received, begun: float, sent: float, ended: float) -> Answer:
    first = received.begun or ended
    head = bytes(received.head)
    status = int(head[9:12]) if head.startswith(b"HTTP/1.1 ") else 0
    found = _COUNTS.search(head)
    counts: dict[str, Any] = json.loads(found[1]) if found else {}
    if status == 207 and not _WHOLE.search(received.tail):
        raise Failed("the answer ended before its end")
    return Answer(
        status=status,
        seconds=ended - begun,
        streaming=ended - first,
        settling=max(0.0, first - sent),
        counts=counts,
        items=received.items,
        size=received.size,
        head=head,
    )
