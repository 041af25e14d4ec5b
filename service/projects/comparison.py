"""Compares two versions of a project: a summary for planners, then the records that differ."""

from collections.abc import Callable
from typing import Final, NamedTuple

import asyncpg
import orjson

from service.projects.comparison_queries import KINDS, MATCHES, SQL, Basis, Match, differences
from service.projects.comparison_summary import Summary
from service.projects.records import VersionGone, VersionKey
from service.storage import Connection, watchdog

_PREFETCH: Final = 50


class Request(NamedTuple):
    """A comparison that a client asks for.

    Attributes:
        old: version to compare with.
        new: number of the version whose differences are listed.
        match: the key by which tasks match first; None for that of the format.
    """

    old: VersionKey
    new: int
    match: Match | None = None


async def compare_versions(
    conn: Connection, request: Request, write: Callable[[bytes], None]
) -> bytes:
    """Compare two versions, and return the beginning of a JSON object: the summary.

    The rest of the object lists the differences by kind of record. It goes to ``write`` while it is
    read. Both versions are read as they are at one moment.

    Args:
        conn: a connection outside any transaction.
        request: the comparison.
        write: receives the rest of the object, block by block.

    Raises:
        VersionGone: one of the two versions does not exist.
        asyncpg.PostgresError: the database failed.
    """
    client_id, project_id, old = request.old
    async with conn.transaction(isolation="repeatable_read", readonly=True):
        await conn.execute(SQL.settings)
        before, after = await _read_versions(conn, request)
        basis = _basis(before, after, request.match)
        summary = Summary(basis.match)
        for date in ("data_date", "finish"):
            summary.add_date(date, before[date], after[date])
        if before["finish"] is None or after["finish"] is None:
            finishes = [
                await conn.fetchval(SQL.last_finish, client_id, project_id, number)
                for number in (old, request.new)
            ]
            summary.add_date("finish", *finishes)
        for name in KINDS:
            write(b',"%b":[' % name.encode())
            comma = b""
            query = differences(name, basis)
            values = (client_id, project_id, old, request.new)
            async for row in conn.cursor(query, *values, prefetch=_PREFETCH):
                line = row["line"].encode()
                write(comma + line)
                comma = b","
                summary.add_record(name, line, row["facts"])
                watchdog.reset()
            write(b"]")
        write(b"}")
    head = {"summary": summary.to_json(), "from": old, "to": request.new}
    return orjson.dumps(head)[:-1]


async def _read_versions(
    conn: Connection, request: Request
) -> tuple[asyncpg.Record, asyncpg.Record]:
    client_id, project_id, old = request.old
    rows = await conn.fetch(SQL.versions, client_id, project_id, [old, request.new])
    found = {row["version"]: row for row in rows}
    try:
        return found[old], found[request.new]
    except KeyError:
        raise VersionGone from None


def _basis(before: asyncpg.Record, after: asyncpg.Record, match: Match | None) -> Basis:
    ids = before["object_id"], after["object_id"]
    return Basis(
        match or MATCHES.get(after["source"], Match.ID),
        codes=after["source"] == "p6",
        moved=None not in ids and ids[0] != ids[1],
    )
