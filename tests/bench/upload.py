"""A client that costs little: a file goes from the page cache to the socket by the kernel."""

import asyncio
import contextlib
import json
import os
import re
import socket
import time
from dataclasses import dataclass
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


class Failed(Exception):
    """An upload was not answered as the measurement needs it."""


@dataclass(frozen=True)
class Answer:
    """What came back.

    Attributes:
        status: of the answer; 0 where the connection broke before one.
        seconds: from the first byte sent to the last byte received.
        counts: of a 207.
        head: the answer's first bytes.
    """

    status: int
    seconds: float
    counts: dict[str, int]
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


async def upload(url: str, token: str, file: Path | bytes) -> Answer:
    """Send a file on a connection of its own, and read the answer to its end.

    Args:
        url: where to.
        token: for the ``Authorization``.
        file: a path, or the file itself.

    Raises:
        OSError: no connection can be had.
        Failed: a 207 without its end.
    """
    parts = urlsplit(url)
    size = len(file) if isinstance(file, bytes) else os.path.getsize(file)  # noqa: ASYNC240
    request = (
        f"POST {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nAuthorization: Bearer {token}\r\n"
        f"Accept: application/json\r\nConnection: close\r\n"
        f"Content-Type: multipart/form-data; boundary={_BOUNDARY}\r\n"
        f"Content-Length: {len(_PART) + size + len(_END)}\r\n\r\n"
    ).encode()
    loop = asyncio.get_running_loop()
    with socket.socket() as connection:
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await loop.sock_connect(connection, (parts.hostname, parts.port))
        begun = time.perf_counter()
        with contextlib.suppress(ConnectionError):  # answered early; the answer says why
            await _send(connection, request + _PART, file)
        head, tail = await _receive(connection)
        seconds = time.perf_counter() - begun
    return _read(head, tail, seconds)


async def _send(connection: socket.socket, before: bytes, file: Path | bytes) -> None:
    loop = asyncio.get_running_loop()
    if isinstance(file, bytes):
        await loop.sock_sendall(connection, before + file + _END)
        return
    await loop.sock_sendall(connection, before)
    with file.open("rb") as opened:
        await loop.sock_sendfile(connection, opened)
    await loop.sock_sendall(connection, _END)


async def _receive(connection: socket.socket) -> tuple[bytes, bytes]:
    """The answer's beginning, and its last bytes."""
    loop = asyncio.get_running_loop()
    head, tail = bytearray(), b""
    buffer = bytearray(256 * 1024)
    view = memoryview(buffer)
    with contextlib.suppress(ConnectionError):
        while got := await loop.sock_recv_into(connection, buffer):
            if len(head) < _HEAD_KEPT:
                head += view[:got]
            tail = (tail + bytes(view[max(0, got - _TAIL_KEPT) : got]))[-_TAIL_KEPT:]
    return bytes(head), tail


def _read(head: bytes, tail: bytes, seconds: float) -> Answer:
    status = int(head[9:12]) if head.startswith(b"HTTP/1.1 ") else 0
    found = _COUNTS.search(head)
    counts: dict[str, Any] = json.loads(found[1]) if found else {}
    if status == 207 and not _WHOLE.search(tail):
        raise Failed("the answer ended before its end")
    return Answer(status, seconds, counts, head)
