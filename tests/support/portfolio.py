"""A client with data for the states of the page: the same names, ids and times in every run."""

import re
from datetime import datetime, timedelta
from typing import Final

import aiohttp

from service.samples import write_sample
from service.storage import Pool
from tests.support.native import native_file
from tests.support.service import Service, token
from tests.support.tab import SCOPES, project

NOW: Final = datetime(2026, 3, 23, 9, 40)
"""The time of the page's clock."""


def _sample(format_name: str, projects: int, tasks: int, seed: int) -> bytes:
    return "".join(write_sample(format_name, projects, tasks, seed)).encode()


def _slipped(content: bytes) -> bytes:
    """Move all dates from April on by a week."""

    def later(found: re.Match[str]) -> str:
        return f"{datetime.fromisoformat(found[0]) + timedelta(days=7):%Y-%m-%d}"

    return re.sub(r"(?<=start>|inish>)2026-0[4-9]-\d\d", later, content.decode()).encode()


def _uploads() -> dict[tuple[str, str], bytes]:
    """Return the files of the client with their names and notes, in the order of the uploads."""
    weekly = _sample("native", 8, 60, 1)
    mixed = [project(n, f"Substation {n}") for n in range(1, 8)]
    bad = [project(n, f"Cable route {n}", "<task/>") for n in range(8, 12)]
    return {
        ("Week 11.xml", "Portfolio of week 11"): weekly,
        ("Contractor.xml", ""): _sample("mspdi", 3, 40, 2),
        ("Primavera export.xml", "P6, all open projects"): _sample("p6", 3, 40, 3),
        ("Subcontractors.xml", ""): native_file(*mixed, *bad),
        ("Minutes.xml", ""): b"no XML at all",
        ("Week 12.xml", "Portfolio of week 12"): _slipped(weekly),
    }


async def store_portfolio(service: Service, pool: Pool, client: int) -> None:
    """Import the files of the client, and give them fixed times.

    Raises:
        aiohttp.ClientError: the service is unreachable.
    """
    headers = {"Authorization": f"Bearer {token(clients=[client], scope=SCOPES, sub='anna')}"}
    async with aiohttp.ClientSession(headers=headers) as session:
        for (name, notes), content in _uploads().items():
            form = aiohttp.FormData(quote_fields=False)
            if notes:
                form.add_field("notes", notes)
            form.add_field("file", content, filename=name, content_type="application/xml")
            url = service.url("projects/bulk", client=client)
            async with session.post(url, data=form) as response:
                await response.read()
    await fix_times(pool, client)


async def fix_times(pool: Pool, client: int) -> None:
    """Give each import a day before ``NOW``, in their order, and their versions the same time."""
    await pool.execute(
        "UPDATE imports i SET started_at = t.at, ended_at = t.at + interval '2.4 s',"
        " request_id = md5(t.number::text)"
        " FROM (SELECT import_id, row_number() OVER w AS number,"
        " $2::timestamp AT TIME ZONE 'UTC' - interval '1 day' * (row_number() OVER d) AS at"
        " FROM imports WHERE client_id = $1"
        " WINDOW w AS (ORDER BY import_id), d AS (ORDER BY import_id DESC)) t"
        " WHERE i.client_id = $1 AND i.import_id = t.import_id",
        client,
        NOW,
    )
    await pool.execute(
        "UPDATE project_versions v SET created_at = i.ended_at FROM imports i"
        " WHERE v.client_id = $1 AND i.client_id = $1 AND i.import_id = v.import_id",
        client,
    )
