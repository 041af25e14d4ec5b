"""``bulk-import prune``: what is past its keep goes, one round."""

import asyncio
from typing import Final

import typer

from service.cli.database import load_settings, opened, reaching, require_current_schema
from service.projects.retention import PruneBusy, PruneResult
from service.projects.retention import prune as one_round
from service.settings import Settings
from service.storage.pool import open_pool

CONNECTIONS: Final = 2
"""That a round opens; it uses one at a time."""


def prune() -> None:
    """Remove old versions and outcomes, and shared objects that nothing names: one round, now."""
    settings = load_settings()
    with opened(settings) as dsn:
        require_current_schema(dsn)
        with reaching():
            try:
                gone = asyncio.run(_prune(settings, dsn))
            except PruneBusy as busy:
                gone = busy.gone
                typer.echo("Another process prunes: the rest is left to it.")
    typer.echo(f"Gone: {gone}.")


async def _prune(settings: Settings, dsn: str) -> PruneResult:
    async with open_pool(settings.model_copy(update={"pool_size": CONNECTIONS}), dsn) as pool:
        return await one_round(pool, settings)
