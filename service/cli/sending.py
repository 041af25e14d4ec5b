"""Files on their way to a service, and its answers."""

import io
import sys
from pathlib import Path
from typing import Any

import aiohttp
import orjson
from rich.progress import BarColumn, DownloadColumn, Progress, SpinnerColumn, TextColumn

from service import telemetry
from service.cli import summary
from service.cli.listening import base_url, listening
from service.cli.screen import Failure, console
from service.cli.tokens import with_key
from service.settings import Settings

_PROBE = aiohttp.ClientTimeout(total=2)
_UPLOAD = aiohttp.ClientTimeout(total=None, sock_connect=30)


async def running(settings: Settings) -> str | None:
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


async def send_to_own(
    settings: Settings, dsn: str, client: int, token: str, files: list[Path], form: dict[str, str]
) -> list[int]:
    telemetry.configure(settings.log_format, "error")
    own = with_key(settings).model_copy(update={"host": "127.0.0.1", "port": 0})
    async with listening(own, dsn) as base:
        return await send_all(base, client, token, files, form)


async def send_all(
    base: str, client: int, token: str, files: list[Path], form: dict[str, str]
) -> list[int]:
    """Send files one after the other; the code of each, see ``summary.show``."""
    url = f"{base.rstrip('/')}/api/v2/clients/{client}/projects/bulk"
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
    codes = []
    async with aiohttp.ClientSession(headers=headers, timeout=_UPLOAD) as session:
        for file in files:
            status, answer = await _send(session, url, file, form)
            codes.append(summary.show(file, status, answer))
    return codes


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
                answer = orjson.loads(await response.read())
        except aiohttp.ClientError as error:
            raise Failure(f"{file.name}: the connection to {url} broke: {error}") from error
        except orjson.JSONDecodeError as error:
            raise Failure(f"{file.name}: {url} gave no answer of this service") from error
        watched.answered()
    return response.status, answer


class _Watched(io.BufferedReader):
    """A file with a bar that shows how much of it was read, and from its end on a second one."""

    def __init__(self, path: Path, progress: Progress) -> None:
        super().__init__(io.FileIO(path))
        self._progress = progress
        self._size = path.stat().st_size
        self._bar = progress.add_task(path.name, total=self._size)
        self._waiting = progress.add_task("waiting for the answer", total=None, visible=False)

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size)
        self._progress.advance(self._bar, len(data))
        self._progress.update(self._waiting, visible=self.tell() == self._size)
        return data

    def answered(self) -> None:
        """Take the second bar away."""
        self._progress.remove_task(self._waiting)
