"""``bulk-import prune``: one round of the pruning that ``serve`` repeats."""

import asyncio
from typing import TYPE_CHECKING, Final

from service.cli.database import (
    database_errors,
    load_settings,
    open_database,
    require_current_schema,
)
from service.cli.output import print_line
from service.cli.progress import status

if TYPE_CHECKING:
    from service.projects.retention import PruneResult
    from service.settings import Settings

CONNECTIONS: Final = 2
"""Largest number of connections in a round, which uses one at a time."""


def prune() -> None:
    """Delete old versions and outcomes, and unused shared objects, in one round."""
    from service.projects.retention import PruneBusy

    settings = load_settings()
    with open_database(settings) as dsn:
        require_current_schema(dsn)
        with database_errors():
            try:
                with status("Pruning"):
                    pruned = asyncio.run(_prune(settings, dsn))
            except PruneBusy as busy:
                pruned = busy.result
                print_line("Another process is pruning, and continues with the rest.")
    print_line(f"Gone: {pruned}.")


async def _prune(settings: "Settings", dsn: str) -> "PruneResult":
    from service.projects import retention
    from service.storage.pool import open_pool

    async with open_pool(settings.model_copy(update={"pool_size": CONNECTIONS}), dsn) as pool:
        return await retention.prune(pool, settings)
