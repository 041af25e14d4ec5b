"""``bulk-import serve``."""

import asyncio
import contextlib
import signal
from collections.abc import Callable

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
        with contextlib.suppress(asyncio.CancelledError):  # by a second signal
            uvloop.run(_serve(settings, dsn))


async def _serve(settings: Settings, dsn: str) -> None:
    from service.cli.listening import listening

    stop = asyncio.Event()
    _on_signals(stop.set)
    async with listening(settings, dsn) as base:
        typer.echo(f"Serving on {base} (Ctrl-C stops)")
        await stop.wait()
        main = asyncio.current_task()
        assert main is not None
        _on_signals(main.cancel)


def _on_signals(do: Callable[[], object]) -> None:
    """What Ctrl-C and SIGTERM do from now on."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, do)
