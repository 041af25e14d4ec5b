"""Restart three replicas behind nginx and PgBouncer, one by one, under load.

    python -m tests.tools.load.replicas

While the mix of ``tests.tools.load`` runs, each replica in turn is taken out of nginx, ended by
SIGTERM, started and put back. PgBouncer is killed and started in between. With ``--upgrade`` the
replicas start with the previous schema and its code; then the schema is migrated, and each replica
restarts with the code of this checkout. Afterwards every project that a response reported is looked
up in the database. The exit code is 0 if every response obeyed the contract and no project is
missing."""

import argparse
import asyncio
import contextlib
import json
import os
import signal
import sys
import tempfile
import time
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from service.settings import Settings
from tests.support.faults.truth import look
from tests.support.paths import CHECKOUT
from tests.support.pgbouncer import PgBouncer, run_pgbouncer
from tests.tools.bench.database import Database, add_clients, server
from tests.tools.bench.process import ends_all_on_sigterm, prepare, serves, sign, start_serving
from tests.tools.load.__main__ import MIX, OUT, add_options, summary, tell, users
from tests.tools.load.nginx import Front, free_port, in_front
from tests.tools.load.previous import checkout

REPLICAS: Final = 3
CONNECTIONS: Final = REPLICAS * int(Settings.model_fields["pool_size"].default)
"""All that the replicas may ask for at once go through PgBouncer, as the manifests have it."""
PAUSES: Final = REPLICAS + 2
_LOST: Final = """
SELECT count(*), count(*) FILTER (WHERE v.version IS NULL)
  FROM json_to_recordset($1::json) AS t (client bigint, id text, version integer)
  LEFT JOIN projects p ON p.client_id = t.client AND p.external_id = t.id
  LEFT JOIN project_versions v
    ON v.client_id = t.client AND v.project_id = p.project_id AND v.version = t.version
"""


class Replica:
    """A ``serve`` process on a fixed port.

    Args:
        database: migrated.
        settings: beyond the defaults, as of ``start_serving``.
    """

    def __init__(self, database: Database, **settings: Any) -> None:
        self.port = free_port()
        self._database = database
        self._settings = settings
        self._process: Process | None = None

    async def start(self, code: Path = CHECKOUT) -> None:
        """Start it with the code of a checkout, and wait until it serves."""
        self._process = await start_serving(self._database, code, port=self.port, **self._settings)
        await serves(self._process)

    async def end(self) -> int:
        """SIGTERM; the code that it ends with once its imports have ended."""
        if self._process is None:
            return 0
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGTERM)
        return await self._process.wait()


@dataclass(frozen=True)
class Site:
    """What runs: one database, PgBouncer, replicas, nginx; and a token for it."""

    direct: Database
    bouncer: PgBouncer
    replicas: list[Replica]
    front: Front
    token: str


@contextlib.asynccontextmanager
async def running(folder: Path, code: Path) -> AsyncIterator[Site]:
    """Run the site with the code and schema of a checkout until the block ends."""
    async with server(folder / "db") as direct, contextlib.AsyncExitStack() as stack:
        await prepare(direct, code)
        await add_clients(direct)
        bouncer = stack.enter_context(
            run_pgbouncer(direct.dsn, prepared=200, connections=CONNECTIONS)
        )
        pooled = Database(bouncer.dsn(urlsplit(direct.dsn).path[1:]))
        replicas = [Replica(pooled) for _ in range(REPLICAS)]
        for replica in replicas:
            await replica.start(code)
            stack.push_async_callback(replica.end)
        ports = [replica.port for replica in replicas]
        front = await stack.enter_async_context(in_front(folder / "nginx", ports))
        yield Site(direct, bouncer, replicas, front, await sign(direct))


async def roll_out(site: Site, pause: float, code: Path) -> None:
    """Migrate, restart one replica after the other, and PgBouncer once the first is back.

    Args:
        site: under load.
        pause: seconds before the schema, before each replica, and after the last.
        code: the checkout whose schema and code there is then.

    Raises:
        RuntimeError: a replica ended with another code than 0.
    """
    await asyncio.sleep(pause)
    await prepare(site.direct, code)
    say("the schema is up to date")
    for number, replica in enumerate(site.replicas, 1):
        await asyncio.sleep(pause)
        await site.front.send_to(each.port for each in site.replicas if each is not replica)
        began = time.monotonic()
        ended = await replica.end()
        if ended != 0:
            raise RuntimeError(f"replica {number} ended with {ended}")
        say(f"replica {number} ended, {time.monotonic() - began:.1f} s after SIGTERM")
        await replica.start(code)
        await site.front.send_to(each.port for each in site.replicas)
        say(f"replica {number} serves")
        if number == 1:
            bounce(site)
    await asyncio.sleep(pause)


def bounce(site: Site) -> None:
    """Kill PgBouncer and start it again."""
    parts = urlsplit(site.direct.dsn)
    query = parse_qs(parts.query)
    host = parts.hostname or query["host"][0]
    site.bouncer.stop()
    site.bouncer.start(host, parts.port or int(query.get("port", ["5432"])[0]))
    say("PgBouncer was killed and started")


async def check(database: Database, clients: list[int], rows: list[object]) -> bool:
    """Return whether every reported project is stored, and none in part."""
    await database.execute("ANALYZE")
    async with database.connected() as connection:
        found = await connection.fetchrow(_LOST, json.dumps(rows))
        assert found is not None
        print(f"projects reported as imported: {found[0]}, of which missing: {found[1]}")
        wrong = [await look(connection, client) for client in clients]
    lines = [line for each in wrong for line in (*each.lost, *each.partial, *each.wrong_state)]
    print(f"stored in part, or reported wrongly: {len(lines)}", *lines, sep="\n  ")
    return found[0] > 0 and found[1] == 0 and not lines


def say(what: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {what}", flush=True)


async def main(asked: argparse.Namespace, code: Path) -> int:
    """The code to end with."""
    OUT.mkdir(parents=True, exist_ok=True)
    told = OUT / "told.jsonl"
    told.unlink(missing_ok=True)
    # Not /tmp, which may be memory: there fsync costs nothing.
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR", "/var/tmp")) as name:
        async with running(Path(name), code) as site:
            async with users(asked, site.front.base, site.token, *MIX, told=told) as locust:
                await roll_out(site, asked.seconds / PAUSES, CHECKOUT)
                locust.send_signal(signal.SIGUSR1)
                failed = await locust.wait()
            tell(summary())
            # An import whose client has left still has to end before the check.
            await asyncio.gather(*(replica.end() for replica in site.replicas))
            rows = [json.loads(line) for line in told.read_text("utf-8").splitlines()]
            good = await check(site.direct, [*map(int, asked.clients.split(","))], rows)
            return failed or (0 if good else 1)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        prog="python -m tests.tools.load.replicas", description=__doc__.partition("\n")[0]
    )
    parser.add_argument(
        "--seconds", type=int, default=60, help="of load beside the restarts (default %(default)s)"
    )
    parser.add_argument(
        "--upgrade",
        nargs="?",
        const="",
        metavar="COMMIT",
        help="begin with the code of this one; by default the newest without the last migration"
        " that can be started",
    )
    add_options(parser)
    asked = parser.parse_args()
    ends_all_on_sigterm()
    upgraded = asked.upgrade is not None
    with checkout(asked.upgrade) if upgraded else contextlib.nullcontext(CHECKOUT) as code:
        sys.exit(asyncio.run(main(asked, code)))
