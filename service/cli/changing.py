"""Changing something at a service without a file: stop an import, undo one, end a lock."""

import secrets
from collections.abc import Mapping
from typing import Final

import aiohttp

from service.cli.connecting import Answer, Service, reached, whole
from service.cli.failures import LANDED, Piecewise, Report
from service.cli.patience import Patience
from service.cli.screen import Failure
from service.cli.sending import SILENCE, take, until_told
from service.cli.splitting import uncut

_WAITING: Final = aiohttp.ClientTimeout(total=None, sock_connect=30, sock_read=SILENCE)


async def cancel(service: Service, import_id: int) -> int:
    """Have a running import stopped."""
    await _change(service, f"imports/{import_id}/cancel", "POST")
    print(f"Import {import_id} is being cancelled; what has landed stays.")
    return LANDED


async def unlock(service: Service, project_id: int, reason: str | None) -> int:
    """Give a lock back, or break that of somebody else."""
    query = None if reason is None else {"reason": reason}
    await _change(service, f"projects/{project_id}/lock", "DELETE", query)
    print(f"Project {project_id} is not locked.")
    return LANDED


async def _change(
    service: Service, path: str, method: str, query: Mapping[str, str] | None = None
) -> None:
    answer = await service.ask(path, query, method=method)
    if answer.status >= 400:
        raise Failure(f"{path}: {answer}")


async def undo(service: Service, import_id: int, retry_for: float, *, as_json: bool) -> int:
    """Put back what an import has changed, and tell what became of each project."""
    report = Report(f"undo of import {import_id}")
    into = Piecewise(report, uncut(0))
    report.key = f"undo-{import_id}-{secrets.token_hex(4)}"
    answer = await until_told(
        service,
        Patience(report.file, retry_for),
        lambda: _undo(service, import_id, report.key, into),
        into,
    )
    if answer is not None:
        raise Failure(f"{report.file}: {answer}")
    if as_json:
        print(report.as_json())
    else:
        report.show()
    return report.code


async def _undo(service: Service, import_id: int, key: str, into: Piecewise) -> Answer | None:
    address = service.address(f"imports/{import_id}/undo")
    headers = {"Idempotency-Key": key}
    with reached(service.root):
        async with service.session.post(address, headers=headers, timeout=_WAITING) as response:
            if response.status != 207:
                return await whole(response)
            await take(response.content.iter_any(), into)
            return None
