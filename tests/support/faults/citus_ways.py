"""A Citus cluster whose nodes are reached through proxies that can fail."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Final

import aiohttp
import asyncpg
import orjson

from tests.support.databases import execute
from tests.support.faults.cluster import Cluster
from tests.support.faults.proxy import Proxy, proxied
from tests.support.service import Service

BOUNDARY: Final = {"Content-Type": "multipart/form-data; boundary=b"}
"""The headers of an upload that ``in_halves`` sends."""
_HEAD: Final = b'--b\r\nContent-Disposition: form-data; name="file"\r\n\r\n'
_NODE_OF: Final = """
SELECT nodeport FROM citus_shards
 WHERE shardid = get_shard_id_for_distribution_column('clients', {client})
"""
_MOVE: Final = """
SELECT citus_update_node(nodeid, '127.0.0.1', {new}) FROM pg_dist_node WHERE nodeport = {old}
"""
_BLOCKED: Final = """
SELECT count(*)
  FROM pg_locks
  JOIN pg_prepared_xacts ON transaction = transactionid
 WHERE NOT granted
"""


@dataclass
class Ways:
    """A cluster, and what is between its coordinator and its two workers.

    Attributes:
        coordinator: it reaches its workers through the proxies.
        proxies: those to the workers.
        clients: one on each worker.
    """

    coordinator: Cluster
    proxies: list[Proxy]
    clients: list[int]

    async def wait_until_blocked(self, worker: int) -> None:
        """Wait until a transaction on a worker waits for one that is prepared."""
        async with asyncio.timeout(20):
            while not await execute(self.coordinator.workers[worker].dsn(), _BLOCKED):  # noqa: ASYNC110
                await asyncio.sleep(0.05)


@contextlib.asynccontextmanager
async def open_ways(coordinator: Cluster) -> AsyncIterator[Ways]:
    """Put a proxy before each worker, and create a client on each."""
    dsn = coordinator.dsn()
    async with contextlib.AsyncExitStack() as stack:
        proxies = [
            await stack.enter_async_context(proxied(worker.dsn())) for worker in coordinator.workers
        ]
        connection = await asyncpg.connect(dsn)
        await connection.execute("SELECT FROM clients")  # citus_update_node crashes without
        for worker, proxy in zip(coordinator.workers, proxies, strict=True):
            await connection.execute(_MOVE.format(old=worker.port, new=proxy.port))
        await connection.execute("SELECT start_metadata_sync_to_all_nodes()")
        await connection.close()
        clients = []
        for proxy in proxies:
            client = 1
            while await execute(dsn, _NODE_OF.format(client=client)) != proxy.port:
                client += 1
            await execute(dsn, f"INSERT INTO clients (client_id, name) VALUES ({client}, 'One')")
            clients.append(client)
        yield Ways(coordinator, proxies, clients)


async def send_for(
    http: aiohttp.ClientSession,
    service: Service,
    client: int,
    content: bytes,
    *,
    key: str | None = None,
) -> tuple[int, dict[str, Any]]:
    """Upload one file for a client, and return the status and the body of the response."""
    form = aiohttp.FormData()
    form.add_field("file", content, filename="plans.xml", content_type="application/xml")
    headers = service.headers(clients=[client]) | ({"Idempotency-Key": key} if key else {})
    async with http.post(
        service.url("projects/bulk", client=client), data=form, headers=headers
    ) as answer:
        return answer.status, orjson.loads(await answer.read())


async def wait_for_state(
    http: aiohttp.ClientSession, service: Service, client: int, import_id: int, state: str
) -> None:
    """Wait until an import of a client has a state."""
    url = service.url(f"imports/{import_id}", client=client)
    async with asyncio.timeout(60):
        while True:
            async with http.get(url, headers=service.headers(clients=[client])) as answer:
                if answer.status == 200 and (await answer.json())["details"]["state"] == state:
                    return
            await asyncio.sleep(0.05)


async def in_halves(content: bytes, resumed: asyncio.Event) -> AsyncIterator[bytes]:
    """Yield the body of an upload; its second half waits for the event."""
    middle = len(content) // 2
    yield _HEAD + content[:middle]
    await resumed.wait()
    yield content[middle:] + b"\r\n--b--\r\n"
