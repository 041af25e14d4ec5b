"""Compares two versions of a project: a summary for planners, then the records that differ."""

import contextlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import asyncpg
import orjson

from service.projects.comparison.keys import same_ids
from service.projects.comparison.kinds import KINDS, MATCHES, Basis, Match
from service.projects.comparison.queries import SQL, baseline_differences, differences
from service.projects.comparison.summary import Summary
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


class NoBaseline(Exception):
    """The version does not say that one of its baselines is current."""


Write = Callable[[bytes], None]


async def compare_versions(conn: Connection, request: Request, write: Write) -> bytes:
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
    async with _begin(conn):
        before, after = await _read_versions(conn, request.old, request.new)
        ids = before["object_id"], after["object_id"]
        moved = None not in ids and ids[0] != ids[1]
        basis = _basis(after, request.match, moved=moved)
        summary = Summary(basis.match)
        for date in ("data_date", "finish"):
            summary.add_date(date, before[date], after[date])
        totals = [
            (await conn.fetch(SQL.totals, client_id, project_id, number))[0]
            for number in (old, request.new)
        ]
        if before["finish"] is None or after["finish"] is None:
            summary.add_date("finish", *(each["finish"] for each in totals))
        summary.add_totals(*map(dict, totals))
        values = (client_id, project_id, old, request.new)
        if basis.match is not Match.ID and not moved:
            watchdog.reset()
            basis = basis._replace(same_ids=await conn.fetchval(same_ids(basis), *values))
        for name in KINDS:
            await _write_list(conn, name, differences(name, basis), values, summary, write)
        write(b"}")
    return _head(summary, {"from": old, "to": request.new})


async def compare_with_baseline(
    conn: Connection, key: VersionKey, match: Match | None, write: Write
) -> bytes:
    """Compare the tasks of a version with those of its current baseline, as ``compare_versions``.

    Raises:
        VersionGone: the version does not exist.
        NoBaseline: no baseline of the version is current.
        asyncpg.PostgresError: the database failed.
    """
    async with _begin(conn):
        _, after = await _read_versions(conn, key, key.version)
        baseline = await conn.fetchrow(SQL.current_baseline, *key)
        if baseline is None:
            raise NoBaseline
        if match is None:
            match = Match.CODE if after["source"] == "p6" else Match.ID
        basis = _basis(after, match, moved=after["source"] == "p6")
        summary = Summary(basis.match)
        summary.add_date("data_date", None, after["data_date"])
        [planned] = await conn.fetch(SQL.baseline_totals, *key, baseline["number"])
        [totals] = await conn.fetch(SQL.totals, *key)
        summary.add_date("finish", planned["finish"], totals["finish"])
        summary.add_totals(dict(planned), dict(totals))
        values = (key.client_id, key.project_id, baseline["number"], key.version)
        for name in KINDS:
            query = baseline_differences(basis) if name == "tasks" else None
            await _write_list(conn, name, query, values, summary, write)
        write(b"}")
    named = {"number": baseline["number"], "name": baseline["name"]}
    return _head(summary, {"from": key.version, "to": key.version, "baseline": named})


@contextlib.asynccontextmanager
async def _begin(conn: Connection) -> AsyncIterator[None]:
    async with conn.transaction(isolation="repeatable_read", readonly=True):
        await conn.execute(SQL.settings)
        yield


def _head(summary: Summary, members: Mapping[str, Any]) -> bytes:
    return orjson.dumps({"summary": summary.to_json(), **members})[:-1]


async def _write_list(
    conn: Connection,
    name: str,
    query: str | None,
    values: Sequence[int],
    summary: Summary,
    write: Write,
) -> None:
    """Write the differences of one kind; without a query, there are none."""
    write(b',"%b":[' % name.encode())
    comma = b""
    if query is not None:
        watchdog.reset()  # each query has the time of a transaction until its first difference
        async for row in conn.cursor(query, *values, prefetch=_PREFETCH):
            line = row["line"].encode()
            write(comma + line)
            comma = b","
            summary.add_record(name, line, row["facts"])
            watchdog.reset()
    write(b"]")


async def _read_versions(
    conn: Connection, old: VersionKey, new: int
) -> tuple[asyncpg.Record, asyncpg.Record]:
    client_id, project_id, version = old
    rows = await conn.fetch(SQL.versions, client_id, project_id, [version, new])
    found = {row["version"]: row for row in rows}
    try:
        return found[version], found[new]
    except KeyError:
        raise VersionGone from None


def _basis(version: asyncpg.Record, match: Match | None, *, moved: bool) -> Basis:
    source = version["source"]
    return Basis(match or MATCHES.get(source, Match.ID), codes=source == "p6", moved=moved)
