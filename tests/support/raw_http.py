"""Requests as bytes on a socket, for what no client library would send."""

import asyncio
from collections.abc import Iterable
from typing import Any, ClassVar, Final
from urllib.parse import urlsplit

from service.formats.native.mapping import NAMESPACE
from tests.support.answer import Answer
from tests.support.service import Service
from tests.support.service import token as new_token

BOUNDARY: Final = "----tests4a9f"
XML: Final = f"""<?xml version="1.0" encoding="UTF-8"?>
<projects xmlns="{NAMESPACE}">
  <project id="P-1"><name>One</name></project>
  <project id="P-2"><name>Two</name></project>
</projects>
""".encode()

_HANDSHAKE: Final = 60 + 2 * 52
"""Bytes of a SYN, an ACK and a FIN."""
_PACKET: Final = 2 * 52
"""Bytes of the headers of a packet, and of the ACK of what it is answered."""


def part(name: str, content: bytes, *headers: str, filename: str | None = None) -> bytes:
    """One part with the boundary before it."""
    disposition = f'Content-Disposition: form-data; name="{name}"'
    if filename is not None:
        disposition += f'; filename="{filename}"'
    head = "\r\n".join([f"--{BOUNDARY}", disposition, *headers, "", ""])
    return head.encode() + content + b"\r\n"


def form(*parts: bytes) -> bytes:
    """The parts, followed by the closing boundary."""
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()


def head(
    service: Service,
    *headers: str,
    method: str = "POST",
    path: str = "",
    version: str = "1.1",
    token: str | None = "",
    content_type: str = f"multipart/form-data; boundary={BOUNDARY}",
) -> bytes:
    """The head of a request, by default of an authorised upload by client 1.

    Args:
        headers: whole lines, beside the common ones.
        token: another than the common one, or None for no ``Authorization``.
    """
    said = [
        f"{method} {path or urlsplit(service.bulk).path} HTTP/{version}",
        f"Host: {urlsplit(service.base).netloc}",
        *headers,
    ]
    if token is not None:
        said.append(f"Authorization: Bearer {token or new_token()}")
    if method == "POST":
        said.append(f"Content-Type: {content_type}")
    return "\r\n".join([*said, "", ""]).encode()


class Connection:
    """A connection to the service; to be entered as an asynchronous context.

    Attributes:
        bytes_sent: on all connections of this process, with headers of TCP/IP.
    """

    bytes_sent: ClassVar[int] = 0

    def __init__(self, service: Service) -> None:
        self._service = service

    async def __aenter__(self) -> "Connection":
        url = urlsplit(self._service.base)
        Connection.bytes_sent += _HANDSHAKE
        self.reader, self.writer = await asyncio.open_connection(url.hostname, url.port)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.writer.close()

    def write(self, data: bytes) -> None:
        """Give bytes to the socket, without waiting for it to take them."""
        Connection.bytes_sent += _PACKET + len(data)
        self.writer.write(data)

    async def send(self, *pieces: bytes) -> None:
        """Send, so that small pieces arrive one by one: both ends take turns on one loop."""
        for piece in pieces:
            self.write(piece)
            await self.writer.drain()
            for _ in range(3):
                await asyncio.sleep(0)

    async def answer(self) -> Answer:
        """The next answer, whole."""
        status_line = (await self.reader.readline()).decode()
        version, status = status_line.split()[:2]
        headers = {}
        while line := (await self.reader.readline()).strip():
            name, _, value = line.decode().partition(":")
            headers[name.lower()] = value.strip()
        if headers.get("transfer-encoding") == "chunked":
            body = await self.chunks()
        elif "content-length" in headers:
            body = await self.reader.readexactly(int(headers["content-length"]))
        else:
            body = b"" if int(status) < 200 else await self.reader.read()
        return Answer(int(status), headers, body, version)

    async def chunks(self) -> bytes:
        """What is left of a body in HTTP chunks."""
        body = b""
        while size := int(await self.reader.readline(), 16):
            body += await self.reader.readexactly(size)
            await self.reader.readline()
        await self.reader.readline()
        return body

    async def ended(self) -> bool:
        """Whether the service ends the connection without another byte."""
        return await self.reader.read(1) == b""


async def upload(service: Service, body: bytes, *headers: str, **head_fields: Any) -> Answer:
    """Upload a body of a known length on a connection of its own; see ``head``."""
    async with Connection(service) as connection:
        length = f"Content-Length: {len(body)}"
        await connection.send(head(service, length, *headers, **head_fields), body)
        return await connection.answer()


async def get(service: Service, path: str, *headers: str, **head_fields: Any) -> Answer:
    """Ask for a path on a connection of its own."""
    async with Connection(service) as connection:
        await connection.send(head(service, *headers, method="GET", path=path, **head_fields))
        return await connection.answer()


def chunked(pieces: Iterable[bytes]) -> bytes:
    """A body in HTTP chunks, with its end."""
    framed = [b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces if piece]
    return b"".join(framed) + b"0\r\n\r\n"
