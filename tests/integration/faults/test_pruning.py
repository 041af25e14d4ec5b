"""``bulk-import prune`` in a separate process never blocks running imports.

PostgreSQL provides the evidence: it logs every lock wait of a millisecond or more with the holders
of the lock, and triggers record what each transaction deletes.
"""

import asyncio
import itertools
import os
import re
import sys
from asyncio.subprocess import PIPE
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import asyncpg
import pytest

from service.projects.retention import ROWS_AT_A_TIME, VERSIONS_AT_A_TIME
from service.settings import Settings
from service.storage import migrate
from tests.support.faults.cluster import Cluster, cluster
from tests.support.native import native_file
from tests.support.service import Service, served
from tests.support.upload import send_file

PROJECTS = 60
VERSIONS = 20
TASKS = 20
HUGE = 12_000
OUTCOMES = 20_000
SHARED = 8000
KEEP = 3
KEPT = {
    "BULK_IMPORT_KEEP_VERSIONS": str(KEEP),
    "BULK_IMPORT_KEEP_DAYS": "0",
    "BULK_IMPORT_KEEP_MONTHS": "0",
    "BULK_IMPORT_KEEP_SUPERSEDED": "0",
}

FILL = f"""
INSERT INTO clients (client_id, name) VALUES (1, 'One'), (2, 'Two');
INSERT INTO projects (client_id, external_id, version, content_hash)
SELECT 1, 'P-' || n, {VERSIONS}, ''
  FROM generate_series(1, {PROJECTS} + 1) n;
INSERT INTO project_versions
       (client_id, project_id, version, import_id, content_hash, name, source, attributes,
        created_at)
SELECT 1, project_id, n, 1, '', external_id, 'native', '{{}}', now() - interval '9 days'
  FROM projects, generate_series(1, version) n;
INSERT INTO tasks (client_id, project_id, version, ordinal, task_id, kind, milestone, summary,
                   attributes)
SELECT 1, project_id, v.version, n, 'T' || n, 'activity', false, false, '{{}}'
  FROM projects p
  JOIN project_versions v USING (client_id, project_id)
 CROSS JOIN generate_series(1, CASE WHEN project_id <= {PROJECTS} THEN {TASKS}
                                    WHEN v.version = 1 THEN {HUGE} END) n;
INSERT INTO imports (client_id, state, started_at, ended_at)
SELECT 1, 'completed', now() - interval '99 days', now() - interval '99 days'
  FROM generate_series(1, {OUTCOMES} / 10);
INSERT INTO import_results (client_id, import_id, attempt, index, outcome)
SELECT 1, import_id, 1, n, 'unchanged' FROM imports, generate_series(0, 9) n;
INSERT INTO shared_objects (client_id, hash, element, attributes)
SELECT 2, sha256(n::text::bytea), 'Calendar', '{{}}' FROM generate_series(1, {SHARED}) n;
ANALYZE
"""
WRITE_DOWN = """
CREATE TABLE deletions (transaction bigint, number bigint, at timestamptz, who text);
CREATE FUNCTION write_down() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN
    INSERT INTO deletions
    SELECT txid_current(), count(*), clock_timestamp(), session_user FROM gone;
    RETURN NULL;
END $$
"""
WATCHED = (
    *(
        "project_versions",
        "tasks",
        "dependencies",
        "resources",
        "assignments",
        "baselines",
        "baseline_tasks",
        "project_parts",
    ),
    *("import_results", "shared_objects", "pruned_versions"),
)
WATCH = """
CREATE TRIGGER write_down AFTER DELETE ON {0} REFERENCING OLD TABLE AS gone
FOR EACH STATEMENT EXECUTE FUNCTION write_down()
"""


@pytest.fixture
def own_server(postgres: str) -> Iterator[Cluster]:
    with cluster(
        postgres,
        log_lock_waits="on",
        deadlock_timeout="1ms",
        log_connections="on",
        log_line_prefix="%p ",
    ) as server:
        yield server


async def filled(server: Cluster) -> str:
    """Old versions, outcomes and shared objects; the address of the role that prunes."""
    owner = await asyncpg.connect(server.dsn())
    await owner.execute(FILL)
    await owner.execute(WRITE_DOWN)
    for table in WATCHED:
        await owner.execute(WATCH.format(table))
    await owner.execute("CREATE ROLE pruner LOGIN IN ROLE pg_read_all_stats")
    await owner.close()
    await migrate.grant_privileges(server.dsn(), "pruner")
    return server.dsn().replace("postgres@", "pruner@")


async def keep_importing(
    service: Service, edition: Iterator[int], stop: asyncio.Event, projects: range
) -> int:
    """Keep changing projects while they are pruned; return the number of imports."""
    landed = 0
    async with aiohttp.ClientSession() as http:
        while not stop.is_set():
            name = f"Edition {next(edition)}"
            plans = "".join(
                f'<project id="P-{n}"><name>{name}</name><tasks><task id="T"/></tasks></project>'
                for n in projects
            )
            content = native_file(plans)
            status, body = await send_file(http, service, content)
            assert (status, body["counts"]["updated"]) == (207, len(projects)), body
            landed += 1
    return landed


async def pruned(dsn: str) -> str:
    """Run the command to its end and return its output."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "service", "prune"),
        env=os.environ | {"DATABASE_URL": dsn} | KEPT,
        stdout=PIPE,
        stderr=PIPE,
    )
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    return out.decode()


async def test_pruning_never_blocks_running_imports(
    settings: Settings, own_server: Cluster
) -> None:
    dsn = await filled(own_server)
    stop = asyncio.Event()
    edition = itertools.count(1)
    busy = settings.model_copy(update={"prune": False})
    async with served(busy, own_server.dsn()) as service:
        importing = [
            asyncio.create_task(keep_importing(service, edition, stop, range(first, PROJECTS)))
            for first in (1, PROJECTS // 2, PROJECTS - 1)
        ]
        output = await pruned(dsn)
        stop.set()
        landed = sum(await asyncio.gather(*importing))

    found = re.search(r"([\d,]+) versions, ([\d,]+) outcomes, ([\d,]+) shared objects", output)
    assert found is not None, output
    versions, outcomes, shared = (int(number.replace(",", "")) for number in found.groups())
    assert versions >= (PROJECTS + 1) * (VERSIONS - KEEP)
    assert (outcomes, shared) == (OUTCOMES, SHARED)

    owner = await asyncpg.connect(own_server.dsn())
    most = await owner.fetchval(
        "SELECT max(sum) FROM"
        " (SELECT sum(number) FROM deletions WHERE who = 'pruner' GROUP BY transaction) t"
    )
    assert most <= ROWS_AT_A_TIME + VERSIONS_AT_A_TIME
    beside = await owner.fetchval(
        "SELECT count(*) FROM imports, (SELECT min(at), max(at) FROM deletions) d"
        " WHERE started_at > d.min AND ended_at < d.max"
    )
    assert min(beside, landed) > 0
    assert await owner.fetchval("SELECT sum(deadlocks) FROM pg_stat_database") == 0
    assert await owner.fetchval("SELECT count(*) FROM tasks WHERE version = 1") == 0
    log = own_server.folder / "server.log"
    assert waits_for("pruner", log) == []
    await make_wait(owner, dsn)
    assert len(waits_for("pruner", log)) == 1, "a wait would have been seen"
    await owner.close()


async def make_wait(owner: "asyncpg.Connection[asyncpg.Record]", dsn: str) -> None:
    """Have the owner wait for a lock that the role that prunes holds."""
    pruner = await asyncpg.connect(dsn)
    await pruner.execute("SELECT pg_advisory_lock(1)")
    await owner.execute("SET lock_timeout = '0.5s'")
    with pytest.raises(asyncpg.LockNotAvailableError):
        await owner.execute("SELECT pg_advisory_lock(1)")
    await pruner.close()


def waits_for(role: str, log: Path) -> list[str]:
    """What the server logged of waits for a lock that a backend of a role held.

    Two backends that extend a table at the same time wait for each other, whatever their roles.
    """
    text = log.read_text("utf-8")
    pids = set(re.findall(rf"^(\d+) LOG:  connection authorized: user={role}\b", text, re.M))
    assert pids
    waits = re.findall(
        r"LOG:  (process \d+ .* after .*)\n"
        r"\d+ DETAIL:  Process(?:es)? holding the lock: ([\d, ]+)\.",
        text,
    )
    return [
        what
        for what, holders in waits
        if pids & set(holders.split(", ")) and "on extension of" not in what
    ]
