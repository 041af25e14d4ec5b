"""``bulk-import serve``, and a service for as long as a command needs one."""

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator

import typer
import uvloop
from aiohttp import web

from service import telemetry
from service.api.protocol import Runner
from service.app import create_app
from service.cli.database import load_settings, opened, require_current_schema
from service.cli.screen import Failure
from service.cli.tokens import with_key
from service.settings import Settings


def serve() -> None:
    """Serve until Ctrl-C or SIGTERM; a second one does not wait for running imports."""
    settings = load_settings()
    telemetry.configure(settings.log_format, settings.log_level)
    settings = with_key(settings)
    with opened(settings) as dsn:
        require_current_schema(dsn)
        uvloop.run(_serve(settings, dsn))


@contextlib.asynccontextmanager
async def listening(settings: Settings, dsn: str) -> AsyncIterator[str]:
    """Serve on the address of the settings until the block ends.

    Args:
        settings: with a key for tokens; port 0 takes a free one.
        dsn: the database, migrated, by a URL.

    Yields:
        The service's base, such as ``http://127.0.0.1:8080``.

    Raises:
        Failure: a key for tokens is too weak, or the address cannot be had.
    """
    try:
        runner = Runner(create_app(settings, dsn))
    except ValueError as error:
        raise Failure(str(error)) from error
    try:
        await runner.setup()
        site = web.TCPSite(runner, settings.host, settings.port)
        try:
            await site.start()
        except OSError as error:
            where = f"{settings.host}:{settings.port}"
            raise Failure(f"cannot listen on {where}: {error.strerror}") from error
        yield base_url(settings.host, runner.addresses[0][1])
    finally:
        await runner.cleanup()


def base_url(host: str, port: int) -> str:
    """Where a service that listens on ``host`` is reached from this machine."""
    reached = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, host)
    if ":" in reached and not reached.startswith("["):
        reached = f"[{reached}]"
    return f"http://{reached}:{port}"


async def _serve(settings: Settings, dsn: str) -> None:
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
