"""``bulk-import checks``: the schedule checks of a project, and what one of them found."""

import contextlib
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from service.cli.commands.options import (
    AsJson,
    ClientId,
    Limit,
    ProjectId,
    Token,
    Url,
    filter_query,
    run_with_client,
)
from service.cli.tables import Column, fixed, number, print_items

if TYPE_CHECKING:
    from service.cli.client import ApiClient

_CHECKS: Final = (
    number("point"),
    fixed("check"),
    number("found"),
    number("count"),
    number("of"),
    number("%"),
    number("limit"),
    Column("result"),
)
_FINDINGS: Final = tuple(map(Column, ("task", "code", "wbs", "name", "after", "found")))
_PAGE: Final = 500


def checks(
    project_id: ProjectId,
    client: ClientId,
    check: Annotated[
        str | None, typer.Option(help="List the tasks that this check found, such as open_ends.")
    ] = None,
    limit: Limit = 100,
    as_json: AsJson = False,
    url: Url = None,
    token: Token = None,
) -> None:
    """Print the schedule checks of a project, or with --check the tasks that one of them found."""

    async def print_checks(api: "ApiClient") -> None:
        found = _list_checks(api, project_id, check)
        if check is None:
            await print_items(found, _CHECKS, _summarize, limit, as_json=as_json)
        else:
            empty = f"{check} found no tasks, or lacks data."
            tasks = _list_tasks(found)
            await print_items(tasks, _FINDINGS, _to_row, limit, as_json=as_json, empty=empty)

    run_with_client(client, url, token, print_checks)


async def _list_checks(
    api: "ApiClient", project_id: int, check: str | None
) -> AsyncGenerator[dict[str, Any], None]:
    """Yield all checks, each with one finding, or one check page by page."""
    from service.cli.response import iter_response

    page: str | None = f"projects/{project_id}/checks"
    query: dict[str, str] | None = filter_query(
        check=check, limit="1" if check is None else str(_PAGE)
    )
    while page is not None:
        path, page = page, None
        async with api.stream(path, query) as response:
            async for member, item in iter_response(response):
                if member == "checks":
                    yield item
                    page = None if check is None else item["next"]
        query = None


async def _list_tasks(
    pages: AsyncGenerator[dict[str, Any], None],
) -> AsyncGenerator[dict[str, Any], None]:
    async with contextlib.aclosing(pages):
        async for page in pages:
            for task in page["tasks"]:
                yield task


def _summarize(item: Mapping[str, Any]) -> Sequence[Any]:
    result = {True: "passed", False: "failed", None: ""}[item["passed"]]
    names = ("point", "name", "findings", "count", "total", "percentage", "threshold")
    lacks = item["not_computed"] or ""  # such as "the project has no current baseline"
    return (*(item[name] for name in names), lacks.partition(" has ")[2] or lacks or result)


def _to_row(item: Mapping[str, Any]) -> Sequence[Any]:
    return tuple(
        item[name] for name in ("task_id", "code", "wbs", "name", "predecessor_id", "value")
    )
