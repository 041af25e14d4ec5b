"""The samples, imported on fixed days, for the examples of the documents on data."""

from datetime import UTC, datetime, timedelta
from typing import Final

import aiohttp
from lxml import etree

from service.storage import Pool
from tests.support.paths import CHECKOUT
from tests.support.service import Service
from tests.support.upload import send_file

TODAY: Final = datetime(2026, 3, 16, 18, tzinfo=UTC)
"""The day of the examples: ``:'today'``. The first import is a week earlier."""

_LAST_WEEK: Final = TODAY - timedelta(weeks=1)
_SLIP: Final = timedelta(weeks=1)
_SLIPPED: Final = ("A50", "A70", "A80", "A90", "A100")
"""Activities of the first project that a week later are a week late; the first has begun."""


async def import_samples(http: aiohttp.ClientSession, service: Service, pool: Pool) -> None:
    """Import the samples of both tools, and a week later Primavera's again with a slip."""
    p6, mspdi = ((CHECKOUT / f"samples/{name}.xml").read_bytes() for name in ("p6", "mspdi"))
    for user, name, content, day in (
        ("ada", "p6.xml", p6, _LAST_WEEK),
        ("jon", "mspdi.xml", mspdi, _LAST_WEEK + timedelta(hours=1)),
        ("ada", "p6.xml", _slip(p6), TODAY),
    ):
        allowed = service.headers(sub=user)["Authorization"]
        status, body = await send_file(http, service, content, name, Authorization=allowed)
        assert (status, body["details"]["errors"]) == (207, [])
        await _date_import(pool, body["import_id"], day)


async def _date_import(pool: Pool, number: int, day: datetime) -> None:
    await pool.execute(
        "UPDATE project_versions SET created_at = $2 WHERE client_id = 1 AND import_id = $1",
        number,
        day,
    )
    await pool.execute(
        "UPDATE imports SET started_at = $2, ended_at = $2::timestamptz + interval '2 s'"
        " WHERE client_id = 1 AND import_id = $1",
        number,
        day,
    )


def _slip(content: bytes) -> bytes:
    """Return the file as of a week later: some activities of the first project are late."""
    root = etree.fromstring(content)
    [first, *_] = root.iterfind("{*}Project")
    _write(first, "DataDate", _LAST_WEEK + _SLIP)
    for activity in first.iterfind("{*}Activity"):
        if activity.findtext("{*}Id") in _SLIPPED:
            began = activity.findtext("{*}Id") == _SLIPPED[0]
            for name in ("FinishDate", *(() if began else ("StartDate",))):
                written = activity.findtext(f"{{*}}{name}") or ""
                _write(activity, name, datetime.fromisoformat(written) + _SLIP)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def _write(parent: etree._Element, name: str, time: datetime) -> None:
    [element] = parent.iterfind(f"{{*}}{name}")
    element.text = time.replace(tzinfo=None).isoformat()
