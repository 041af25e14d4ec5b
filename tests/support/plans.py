"""Records the plan of every query that runs on a pool, with the rows that it reads."""

import json
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import asyncpg

from service.storage import Pool
from service.storage.pool import _PooledConnection, set_json_codec

_PLANNED: Final = re.compile(r"\s*(--.*\n\s*)*(SELECT|WITH|INSERT|UPDATE|DELETE|MERGE)\b")
_EXPLAIN: Final = "EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) "


@dataclass(frozen=True, slots=True)
class RecordedPlan:
    """What one execution of a query did."""

    query: str
    plan: dict[str, Any]
    seconds: float

    @property
    def rows(self) -> float:
        """Rows read from tables and indexes, and pairs that a join compared in vain."""
        return sum(map(_rows, _nodes(self.plan)))

    @property
    def pages(self) -> int:
        """Pages that it read or found in memory."""
        pages: int = self.plan["Shared Hit Blocks"] + self.plan["Shared Read Blocks"]
        return pages


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for below in plan.get("Plans", ()):
        yield from _nodes(below)


def _rows(node: dict[str, Any]) -> float:
    removed = sum(number for name, number in node.items() if name.startswith("Rows Removed by"))
    scanned = node["Actual Rows"] if "Relation Name" in node or "Index Name" in node else 0
    if node["Node Type"] == "ModifyTable":
        scanned = 0
    return float((scanned + removed) * node["Actual Loops"])


class _Recording(_PooledConnection):
    """Explains each query in a savepoint that is rolled back, and then executes it."""

    plans: ClassVar[list[RecordedPlan]] = []

    async def _explain(self, query: str, args: tuple[Any, ...]) -> None:
        if not _PLANNED.match(query) or "advisory" in query or "pg_terminate" in query:
            return
        transaction = self.transaction()
        await transaction.start()
        try:
            text = await super().fetchval(_EXPLAIN + query, *args)
        finally:
            await transaction.rollback()
        (found,) = text if isinstance(text, list) else json.loads(text)
        seconds = (found["Execution Time"] + found["Planning Time"]) / 1e3
        self.plans.append(RecordedPlan(query, found["Plan"], seconds))

    async def fetch(self, query: str, *args: Any, **options: Any) -> Any:
        await self._explain(query, args)
        return await super().fetch(query, *args, **options)

    async def fetchrow(self, query: str, *args: Any, **options: Any) -> Any:
        await self._explain(query, args)
        return await super().fetchrow(query, *args, **options)

    async def fetchval(self, query: str, *args: Any, **options: Any) -> Any:
        await self._explain(query, args)
        return await super().fetchval(query, *args, **options)

    async def execute(self, query: str, *args: Any, **options: Any) -> str:
        await self._explain(query, args)
        return await super().execute(query, *args, **options)

    async def executemany(self, command: str, args: Any, **options: Any) -> None:
        args = list(args)
        for each in args:
            await self._explain(command, tuple(each))
        await super().executemany(command, args, **options)


@asynccontextmanager
async def recording_pool(
    dsn: str, **settings: str
) -> AsyncIterator[tuple[Pool, list[RecordedPlan]]]:
    """Yield a pool, and the list to which it adds the plan of each query."""
    plans: list[RecordedPlan] = []
    kind = type("Recording", (_Recording,), {"plans": plans})
    pool = await asyncpg.create_pool(
        dsn,
        min_size=1,
        max_size=4,
        init=set_json_codec,
        connection_class=kind,
        server_settings={"application_name": "bulk-import"} | settings,
    )
    try:
        yield pool, plans
    finally:
        await pool.close()
