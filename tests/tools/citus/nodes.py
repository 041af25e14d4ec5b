"""A Citus cluster set up as docs/operate/citus/set-up.md says, and what its nodes used."""

import contextlib
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from tests.support.faults.cluster import citus_nodes
from tests.tools.bench.database import Database, add_clients
from tests.tools.bench.process import prepare
from tests.tools.bench.usage import usage

SHARDS: Final = 32
_PLAIN: Final = {"shared_preload_libraries": "pg_stat_statements"}
_OPTIONS: Final = {
    "shared_preload_libraries": "citus,pg_stat_statements",
    # The statements on each shard are different ones.
    "pg_stat_statements.max": "50000",
    "shared_buffers": "128MB",
    # To split and move shards while imports write.
    "wal_level": "logical",
    "output_plugin_libraries": "pgoutput, citus",
}
_STATEMENTS: Final = "SELECT coalesce(sum(calls), 0)::bigint FROM pg_stat_statements"
_CONNECTIONS: Final = """
SELECT count(*) FROM pg_stat_activity
 WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()
"""
_SPREAD: Final = """
SELECT n.nodeport,
       count(DISTINCT s.shardid) AS shards,
       count(DISTINCT c.client_id) AS clients
  FROM pg_dist_node n
  JOIN pg_dist_placement p USING (groupid)
  JOIN pg_dist_shard s ON s.shardid = p.shardid AND s.logicalrelid = 'clients'::regclass
  LEFT JOIN generate_series($1::bigint, $2::bigint) AS c (client_id)
         ON get_shard_id_for_distribution_column('clients', c.client_id) = s.shardid
 GROUP BY n.nodeport
"""


@dataclass(frozen=True)
class Nodes:
    """A cluster, or one PostgreSQL without Citus.

    Attributes:
        coordinator: takes the connections of the service.
        workers: have the shards; none without Citus.
        spare: run, and are no part of the cluster yet.
    """

    coordinator: Database
    workers: tuple[Database, ...]
    spare: tuple[Database, ...] = ()

    @property
    def all(self) -> tuple[Database, ...]:
        """The nodes of the cluster."""
        return (self.coordinator, *self.workers)

    async def use(self) -> "Use":
        """What each node has used so far."""
        used = [await usage(node) for node in self.all]
        return Use(
            tuple(each.cpu for each in used),
            tuple([await node.value(_STATEMENTS) for node in self.all]),
        )

    async def connections(self) -> tuple[int, ...]:
        """Client connections of each node now."""
        return tuple([await node.value(_CONNECTIONS) for node in self.all])

    async def spread(self, first: int, last: int) -> list[tuple[int, int]]:
        """Shards of a table and clients on each worker, of the clients in an interval of ids."""
        async with self.coordinator.connected() as connection:
            rows = await connection.fetch(_SPREAD, first, last)
        found = {row["nodeport"]: (row["shards"], row["clients"]) for row in rows}
        return [found[urlsplit(worker.dsn).port] for worker in self.workers]


@dataclass(frozen=True)
class Use:
    """By node, the coordinator first: seconds of CPU, and statements that it executed."""

    cpu: tuple[float, ...]
    statements: tuple[int, ...]

    def __sub__(self, before: "Use") -> "Use":
        return Use(
            tuple(a - b for a, b in zip(self.cpu, before.cpu, strict=True)),
            tuple(a - b for a, b in zip(self.statements, before.statements, strict=True)),
        )


@contextlib.asynccontextmanager
async def running(workers: int, shards: int = SHARDS, spare: int = 0) -> AsyncIterator[Nodes]:
    """A migrated cluster with that many workers, or plain PostgreSQL of the same version for none.

    Args:
        workers: with shards.
        shards: of each table.
        spare: further nodes, which can be added.

    Yields:
        The nodes, with the clients of ``add_clients``.
    """
    with _started(workers, spare) as nodes:
        for node in (*nodes.all, *nodes.spare):
            await node.execute("CREATE EXTENSION pg_stat_statements")
        if workers:
            await join(nodes)
            await prepare(nodes.coordinator, options=("--distribute", str(shards)))
        else:
            await prepare(nodes.coordinator)
        await add_clients(nodes.coordinator)
        yield nodes


async def join(nodes: Nodes) -> None:
    """Make a cluster of the nodes."""
    for node in (*nodes.all, *nodes.spare):
        await node.execute("CREATE EXTENSION citus")
    await nodes.coordinator.execute(
        f"SELECT citus_set_coordinator_host('127.0.0.1', {port_of(nodes.coordinator)})",
        *(f"SELECT citus_add_node('127.0.0.1', {port_of(worker)})" for worker in nodes.workers),
    )


def port_of(node: Database) -> int:
    """The port of a node, by which the cluster knows it."""
    port = urlsplit(node.dsn).port
    assert port is not None
    return port


@contextlib.contextmanager
def _started(workers: int, spare: int) -> Iterator[Nodes]:
    options = _OPTIONS if workers else _OPTIONS | _PLAIN
    with citus_nodes(workers=workers + spare, **options) as first:
        others = [Database(worker.dsn()) for worker in first.workers]
        yield Nodes(Database(first.dsn()), tuple(others[:workers]), tuple(others[workers:]))
