"""CPU, statements and connections by node, for the same work on 1, 2 and 4 workers.

The first cluster is plain PostgreSQL of the same version. All nodes share the cores of one machine,
so only CPU and counts mean something, and no time. The last table computes from them what clusters
of larger machines carry.
"""

import os
from dataclasses import dataclass
from typing import Final

from rich.console import Console
from rich.table import Table

from tests.tools.bench.process import Server, serving, sign
from tests.tools.citus import capacity
from tests.tools.citus.nodes import SHARDS, Nodes, Use, running
from tests.tools.citus.work import CLIENTS, Step, reading, steps

_WORKERS: Final = (0, 1, 2, 4)


@dataclass(frozen=True)
class Measured:
    """One step on one cluster.

    Attributes:
        step: what was done.
        service: seconds of CPU.
        use: of the nodes.
        connections: of each node at the end of the step.
    """

    step: Step
    service: float
    use: Use
    connections: tuple[int, ...]

    @property
    def name(self) -> str:
        """Of the work."""
        return self.step.name

    @property
    def service_cost(self) -> float:
        """Milliseconds of CPU of the service for each unit."""
        return self.service * 1e3 / self.step.number

    @property
    def coordinator(self) -> float:
        """Milliseconds of CPU of the coordinator for each unit."""
        return self.use.cpu[0] * 1e3 / self.step.number

    @property
    def workers(self) -> float:
        """Milliseconds of CPU of all workers for each unit."""
        return sum(self.use.cpu[1:]) * 1e3 / self.step.number


async def main(share: float = 1.0) -> int:
    """Measure, print the tables, and return 0."""
    console = Console(width=150)
    found: dict[int, list[Measured]] = {}
    for workers in _WORKERS:
        async with running(workers) as nodes:
            found[workers] = await _measure(nodes, share)
            console.print(_table(workers, found[workers]))
            if workers:
                await _print_spread(nodes)
    console.print(_summary(found))
    console.print(capacity.table(found))
    print(f"{os.cpu_count()} cores shared by all nodes, the service and the clients")
    return 0


async def _measure(nodes: Nodes, share: float) -> list[Measured]:
    token = await sign(nodes.coordinator)
    async with serving(nodes.coordinator, token) as server, reading(server) as session:
        return [await _do(nodes, server, step) for step in steps(server, session, share)]


async def _do(nodes: Nodes, server: Server, step: Step) -> Measured:
    cpu, before = server.cpu(), await nodes.use()
    await step.run()
    service = server.cpu() - cpu
    return Measured(step, service, await nodes.use() - before, await nodes.connections())


def _table(workers: int, found: list[Measured]) -> Table:
    name = f"{workers} worker{'s' * (workers > 1)}" if workers else "plain PostgreSQL"
    table = Table(title=f"{name}: CPU in seconds, statements and connections, by node")
    for heading in ("work", "units", "service", "coordinator", "workers"):
        table.add_column(heading, justify="left" if heading == "work" else "right")
    for heading in ("statements", "of the workers", "connections", "of the workers"):
        table.add_column(heading, justify="right")
    for each in found:
        cpu, statements = each.use.cpu, each.use.statements
        table.add_row(
            each.step.name,
            f"{each.step.number:,}",
            f"{each.service:.2f}",
            f"{cpu[0]:.2f}",
            " ".join(f"{value:.2f}" for value in cpu[1:]),
            f"{statements[0]:,}",
            " ".join(f"{value:,}" for value in statements[1:]),
            f"{each.connections[0]}",
            " ".join(map(str, each.connections[1:])),
        )
    return table


async def _print_spread(nodes: Nodes) -> None:
    spread = await nodes.spread(1, CLIENTS)
    shards = " ".join(str(each) for each, _ in spread)
    clients = " ".join(str(each) for _, each in spread)
    print(f"{SHARDS} shards by worker: {shards}; {CLIENTS} clients by worker: {clients}")


def _summary(found: dict[int, list[Measured]]) -> Table:
    table = Table(title="CPU in milliseconds for each unit: coordinator + all workers")
    table.add_column("work")
    table.add_column("service", justify="right")
    for workers in found:
        table.add_column(f"{workers} workers" if workers else "plain", justify="right")
    for number, first in enumerate(found[0]):
        cells = [
            f"{each[number].coordinator:.2f} + {each[number].workers:.2f}"
            if workers
            else f"{each[number].coordinator:.2f}"
            for workers, each in found.items()
        ]
        table.add_row(first.name, f"{first.service_cost:.2f}", *cells)
    return table
