"""``bulk-import serve``."""

import asyncio
import signal

import typer

from service.cli.database import load_settings, opened, require_current_schema
from service.cli.tokens import with_key
from service.settings import Settings


def serve() -> None:
    """Serve until Ctrl-C or SIGTERM; a second one does not wait for running imports."""
    # Here, as these take longer to import than most other commands take in all.
    import uvloop

    from service import telemetry

    settings = load_settings()
    telemetry.configure(settings.log_format, settings.log_level)
    settings = with_key(settings)
    with opened(settings) as dsn:
        require_current_schema(dsn)
        uvloop.run(_serve(settings, dsn))


async def _serve(settings: Settings, dsn: str) -> None:
    from service.cli.listening import listening

    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    signals = (signal.SIGINT, signal.SIGTERM)
    for number in signals:
        loop.add_signal_handler(number, stop.set)
    async with listening(settings, dsn) as base:
        typer.echo(f"Serving on {base} (Ctrl-C stops)")
        await stop.wait()
        for number in signals:
            loop.remove_signal_handler(number)
            signal.signal(number, signal.default_int_handler)
