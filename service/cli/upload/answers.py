"""Reads the outcomes of an import: from its response, or as the service has stored them."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import aiohttp

from service.cli.client import ApiClient
from service.cli.output import print_error
from service.cli.progress import UploadBar
from service.cli.response import ApiResponse, read_members, read_response
from service.cli.upload.report import EndedImport
from service.cli.upload.sinks import OutcomeSink
from service.model import FileCounts

MAX_SILENCE: Final = 300.0
"""Seconds without a byte in either direction after which the command drops a connection. The limit
is long, because a proxy that buffers a complete request is silent while it forwards it."""
_UNDO_TIMEOUT: Final = aiohttp.ClientTimeout(total=None, sock_connect=30, sock_read=MAX_SILENCE)


async def post_for_outcomes(
    api: ApiClient,
    path: str,
    key: str,
    into: OutcomeSink,
    on_block: Callable[[], None] = lambda: None,
    **request: Any,
) -> ApiResponse | None:
    """Send a request whose response has outcomes, and read them.

    Args:
        key: idempotency key.
        on_block: called for each block of the response.
        request: arguments of aiohttp's ``request``.

    Returns:
        The response, or None if it was a 207 and its outcomes are read.

    Raises:
        TemporaryFailure: the connection or the response broke off.
    """
    request = {"timeout": _UNDO_TIMEOUT, **request}
    async with api.send("POST", path, headers={"Idempotency-Key": key}, **request) as response:
        if response.status != 207:
            return await read_response(response)
        await _read_outcomes(response, into, on_block)
        return None


async def _read_outcomes(
    response: aiohttp.ClientResponse, into: OutcomeSink, on_block: Callable[[], None]
) -> None:
    head: dict[str, Any] = {}
    warnings = []
    async for name, value in read_members(response, on_block):
        if name == "successes":
            into.add_success(value)
        elif name == "errors":
            into.add_failure(value)
        elif name == "warnings":
            if into.take_room(value):
                warnings.append(value)
        elif name in ("import_id", "counts", "files", "dry_run"):
            head[name] = value
    for warning in warnings:
        into.add_file_warning(warning)
    into.add_import(
        EndedImport(head["import_id"], head["counts"], _read_files(head), dry_run="dry_run" in head)
    )


def _read_files(members: Mapping[str, Any]) -> FileCounts | None:
    files = members.get("files")
    return None if files is None else FileCounts(files["read"], files["failed"])


async def read_stored_outcomes(api: ApiClient, ended: Mapping[str, Any], into: OutcomeSink) -> None:
    """Read the stored outcomes of an import that has ended.

    Args:
        ended: the import, as the service describes it.
    """
    async for item in api.list_items(f"imports/{ended['import_id']}/results", {}, "results"):
        if "error" in item:
            into.add_failure(item)
        else:
            into.add_success(item)
    for warning in ended["warnings"]:
        into.add_file_warning(warning)
    dry_run = bool(ended["options"].get("dry_run"))
    counts = ended["counts"] or {}
    into.add_import(EndedImport(ended["import_id"], counts, _read_files(ended), dry_run=dry_run))


def show_done(bar: UploadBar | None) -> Callable[[Mapping[str, Any]], None]:
    """Return a function that shows the projects that an import has done, by its state."""

    def show(state: Mapping[str, Any]) -> None:
        if bar is not None:
            bar.set_done(state["projects_done"] or 0)

    return show


async def read_conflicts(api: ApiClient, response: ApiResponse, into: OutcomeSink) -> None:
    """Read a 409 in which locks or versions refused every project; it lists the first of them."""
    counts, errors = response.body["counts"], response.body["errors"]
    for item in errors:
        into.add_failure(item)
    import_id = response.body.get("import_id")
    if counts["failed"] > len(errors) and import_id is not None:
        found = await api.wait_for_import(import_id, show_done(None))
        if found is not None:
            await read_stored_outcomes(api, found, into)
            return
        listed = f"the response lists {len(errors)} of {counts['failed']} failures"
        message = f"{into.title}: {listed}, and the token may not read the others"
        print_error(message)
    into.add_import(EndedImport(import_id, counts))
