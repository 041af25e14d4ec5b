"""``python -m tests.load.replicas``: three replicas behind nginx and PgBouncer, rolled under load.

While the mix of ``tests.load`` goes on, each replica is taken out of nginx, ended by SIGTERM,
started and put back, one after the other; then PgBouncer is killed and started. Afterwards all that
the clients were told is looked up in the database. Ends with 0 where every answer was one of the
contract and all that was told is there.
"""

import argparse
import asyncio
import contextlib
import json
import signal
import sys
import tempfile
import time
from asyncio.subprocess import Process
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs, urlsplit

from tests.bench.database import Database, add_clients, server
from tests.bench.process import prepare, serves, sign, start_serving
from tests.bouncing import Bouncer, bouncing
from tests.faults.truth import look
from tests.load.__main__ import OUT, load, options
from tests.load.nginx import Front, free_port, in_front

REPLICAS: Final = 3
SETTINGS: Final[dict[str, object]] = {"pool_size": 12, "max_imports_per_client": 16}
_LOST: Final = """
SELECT count(*), count(*) FILTER (WHERE v.version IS NULL)
  FROM json_to_recordset($1::json) AS t (client bigint, id text, version integer)
  LEFT JOIN projects p ON p.client_id = t.client AND p.external_id = t.id
  LEFT JOIN project_versions v
    ON v.client_id = t.client AND v.project_id = p.project_id AND v.version = t.version
"""


class Replica:
    """A ``serve`` process on a port that stays its own."""

    def __init__(self, database: Database) -> None:
        self.port = free_port()
        self._database = database
        self._process: Process | None = None

    async def start(self) -> None:
        """Start it and wait until it serves."""
        self._process = await start_serving(self._database, log=None, port=self.port, **SETTINGS)
        await serves(self._process)

    async def end(self) -> int:
        """SIGTERM; the code that it ends with once its imports have ended."""
        assert self._process is not None
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGTERM)
        return await self._process.wait()


async def rolled(front: Front, replicas: list[Replica]) -> None:
    """Restart one replica after the other, as a rollout does."""
    for replica in replicas:
        await front.send_to(each.port for each in replicas if each is not replica)
        began = time.monotonic()
        code = await replica.end()
        print(f"a replica ended with {code}, {time.monotonic() - began:.1f} s after SIGTERM")
        await replica.start()
        await front.send_to(each.port for each in replicas)


def bounce(bouncer: Bouncer, dsn: str) -> None:
    """Kill PgBouncer and start it anew."""
    bouncer.stop()
    parts = urlsplit(dsn)
    query = parse_qs(parts.query)
    host = parts.hostname or query["host"][0]
    bouncer.start(host, parts.port or int(query.get("port", ["5432"])[0]))
    print("PgBouncer was killed and started")


async def check(database: Database, clients: list[int], rows: list[object]) -> bool:
    """Whether all that was told is there, and nothing by halves."""
    async with database.connected() as connection:
        found = await connection.fetchrow(_LOST, json.dumps(rows))
        assert found is not None
        print(f"projects reported as landed: {found[0]}, of which not found: {found[1]}")
        wrong = [await look(connection, client) for client in clients]
    for each in wrong:
        print(*each.lost, *each.half, *each.lied, sep="\n", end="")
    number = sum(len(each.lost) + len(each.half) + len(each.lied) for each in wrong)
    print(f"found by halves, or told otherwise: {number}")
    return found[0] > 0 and found[1] == 0 and number == 0


def lines(told: Path) -> list[object]:
    """What the clients wrote down."""
    return [json.loads(line) for line in told.read_text("utf-8").splitlines()]


async def main(asked: argparse.Namespace) -> int:
    """The code to end with."""
    OUT.mkdir(parents=True, exist_ok=True)
    told = OUT / "told.jsonl"
    told.unlink(missing_ok=True)
    clients = [int(each) for each in asked.clients.split(",")]
    # Not /tmp, which may be memory: there fsync costs nothing.
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name:
        async with server(Path(name) / "db") as direct, contextlib.AsyncExitStack() as stack:
            await prepare(direct)
            await add_clients(direct)
            bouncer = stack.enter_context(bouncing(direct.dsn, prepared=200))
            token = await sign(direct)
            replicas = [
                Replica(Database(bouncer.dsn(urlsplit(direct.dsn).path[1:])))
                for _ in range(REPLICAS)
            ]
            for replica in replicas:
                await replica.start()
                stack.push_async_callback(replica.end)
            ports = [replica.port for replica in replicas]
            front = await stack.enter_async_context(in_front(Path(name) / "nginx", ports))
            loading = asyncio.create_task(load(asked, front.base, token, told))
            await asyncio.sleep(asked.seconds / 5)
            await rolled(front, replicas)
            bounce(bouncer, direct.dsn)
            code = await loading
            return code or (0 if await check(direct, clients, lines(told)) else 1)


if __name__ == "__main__":
    sys.exit(asyncio.run(main(options("tests.load.replicas", __doc__))))
