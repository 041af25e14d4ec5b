"""The service on an address, for as long as a block lasts."""

import contextlib
from collections.abc import AsyncIterator

from aiohttp import web

from service.api.protocol import Runner
from service.app import create_app
from service.cli.screen import Failure
from service.settings import Settings


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
