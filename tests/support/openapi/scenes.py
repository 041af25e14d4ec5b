"""Scenes that get every documented response of every operation once, from a real service.

Scenes yield responses. Those with a summary become examples of the document.
"""

import asyncio
import gzip
import time
from collections.abc import AsyncIterator, Callable
from typing import Final, NamedTuple

from tests.support.answer import Answer
from tests.support.faults.proxy import proxied
from tests.support.native import native_file
from tests.support.openapi.document import Operation, operation, operations
from tests.support.openapi.requests import (
    ALL_SCOPES,
    JSON,
    MULTIPART,
    OTHER,
    PLANT,
    UPLOAD,
    Place,
    ask,
    begin,
    running,
    running_import,
    upload,
)
from tests.support.raw_http import Connection, form, head, part
from tests.support.running_imports import hold_projects
from tests.support.service import Service, served, token

BODIES: Final = {"takeLock": b'{"ttl_seconds":600}', "setLabel": b'{"label":"Approved in March"}'}


class Shot(NamedTuple):
    """The response to one request.

    With a ``summary`` it is an example: of its operation, or of all operations (``common``).
    """

    asked: Operation
    answer: Answer
    summary: str = ""
    common: bool = False


Scene = AsyncIterator[Shot]


async def common_errors(place: Place) -> Scene:
    """Get the errors that all operations of a client have in common."""
    async with place.service() as service:
        for asked in operations():
            expectation = "Expect: 200-ok"
            first = asked.name == "listImports"
            yield _common(
                asked, await ask(service, asked, expectation), first and "An unknown expectation"
            )
            other = await ask(service, asked, method="PATCH")
            yield _common(asked, other, first and "An unsupported method")
            if not asked.of_a_client:
                continue
            no_token = await ask(service, asked, authorised=False)
            yield _common(asked, no_token, first and "No token")
            yield _common(
                asked,
                await ask(service, asked, scope="none"),
                first and "A token without the scope",
            )
            yield Shot(asked, await ask(service, asked, client_id=2))
            nobody = await ask(service, asked, client_id=3, clients="*")
            yield _common(asked, nobody, first and "An unknown client")
            yield Shot(asked, await ask(service, asked, client_id="x"))
            unknown = await ask(service, asked, query="colour=red")
            yield _common(asked, unknown, asked.name == "getImport" and "An unknown parameter")


def _common(asked: Operation, answer: Answer, summary: str | bool) -> Shot:
    return Shot(asked, answer, str(summary or ""), common=True)


async def invalid_tokens(place: Place) -> Scene:
    """Send invalid tokens."""
    async with place.service() as service:
        asked = operation("listImports")
        for summary, bearer in (
            ("An expired token", token(exp=int(time.time()) - 3600)),
            ("A malformed token", "what"),
        ):
            async with Connection(service) as connection:
                path = asked.address()
                await connection.send(head(service, method="GET", path=path, token=bearer))
                yield Shot(asked, await connection.answer(), summary, common=True)


async def unknown_ids(place: Place) -> Scene:
    """Name imports, projects and versions that do not exist."""
    async with place.service() as service:
        await upload(service, native_file(PLANT))
        for asked in operations():
            if set(asked.path.split("/")) & {"{import_id}", "{project_id}", "{version}"}:
                body = BODIES.get(asked.name, b"")
                gone = await ask(service, asked, body=body, import_id=99, project_id=99, version=99)
                assert gone.status == 404
                yield Shot(asked, gone)


async def outages(place: Place) -> Scene:
    """Make the database unavailable, then broken."""
    clients = [asked for asked in operations() if asked.of_a_client]
    async with proxied(place.dsn) as proxy:
        settings = place.settings.model_copy(update={"connect_timeout": 3})
        async with served(settings, proxy.dsn) as service:
            await proxy.go_away()
            wanted = [*clients, operation("isReady")]
            answers = await asyncio.gather(*(ask(service, asked) for asked in wanted))
            for asked, answer in zip(wanted, answers, strict=True):
                assert answer.status == 503, asked
                shown = asked.name == "listImports" and "The database is unavailable"
                yield _common(asked, answer, shown)
            await proxy.listen()
    async with place.service() as service:
        await place.pool.execute("ALTER TABLE clients RENAME TO mislaid")
        try:
            for asked in clients:
                answer = await ask(service, asked)
                assert answer.status == 500, asked
                yield _common(asked, answer, asked.name == "listImports" and "An internal error")
        finally:
            await place.pool.execute("ALTER TABLE mislaid RENAME TO clients")


async def uploads(place: Place) -> Scene:
    """Upload files."""
    async with place.service() as service:
        example = UPLOAD.spec["requestBody"]["content"]["multipart/form-data"]["examples"]
        sent = example["two projects"]["value"]
        body = form(part("file", sent["file"][0].encode()), part("notes", sent["notes"].encode()))
        mixed = await ask(service, UPLOAD, MULTIPART, body=body)
        yield Shot(UPLOAD, mixed, "One project is imported, one is refused")
        yield Shot(
            UPLOAD, await upload(service, native_file(PLANT, OTHER)), "All projects are imported"
        )
        broken = await upload(service, native_file(PLANT, OTHER)[:-30])
        yield Shot(UPLOAD, broken, "The XML breaks off")
        accepted = await upload(service, native_file(PLANT), "Prefer: respond-async")
        yield Shot(UPLOAD, accepted, "The import goes on without its sender")
        dry = await upload(service, native_file(PLANT), query="dry_run=true&mode=create")
        yield Shot(UPLOAD, dry, "A dry run")
        atomic = await upload(service, native_file(OTHER, "<project/>"), query="atomic=true")
        yield Shot(UPLOAD, atomic, "An atomic import with a failure")
        nothing = await ask(service, UPLOAD, MULTIPART, body=form(part("files", b"<a/>")))
        yield Shot(UPLOAD, nothing, "No part `file`")
        yield Shot(UPLOAD, await upload(service, b"<html/>"), "A file without projects")
        option = await upload(service, b"", query="mode=replace")
        yield Shot(UPLOAD, option, "An invalid option")
        old = native_file(
            PLANT.replace('id="P-1"', 'id="P-1" version="9"').replace("Plant", "Works")
        )
        yield Shot(UPLOAD, await upload(service, old), "A project with another version")
        brotli = await ask(service, UPLOAD, MULTIPART, "Content-Encoding: br", body=b"x")
        yield _common(UPLOAD, brotli, "An unsupported encoding")
        packed = await ask(
            service,
            UPLOAD,
            MULTIPART,
            "Content-Encoding: gzip",
            body=gzip.compress(form(part("file", native_file(PLANT)))),
        )
        yield Shot(UPLOAD, packed)
        key = "Idempotency-Key: night-17"
        assert (await upload(service, native_file(PLANT), key)).status == 207
        other = await upload(service, native_file(OTHER), key)
        yield _common(UPLOAD, other, "Another file with the same key")
    async with place.service(max_upload_bytes=1000) as service:
        yield _common(UPLOAD, await upload(service, b" " * 2000), "An upload that is too large")


async def while_running(place: Place) -> Scene:
    """Send requests while an import is running, and cancel it."""
    results, cancel = operation("listResults"), operation("cancelImport")
    busy = {"max_imports": 2, "max_imports_per_client": 1, "heartbeat_every": 0.5}
    async with place.service(**busy) as service:
        async with running(service, "Idempotency-Key: slow") as connection:
            number = await running_import(service)
            again = await upload(service, native_file(OTHER), "Idempotency-Key: slow")
            yield Shot(UPLOAD, again, "An upload with the same key is running")
            yield _common(
                UPLOAD, await upload(service, native_file(OTHER)), "Too many imports of one client"
            )
            yield Shot(results, await ask(service, results, import_id=number))
            csv = await ask(service, results, "Accept: text/csv", import_id=number)
            yield Shot(results, csv, "CSV of a running import")
            causes = operation("listCauses")
            yield Shot(causes, await ask(service, causes, import_id=number), "A running import")
            wish = await ask(service, cancel, import_id=number)
            yield Shot(cancel, wish, "A running import")
            yield Shot(UPLOAD, await connection.answer(), "An import that a user cancelled")
        ended = await ask(service, cancel, import_id=1)
        yield Shot(cancel, ended, "An import that has ended")
    one_slot = {"max_imports": 1, "max_imports_per_client": 2}
    async with place.service(**one_slot) as service, running(service):
        yield Shot(UPLOAD, await upload(service, native_file(OTHER)), "All import slots are in use")
    async with place.service(idle_timeout=0.1) as service, Connection(service) as connection:
        key = "Idempotency-Key: stopped"
        await begin(connection, service, key)
        yield Shot(UPLOAD, await connection.answer(), "The upload stopped")
        other = await upload(service, native_file(OTHER), key, query="dry_run=true")
        yield Shot(UPLOAD, other, "An interrupted import with other options")


async def undoing(place: Place) -> Scene:
    """Undo an import, after the scenes before have imported other projects."""
    undo, version = operation("undoImport"), operation("getVersion")
    changed = PLANT.replace("Foundation", "Piles").replace("high", "low").replace("Crew A", "B")
    async with place.service() as service:
        done = await upload(service, native_file(changed))
        number = done.json["import_id"]
        compared = await ask(service, version, query="compare=1", version=2)
        yield Shot(version, compared, "A comparison with another version")
        key = "Idempotency-Key: undo-17"
        back = await ask(service, undo, key, import_id=number)
        yield Shot(undo, back, "The import is undone")
        again = await ask(service, undo, import_id=number)
        yield Shot(undo, again, "A project was changed since then")
        accepted = await ask(service, undo, key, "Prefer: respond-async", import_id=number)
        yield Shot(undo, accepted, "The undo goes on without its sender")
        other = await ask(service, undo, key, import_id=1)
        yield Shot(undo, other, "Another import with the same key")
        nothing = await upload(service, native_file(OTHER), query="dry_run=true")
        dry = await ask(service, undo, import_id=nothing.json["import_id"])
        yield Shot(undo, dry, "A dry run")
    async with place.service(max_imports_per_client=1) as service, running(service):
        yield Shot(
            undo, await ask(service, undo, import_id=number), "Too many imports of one client"
        )


async def list_changes(service: Service, query: str) -> Answer:
    """List changes, once the watermark has passed them; it is a second in the past."""
    deadline = time.monotonic() + 20
    while True:
        answer = await ask(service, operation("listProjects"), query=query)
        if answer.json["details"]["projects"]:
            return answer
        assert time.monotonic() < deadline


async def reads(place: Place) -> Scene:
    """Read imports, outcomes, projects and versions."""
    async with place.service() as service:
        imports = operation("listImports")
        page = await ask(service, imports, query="limit=2&state=completed")
        yield Shot(imports, page, "The latest two completed imports")
        yield Shot(imports, await ask(service, imports, query="text=nightly"))
        one = operation("getImport")
        yield Shot(one, await ask(service, one), "A completed import")
        results = operation("listResults")
        shown = await ask(service, results, query="outcome=failed&error=VALIDATION_ERROR")
        yield Shot(results, shown, "Projects that failed")
        yield Shot(results, await ask(service, results, query="limit=1"), "A page")
        yield Shot(results, await ask(service, results, "Accept: text/csv"), "As CSV")
        yield Shot(
            results, await ask(service, results, "Accept: image/png"), "An unavailable media type"
        )
        causes = operation("listCauses")
        number = await place.pool.fetchval(
            "SELECT max(import_id) FROM import_results WHERE error = 'VALIDATION_ERROR'"
        )
        yield Shot(causes, await ask(service, causes, import_id=number), "Failures by cause")
        projects = operation("listProjects")
        page = await ask(service, projects, query="limit=1&archived=include")
        yield Shot(projects, page, "A page")
        since = "changed_since=2026-01-01T00:00:00Z&text=plant"
        yield Shot(
            projects, await list_changes(service, since), "Projects that changed since a time"
        )
        failed = await place.pool.fetchval(
            "SELECT max(import_id) FROM imports WHERE state = 'interrupted'"
        )
        lacking = await ask(service, projects, query=f"missing_from={failed}")
        yield Shot(projects, lacking, "An import that did not complete")
        for name in ("getProject", "getVersion"):
            asked = operation(name)
            yield Shot(asked, await ask(service, asked), "As JSON")
            xml = await ask(service, asked, "Accept: application/xml")
            yield Shot(asked, xml, "As native XML")
            yield Shot(asked, await ask(service, asked, "Accept: text/xml"))
            yield Shot(
                asked, await ask(service, asked, "Accept: text/plain"), "An unavailable media type"
            )
        versions = operation("listVersions")
        yield Shot(versions, await ask(service, versions), "The versions of a project")
        checks = operation("listChecks")
        yield Shot(checks, await ask(service, checks, query="limit=1"), "All checks")
        some = await ask(service, checks, query="check=open_ends")
        yield Shot(checks, some, "The findings of one check")


async def labels(place: Place) -> Scene:
    """Label versions of the project."""
    put, remove = operation("setLabel"), operation("removeLabel")
    body = BODIES[put.name]
    async with place.service() as service:
        yield Shot(put, await ask(service, put, JSON, body=body), "The version has a new label")
        again = await ask(service, put, JSON, body=body)
        yield Shot(put, again, "The version has the label already")
        other = await ask(service, put, JSON, body=body, version=2)
        yield Shot(put, other, "Another version has the label")
        yield Shot(put, await ask(service, put, JSON, body=b'{"label":" "}'), "An invalid label")
        yield Shot(put, await ask(service, put, JSON, body=b" " * 2**21))
    async with place.service(lock_timeout=0.2) as service:
        async with hold_projects(place.pool, "P-1"):
            yield Shot(remove, await ask(service, remove, version=2), "An import is writing it")
        yield Shot(remove, await ask(service, remove, version=2))
    yield await unsent(place, put)


async def unsent(place: Place, asked: Operation) -> Shot:
    """Send a request without its body."""
    async with place.service(idle_timeout=0.1) as service, Connection(service) as connection:
        path, bearer = asked.address(), token(scope=ALL_SCOPES)
        first = head(service, "Content-Length: 19", method="PUT", path=path, token=bearer)
        await connection.send(first)
        return Shot(asked, await connection.answer(), "The body did not arrive")


async def locks(place: Place) -> Scene:
    """Take locks, send requests that they refuse, and archive."""
    see, take, back = map(operation, ("getLock", "takeLock", "giveBackLock"))
    ten_minutes = b'{"ttl_seconds":600}'
    async with place.service() as service:
        yield Shot(see, await ask(service, see), "Nobody holds a lock")
        new = await ask(service, take, JSON, body=ten_minutes, sub="alice")
        yield Shot(take, new, "A new lock")
        more = await ask(service, take, JSON, body=ten_minutes, sub="alice")
        yield Shot(take, more, "An extended lock")
        yield Shot(see, await ask(service, see), "A user holds a lock")
        other = await ask(service, take, JSON, body=ten_minutes)
        yield Shot(take, other, "Another user holds the lock")
        yield Shot(take, await ask(service, take, JSON, body=b"{}"), "An invalid body")
        yield Shot(
            take, await ask(service, take, JSON, body=b" " * 2**21), "A body that is too large"
        )
        archive = operation("archiveProject")
        yield Shot(archive, await ask(service, archive), "Another user holds a lock")
        yield Shot(back, await ask(service, back), "Another user holds the lock")
        locked = await upload(service, native_file(PLANT.replace("Plant", "Works")))
        yield Shot(UPLOAD, locked, "A project that another user has locked")
        yield Shot(back, await ask(service, back, query="reason=Left"))
        stale = await ask(service, archive, query="version=99")
        yield Shot(archive, stale, "Another version is current")
        yield Shot(archive, await ask(service, archive), "The project is archived")
        restore = operation("restoreProject")
        stale = await ask(service, restore, query="version=99")
        yield Shot(restore, stale, "Another version is current")
        yield Shot(restore, await ask(service, restore), "The project is active")
        yield Shot(archive, await ask(service, archive))
    yield await unsent(place, take)


async def public(place: Place) -> Scene:
    """Send requests without a token."""
    async with place.service() as service:
        for asked in operations():
            if asked.of_a_client:
                continue
            answer = await ask(
                service, asked, authorised=False, asset="docs.js", folder="shared", file="page.js"
            )
            shown = {"isAlive": "The process runs", "isReady": "The service is ready"}.get(
                asked.name, ""
            )
            yield Shot(asked, answer, shown)
        page = operation("getDocsAsset")
        yield Shot(page, await ask(service, page, authorised=False, asset="docs.css"))
        yield Shot(page, await ask(service, page, authorised=False, asset="none"))
        page = operation("getPageFile")
        for file in ("page.css", "icon.svg", "none"):
            yield Shot(page, await ask(service, page, authorised=False, folder="shared", file=file))


SCENES: Final[tuple[Callable[[Place], Scene], ...]] = (
    common_errors,
    invalid_tokens,
    public,
    outages,
    uploads,
    while_running,
    unknown_ids,
    undoing,
    labels,
    reads,
    locks,
)
"""In this order, because each builds on the state that the scenes before it left."""


async def play_scenes(place: Place) -> list[Shot]:
    """Play all scenes, on an empty database with client 1."""
    return [shot for scene in SCENES async for shot in scene(place)]
