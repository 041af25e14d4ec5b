"""What a cluster of ten nodes carries, computed from the CPU that the work took.

Each node has the same number of cores and may use a share of them. The coordinator takes part in
every statement, so it limits the cluster as soon as the workers have more cores in total than the
work needs for each core of the coordinator. Memory, disks and locks are not part of the model.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from rich.table import Table

CORES: Final = 8
"""Of each node."""
SHARE: Final = 0.7
"""Of its cores, that a node may use."""
NODES: Final = 10


@dataclass(frozen=True)
class Cost:
    """Milliseconds of CPU for one unit of work.

    Attributes:
        service: of the service.
        plain: of PostgreSQL without Citus.
        coordinator: of the coordinator.
        workers: of all workers together.
    """

    service: float
    plain: float
    coordinator: float
    workers: float

    @property
    def balance(self) -> float:
        """The number of workers that one coordinator of the same cores can keep busy."""
        return self.workers / self.coordinator

    def rate(self, nodes: int = NODES) -> float:
        """Units a second of a cluster with that many nodes, the coordinator among them."""
        budget = CORES * SHARE * 1e3
        return min(budget / self.coordinator, (nodes - 1) * budget / self.workers)

    @property
    def plain_rate(self) -> float:
        """Units a second of one PostgreSQL on one such node."""
        return CORES * SHARE * 1e3 / self.plain


class Measurement(Protocol):
    """CPU of one kind of work on one cluster, in milliseconds for each unit."""

    @property
    def name(self) -> str: ...
    @property
    def service_cost(self) -> float: ...
    @property
    def coordinator(self) -> float: ...
    @property
    def workers(self) -> float: ...


def table(found: Mapping[int, Sequence[Measurement]]) -> Table:
    """A table of what ten nodes carry.

    Args:
        found: by number of workers, what each kind of work took; 0 is plain PostgreSQL.
    """
    most = max(found)
    result = Table(
        title=f"Computed from {most} workers: {NODES} nodes of {CORES} cores, each {SHARE:.0%} busy"
    )
    result.add_column("work")
    for heading in (
        "workers that one coordinator keeps busy",
        f"a second on {NODES} nodes",
        "on one plain PostgreSQL",
        "ratio",
        "cores of the service",
        "busy cores of each worker",
    ):
        result.add_column(heading, justify="right")
    for plain, citus in zip(found[0], found[most], strict=True):
        cost = Cost(citus.service_cost, plain.coordinator, citus.coordinator, citus.workers)
        rate = cost.rate()
        result.add_row(
            plain.name,
            f"{cost.balance:.1f}",
            f"{rate:,.0f}",
            f"{cost.plain_rate:,.0f}",
            f"{rate / cost.plain_rate:.2f}",
            f"{rate * cost.service / 1e3:.0f}",
            f"{rate * cost.workers / 1e3 / (NODES - 1):.1f}",
        )
    return result
