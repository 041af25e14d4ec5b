"""Attacks by file content: generate and send a file, and summarise the response."""

import asyncio
import contextlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, repeat
from typing import Any, Final

import asyncpg

from tests.support.answer import Answer
from tests.support.native import FILE_END, FILE_START
from tests.support.raw_http import BOUNDARY, Connection, head
from tests.support.service import Service
from tests.tools.attacks.attack import CLOSED, Attack, told

NATIVE: Final = FILE_START.encode()
NATIVE_END: Final = FILE_END.encode()
MSPDI: Final = b'<Project xmlns="http://schemas.microsoft.com/project"><Name>m</Name>'
P6: Final = b"<APIBusinessObjects>"
GOOD: Final = b'<project id="good"><name>Good</name><tasks><task id="1"/></tasks></project>'
JSON: Final = b'<attributes><attribute name="a" type="json">'
JSON_END: Final = b"</attribute></attributes>"
LANDED: Final = r"207 good\+1; "
"""The summary if the good project, with its one task, was imported and another was not."""


@dataclass(frozen=True)
class Opened:
    """A file with an open project, and its end."""

    format: str
    start: bytes
    end: bytes


FORMATS: Final = (
    Opened("native", NATIVE + b'<project id="p"><name>p</name>', b"</project>" + NATIVE_END),
    Opened("Microsoft", MSPDI, b"</Project>"),
    Opened(
        "Primavera",
        P6 + b"<Project><Id>p</Id><Name>p</Name>",
        b"</Project></APIBusinessObjects>",
    ),
)
_PIECE: Final = 64 * 1024
_HALVES: Final = """
SELECT (SELECT count(*) FROM project_versions WHERE client_id = 1 AND name = 'half')
     + (SELECT count(*)
          FROM tasks t
          LEFT JOIN project_versions v USING (client_id, project_id, version)
         WHERE t.client_id = 1 AND v.project_id IS NULL)
     + (SELECT count(*)
          FROM projects p
          LEFT JOIN project_versions v USING (client_id, project_id, version)
         WHERE p.client_id = 1 AND v.project_id IS NULL)
"""
"""Projects that are not whole: tasks without a version, versions that are none, or called half."""


def times(unit: bytes, size: int) -> Iterator[bytes]:
    """About ``size`` bytes of a unit over and over."""
    block = unit * max(1, _PIECE // len(unit))
    return repeat(block, size // len(block) + 1)


def numbered(form: bytes, count: int) -> Iterator[bytes]:
    """A unit ``count`` times, with its number wherever the form has ``%d``."""
    places = form.count(b"%d")
    return (form % ((number,) * places) for number in range(count))


def joined(*parts: bytes | Iterable[bytes]) -> Iterator[bytes]:
    """Join parts, and yield pieces of about 64 KiB."""
    held = bytearray()
    for piece in chain.from_iterable([part] if isinstance(part, bytes) else part for part in parts):
        held += piece
        while len(held) >= _PIECE:
            yield bytes(held[:_PIECE])
            del held[:_PIECE]
    yield bytes(held)


def attack(
    name: str,
    made: Callable[[], Iterable[bytes]] | bytes,
    expected: str,
    *headers: str,
    **bounds: Any,
) -> Attack:
    """An attack that uploads a file.

    Args:
        name: as in ``Attack``.
        made: the file, or a function that generates it again.
        expected: as in ``Attack``, of what ``came_of`` tells.
        headers: of the part ``file``, whole lines.
        bounds: further fields of ``Attack``.
    """

    async def send(service: Service) -> str:
        pieces = [made] if isinstance(made, bytes) else made()
        return await came_of(service, await upload(service, pieces, *headers))

    return Attack(name, send, expected, **bounds)


def guarded(name: str, made: Callable[[str], bytes], expected: str) -> Attack:
    """An attack by a file that names an address, which must receive no request.

    Args:
        name: as in ``Attack``.
        made: makes the file of the address, such as ``http://127.0.0.1:40123/``.
        expected: as in ``attack``; ``FETCHED`` is told behind it where somebody came.
    """

    async def send(service: Service) -> str:
        visits: list[object] = []

        async def visited(_reader: object, writer: asyncio.StreamWriter) -> None:
            visits.append(writer)
            writer.close()

        async with await asyncio.start_server(visited, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            answer = await upload(service, [made(f"http://127.0.0.1:{port}/")])
        return await came_of(service, answer) + (" FETCHED" if visits else "")

    return Attack(name, send, expected)


async def upload(service: Service, pieces: Iterable[bytes], *headers: str) -> Answer | None:
    """Upload a file as it is made, until an answer comes; None where the connection is ended."""
    disposition = 'Content-Disposition: form-data; name="file"; filename="plan.xml"'
    opening = "\r\n".join([f"--{BOUNDARY}", disposition, *headers, "", ""]).encode()
    closing = f"\r\n--{BOUNDARY}--\r\n".encode()
    async with Connection(service) as connection:
        await connection.send(head(service, "Transfer-Encoding: chunked"))
        sending = asyncio.create_task(_send(connection, chain([opening], pieces, [closing])))
        try:
            return await connection.answer()
        except (ConnectionError, asyncio.IncompleteReadError, ValueError):
            return None
        finally:
            sending.cancel()
            with contextlib.suppress(ConnectionError, asyncio.CancelledError):
                await sending


async def _send(connection: Connection, pieces: Iterable[bytes]) -> None:
    for piece in filter(None, pieces):
        connection.write(b"%x\r\n%b\r\n" % (len(piece), piece))
        await connection.writer.drain()
        await asyncio.sleep(0)
    connection.write(b"0\r\n\r\n")
    await connection.writer.drain()


async def came_of(service: Service, answer: Answer | None) -> str:
    """What came of an upload: the status, what landed (``id+tasks``), and what went wrong, where.

    Where something of a project is in the database that is not whole, that comes first.
    """
    if answer is None:
        return CLOSED
    said = told(answer)
    if answer.status == 207:
        details = answer.json["details"]
        successes = details["successes"]
        landed = " ".join(f"{item['external_id']}+{item['tasks']}" for item in successes[:3])
        if len(successes) > 3:
            landed += f" … {len(successes)} in all"
        failed = [
            f"; {error['error']} at {error['line']}: {error['message']}"
            for error in details["errors"]
        ]
        said = f"207 {landed}{''.join(failed[:3])}"
    connection = await asyncpg.connect(service.dsn)
    try:
        halves = await connection.fetchval(_HALVES)
    finally:
        await connection.close()
    return f"HALF THERE: {halves}, {said}" if halves else said
