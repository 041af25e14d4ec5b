"""Clients that request large documents, and do not read them."""

import asyncio
import socket
from typing import Final

from tests.support.raw_http import Connection, form, get, head, part, upload
from tests.support.service import Service
from tests.tools.attacks.attack import Attack, told
from tests.tools.attacks.files.xmlfiles import NATIVE, NATIVE_END

_READERS: Final = 40
_SECONDS: Final = 5.0
_LARGE: Final = (
    NATIVE
    + b'<project id="large"><name>Large</name><description>'
    + b"d" * 9_900_000
    + b"</description></project>"
    + NATIVE_END
)


async def _read_slowly(service: Service) -> str:
    """Store a large project, request it on many connections, and read nothing for seconds."""
    answer = await upload(service, form(part("file", _LARGE)))
    if answer.status != 207:
        return told(answer)
    found = await get(service, "/api/v2/clients/1/projects?text=Large")
    project = found.json["details"]["projects"][0]["project_id"]

    async def hang() -> None:
        async with Connection(service) as connection:
            raw: socket.socket = connection.writer.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.writer.transport.pause_reading()  # type: ignore[attr-defined]
            path = f"/api/v2/clients/1/projects/{project}"
            await connection.send(head(service, method="GET", path=path))
            await asyncio.sleep(_SECONDS)

    async with asyncio.TaskGroup() as group:
        for _ in range(_READERS):
            group.create_task(hang())
    return "hung up"


ATTACKS: Final = [
    Attack(f"{_READERS} clients that do not read a project of 10 MB", _read_slowly, "hung up"),
]
