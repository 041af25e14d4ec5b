"""Inspect the database after the faults: every outcome is stored, and nothing is left over."""

import asyncio
import os
import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

import aiohttp
import asyncpg
import orjson

from service.storage import Connection
from tests.support.faults.truth import LANDED, Findings, count_children, is_stored, look
from tests.tools.chaos.clients import Answer, Client, Site
from tests.tools.chaos.database import SERVICE, Killable
from tests.tools.chaos.replicas import EXPIRY, Replica
from tests.tools.chaos.schedule import Upload

_AGAIN: Final = 8
"""Uploads of a round that are repeated under their keys, and files that are sent once more."""
_FOUND_DEAD: Final = EXPIRY + 2.0
"""Seconds within which a look at a client's imports finds those whose owner died."""
_LET_GO: Final = 10.0
"""Seconds within which the service and the database have put everything away."""
_EXPECTED: Final = {
    "ALREADY_EXISTS",
    "DUPLICATE_PROJECT",
    "LOCKING_CONFLICT",
    "NOT_IMPORTED",
    "UNKNOWN_PROJECT",
    "VALIDATION_ERROR",
}
"""What a project may be refused for in these uploads."""

_IMPORTS: Final = "SELECT * FROM imports WHERE client_id = $1"
_RESULTS: Final = "SELECT * FROM import_results WHERE client_id = $1 ORDER BY import_id, index"
_VERSIONS: Final = "SELECT * FROM project_versions WHERE client_id = $1"
_CURRENT: Final = """
SELECT p.external_id, v.name
  FROM projects p
  JOIN project_versions v USING (client_id, project_id, version)
 WHERE client_id = $1
"""
_RUNNING: Final = "SELECT count(*) FROM imports WHERE client_id = $1 AND state = 'running'"
_LOCKS: Final = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"
_AT_WORK: Final = """
SELECT count(*) FROM pg_stat_activity WHERE application_name = $1 AND state <> 'idle'
"""


@dataclass
class Seen(Findings):
    """The findings of an inspection, and the amount inspected.

    Attributes:
        left: threads, connections, locks and files that should be gone.
        imports: that were begun.
        projects: outcomes that called a project landed.
    """

    left: list[str] = field(default_factory=list)
    imports: int = 0
    projects: int = 0


@dataclass
class _Stored:
    """The rows of a client."""

    imports: dict[int, asyncpg.Record]
    results: dict[tuple[int, int], list[asyncpg.Record]]
    names: dict[tuple[int, int], str]
    there: Mapping[tuple[int, int], tuple[str, Mapping[str, int]]]
    made_by: set[int]


async def look_at(
    site: Site, database: Killable, client: Client, http: aiohttp.ClientSession
) -> Seen:
    """Compare all responses of a client with the database, after its uploads have ended."""
    seen = Seen()
    await _find_dead(site, database, client, http, seen)
    async with database.database.connected() as connection:
        found = await look(connection, client.id)
        seen.lost, seen.partial, seen.wrong_state = (
            found.lost,
            found.partial,
            [*seen.wrong_state, *found.wrong_state],
        )
        stored = await _read(connection, client.id)
        _outcomes(client, stored, seen)
        for answer in client.settled:
            _told(answer, stored, seen)
        for refusal in client.refused:
            _refused(refusal, stored, seen)
        await _again(client, connection, stored, seen)
    await _nothing_left(site, database, seen)
    return seen


async def _find_dead(
    site: Site, database: Killable, client: Client, http: aiohttp.ClientSession, seen: Seen
) -> None:
    """Listing the imports ends those whose owner died."""
    headers = {"Authorization": f"Bearer {site.token}"}
    deadline = time.monotonic() + _FOUND_DEAD
    while True:
        replica = await site.serving()
        url = f"{replica.base}/api/v2/clients/{client.id}/imports"
        async with http.get(url, headers=headers) as answer:
            await answer.read()
        running = await database.value(_RUNNING, client.id)
        if not running:
            return
        if time.monotonic() > deadline:
            seen.wrong_state.append(f"{running} imports are still running without an owner")
            return
        await asyncio.sleep(0.1)


async def _read(connection: Connection, client_id: int) -> _Stored:
    imports = await connection.fetch(_IMPORTS, client_id)
    results = defaultdict(list)
    for row in await connection.fetch(_RESULTS, client_id):
        results[row["import_id"], row["attempt"]].append(row)
    versions = await connection.fetch(_VERSIONS, client_id)
    return _Stored(
        {row["import_id"]: row for row in imports},
        results,
        {(row["project_id"], row["version"]): row["name"] for row in versions},
        await count_children(connection, client_id),
        {row["import_id"] for row in versions},
    )


def _outcomes(client: Client, stored: _Stored, seen: Seen) -> None:
    """Check that every stored outcome is true, whether a client received it or not."""
    uploads = {answer.upload.name: answer.upload for answer in client.settled}
    seen.imports += len(stored.imports)
    for (import_id, _), rows in stored.results.items():
        upload = uploads[stored.imports[import_id]["request_id"]]
        landed = [row for row in rows if row["outcome"] in LANDED]
        if upload.dry:
            if import_id in stored.made_by:
                seen.partial.append(f"a dry run has written: {upload}")
            continue
        if upload.atomic and 0 < len(landed) < len(rows):
            seen.partial.append(f"an atomic import stored {len(landed)} of {len(rows)}: {upload}")
        seen.projects += len(landed)
        seen.lost += [f"{dict(row)}" for row in landed if not _there(dict(row), upload, stored)]
        seen.wrong_state += [
            f"{dict(row)}" for row in rows if row["error"] not in {None, *_EXPECTED}
        ]


def _there(row: Mapping[str, Any], upload: Upload, stored: _Stored) -> bool:
    """The version that an outcome names has the children and the edition of its file."""
    name = stored.names.get((row["project_id"], row["version"]), "")
    said = upload.file.says[row["external_id"]]
    return name.endswith(upload.file.edition) and is_stored(row, stored.there, said)


def _told(answer: Answer, stored: _Stored, seen: Seen) -> None:
    """Check that a response and its import's row match the stored outcomes."""
    if answer.status != 207:
        return
    row = stored.imports[answer.body["import_id"]]
    rows = stored.results[row["import_id"], row["attempt"]]
    details = answer.body["details"]
    told = {
        (item["index"], item.get("outcome", "failed"))
        for items in (details["successes"], details["errors"])
        for item in items
    }
    wanted = {(r["index"], r["outcome"]) for r in rows}
    if "outcomes=errors" in answer.upload.query:
        wanted = {pair for pair in wanted if pair[1] == "failed"}
    failed = answer.upload.atomic and answer.body["counts"]["failed"]
    state = "failed" if failed else "completed"
    if (row["state"], orjson.loads(row["counts"])) != (state, answer.body["counts"]):
        seen.wrong_state.append(
            f"{row['state']} {row['counts']} was reported as {answer.body['counts']}"
        )
    if told != wanted or answer.body.get("complete") is not True:
        seen.lost.append(f"the response differs from what is stored: {answer.upload}")


def _refused(refusal: Answer, stored: _Stored, seen: Seen) -> None:
    """Check that the counts of a refusal are those of an attempt."""
    if "counts" not in refusal.body:
        return
    import_id = refusal.body["import_id"]
    attempts = range(1, stored.imports[import_id]["attempt"] + 1)
    counted = [_counts(stored.results.get((import_id, attempt), [])) for attempt in attempts]
    if refusal.body["counts"] not in counted:
        seen.wrong_state.append(f"{refusal} was reported, but the attempts have {counted}")


def _counts(rows: list[asyncpg.Record]) -> dict[str, int]:
    counts = dict.fromkeys((*LANDED, "failed"), 0)
    for row in rows:
        counts[row["outcome"]] += 1
    return counts


async def _again(client: Client, connection: Connection, stored: _Stored, seen: Seen) -> None:
    """Repeat uploads: with its key one gets the same response, without it nothing changes."""
    settled = [*client.settled]
    for answer in settled[-_AGAIN:]:
        row = stored.imports[answer.body.get("import_id", 0)] if answer.status == 207 else None
        if row is not None and row["key_claimed_at"] and row["state"] == "completed":
            repeated = await client.deliver(answer.upload)
            if repeated.raw != answer.raw:
                seen.lost.append(f"another response than before: {answer.upload}")
    rows = await connection.fetch(_CURRENT, client.id)
    current: dict[str, str] = {row["external_id"]: row["name"] for row in rows}
    files = {answer.upload.file.content: answer.upload for answer in settled}
    for number, upload in enumerate([*files.values()][-_AGAIN:]):
        name = f"{upload.name}-again-{number}"
        answer = await client.deliver(replace(upload, name=name, query="", key=None, pause=0))
        for item in answer.body["details"]["successes"]:
            before = current.get(item["external_id"], "")
            equal = before.endswith(upload.file.edition)
            wanted = "unchanged" if equal else "updated" if before else "created"
            if item["outcome"] != wanted:
                seen.partial.append(f"sent again, expected {wanted}: {item}")
            current[item["external_id"]] = upload.file.edition
        seen.wrong_state += [
            f"sent again: {item}"
            for item in answer.body["details"]["errors"]
            if item["error"] not in ("VALIDATION_ERROR", "DUPLICATE_PROJECT")
        ]


async def _nothing_left(site: Site, database: Killable, seen: Seen) -> None:
    deadline = time.monotonic() + _LET_GO
    while left := await _left(site, database):
        if time.monotonic() > deadline:
            seen.left += left
            return
        await asyncio.sleep(0.1)


async def _left(site: Site, database: Killable) -> list[str]:
    there = {
        "advisory locks": await database.value(_LOCKS),
        "connections at work": await database.value(_AT_WORK, SERVICE),
    }
    for replica in site.replicas:
        there[f"threads of {replica.name}"] = replica.threads() - replica.threads_at_start
        there[f"working files of {replica.name}"] = replica.working_files()
        there[f"names in the spool of {replica.name}"] = len(os.listdir(replica.spool))
    return [f"{number} {what}" for what, number in there.items() if number > 0]


async def left_behind(database: Killable, replicas: list[Replica]) -> list[str]:
    """What is there of replicas that have ended."""
    of_service = "SELECT count(*) FROM pg_stat_activity WHERE application_name = $1"
    there = {
        "advisory locks": await database.value(_LOCKS),
        "connections": await database.value(of_service, SERVICE),
        "names in spools": sum(len(os.listdir(replica.spool)) for replica in replicas),
    }
    return [f"{number} {what}" for what, number in there.items() if number]
