"""Commands about imports: list them, follow one, cancel one, undo one."""

import secrets
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import typer

from service.cli.commands.options import (
    AsJson,
    ClientId,
    ImportId,
    Limit,
    RetryFor,
    Token,
    Url,
    filter_query,
    run_with_client,
)
from service.cli.database import load_settings
from service.cli.output import MAX_CELL, REFUSED, CommandError, print_line, shorten
from service.cli.progress import status
from service.cli.tables import (
    Column,
    fixed,
    format_counts,
    format_time,
    number,
    print_items,
)

if TYPE_CHECKING:
    from service.cli.client import ApiClient
    from service.cli.response import ApiResponse

_COLUMNS: Final = (
    number("import"),
    fixed("result"),
    fixed("started"),
    Column("projects", least=22),
    Column("file"),
    Column("by"),
    Column("notes"),
)


def imports(
    client: ClientId,
    state: Annotated[
        Literal["running", "completed", "failed", "interrupted", "cancelled"] | None,
        typer.Option(help="Only imports in this state."),
    ] = None,
    result: Annotated[
        Literal["running", "completed", "partial", "failed", "interrupted", "cancelled", "undone"]
        | None,
        typer.Option(help="Only imports with this result, as the list shows it."),
    ] = None,
    text: Annotated[
        str | None, typer.Option(help="Only imports with this text in notes or file name.")
    ] = None,
    key: Annotated[str | None, typer.Option(help="Only imports with this idempotency key.")] = None,
    limit: Limit = 20,
    as_json: AsJson = False,
    url: Url = None,
    token: Token = None,
) -> None:
    """List imports, the latest first."""
    query = filter_query(state=state, result=result, text=text, idempotency_key=key)

    async def list_imports(api: "ApiClient") -> None:
        items = api.list_items("imports", query)
        empty = "There is no such import." if query else "The client has no imports."
        await print_items(items, _COLUMNS, _to_row, limit, as_json=as_json, empty=empty)

    run_with_client(client, url, token, list_imports)


def _to_row(item: Mapping[str, Any]) -> Sequence[Any]:
    counts = format_counts(item["counts"])
    return (
        item["import_id"],
        _describe_result(item),
        format_time(item["started_at"]),
        counts or f"{item['projects_done']} done",
        _describe_files(item),
        item["subject"],
        item["notes"],
    )


def _describe_files(item: Mapping[str, Any]) -> str | None:
    """Return the name of the first file, after the number of files if there are several."""
    name: str | None = item["filename"]
    files = sum((item.get("files") or {}).values())
    return f"{files} files: {name}" if name and files > 1 else name


def _describe_result(item: Mapping[str, Any]) -> str:
    """Return what became of an import; an older service reports its state alone."""
    undone_by = item.get("undone_by")
    return f"undone by {undone_by}" if undone_by else item.get("result") or item["state"]


def watch(
    import_id: ImportId,
    client: ClientId,
    retry_for: RetryFor = 300,
    as_json: AsJson = False,
    url: Url = None,
    token: Token = None,
) -> None:
    """Follow a running import to its end, and print the outcome of each project."""

    async def watch_import(api: "ApiClient") -> int:
        return await _watch(api, import_id, retry_for, as_json=as_json)

    run_with_client(client, url, token, watch_import)


async def _watch(api: "ApiClient", import_id: int, retry_for: float, *, as_json: bool) -> int:
    from service.cli.client import Backoff
    from service.cli.response import TemporaryFailure
    from service.cli.upload.answers import read_stored_outcomes
    from service.cli.upload.report import FileReport
    from service.cli.upload.sinks import PieceReport
    from service.cli.upload.summary import RunResults

    backoff = Backoff(f"import {import_id}", retry_for)
    phase = f"Asking for import {import_id}"

    def show_progress(state: Mapping[str, Any]) -> None:
        nonlocal phase
        megabytes = (state["bytes_read"] or 0) / 1e6
        done = f"{megabytes:.1f} MB read, {state['projects_done']} projects done"
        phase = f"Import {import_id} is {state['state']}: {done}"

    with status(lambda: phase):
        while True:
            results = RunResults(as_json=as_json, is_single=True)
            report = FileReport(f"import {import_id}", results.failures)
            try:
                ended = await api.wait_for_import(import_id, show_progress)
                if ended is None:
                    problem = f"there is no import {import_id}, or the token may not read it"
                    raise CommandError(problem)
                report.file = shorten(ended["filename"] or report.file, MAX_CELL)
                await read_stored_outcomes(api, ended, PieceReport(report))
                break
            except TemporaryFailure as error:
                await backoff.pause(error)
    results.add([report])
    results.print()
    if ended["state"] == "completed":
        return report.exit_code
    if not as_json:
        cause = f": {ended['cause']}" if ended["cause"] else ""
        print_line(f"  The import is {ended['state']}{shorten(cause, MAX_CELL)}")
    return max(report.exit_code, REFUSED)


def cancel(import_id: ImportId, client: ClientId, url: Url = None, token: Token = None) -> None:
    """Stop a running import; what it has imported stays."""

    async def cancel_import(api: "ApiClient") -> None:
        await api.change("POST", f"imports/{import_id}/cancel")
        print_line(f"Import {import_id} is being cancelled; what it has imported stays.")

    run_with_client(client, url, token, cancel_import)


def undo(
    import_id: ImportId,
    client: ClientId,
    retry_for: RetryFor = 300,
    as_json: AsJson = False,
    url: Url = None,
    token: Token = None,
) -> None:
    """Restore the projects that an import changed, and print the outcome of each."""

    async def undo_import(api: "ApiClient") -> int:
        return await _undo(api, import_id, retry_for, as_json=as_json)

    run_with_client(client, url, token, undo_import, scope=load_settings().undo_scope)


async def _undo(api: "ApiClient", import_id: int, retry_for: float, *, as_json: bool) -> int:
    from service.cli.client import Backoff
    from service.cli.upload.answers import post_for_outcomes
    from service.cli.upload.report import FileReport
    from service.cli.upload.send import retry_until_outcomes
    from service.cli.upload.sinks import PieceReport
    from service.cli.upload.summary import RunResults

    results = RunResults(as_json=as_json, is_single=True)
    report = FileReport(f"undo of import {import_id}", results.failures, undo=True)
    report.key = f"undo-{import_id}-{secrets.token_hex(4)}"
    into = PieceReport(report)

    async def attempt() -> "ApiResponse | None":
        return await post_for_outcomes(api, f"imports/{import_id}/undo", report.key, into)

    with status(f"Undoing import {import_id}"):
        refusal = await retry_until_outcomes(api, Backoff(report.file, retry_for), attempt, into)
    if refusal is not None:
        raise CommandError(f"{report.file}: {refusal}")
    results.add([report])
    results.print()
    return report.exit_code
