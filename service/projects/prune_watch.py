"""Publishes when pruning was last complete, by a pod, a CronJob or an operator."""

import asyncio
from typing import Final, NoReturn

import structlog

from service.observability import metrics
from service.storage import Pool, watchdog
from service.storage.db_errors import sqlstate
from service.storage.queries import Queries

_SQL = Queries("prune")
_log = structlog.get_logger(__name__)

INTERVAL: Final = 60.0
"""Seconds between two looks at the database."""


async def watch_pruning(pool: Pool) -> NoReturn:
    """Update the metric until cancelled."""
    metrics.LAST_PRUNE.set_to_current_time()
    while True:
        try:
            async with watchdog.acquire(pool) as conn:
                began_at = await conn.fetchval(_SQL.read_last_round)
        except Exception as exc:
            metrics.count_error(sqlstate(exc))
            _log.warning("the last pruning is unknown", fault=repr(exc))
        else:
            if began_at is not None:
                metrics.LAST_PRUNE.set(began_at.timestamp())
        await asyncio.sleep(INTERVAL)
