"""Requests of the scenes to a service."""

import contextlib
import time
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any, Final, NamedTuple

from service.settings import Settings
from service.storage import Pool
from tests.support.answer import Answer
from tests.support.native import native_file
from tests.support.openapi.document import Operation, operation
from tests.support.raw_http import BOUNDARY, Connection, form, head, part
from tests.support.service import Service, served, token

ALL_SCOPES: Final = " ".join(
    field.default for name, field in Settings.model_fields.items() if name.endswith("_scope")
)
UPLOAD: Final = operation("importProjects")
MULTIPART: Final = f"Content-Type: multipart/form-data; boundary={BOUNDARY}"
JSON: Final = "Content-Type: application/json"


class Place(NamedTuple):
    """The database and the settings that the scenes use."""

    settings: Settings
    dsn: str
    pool: Pool

    @contextlib.asynccontextmanager
    async def service(self, **changes: Any) -> AsyncIterator[Service]:
        """Run a service with some settings changed."""
        async with served(self.settings.model_copy(update=changes), self.dsn) as service:
            yield service


async def ask(
    service: Service,
    asked: Operation,
    *headers: str,
    query: str = "",
    body: bytes = b"",
    scope: str = ALL_SCOPES,
    authorised: bool = True,
    sub: str = "tester",
    clients: Iterable[int] | str = (1,),
    method: str = "",
    path: str = "",
    **values: object,
) -> Answer:
    """Send a request for an operation; ``values`` fill its path, unless ``path`` replaces it."""
    path = (path or asked.address(**values)) + (f"?{query}" if query else "")
    bearer = token(scope=scope, sub=sub, clients=clients) if authorised else None
    lines = ["Connection: close", *headers, *([f"Content-Length: {len(body)}"] if body else [])]
    first = head(service, *lines, method="X", path=path, token=bearer)
    first = first.replace(b"X ", (method or asked.method).encode() + b" ", 1)
    async with Connection(service) as connection:
        await connection.send(first, body)
        if method == "HEAD":
            status_line = await connection.reader.readline()
            return Answer(int(status_line.split()[1]), {}, b"")
        return await connection.answer()


async def upload(service: Service, xml: bytes, *headers: str, **more: Any) -> Answer:
    body = form(part("file", xml, "Content-Type: application/xml"), part("notes", b"Nightly"))
    return await ask(service, UPLOAD, MULTIPART, *headers, body=body, **more)


PLANT: Final = """<project id="P-1"><name>Plant upgrade</name><code>PU-7</code>
<start>2026-01-05T08:00:00</start>
<tasks><task id="T1"><name>Survey</name><duration>PT16H</duration></task>
<task id="T2"><name>Foundation</name>
<attributes><attribute name="risk">high</attribute></attributes></task></tasks>
<dependencies><dependency predecessor="T1" successor="T2" type="FS"/></dependencies>
<resources><resource id="R1" type="work"><name>Crew A</name></resource></resources>
<assignments><assignment task="T2" resource="R1" units="1"/></assignments>
<parts><part element="Calendar"><attribute name="Name">Night shift</attribute></part></parts>
</project>"""
OTHER: Final = (
    '<project id="P-2"><name>Warehouse</name><start>2026-02-02T08:00:00</start></project>'
)


@contextlib.asynccontextmanager
async def running(service: Service, *headers: str) -> AsyncIterator[Connection]:
    """Start an upload that does not continue."""
    async with Connection(service) as connection:
        await begin(connection, service, *headers)
        await until(service, lambda answer: answer.json["details"]["imports"] != [])
        yield connection


async def begin(connection: Connection, service: Service, *headers: str) -> None:
    """Send an upload without its end."""
    bearer = token(scope=ALL_SCOPES)
    await connection.send(
        head(service, *headers, "Content-Length: 100000", token=bearer),
        part("notes", b"Slow") + part("file", native_file(OTHER))[:-30],
    )


async def until(service: Service, seen: Callable[[Answer], bool]) -> int:
    """List the running imports until ``seen`` accepts the response; return the first id."""
    deadline = time.monotonic() + 20
    while True:
        answer = await ask(service, operation("listImports"), query="state=running")
        if seen(answer):
            return int(answer.json["details"]["imports"][0]["import_id"])
        assert time.monotonic() < deadline


async def running_import(service: Service) -> int:
    return await until(service, lambda answer: bool(answer.json["details"]["imports"]))
