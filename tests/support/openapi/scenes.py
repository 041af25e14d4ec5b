"""A story that sees every answer of every operation once, on a real service.

Scenes yield what they saw. Those with a summary are the document's examples.
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
    the_running_one,
    upload,
)
from tests.support.raw_http import Connection, form, head, part
from tests.support.service import Service, served, token


class Shot(NamedTuple):
    """What one request saw.

    ``summary`` makes it an example: of its operation, or of all (``common``).
    """

    asked: Operation
    answer: Answer
    summary: str = ""
    common: bool = False


Scene = AsyncIterator[Shot]


async def everybody(place: Place) -> Scene:
    """What every operation on behalf of a client answers alike."""
    async with place.service() as service:
        for asked in operations():
            expectation = "Expect: 200-ok"
            first = asked.name == "listImports"
            yield _common(
                asked, await ask(service, asked, expectation), first and "An unknown expectation"
            )
            other = await ask(service, asked, method="PATCH")
            yield _common(asked, other, first and "Another method")
            if not asked.of_a_client:
                continue
            no_token = await ask(service, asked, authorised=False)
            yield _common(asked, no_token, first and "No token")
            yield _common(asked, await ask(service, asked, scope="none"), first and "No scope")
            yield Shot(asked, await ask(service, asked, client_id=2))
            nobody = await ask(service, asked, client_id=3, clients="*")
            yield _common(asked, nobody, first and "No such client")
            yield Shot(asked, await ask(service, asked, client_id="x"))
            unknown = await ask(service, asked, query="colour=red")
            yield _common(asked, unknown, asked.name == "getImport" and "An unknown parameter")


def _common(asked: Operation, answer: Answer, summary: str | bool) -> Shot:
    return Shot(asked, answer, str(summary or ""), common=True)


async def tokens(place: Place) -> Scene:
    """Tokens that do not hold."""
    async with place.service() as service:
        asked = operation("listImports")
        for summary, said in (
            ("An expired token", token(exp=int(time.time()) - 3600)),
            ("No token at all", "what"),
        ):
            async with Connection(service) as connection:
                path = asked.address()
                await connection.send(head(service, method="GET", path=path, token=said))
                yield Shot(asked, await connection.answer(), summary, common=True)


async def no_such_thing(place: Place) -> Scene:
    """What a path's parameters may not name."""
    async with place.service() as service:
        await upload(service, native_file(PLANT))
        for asked in operations():
            if set(asked.path.split("/")) & {"{import_id}", "{project_id}", "{version}"}:
                body = b'{"ttl_seconds":60}' if asked.method == "PUT" else b""
                gone = await ask(service, asked, body=body, import_id=99, project_id=99, version=99)
                assert gone.status == 404
                yield Shot(asked, gone)


async def away(place: Place) -> Scene:
    """The database is away, then broken."""
    clients = [asked for asked in operations() if asked.of_a_client]
    async with proxied(place.dsn) as proxy:
        settings = place.settings.model_copy(update={"connect_timeout": 3})
        async with served(settings, proxy.dsn) as service:
            await proxy.go_away()
            wanted = [*clients, operation("isReady")]
            answers = await asyncio.gather(*(ask(service, asked) for asked in wanted))
            for asked, answer in zip(wanted, answers, strict=True):
                assert answer.status == 503, asked
                shown = asked.name == "listImports" and "The database is away"
                yield _common(asked, answer, shown)
            await proxy.listen()
    async with place.service() as service:
        await place.pool.execute("ALTER TABLE clients RENAME TO mislaid")
        try:
            for asked in clients:
                answer = await ask(service, asked)
                assert answer.status == 500, asked
                yield _common(asked, answer, asked.name == "listImports" and "A fault of ours")
        finally:
            await place.pool.execute("ALTER TABLE mislaid RENAME TO clients")


async def uploads(place: Place) -> Scene:
    """What becomes of files."""
    async with place.service() as service:
        example = UPLOAD.told["requestBody"]["content"]["multipart/form-data"]["examples"]
        sent = example["two projects"]["value"]
        body = form(part("file", sent["file"].encode()), part("notes", sent["notes"].encode()))
        mixed = await ask(service, UPLOAD, MULTIPART, body=body)
        yield Shot(UPLOAD, mixed, "One landed, one did not")
        yield Shot(UPLOAD, await upload(service, native_file(PLANT, OTHER)), "All landed")
        broken = await upload(service, native_file(PLANT, OTHER)[:-30])
        yield Shot(UPLOAD, broken, "The XML breaks off")
        dry = await upload(service, native_file(PLANT), query="dry_run=true&mode=create")
        yield Shot(UPLOAD, dry, "A dry run")
        atomic = await upload(service, native_file(OTHER, "<project/>"), query="atomic=true")
        yield Shot(UPLOAD, atomic, "All or nothing")
        nothing = await ask(service, UPLOAD, MULTIPART, body=form(part("files", b"<a/>")))
        yield Shot(UPLOAD, nothing, "No part `file`")
        yield Shot(UPLOAD, await upload(service, b"<html/>"), "Not a file of projects")
        option = await upload(service, b"", query="mode=replace")
        yield Shot(UPLOAD, option, "A wrong option")
        old = native_file(
            PLANT.replace('id="P-1"', 'id="P-1" version="9"').replace("Plant", "Works")
        )
        yield Shot(UPLOAD, await upload(service, old), "Another version")
        brotli = await ask(service, UPLOAD, MULTIPART, "Content-Encoding: br", body=b"x")
        yield _common(UPLOAD, brotli, "Another encoding")
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
        yield _common(UPLOAD, other, "Another file under the key")
    async with place.service(max_upload_bytes=1000) as service:
        yield _common(UPLOAD, await upload(service, b" " * 2000), "Too large")


async def while_running(place: Place) -> Scene:
    """What an import in the way does, and how it is stopped."""
    results, cancel = operation("listResults"), operation("cancelImport")
    busy = {"max_imports": 2, "max_imports_per_client": 1, "heartbeat_every": 0.5}
    async with place.service(**busy) as service:
        async with running(service, "Idempotency-Key: slow") as connection:
            number = await the_running_one(service)
            again = await upload(service, native_file(OTHER), "Idempotency-Key: slow")
            yield Shot(UPLOAD, again, "The key is at work")
            yield _common(
                UPLOAD, await upload(service, native_file(OTHER)), "Too many of one client"
            )
            yield Shot(results, await ask(service, results, import_id=number))
            csv = await ask(service, results, "Accept: text/csv", import_id=number)
            yield Shot(results, csv, "CSV of a running import")
            wish = await ask(service, cancel, import_id=number)
            yield Shot(cancel, wish, "A running import")
            yield Shot(UPLOAD, await connection.answer(), "Somebody cancelled it")
        ended = await ask(service, cancel, import_id=1)
        yield Shot(cancel, ended, "An import that has ended")
    one_slot = {"max_imports": 1, "max_imports_per_client": 2}
    async with place.service(**one_slot) as service, running(service):
        yield Shot(UPLOAD, await upload(service, native_file(OTHER)), "All slots are taken")
    async with place.service(idle_timeout=0.1) as service, Connection(service) as connection:
        await begin(connection, service)
        yield Shot(UPLOAD, await connection.answer(), "It fell silent")


async def undoing(place: Place) -> Scene:
    """An import is put back; by then the story has landed other things."""
    undo, version = operation("undoImport"), operation("getVersion")
    changed = PLANT.replace("Foundation", "Piles").replace("high", "low").replace("Crew A", "B")
    async with place.service() as service:
        done = await upload(service, native_file(changed))
        number = done.json["import_id"]
        compared = await ask(service, version, query="compare=1", version=2)
        yield Shot(version, compared, "What differs from another version")
        key = "Idempotency-Key: undo-17"
        back = await ask(service, undo, key, import_id=number)
        yield Shot(undo, back, "It is put back")
        again = await ask(service, undo, import_id=number)
        yield Shot(undo, again, "It was changed since")
        other = await ask(service, undo, key, import_id=1)
        yield Shot(undo, other, "Another import under the key")
        nothing = await upload(service, native_file(OTHER), query="dry_run=true")
        dry = await ask(service, undo, import_id=nothing.json["import_id"])
        yield Shot(undo, dry, "A dry run")
    async with place.service(max_imports_per_client=1) as service, running(service):
        yield Shot(undo, await ask(service, undo, import_id=number), "Too many of one client")


async def changed(service: Service, query: str) -> Answer:
    """What changed, once the watermark has come to it: it lies a second back."""
    deadline = time.monotonic() + 20
    while True:
        answer = await ask(service, operation("listProjects"), query=query)
        if answer.json["details"]["projects"]:
            return answer
        assert time.monotonic() < deadline


async def reads(place: Place) -> Scene:
    """What can be read."""
    async with place.service() as service:
        imports = operation("listImports")
        page = await ask(service, imports, query="limit=2&state=completed")
        yield Shot(imports, page, "The latest two that completed")
        yield Shot(imports, await ask(service, imports, query="text=nightly"))
        one = operation("getImport")
        yield Shot(one, await ask(service, one), "It completed")
        results = operation("listResults")
        shown = await ask(service, results, query="outcome=failed&error=VALIDATION_ERROR")
        yield Shot(results, shown, "What failed")
        yield Shot(results, await ask(service, results, query="limit=1"), "A page")
        yield Shot(results, await ask(service, results, "Accept: text/csv"), "As CSV")
        yield Shot(results, await ask(service, results, "Accept: image/png"), "No such type")
        projects = operation("listProjects")
        page = await ask(service, projects, query="limit=1&archived=include")
        yield Shot(projects, page, "A page")
        since = "changed_since=2026-01-01T00:00:00Z&text=plant"
        yield Shot(projects, await changed(service, since), "What changed since")
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
            yield Shot(asked, await ask(service, asked, "Accept: text/plain"), "No such type")
        versions = operation("listVersions")
        yield Shot(versions, await ask(service, versions), "What is kept")


async def locks(place: Place) -> Scene:
    """Locks, what they keep out, and archiving."""
    see, take, back = map(operation, ("getLock", "takeLock", "giveBackLock"))
    ten_minutes = b'{"ttl_seconds":600}'
    async with place.service() as service:
        yield Shot(see, await ask(service, see), "Nobody does")
        new = await ask(service, take, JSON, body=ten_minutes, sub="alice")
        yield Shot(take, new, "A new one")
        more = await ask(service, take, JSON, body=ten_minutes, sub="alice")
        yield Shot(take, more, "A longer one")
        yield Shot(see, await ask(service, see), "Somebody does")
        other = await ask(service, take, JSON, body=ten_minutes)
        yield Shot(take, other, "Somebody else holds it")
        yield Shot(take, await ask(service, take, JSON, body=b"{}"), "No such body")
        yield Shot(take, await ask(service, take, JSON, body=b" " * 2**21), "Far too large")
        archive = operation("archiveProject")
        yield Shot(archive, await ask(service, archive), "Somebody else holds a lock")
        yield Shot(back, await ask(service, back), "Somebody else holds it")
        locked = await upload(service, native_file(PLANT.replace("Plant", "Works")))
        yield Shot(UPLOAD, locked, "Locked by somebody else")
        yield Shot(back, await ask(service, back, query="reason=Left"))
        yield Shot(archive, await ask(service, archive), "It is archived now")
    async with place.service(idle_timeout=0.1) as service, Connection(service) as connection:
        path, said = take.address(), token(scope=ALL_SCOPES)
        first = head(service, "Content-Length: 19", method="PUT", path=path, token=said)
        await connection.send(first)
        yield Shot(take, await connection.answer(), "The body did not come")


async def public(place: Place) -> Scene:
    """What needs no token."""
    async with place.service() as service:
        for asked in operations():
            if asked.of_a_client:
                continue
            answer = await ask(service, asked, authorised=False, asset="docs.js", file="page.js")
            shown = {"isAlive": "It lives", "isReady": "They can be taken"}.get(asked.name, "")
            yield Shot(asked, answer, shown)
        page = operation("getDocsAsset")
        yield Shot(page, await ask(service, page, authorised=False, asset="docs.css"))
        yield Shot(page, await ask(service, page, authorised=False, asset="none"))
        page = operation("getPageFile")
        for file in ("page.css", "icon.svg", "none"):
            yield Shot(page, await ask(service, page, authorised=False, file=file))


SCENES: Final[tuple[Callable[[Place], Scene], ...]] = (
    everybody,
    tokens,
    public,
    away,
    uploads,
    while_running,
    no_such_thing,
    undoing,
    reads,
    locks,
)
"""In this order: each finds what those before it left."""


async def story(place: Place) -> list[Shot]:
    """All scenes, from an empty database with client 1."""
    return [shot for scene in SCENES async for shot in scene(place)]
