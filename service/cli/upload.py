"""``bulk-import upload``: send files, wait for their outcomes, show them."""

import asyncio
import io
import sys
from pathlib import Path
from typing import Annotated, Any

import aiohttp
import orjson
import typer
from rich.progress import BarColumn, DownloadColumn, Progress, SpinnerColumn, TextColumn

from service.cli import summary
from service.cli.database import load_settings, opened, require_current_schema
from service.cli.screen import Failure, console
from service.cli.serving import base_url, listening
from service.cli.tokens import sign, with_key
from service.settings import Settings

_PROBE = aiohttp.ClientTimeout(total=2)
_UPLOAD = aiohttp.ClientTimeout(total=None, sock_connect=30)


def upload(
    files: Annotated[
        list[Path], typer.Argument(exists=True, dir_okay=False, help="XML, gzip or ZIP.")
    ],
    client: Annotated[int, typer.Option(min=0, help="Client to import for.")],
    notes: Annotated[str | None, typer.Option(help="A comment on the import.")] = None,
    url: Annotated[str | None, typer.Option(help="The service, such as http://host:8080.")] = None,
    token: Annotated[
        str | None, typer.Option(envvar="BULK_IMPORT_TOKEN", help="By default one is made.")
    ] = None,
) -> None:
    """Import files and print what became of each project.

    Without --url: into the service that answers at the settings' address, or if none does into a
    service of its own on a free port, for as long as it takes. Ends with 0 where all landed, 1
    where projects failed, 2 where a file was refused.
    """
    settings = load_settings()
    key = token or sign(settings, [client])
    base = url or asyncio.run(_running(settings))
    form = {} if notes is None else {"notes": notes}
    if base is not None:
        code = asyncio.run(_send_all(base, client, key, files, form))
    else:
        with opened(settings) as dsn:
            require_current_schema(dsn)
            code = asyncio.run(_send_to_own(settings, dsn, client, key, files, form))
    if url is None:
        summary.where(client)
    raise typer.Exit(code)


async def _running(settings: Settings) -> str | None:
    """The service that answers at the settings' address."""
    if settings.port == 0:
        return None
    base = base_url(settings.host, settings.port)
    async with aiohttp.ClientSession(timeout=_PROBE) as session:
        try:
            async with session.get(f"{base}/healthz") as answer:
                return base if answer.status == 200 else None
        except (aiohttp.ClientError, TimeoutError):
            return None


async def _send_to_own(
    settings: Settings, dsn: str, client: int, token: str, files: list[Path], form: dict[str, str]
) -> int:
    own = with_key(settings).model_copy(update={"host": "127.0.0.1", "port": 0})
    async with listening(own, dsn) as base:
        return await _send_all(base, client, token, files, form)


async def _send_all(
    base: str, client: int, token: str, files: list[Path], form: dict[str, str]
) -> int:
    """Send files one after the other; the worst of their codes."""
    url = f"{base.rstrip('/')}/api/v2/clients/{client}/projects/bulk"
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
    code = 0
    async with aiohttp.ClientSession(headers=headers, timeout=_UPLOAD) as session:
        for file in files:
            status, answer = await _send(session, url, file, form)
            code = max(code, summary.show(file, status, answer))
    return code


async def _send(
    session: aiohttp.ClientSession, url: str, file: Path, form: dict[str, str]
) -> tuple[int, dict[str, Any]]:
    """Send one file as it is read from the disk.

    Returns:
        The status and the envelope.

    Raises:
        Failure: no answer came, or none of ours.
    """
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), SpinnerColumn())
    with Progress(*columns, console=console(sys.stderr)) as progress:
        watched = _Watched(file, progress)
        data = aiohttp.FormData(form)
        kind = "application/xml" if file.suffix == ".xml" else "application/octet-stream"
        data.add_field("file", watched, filename=file.name, content_type=kind)
        try:
            async with session.post(url, data=data, expect100=True) as response:
                return response.status, orjson.loads(await response.read())
        except aiohttp.ClientError as error:
            raise Failure(f"{file.name}: the connection to {url} broke: {error}") from error
        except orjson.JSONDecodeError as error:
            raise Failure(f"{file.name}: {url} gave no answer of this service") from error


class _Watched(io.BufferedReader):
    """A file with a bar that shows how much of it was read."""

    def __init__(self, path: Path, progress: Progress) -> None:
        super().__init__(io.FileIO(path))
        self._progress = progress
        self._bar = progress.add_task(path.name, total=path.stat().st_size)

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size)
        self._progress.advance(self._bar, len(data))
        return data
