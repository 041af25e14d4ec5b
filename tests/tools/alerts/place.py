"""Where the alerts are tried: one PostgreSQL, and a service for each namespace."""

import contextlib
import os
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit, urlunsplit

import aiohttp
import asyncpg

from service.settings import Settings
from tests.support.databases import ADD_CLIENT, create_database
from tests.support.native import native_file, native_project
from tests.support.paths import CHECKOUT
from tests.support.raw_http import Connection, form, head, part
from tests.support.servers import PLAIN, database_dsn
from tests.support.service import SECRET, Service
from tests.tools.alerts import limited
from tests.tools.bench.database import Database
from tests.tools.bench.process import serves, start_serving, stopping

SETTINGS: Final[dict[str, object]] = {"jwt_secret": SECRET, "max_imports_per_client": 100}
_GRANTS: Final = """
    CREATE ROLE {role} LOGIN;
    GRANT ALL ON ALL TABLES IN SCHEMA public TO {role};
    GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO {role}
"""


@dataclass(frozen=True)
class Place:
    """A service and its database.

    Attributes:
        name: its namespace.
        service: where it answers.
        process: its process.
        admin: a connection to its database, which no fault of the service concerns.
    """

    name: str
    service: Service
    process: Process
    admin: "asyncpg.Connection[asyncpg.Record]"

    @property
    def target(self) -> str:
        """What Prometheus scrapes."""
        return urlsplit(self.service.base).netloc

    async def upload(self, session: aiohttp.ClientSession, file: bytes) -> int | None:
        """Upload a file; return the status, or None if the connection broke."""
        data = aiohttp.FormData()
        data.add_field("file", file, filename="plan.xml")
        try:
            async with session.post(
                self.service.bulk, data=data, headers=self.service.headers()
            ) as response:
                await response.read()
                return response.status
        except aiohttp.ClientError:
            return None

    @contextlib.asynccontextmanager
    async def begun(self, file: bytes) -> AsyncIterator[Connection]:
        """Send all of an upload but its last bytes, and close the connection at the end."""
        body = form(part("file", file))
        async with Connection(self.service) as connection:
            await connection.send(head(self.service, f"Content-Length: {len(body)}"), body[:-200])
            yield connection

    async def refuse_connections(self) -> None:
        """Have the database refuse the service, with SQLSTATE 53300, and end its connections."""
        await self.admin.execute(f"ALTER ROLE {self.name} CONNECTION LIMIT 0")
        await self.admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1", self.name
        )

    async def accept_connections(self) -> None:
        """Undo ``refuse_connections``."""
        await self.admin.execute(f"ALTER ROLE {self.name} CONNECTION LIMIT -1")


def plan(*ids: object, inside: str = "") -> bytes:
    """A file of projects."""
    return native_file(*(native_project(each, inside=inside) for each in ids))


@contextlib.asynccontextmanager
async def place(
    server: str, name: str, before: str = "", limit: Path | None = None, /, **settings: object
) -> AsyncIterator[Place]:
    """Run a service until the block ends.

    Args:
        server: DSN of the server.
        name: of the namespace, the database and the role of the service.
        before: statements to run before the service starts.
        limit: file that the service sees in place of the limit of its container's memory.
        settings: beyond the defaults.
    """
    async with create_database(server, name, PLAIN):
        admin = await asyncpg.connect(database_dsn(server, name))
        await admin.execute(f"{_GRANTS.format(role=name)}; {ADD_CLIENT}; {before}")
        parts = urlsplit(database_dsn(server, name))
        own = urlunsplit(parts._replace(netloc=parts.netloc.replace("postgres@", f"{name}@")))
        module, variables = ("service", {})
        if limit is not None:
            module, variables = (limited.__name__, {limited.VARIABLE: str(limit)})
        with Path(os.devnull).open("wb") as log:  # noqa: ASYNC230 - the null device never blocks
            process = await start_serving(
                Database(own),
                CHECKOUT,
                module,
                log=log,
                variables=variables,
                **(SETTINGS | settings),
            )
        async with stopping(process):
            base = await serves(process)
            yield Place(name, Service(base, own, Settings()), process, admin)
        await admin.close()
    owner = await asyncpg.connect(server)
    await owner.execute(f"DROP ROLE {name}")
    await owner.close()
