"""Commands around the import: what there is, what became of it, and taking it back."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from service.cli.database import load_settings
from service.cli.screen import Failure

if TYPE_CHECKING:
    from service.cli.connecting import Service

Client = Annotated[int, typer.Option(min=0, help="Client that is asked for.")]
Url = Annotated[str | None, typer.Option(help="The service, such as http://host:8080.")]
Token = Annotated[
    str | None, typer.Option(envvar="BULK_IMPORT_TOKEN", help="By default one is made.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print lines of JSON.")]
Limit = Annotated[int, typer.Option(min=1, help="How many at most.")]
ImportId = Annotated[int, typer.Argument(min=0, metavar="IMPORT_ID")]
ProjectId = Annotated[int, typer.Argument(min=0, metavar="PROJECT_ID")]
RetryFor = Annotated[
    float, typer.Option(min=0, metavar="SECONDS", help="Pauses between tries, together.")
]


def imports(
    client: Client,
    state: Annotated[
        Literal["running", "completed", "failed", "interrupted", "cancelled"] | None,
        typer.Option(help="Those in this state."),
    ] = None,
    text: Annotated[str | None, typer.Option(help="In notes or file name.")] = None,
    key: Annotated[str | None, typer.Option(help="Under this idempotency key.")] = None,
    limit: Limit = 20,
    as_json: AsJson = False,
    url: Url = None,
    token: Token = None,
) -> None:
    """List imports, the latest first."""
    from service.cli import reading

    query = _given(state=state, text=text, idempotency_key=key)
    _at(client, url, token, lambda at: reading.imports(at, query, limit, as_json=as_json))


def projects(
    client: Client,
    text: Annotated[str | None, typer.Option(help="In external id, name or code.")] = None,
    source: Annotated[str | None, typer.Option(help="native, mspdi or p6.")] = None,
    archived: Annotated[
        Literal["exclude", "include", "only"] | None, typer.Option(help="Archived ones.")
    ] = None,
    changed_since: Annotated[
        str | None, typer.Option(help="Changed then or later: 2026-01-05T08:00:00Z.")
    ] = None,
    missing_from: Annotated[
        int | None, typer.Option(metavar="IMPORT_ID", help="Not mentioned by this import.")
    ] = None,
    limit: Limit = 100,
    as_json: AsJson = False,
    url: Url = None,
    token: Token = None,
) -> None:
    """List projects."""
    from service.cli import reading

    query = _given(
        text=text,
        source=source,
        archived=archived,
        changed_since=changed_since,
        missing_from=None if missing_from is None else str(missing_from),
    )
    _at(client, url, token, lambda at: reading.projects(at, query, limit, as_json=as_json))


def export(
    client: Client,
    project_id: Annotated[int | None, typer.Argument(min=0, metavar="[PROJECT_ID]")] = None,
    external_id: Annotated[str | None, typer.Option(help="In the place of PROJECT_ID.")] = None,
    output: Annotated[
        Path | None, typer.Option(dir_okay=False, help="Where to write it, by default here.")
    ] = None,
    url: Url = None,
    token: Token = None,
) -> None:
    """Write a project as native XML, which can be edited and imported again."""
    from service.cli import reading

    if (project_id is None) == (external_id is None):
        raise Failure("name the project by its PROJECT_ID, or by --external-id")
    _at(client, url, token, lambda at: reading.export(at, project_id, external_id, output))


def compare(
    project_id: ProjectId,
    old: Annotated[int, typer.Argument(min=1, metavar="OLD")],
    new: Annotated[int, typer.Argument(min=1, metavar="NEW")],
    client: Client,
    as_json: AsJson = False,
    url: Url = None,
    token: Token = None,
) -> None:
    """Tell what differs between two versions of a project."""
    from service.cli import reading

    _at(client, url, token, lambda at: reading.compare(at, project_id, old, new, as_json=as_json))


def watch(
    import_id: ImportId,
    client: Client,
    retry_for: RetryFor = 300,
    as_json: AsJson = False,
    url: Url = None,
    token: Token = None,
) -> None:
    """Follow a running import to its end, and print what became of each project."""
    from service.cli import reading

    _at(client, url, token, lambda at: reading.watch(at, import_id, retry_for, as_json=as_json))


def cancel(import_id: ImportId, client: Client, url: Url = None, token: Token = None) -> None:
    """Have a running import stopped; what has landed stays."""
    from service.cli import changing

    _at(client, url, token, lambda at: changing.cancel(at, import_id))


def undo(
    import_id: ImportId,
    client: Client,
    retry_for: RetryFor = 300,
    as_json: AsJson = False,
    url: Url = None,
    token: Token = None,
) -> None:
    """Put back what an import has changed."""
    from service.cli import changing

    scope = load_settings().undo_scope
    work = lambda at: changing.undo(at, import_id, retry_for, as_json=as_json)  # noqa: E731
    _at(client, url, token, work, scope)


def unlock(
    project_id: ProjectId,
    client: Client,
    reason: Annotated[
        str | None, typer.Option(help="Why the lock of somebody else is broken.")
    ] = None,
    url: Url = None,
    token: Token = None,
) -> None:
    """Give a lock back; with --reason, and the scope for it, also that of somebody else."""
    from service.cli import changing

    scope = None if reason is None else load_settings().break_scope
    _at(client, url, token, lambda at: changing.unlock(at, project_id, reason), scope)


def _given(**options: str | None) -> dict[str, str]:
    return {name: value for name, value in options.items() if value is not None}


def _at(
    client: int,
    url: str | None,
    token: str | None,
    work: "Callable[[Service], Awaitable[int]]",
    scope: str | None = None,
) -> None:
    """Do it, and end with its code.

    Args:
        scope: what the token is made for besides importing and reading.
    """
    from service.cli.connecting import Unanswered, at_service

    settings = load_settings()
    scopes = f"{settings.import_scope} {settings.read_scope}"
    try:
        code = at_service(
            work, client, url, token, scope=scopes if scope is None else f"{scopes} {scope}"
        )
    except Unanswered as error:
        raise Failure(str(error)) from error
    raise typer.Exit(code)
