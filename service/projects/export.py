"""Exports one version of a project as a document, in blocks: JSON or native XML.

The document holds that version even if an import changes the project meanwhile.
"""

from collections.abc import AsyncGenerator, AsyncIterator

from service.formats.native import writer
from service.projects import records
from service.projects.records import Pages, RunQuery, VersionKey, as_json, as_text
from service.tables import MEMBERS


async def export_json(run_query: RunQuery, key: VersionKey) -> AsyncGenerator[bytes]:
    """Yield a JSON object: the project's own members, then its records and shared objects.

    Raises:
        VersionGone: the version does not exist, or was removed; the document breaks off.
        Unavailable: the database is unavailable.
    """
    project = dict(await records.read_project(run_query, key, records.PROJECT_AS_JSON))
    hashes, before = project["shared_objects"], b""
    yield project.pop("line").encode()[:-1]  # can be large: nothing keeps it while it is sent
    for table, member in MEMBERS.items():
        yield before + b',"%b":[' % member.encode()
        before = b"]"
        async for block in _items(records.read_records(run_query, key, table, as_json)):
            yield block
    yield b'],"shared_objects":['
    shared = records.read_shared_objects(run_query, key.client_id, hashes, as_json)
    async for block in _items(shared):
        yield block
    await records.check_kept(run_query, key)
    yield b"]}"


async def export_native(run_query: RunQuery, key: VersionKey) -> AsyncGenerator[bytes]:
    """Yield a native file with the project, which can be imported again.

    Raises:
        VersionGone: the version does not exist, or was removed; the document breaks off.
        Unavailable: the database is unavailable.
    """
    project = await records.read_project(run_query, key, records.PROJECT_AS_TEXT)
    hashes = project["shared_objects"]
    yield writer.begin_file(dict(project))
    del project  # its values can be large
    for table, group in writer.GROUPS.items():
        async for block in _group(group, records.read_records(run_query, key, table, as_text)):
            yield block
    shared = records.read_shared_objects(run_query, key.client_id, hashes, as_text)
    async for block in _group(writer.SHARED_OBJECTS, shared):
        yield block
    await records.check_kept(run_query, key)
    yield writer.end_file()


async def _items(pages: Pages) -> AsyncIterator[bytes]:
    """Yield lines of JSON as the items of an array."""
    comma = b""
    async for page in pages:
        block = comma + b",".join([row["line"].encode() for row in page])
        page.clear()
        yield block
        comma = b","


async def _group(group: writer.Group, pages: Pages) -> AsyncIterator[bytes]:
    """Yield rows as elements inside their holder; yield nothing if there are no rows."""
    has_rows = False
    async for page in pages:
        opening = b"" if has_rows else writer.begin_group(group)
        block = opening + b"".join([writer.write_record(group, dict(row)) for row in page])
        page.clear()
        yield block
        has_rows = True
    if has_rows:
        yield writer.end_group(group)
