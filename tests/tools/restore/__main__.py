"""Back up a service that imports, restore it elsewhere, and compare.

    python -m tests.tools.restore

Runs the commands of docs/operate/backup.md on new servers: a dump from PostgreSQL 16 to 18, a move
to partitioned tables, a recovery to a point in time, and pg_upgrade. The exit code is 0 if every
check passes."""

import asyncio
import contextlib
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.support.service import SECRET
from tests.tools.bench.process import ends_all_on_sigterm
from tests.tools.restore import after, lost, runbook, scene
from tests.tools.restore.api import BUSY, CLIENTS, QUIET, SMALL, Api, read_all, serve
from tests.tools.restore.contents import (
    Contents,
    assert_equal,
    connected,
    read_report,
    read_tables,
    report_of,
    tables_of,
)
from tests.tools.restore.postgres import OWNER, ROLE, Server, snapshot
from tests.tools.restore.scene import Scene

READER: Final = "portfolio"
OTHER: Final = "auditor"
DROPPED: Final = "former"
_FILLERS: Final = 100
_ARCHIVING: Final = {"archive_mode": "on", "wal_level": "replica"}
_INTERRUPTED: Final = 130


def main() -> int:
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background ignores it
    ends_all_on_sigterm()
    began = time.monotonic()
    try:
        asyncio.run(check())
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return _INTERRUPTED
    tell(f"backups can be restored ({time.monotonic() - began:.0f} s)")
    return 0


async def check() -> None:
    """Run all checks.

    Raises:
        AssertionError, RuntimeError: a check failed, or a command.
    """
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="restore-")))
        old, new = Server(stack, "16"), Server(stack, "18")
        with timed("an old server of version 16, and a new one of version 18"):
            dropped = await make_old(old, folder)
            await make_new(new, dropped)
        done = Scene()
        async with serve(old.dsn(ROLE)) as api:
            before, tables, report = await dump_while_importing(api, old, new, folder, done)
            with timed(f"{lost.LOST + 2} imports around a point in time, archived"):
                gone = await lost.import_around(api, old.dsn())
                await old.archive_all()
            old.cluster.kill()
        await restore(old, new, folder, tables, report)
        async with serve(new.dsn(ROLE)) as api:
            await use_restored(api, new, before, done)
        await prune(new, done)
        await move_to_partitions(new, folder)
        await recover(stack, old, gone)


async def make_old(server: Server, folder: Path) -> int:
    """Make the old server, with readers, and drop one of their roles; return its number."""
    await server.start_new(archive_command=f"cp %p {server.archive}/%f", **_ARCHIVING)
    roles = (*(f"filler_{n}" for n in range(8)), DROPPED, OWNER, ROLE, READER, OTHER)
    await server.execute(
        *(f"CREATE ROLE {role} LOGIN" for role in roles),
        f"CREATE DATABASE bulk_import OWNER {OWNER}",
    )
    run_as_owner(server, f"bulk-import migrate --grant-to {ROLE}", folder)
    add = "INSERT INTO clients (client_id, name) VALUES ({0}, 'Client {0}')"
    await server.execute(*map(add.format, CLIENTS), database="bulk_import")
    for role, client in ((READER, QUIET), (OTHER, SMALL), (DROPPED, QUIET)):
        grant = f"bulk-import migrate --grant-reader {role} --client {client}"
        run_as_owner(server, grant, folder)
    async with connected(server.admin) as connection:
        number: int = await connection.fetchval(f"SELECT '{DROPPED}'::regrole::oid")
    await server.execute(f"DROP OWNED BY {DROPPED}; DROP ROLE {DROPPED}", database="bulk_import")
    return number


async def make_new(server: Server, dropped: int) -> None:
    """Make the new server, where a reader has the number of the role that was dropped."""
    await server.start_new()
    async with connected(server.admin) as connection:
        for number in range(_FILLERS):
            await connection.execute(f"CREATE ROLE spare_{number}")
            last = await connection.fetchval(f"SELECT 'spare_{number}'::regrole::oid")
            if last == dropped - 1:
                await connection.execute(f"CREATE ROLE {OTHER}")
            if last >= dropped - 1:
                break
            await connection.execute(f"DROP ROLE spare_{number}")
        assert dropped == await connection.fetchval(f"SELECT '{OTHER}'::regrole::oid")


async def dump_while_importing(
    api: Api, old: Server, new: Server, folder: Path, done: Scene
) -> tuple[dict[str, tuple[int, bytes]], Contents, Contents]:
    """Import, and dump meanwhile.

    Returns:
        The answers to the quiet client, and what the dump's snapshot has: the tables, and the
        views of a reader.
    """
    with timed("imports of four formats, a label, a lock, an archived project, an undo"):
        await scene.fill(api, done)
        before = await read_all(api, QUIET)
    with timed("a base backup"):
        await old.back_up(old.folder / "backup")
    release, stop = asyncio.Event(), asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        long = tasks.create_task(api.upload(BUSY, scene.long_file(), scene.LONG_KEY, release))
        tasks.create_task(scene.import_small_files(api, done, stop))
        await scene.until_some_are_stored(api)
        reported = len(done.reported)
        with timed("a dump, while a large and small imports run"):
            async with snapshot(old.dsn()) as (name, connection):
                tables = await read_tables(connection)
                report = await read_report(connection, READER)
                await asyncio.to_thread(dump, old, new, folder, name)
        release.set()
        stop.set()
    created = long.result()["counts"]["created"]
    assert created == scene.LONG_PROJECTS, created
    tell(
        f"  {reported} small imports reported before it, {len(done.reported) - reported} during it;"
        f" the large one created {created} projects"
    )
    del done.reported[reported:]
    return before, tables, report


def dump(old: Server, new: Server, folder: Path, snapshot_name: str) -> None:
    """Run the commands to back up, with a snapshot that can be compared."""
    script = runbook.block("Back up")
    assert script.count("pg_dump --") == 1, script
    script = script.replace("pg_dump --", f"pg_dump --snapshot={snapshot_name} --")
    urls = {"ADMIN_URL": old.admin, "OWNER_URL": old.dsn(OWNER)}
    runbook.run(script, folder, new.programs, urls)


async def restore(
    old: Server, new: Server, folder: Path, tables: Contents, report: Contents
) -> None:
    """Run the commands to restore, and compare the rows and what readers see."""
    urls = {"ADMIN_URL": new.admin, "OWNER_URL": new.dsn(OWNER)}
    with timed("the restore into the new server"):
        script = runbook.block("Restore into a new server")
        await asyncio.to_thread(runbook.run, script, folder, new.programs, urls)
        check = {"DATABASE_URL": new.dsn(ROLE)}
        runbook.run("bulk-import migrate --check", folder, new.programs, check)
    restored = await tables_of(new.dsn())
    assert_equal(tables, restored)
    assert_equal(report, await report_of(new.dsn(), READER))
    async with connected(new.dsn()) as connection, connection.transaction():
        await connection.execute(f"SET LOCAL ROLE {OTHER}")
        seen = await connection.fetch("SELECT client_id FROM report.clients")
    assert [row["client_id"] for row in seen] == [SMALL], seen
    tell(f"  {len(restored)} tables and {len(report)} views of a reader are equal by hash;")
    tell("  a reader that has the number of a dropped one does not see its client")


async def use_restored(
    api: Api, new: Server, before: dict[str, tuple[int, bytes]], done: Scene
) -> None:
    """Check the service on the restored database."""
    with timed("the service on the restored database"):
        async with connected(new.dsn()) as connection:
            ids = await after.last_ids(connection)
        number = await after.answers_equal(api, before)
        await after.reported_are_there(api, done.reported)
        counts = await after.long_import_continues(api)
        await after.same_files_again(api, done)
        await after.new_ids(api, *ids)
        await after.undo_works(api)
        await after.changes_can_be_followed(api)
    tell(f"  {number} answers are equal byte for byte; the large import continued with {counts};")
    tell("  files are unchanged, keys replay, new ids are free, an undo works")


async def prune(server: Server, done: Scene) -> None:
    """Prune all but the last version as the role that serves."""
    keep = {"VERSIONS": "1", "DAYS": "0", "MONTHS": "0", "SUPERSEDED": "0.001"}
    settings = {f"BULK_IMPORT_KEEP_{name}": value for name, value in keep.items()}
    settings |= {"DATABASE_URL": server.dsn(ROLE), "BULK_IMPORT_JWT_SECRET": SECRET}
    with timed("pruning"):
        said = runbook.run("bulk-import prune", Path("/"), server.programs, settings).stdout
        async with serve(server.dsn(ROLE)) as api:
            await after.label_is_kept(api, done)
    tell(f"  {said.strip()}")


async def move_to_partitions(server: Server, folder: Path) -> None:
    """Move the rows to partitioned tables with the commands of docs/operate/postgresql.md."""
    create = f"CREATE DATABASE partitioned OWNER {OWNER} TEMPLATE template0 ENCODING UTF8"
    await server.execute(create)
    target = server.dsn(OWNER, "partitioned")
    with timed("the move to partitioned tables"):
        grants = f"--grant-to {ROLE}"
        make = f"bulk-import migrate --partitions 4 {grants}"
        runbook.run(make, folder, server.programs, {"DATABASE_URL": target})
        script = runbook.block("Partitions", runbook.POSTGRESQL)
        urls = {"OLD": server.dsn(OWNER), "NEW": target}
        await asyncio.to_thread(runbook.run, script, folder, server.programs, urls)
        assert_equal(
            await tables_of(server.dsn()),
            await tables_of(server.dsn(database="partitioned")),
            apart_from=("public.schema_migrations",),
        )
        async with connected(target) as connection:
            ids = await after.last_ids(connection)
        async with serve(server.dsn(ROLE, "partitioned")) as api:
            answer = await api.upload(QUIET, scene.plan("partitioned", "New"), "partitioned")
            assert answer["import_id"] > ids[0], answer
            assert answer["details"]["successes"][0]["project_id"] > ids[1], answer


async def recover(stack: contextlib.ExitStack, old: Server, gone: lost.Lost) -> None:
    """Recover the old server to the point in time, use it, and upgrade it to the new version."""
    recovered, upgraded = Server(stack, "16"), Server(stack, "18")
    with timed("recovery to the point in time"):
        await recovered.recover(old.folder / "backup", old.archive, gone.until)
        at_risk = await lost.ids_at_risk(recovered.dsn(), gone)
        script = runbook.block("After a restore to an earlier time", runbook.AFTER_RESTORE)
        await recovered.execute(script, database="bulk_import")
        async with serve(recovered.dsn(ROLE)) as api:
            await lost.send_again(api, gone)
    tell(f"  {len(gone.imports)} lost imports were sent again; without the step that skips ids,")
    tell(f"  {at_risk} of their ids would have been given twice")
    with timed("pg_upgrade from 16 to 18"):
        tables = await tables_of(recovered.dsn())
        report = await report_of(recovered.dsn(), READER)
        await upgraded.upgrade_from(recovered)
        assert_equal(tables, await tables_of(upgraded.dsn()))
        assert_equal(report, await report_of(upgraded.dsn(), READER))
        async with serve(upgraded.dsn(ROLE)) as api:
            again = await api.upload(QUIET, scene.FILES["p6"].read_bytes(), "after-upgrade")
            assert again["counts"]["failed"] == 0, again


def run_as_owner(server: Server, command: str, folder: Path) -> None:
    runbook.run(command, folder, server.programs, {"DATABASE_URL": server.dsn(OWNER)})


def tell(line: str) -> None:
    print(line, flush=True)


@contextlib.contextmanager
def timed(what: str) -> Iterator[None]:
    """Print how long a block took."""
    began = time.monotonic()
    yield
    tell(f"{what}: {time.monotonic() - began:.1f} s")


if __name__ == "__main__":
    sys.exit(main())
