"""One version of a project as a document, in blocks: JSON, or native XML.

It is read to its end at that version, whatever is imported meanwhile.
"""

from collections.abc import AsyncIterator
from typing import Final

from service.formats.native import writer
from service.projects import records
from service.projects.records import SQL, Pages, RunQuery, VersionKey, as_json, as_text
from service.tables import Table

MEMBERS: Final = {
    Table.TASKS: b"tasks",
    Table.DEPENDENCIES: b"dependencies",
    Table.RESOURCES: b"resources",
    Table.ASSIGNMENTS: b"assignments",
    Table.PARTS: b"parts",
}


async def as_object(ask: RunQuery, key: VersionKey) -> AsyncIterator[bytes]:
    """A JSON object: the project's own members, then its records, then its shared objects.

    Raises:
        Gone: there is no such version, or no longer; the document breaks off.
        Unavailable: the database stays away.
    """
    own = await records.own(ask, key, SQL.own_json)
    behind = own["line"].encode()[:-1]
    for table, name in MEMBERS.items():
        yield behind + b',"%b":[' % name
        async for block in _items(records.records(ask, key, table, as_json)):
            yield block
        behind = b"]"
    yield b'],"shared_objects":['
    shared = records.shared_objects(ask, key.client_id, own["shared_objects"], as_json)
    async for block in _items(shared):
        yield block
    await records.check_kept(ask, key)
    yield b"]}"


async def as_native(ask: RunQuery, key: VersionKey) -> AsyncIterator[bytes]:
    """A native file with the one project, which can be imported again; raises as ``as_object``."""
    own = await records.own(ask, key, SQL.own)
    yield writer.opening(dict(own))
    for table, group in writer.GROUPS.items():
        async for block in _group(group, records.records(ask, key, table, as_text)):
            yield block
    shared = records.shared_objects(ask, key.client_id, own["shared_objects"], as_text)
    async for block in _group(writer.SHARED, shared):
        yield block
    await records.check_kept(ask, key)
    yield writer.closing()


async def _items(pages: Pages) -> AsyncIterator[bytes]:
    """Lines of JSON as the items of an array."""
    comma = b""
    async for page in pages:
        yield comma + b",".join([row["line"].encode() for row in page])
        comma = b","


async def _group(group: writer.Group, pages: Pages) -> AsyncIterator[bytes]:
    """Rows as elements inside the one that holds them, which is left out where there are none."""
    begun = False
    async for page in pages:
        opening = b"" if begun else writer.begin(group)
        yield opening + b"".join([writer.record(group, dict(row)) for row in page])
        begun = True
    if begun:
        yield writer.end(group)
