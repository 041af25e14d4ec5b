"""Selects the service that a command uses.

- With ``--url``, the service at that address.
- Otherwise, the service that responds at the address of the settings.
- If none responds, the command starts one on a free port, and stops it when its work is done.
"""

import asyncio
import ipaddress
import re
from collections.abc import Awaitable, Callable
from importlib.metadata import version
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import aiohttp

from service.cli.client import ApiClient
from service.cli.credentials import sign_token, with_key
from service.cli.database import load_settings, open_database, require_current_schema
from service.cli.output import CommandError
from service.cli.response import MALFORMED
from service.cli.serve.address import base_url

if TYPE_CHECKING:
    from service.settings import Settings

_PROBE_TIMEOUT: Final = aiohttp.ClientTimeout(total=2)
_TIMEOUT: Final = aiohttp.ClientTimeout(total=None, sock_connect=30, sock_read=60)

_ADDRESS: Final = re.compile(r"(\[[0-9a-fA-F:.]+\]|[\w.-]+)(:\d+)?(/\S*)?")
"""An address without a scheme."""

Work = Callable[[ApiClient], Awaitable[int | None]]


def run_at_service(
    work: Work,
    client: int,
    url: str | None,
    token: str | None,
    *,
    scope: str | None = None,
) -> int | None:
    """Run ``work`` with a client of a service, and return its result.

    Args:
        url: address of the service; the module's docstring describes the default.
        token: by default, the command signs a new one with ``scope``.

    Raises:
        CommandError: no service responds, and the command cannot start one.
    """
    settings = load_settings()
    token = token or sign_token(settings, [client], scope=scope)
    base = complete_address(url) if url else asyncio.run(_find_running(settings))
    if base is not None:
        return asyncio.run(_run_at(base, client, token, work))
    with open_database(settings) as dsn:
        require_current_schema(dsn)
        return asyncio.run(_run_at_new_service(settings, dsn, client, token, work))


def complete_address(url: str) -> str:
    """Return an address with its scheme: http for this computer, https for any other.

    So the token leaves this computer unencrypted only if the user writes ``http://``.

    Raises:
        CommandError: it is no address.
    """
    if "://" in url:
        return url
    if not _ADDRESS.fullmatch(url):
        raise CommandError(f"--url {url} cannot be used: write it as http://HOST:PORT")
    try:
        host = urlsplit(f"//{url}").hostname or ""
        is_local = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_local = False
    return f"{'http' if is_local else 'https'}://{url}"


async def _find_running(settings: "Settings") -> str | None:
    """Return the base URL of the service at the address of the settings, or None."""
    if settings.port == 0:
        return None
    base = base_url(settings.host, settings.port)
    async with aiohttp.ClientSession(timeout=_PROBE_TIMEOUT) as session:
        try:
            # A small path of the public port that no other service has.
            async with session.head(f"{base}/schema/native.xsd") as response:
                return base if response.status == 200 else None
        except (aiohttp.ClientError, TimeoutError):
            return None


async def _run_at(base: str, client: int, token: str, work: Work) -> int | None:
    headers = {
        "Authorization": f"Bearer {token}",
        "Accept": "application/json",
        "User-Agent": f"bulk-import/{version('project-bulk-import')}",
    }
    async with aiohttp.ClientSession(
        headers=headers, timeout=_TIMEOUT, cookie_jar=aiohttp.DummyCookieJar()
    ) as session:
        try:
            return await work(ApiClient(session, f"{base.rstrip('/')}/api/v2/clients/{client}/"))
        except MALFORMED as error:
            problem = f"{type(error).__name__}: {error}"
            raise CommandError(f"{base} did not answer as this service does: {problem}") from error


async def _run_at_new_service(
    settings: "Settings",
    dsn: str,
    client: int,
    token: str,
    work: Work,
) -> int | None:
    from service.cli.serve.site import serve_at
    from service.observability.logging import configure_logging

    configure_logging(settings.log_format, "error")
    local = with_key(settings).model_copy(
        update={"host": "127.0.0.1", "port": 0, "admin_port": None}
    )
    async with serve_at(local, dsn) as addresses:
        return await _run_at(addresses.base, client, token, work)
