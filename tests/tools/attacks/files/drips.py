"""Bytes one by one after much of a project, which the service keeps until the project ends."""

import asyncio
from functools import partial
from typing import Final

from tests.support.raw_http import BOUNDARY, Connection, chunked, head
from tests.support.service import Service
from tests.tools.attacks.attack import Attack
from tests.tools.attacks.files.xmlfiles import FORMATS, came_of

_UNKNOWN: Final = 390_000
_BYTES: Final = 50
_INTERVAL: Final = 0.1


async def _drip(service: Service, start: bytes, end: bytes) -> str:
    opening = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"\r\n\r\n'.encode()
    closing = f"\r\n--{BOUNDARY}--\r\n".encode()
    async with Connection(service) as connection:
        await connection.send(head(service, "Transfer-Encoding: chunked"))
        await connection.send(_chunk(opening + start))
        for _ in range(_BYTES):
            await connection.send(_chunk(b" "))
            await asyncio.sleep(_INTERVAL)
        await connection.send(chunked([end + closing]))
        return await came_of(service, await connection.answer())


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


ATTACKS: Final = [
    Attack(
        f"390,000 unknown elements in an open project, then ten bytes a second, {opened.format}",
        partial(_drip, start=opened.start + b"<x/>" * _UNKNOWN, end=opened.end),
        r"(207|413) .*",
    )
    for opened in FORMATS
]
