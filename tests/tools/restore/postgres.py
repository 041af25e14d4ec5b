"""PostgreSQL servers of the check: base backups, recovery and pg_upgrade."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Final

from service.storage import Connection
from service.storage.embedded.program_files import Programs
from tests.support.faults.cluster import Cluster, folder_for
from tests.tools.restore.contents import connected

DATABASE: Final = "bulk_import"
OWNER: Final = "bulk_import_owner"
ROLE: Final = "bulk_import"
_LOCALE: Final = ("--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C")
_BOUND: Final = 60.0


class Server:
    """A server, with the folder that its account can write to.

    Args:
        stack: ends it.
        version: "16" or "18".
        options: server settings.

    Attributes:
        programs: of its version.
        cluster: its process.
    """

    def __init__(self, stack: contextlib.ExitStack, version: str, **options: str) -> None:
        self.folder, self._programs = stack.enter_context(folder_for(version))
        self.archive = self.folder / "archive"
        self.archive.mkdir()
        os.chown(self.archive, *_ids(self._programs))
        self.cluster = Cluster(self.folder, self._programs, **options)
        stack.enter_context(contextlib.closing(self.cluster))

    @property
    def programs(self) -> Path:
        return self._programs.folder

    def dsn(self, role: str = "postgres", database: str = DATABASE) -> str:
        """Return the address of a database for a role."""
        return self.cluster.dsn(database).replace("postgres@", f"{role}@")

    @property
    def admin(self) -> str:
        """Address for the superuser, in a database that always exists."""
        return self.dsn(database="postgres")

    async def start_new(self, **options: str) -> None:
        """Make it, empty, and start it."""
        await asyncio.to_thread(self.cluster.make)
        await asyncio.to_thread(self.cluster.start, **options)

    async def execute(self, *statements: str, database: str = "postgres") -> None:
        """Run statements as the superuser, each in its own transaction."""
        async with connected(self.dsn(database=database)) as connection:
            for statement in statements:
                await connection.execute(statement)

    async def back_up(self, folder: Path) -> None:
        """Copy the data of the running server, as a base backup."""
        where = f"--dbname={self.admin}"
        what = (f"--pgdata={folder}", "--checkpoint=fast", "--wal-method=none", "--no-sync")
        await asyncio.to_thread(self._programs.run, "pg_basebackup", where, *what, fds=())

    async def archive_all(self) -> None:
        """Wait until the archive has everything that was committed."""
        async with connected(self.admin) as connection, asyncio.timeout(_BOUND):
            segment = await connection.fetchval("SELECT pg_walfile_name(pg_switch_wal())")
            while not (self.archive / segment).exists():  # noqa: ASYNC110
                await asyncio.sleep(0.05)

    async def recover(self, backup: Path, archive: Path, until: datetime) -> None:
        """Start from a base backup, and replay the archive up to a time."""
        self.cluster.restore(backup)
        (self.cluster.data / "recovery.signal").touch()
        await asyncio.to_thread(
            self.cluster.start,
            restore_command=f"cp {archive}/%f %p",
            recovery_target_time=until.isoformat(),
            recovery_target_action="promote",
        )
        async with connected(self.admin) as connection, asyncio.timeout(_BOUND):
            while await connection.fetchval("SELECT pg_is_in_recovery()"):  # noqa: ASYNC110
                await asyncio.sleep(0.05)

    async def upgrade_from(self, old: "Server") -> None:
        """Make it the older server's data in this version, and start it; the older one ends."""
        await asyncio.to_thread(old.cluster.stop, signal.SIGINT)
        make = ("initdb", "-D", str(self.cluster.data), "--no-sync", *_LOCALE)
        await asyncio.to_thread(self._programs.run, *make, "--no-data-checksums", fds=())
        await asyncio.to_thread(
            self._programs.run,
            "/usr/bin/env",
            f"--chdir={self.folder}",
            str(self.programs / "pg_upgrade"),
            f"--old-bindir={old.programs}",
            f"--new-bindir={self.programs}",
            f"--old-datadir={old.cluster.data}",
            f"--new-datadir={self.cluster.data}",
            f"--socketdir={self.folder}",
            "--username=postgres",
            "--no-sync",
            fds=(),
        )
        await asyncio.to_thread(self.cluster.start)


def _ids(programs: Programs) -> tuple[int, int]:
    account = programs.account
    return (account.uid, account.gid) if account is not None else (-1, -1)


@contextlib.asynccontextmanager
async def snapshot(dsn: str) -> AsyncIterator[tuple[str, Connection]]:
    """Open a transaction whose snapshot a dump can use; yields its name and the connection."""
    async with (
        connected(dsn) as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        yield await connection.fetchval("SELECT pg_export_snapshot()"), connection
