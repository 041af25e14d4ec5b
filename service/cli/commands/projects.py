"""Commands about projects: list, export, compare two versions, label one, release a lock."""

import contextlib
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO, Final, Literal

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
from service.cli.database import load_settings
from service.cli.output import (
    CommandError,
    DocumentWriter,
    print_change_of_field,
    print_json,
    print_line,
    replace_file,
)
from service.cli.tables import Column, fixed, format_time, number, print_items

if TYPE_CHECKING:
    from service.cli.client import ApiClient

_COLUMNS: Final = (
    number("project"),
    Column("name", least=22),
    Column("external id"),
    fixed("source"),
    number("version"),
    fixed("changed"),
    Column("lock"),
)
_MEDIA_TYPES: Final = {"native": "application/xml", "mspdi": "application/vnd.ms-project+xml"}


def projects(
    client: ClientId,
    external_id: Annotated[
        str | None, typer.Option(help="Only the project with exactly this external id.")
    ] = None,
    text: Annotated[
        str | None, typer.Option(help="Only projects with this text in external id, name or code.")
    ] = None,
    source: Annotated[
        str | None,
        typer.Option(
            help="Only projects from this format: native, mspdi, p6 (also XER), or an own one."
        ),
    ] = None,
    archived: Annotated[
        Literal["exclude", "include", "only"] | None,
        typer.Option(help="Whether to list archived projects; by default they are excluded."),
    ] = None,
    changed_since: Annotated[
        str | None,
        typer.Option(help="Only projects changed at or after this time: 2026-01-05T08:00:00Z."),
    ] = None,
    missing_from: Annotated[
        int | None,
        typer.Option(metavar="IMPORT_ID", help="Only projects that this import did not contain."),
    ] = None,
    limit: Limit = 100,
    as_json: AsJson = False,
    url: Url = None,
    token: Token = None,
) -> None:
    """List projects."""
    query = filter_query(
        external_id=external_id,
        text=text,
        source=source,
        archived=archived,
        changed_since=changed_since,
        missing_from=None if missing_from is None else str(missing_from),
    )

    async def list_projects(api: "ApiClient") -> None:
        items = api.list_items("projects", query)
        empty = "There is no such project." if query else "The client has no projects."
        await print_items(items, _COLUMNS, _to_row, limit, as_json=as_json, empty=empty)

    run_with_client(client, url, token, list_projects)


def _to_row(item: Mapping[str, Any]) -> Sequence[Any]:
    lock = item["lock"]
    return (
        item["project_id"],
        item.get("title") or item["name"],
        item["external_id"],
        item["source"],
        item["version"],
        format_time(item["updated_at"]),
        lock and f"{lock['holder']} until {format_time(lock['expires_at'])}",
    )


def export(
    client: ClientId,
    project_id: Annotated[
        int | None,
        typer.Argument(
            min=0, metavar="PROJECT_ID", help="Number of the project, as `projects` lists it."
        ),
    ] = None,
    external_id: Annotated[
        str | None, typer.Option(help="External id of the project, instead of PROJECT_ID.")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(dir_okay=False, help="File to write; by default standard output."),
    ] = None,
    document: Annotated[
        Literal["native", "mspdi"],
        typer.Option(
            "--format", help="Format to write; mspdi only for a plan from Microsoft Project."
        ),
    ] = "native",
    url: Url = None,
    token: Token = None,
) -> None:
    """Write a project as XML, which you can edit and import again."""
    if (project_id is None) == (external_id is None):
        raise CommandError("give either PROJECT_ID or --external-id")

    async def export_project(api: "ApiClient") -> None:
        found = project_id if external_id is None else await _find_project(api, external_id)
        if output is None:
            await _download(api, found, document, DocumentWriter())
            sys.stdout.flush()
            return
        with replace_file(output) as file:
            await _download(api, found, document, file)

    run_with_client(client, url, token, export_project)


async def _download(
    api: "ApiClient", project_id: int | None, document: str, file: "BinaryIO | DocumentWriter"
) -> None:
    headers = {"Accept": _MEDIA_TYPES[document]}
    async with api.stream(f"projects/{project_id}", headers=headers) as response:
        async for block in response.content.iter_any():
            file.write(block)


async def _find_project(api: "ApiClient", external_id: str) -> int:
    """Return the id of a project, which may be archived.

    Raises:
        CommandError: no project has this external id.
    """
    query = {"external_id": external_id, "archived": "include"}
    async with contextlib.aclosing(api.list_items("projects", query)) as items:
        async for item in items:
            return int(item["project_id"])
    raise CommandError(f"there is no project {external_id}")


def compare(
    project_id: ProjectId,
    old: Annotated[int, typer.Argument(min=1, metavar="OLD", help="The older version.")],
    client: ClientId,
    new: Annotated[
        int | None, typer.Argument(min=1, metavar="NEW", help="The newer version.")
    ] = None,
    against_baseline: Annotated[
        bool,
        typer.Option(
            "--against-baseline", help="Compare one version, instead of two, with its baseline."
        ),
    ] = False,
    match: Annotated[
        Literal["code", "guid", "id"] | None,
        typer.Option(help="Key by which tasks match first; by default that of the format."),
    ] = None,
    as_json: AsJson = False,
    url: Url = None,
    token: Token = None,
) -> None:
    """Print the differences between two versions of a project: a summary, then each record."""
    if (new is None) != against_baseline:
        raise CommandError("give either OLD and NEW, or one version and --against-baseline")

    async def compare_versions(api: "ApiClient") -> None:
        from service.cli.comparison import print_summary
        from service.cli.response import read_members

        path = f"projects/{project_id}/versions/{old if new is None else new}"
        basis = {"against": "baseline"} if new is None else {"compare": str(old)}
        async with api.stream(path, basis | filter_query(match=match)) as response:
            async for kind, change in read_members(response):
                if as_json and (kind == "summary" or _is_change(change)):
                    print_json({"kind": kind, **change} if kind != "summary" else {kind: change})
                elif kind == "summary":
                    print_summary(change)
                    print_line("")
                elif _is_change(change):
                    _print_change(kind, change)

    run_with_client(client, url, token, compare_versions)


def _is_change(value: Any) -> bool:
    return isinstance(value, dict) and "change" in value


def _print_change(kind: str, change: Mapping[str, Any]) -> None:
    """Print the change of one record: the record, then a line for each field."""
    ids = [
        f"{name}={value}"
        for name, value in change.items()
        if name not in ("change", "fields", "attributes") and value is not None
    ]
    print_line(" ".join([change["change"], kind, *ids]))
    for name, values in {**change.get("fields", {}), **change.get("attributes", {})}.items():
        print_change_of_field(name, values["from"], values["to"])


def label(
    project_id: ProjectId,
    version: Annotated[int, typer.Argument(min=1, metavar="VERSION", help="Its number.")],
    client: ClientId,
    text: Annotated[str | None, typer.Argument(metavar="LABEL", help="Text of the label.")] = None,
    remove: Annotated[bool, typer.Option("--remove", help="Remove the label.")] = False,
    url: Url = None,
    token: Token = None,
) -> None:
    """Label a version of a project, so that it is kept for good."""
    if (text is None) != remove:
        raise CommandError("give either LABEL or --remove")

    async def set_label(api: "ApiClient") -> None:
        path = f"projects/{project_id}/versions/{version}/label"
        if text is None:
            await api.change("DELETE", path)
            print_line(f"Version {version} of project {project_id} has no label.")
        else:
            await api.change("PUT", path, body={"label": text})
            print_line(f"Version {version} of project {project_id} is kept as {text}.")

    run_with_client(client, url, token, set_label)


def unlock(
    project_id: ProjectId,
    client: ClientId,
    reason: Annotated[
        str | None, typer.Option(help="Break another user's lock, for this reason.")
    ] = None,
    url: Url = None,
    token: Token = None,
) -> None:
    """Release a lock; with --reason, and a scope that allows it, also another user's lock."""
    scope = None if reason is None else load_settings().break_scope
    query = None if reason is None else {"reason": reason}

    async def release_lock(api: "ApiClient") -> None:
        await api.change("DELETE", f"projects/{project_id}/lock", query)
        print_line(f"Project {project_id} is not locked.")

    run_with_client(client, url, token, release_lock, scope=scope)
