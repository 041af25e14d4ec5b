"""Imports and their outcomes, as the service has stored them."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, Final

from service.cli.connecting import LATER, Service, Unanswered
from service.cli.failures import Piecewise
from service.cli.screen import Failure

EVERY: Final = 1.0
"""Seconds between two looks at a running import."""
_PAGE: Final = "1000"


async def read(service: Service, path: str, query: Mapping[str, str] | None = None) -> Any | None:
    """What is there, or None where nothing is or the token may not read.

    Raises:
        Unanswered: another try may do.
        Failure: it is refused for good.
    """
    answer = await service.ask(path, query)
    if answer.status in (403, 404):
        return None
    if answer.status in LATER:
        raise Unanswered(str(answer))
    if answer.status >= 400:
        raise Failure(str(answer))
    return answer.details


async def page(service: Service, what: str, query: Mapping[str, str]) -> list[dict[str, Any]]:
    """The first page of a list; nothing where the token may not read."""
    details = await read(service, what, query)
    return [] if details is None else list(details[what])


async def find(service: Service, key: str) -> dict[str, Any] | None:
    """The latest import under a key of ours."""
    rows = await page(service, "imports", {"idempotency_key": key, "limit": "1"})
    return rows[0] if rows else None


async def follow(
    service: Service, import_id: int, told: Callable[[dict[str, Any]], None] = lambda _: None
) -> dict[str, Any] | None:
    """An import once it runs no more; None where it cannot be read.

    Args:
        told: is told of it each time that it is looked at.
    """
    while True:
        found: dict[str, Any] | None = await read(service, f"imports/{import_id}")
        if found is not None:
            told(found)
        if found is None or found["state"] != "running":
            return found
        await asyncio.sleep(EVERY)


async def listed(
    service: Service, what: str, query: Mapping[str, str], name: str | None = None
) -> AsyncIterator[dict[str, Any]]:
    """The items of all pages of a list.

    Args:
        what: its path.
        name: of the list in ``details``; by default as the path.
    """
    path: str | None = what
    asked: Mapping[str, str] | None = {"limit": _PAGE, **query}
    while path is not None:
        details = await read(service, path, asked)
        if details is None:
            raise Failure(f"{what}: there is none such, or the token may not read it")
        for item in details[name or what]:
            yield item
        path, asked = details["next"], None


async def take_outcomes(service: Service, ended: Mapping[str, Any], into: Piecewise) -> None:
    """Take the stored outcomes of an import that has ended."""
    async for item in listed(service, f"imports/{ended['import_id']}/results", {}, "results"):
        if "error" in item:
            into.fail(item)
        else:
            into.land(item)
    for warning in ended["warnings"]:
        into.warn(warning)
    counts = ended["counts"] or {}
    dry_run = bool(ended["options"].get("dry_run"))
    into.report.end(ended["import_id"], counts, dry_run=dry_run)
