"""``bulk-import prune``: what is past its keep goes, one round."""

import asyncio
from typing import Final

import typer

from service.cli.database import load_settings, opened, reaching, require_current_schema
from service.db.pool import opened_pool
from service.importer.prune import Busy, Gone
from service.importer.prune import prune as one_round
from service.settings import Settings

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
            except Busy as busy:
                gone = busy.gone
                typer.echo("Another process prunes: the rest is left to it.")
    typer.echo(f"Gone: {gone}.")


async def _prune(settings: Settings, dsn: str) -> Gone:
    async with opened_pool(settings.model_copy(update={"pool_size": CONNECTIONS}), dsn) as pool:
        return await one_round(pool, settings)
