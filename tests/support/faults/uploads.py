"""Files whose projects have children of every kind, and their upload whatever comes of it."""

from typing import Any, Final

import aiohttp
import orjson

from tests.support.native import FILE_START
from tests.support.service import Service

QUICK: Final = {
    "batch_projects": 50,
    "connect_timeout": 5.0,
    "retry_timeout": 5.0,
    "heartbeat_every": 0.2,
    "heartbeat_expiry": 3.0,
}
"""Settings by which a fault is met within seconds."""


def content_of(projects: int, mark: str = "") -> bytes:
    """A native file whose projects differ in size; ``mark`` makes them other projects."""
    return b"".join(
        (
            FILE_START.encode(),
            *(_project(f"P{mark}{number}", 1 + number % 7) for number in range(projects)),
            b"</projects>",
        )
    )


def _project(name: str, tasks: int) -> bytes:
    numbers = range(tasks)
    rows = "".join(f'<task id="T{n}"><name>Task {n}</name></task>' for n in numbers)
    links = "".join(
        f'<dependency predecessor="T{n - 1}" successor="T{n}" type="FS"/>' for n in numbers if n
    )
    work = "".join(f'<assignment task="T{n}" resource="R" units="1"/>' for n in numbers)
    return (
        f'<project id="{name}"><name>{name}</name><tasks>{rows}</tasks>'
        f"<dependencies>{links}</dependencies>"
        '<resources><resource id="R" type="work"><name>Crew</name></resource></resources>'
        f"<assignments>{work}</assignments></project>\n"
    ).encode()


async def send(
    http: aiohttp.ClientSession, service: Service, content: bytes, **headers: str
) -> tuple[int, dict[str, Any]]:
    """Upload a file; the status and what the body tells. Further headers come by keyword."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    form = aiohttp.FormData()
    form.add_field("file", content, filename="plans.xml", content_type="application/xml")
    async with http.post(service.bulk, data=form, headers=service.headers() | named) as answer:
        return answer.status, orjson.loads(await answer.read())
