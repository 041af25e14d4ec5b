"""Exports one version of a project as Microsoft Project's XML, in blocks.

Only a project that was read from such a file has all that the format needs. Importing the document
again gives the same content.

A task holds its links and baselines. They have tables of their own, in the order of the tasks:
links to earlier tasks first, then links to later tasks, which the reader resolves at the end of a
project. Cursors read each of these runs beside the tasks.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from typing import Final, NamedTuple

from service.formats.mspdi import mapping as mspdi
from service.formats.mspdi import writer
from service.formats.mspdi.element_order import place_of
from service.formats.mspdi.format import NAMESPACE
from service.formats.mspdi.writer import HOLDERS, Members, Row
from service.formats.record_rules import RecordRule
from service.projects import records
from service.projects.records import Pages, RunQuery, VersionKey, as_text
from service.tables import Table

SOURCE: Final = "mspdi"
_MAX_RUNS: Final = 8
_BLOCK: Final = 64 * 1024
_DEFERRED: Final = ("PredecessorLink", "Assignment")
"""Parts that the reader adds at the end, because a task is missing."""
_OWNER: Final = "TaskUID"


class NotExportable(Exception):
    """The project was not read from a file of Microsoft Project, or changed since."""


class _Run(NamedTuple):
    """Rows of a nested table in the order of the tasks that hold them, by their ordinals.

    Attributes:
        after: ordinal before the first one.
        last: ordinal of the last one.
    """

    after: int
    last: int


class _Cursor:
    """Rows one after another, with the next one in sight.

    Attributes:
        head: the next row; None after the last one.
    """

    def __init__(self, rows: AsyncIterator[Row]) -> None:
        self._rows = rows
        self.head: Row | None = None

    async def take(self) -> None:
        """Move to the next row."""
        self.head = await anext(self._rows, None)


async def export_mspdi(run_query: RunQuery, key: VersionKey) -> AsyncGenerator[bytes]:
    """Yield a file of Microsoft Project with the project, which can be imported again.

    Raises:
        NotExportable: before the first block: the project is from another format.
        VersionGone: the version does not exist, or was removed; the document breaks off.
        Unavailable: the database is unavailable.
    """
    project = await records.read_project(run_query, key, records.PROJECT_AS_TEXT)
    if project["source"] != SOURCE:
        raise NotExportable(
            "Only a project from a file of Microsoft Project can be returned as its XML; "
            f"the source of this one is {project['source']}"
        )
    nested = [
        (table, rule, run)
        for table, rule, owner in (
            (Table.DEPENDENCIES, mspdi.LINK, "successor_id"),
            (Table.BASELINE_TASKS, mspdi.BASELINE, "task_id"),
        )
        for run in await _find_runs(run_query, key, table, owner)
    ]
    yield writer.begin_file(dict(project), NAMESPACE)
    del project  # its values can be large
    export = _Export(run_query, key)
    async for block in _joined(export.write(nested)):
        yield block
    await records.check_kept(run_query, key)
    yield writer.end_file()


async def _joined(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Join pieces into blocks."""
    block: list[bytes] = []
    size = 0
    async for piece in pieces:
        block.append(piece)
        size += len(piece)
        if size >= _BLOCK:
            yield b"".join(block)
            block, size = [], 0
    if block:
        yield b"".join(block)


async def _find_runs(
    run_query: RunQuery, key: VersionKey, table: Table, owner: str
) -> Sequence[_Run]:
    """Return the runs of a nested table, each of which follows the order of the tasks.

    Raises:
        NotExportable: there are more than a file of Microsoft Project leads to.
    """
    runs: list[_Run] = []
    after = -1
    cursor = _Cursor(_rows(_read(run_query, key, table, (owner,))))
    await cursor.take()
    while cursor.head is not None:
        begin = after
        async for task in _rows(_read(run_query, key, Table.TASKS, ("task_id",))):
            while cursor.head is not None and cursor.head[owner] == task["task_id"]:
                after += 1
                await cursor.take()
            if cursor.head is None:
                break
        if after == begin or len(runs) == _MAX_RUNS:
            raise NotExportable(
                "The order of the project's links is not one of a file of Microsoft Project"
            )
        runs.append(_Run(begin, after))
    return runs


def _read(
    run_query: RunQuery,
    key: VersionKey,
    table: Table,
    columns: Sequence[str] | None = None,
    after: int = -1,
) -> Pages:
    """Yield pages of a table: all columns, or some."""

    def select(every: Sequence[str]) -> str:
        return as_text(every if columns is None else columns)

    return records.read_records(run_query, key, table, select, after)


async def _rows(
    pages: Pages, keep: Callable[[Row], bool] = lambda _row: True, last: int | None = None
) -> AsyncIterator[Row]:
    """Yield the rows of pages one by one.

    Args:
        pages: the pages.
        keep: whether a row is one of them.
        last: ordinal after which no row is.
    """
    async for page in pages:
        for row in page:
            if last is not None and row["ordinal"] > last:
                return
            each = dict(row)
            if keep(each):
                yield each


class _Nested(NamedTuple):
    """Rows that tasks hold: the rule, and a cursor over one run."""

    rule: RecordRule
    owner: str
    cursor: _Cursor


class _Export:
    """One export: its cursors over the parts."""

    def __init__(self, run_query: RunQuery, key: VersionKey) -> None:
        self._run_query = run_query
        self._key = key
        self._parts = self._cursor_of(lambda name: name not in _DEFERRED)
        self._links = self._cursor_of(lambda name: name == "PredecessorLink")
        self._assignments = self._cursor_of(lambda name: name == "Assignment")

    async def write(self, nested: Sequence[tuple[Table, RecordRule, _Run]]) -> AsyncIterator[bytes]:
        """Yield all that follows the values of the project itself."""
        for cursor in (self._parts, self._links, self._assignments):
            await cursor.take()
        held = [await self._nested(*each) for each in nested]
        async for piece in self._before("Tasks"):
            yield piece
        yield b"<Tasks>\n"
        async for task in self._table(Table.TASKS):
            members = writer.members_of(mspdi.TASK, task)
            async for piece in self._blank("Task", members):
                yield piece
            await self._add_nested(members, task, held)
            yield writer.write_record("Task", members)
        async for piece in self._blank("Task", None):
            yield piece
        yield b"</Tasks>\n"
        async for piece in self._before("Resources"):
            yield piece
        yield b"<Resources>\n"
        async for resource in self._table(Table.RESOURCES):
            members = writer.members_of(mspdi.RESOURCE, resource)
            async for piece in self._blank("Resource", members):
                yield piece
            yield writer.write_record("Resource", members)
        async for piece in self._blank("Resource", None):
            yield piece
        yield b"</Resources>\n"
        async for piece in self._before("Assignments"):
            yield piece
        yield b"<Assignments>\n"
        async for assignment in self._table(Table.ASSIGNMENTS):
            yield writer.write_record("Assignment", writer.members_of(mspdi.ASSIGNMENT, assignment))
        while self._assignments.head is not None:
            yield _part(self._assignments.head)
            await self._assignments.take()
        yield b"</Assignments>\n"
        async for piece in self._before(None):
            yield piece

    def _cursor_of(self, wanted: Callable[[str], bool]) -> _Cursor:
        """Return a cursor over the parts with certain names."""
        pages = _read(self._run_query, self._key, Table.PARTS)
        return _Cursor(_rows(pages, lambda row: wanted(row["element"] or "")))

    async def _nested(self, table: Table, rule: RecordRule, run: _Run) -> _Nested:
        pages = _read(self._run_query, self._key, table, after=run.after)
        cursor = _Cursor(_rows(pages, last=run.last))
        await cursor.take()
        return _Nested(rule, "successor_id" if table is Table.DEPENDENCIES else "task_id", cursor)

    def _table(self, table: Table) -> AsyncIterator[Row]:
        return _rows(_read(self._run_query, self._key, table))

    async def _add_nested(self, members: Members, task: Row, held: Sequence[_Nested]) -> None:
        """Add the links and baselines of a task, also those that became parts."""
        task_id = task["task_id"]
        for rule, owner, cursor in held:
            while cursor.head is not None and cursor.head[owner] == task_id:
                members.setdefault(rule.name, []).append(writer.members_of(rule, cursor.head))
                await cursor.take()
        for cursor, name in ((self._links, "PredecessorLink"), (self._parts, "Baseline")):
            while (head := cursor.head) is not None and head["element"] == name:
                part = writer.part_members(head)
                if part.pop(_OWNER, [None])[-1] != task_id:
                    break
                members.setdefault(name, []).append(part)
                await cursor.take()

    async def _blank(self, name: str, following: Members | None) -> AsyncIterator[bytes]:
        """Yield the blank rows before a record, by their numbers; None is the end."""
        while (head := self._parts.head) is not None and head["element"] == name:
            if following is not None and not _number(writer.part_members(head)) < _number(
                following
            ):
                return
            yield _part(head)
            await self._parts.take()

    async def _before(self, group: str | None) -> AsyncIterator[bytes]:
        """Yield the parts that the schema has before a group of records; None is the end."""
        open_holder = None
        while (head := self._parts.head) is not None:
            name = head["element"] or ""
            holder = HOLDERS.get(name)
            outermost = holder or name
            if group is not None and (
                outermost in {"Tasks", "Resources", "Assignments"}
                or place_of("Project", outermost) >= place_of("Project", group)
            ):
                break
            if holder != open_holder:
                if open_holder is not None:
                    yield b"</%b>\n" % open_holder.encode()
                if holder is not None:
                    yield b"<%b>\n" % holder.encode()
                open_holder = holder
            yield _part(head)
            await self._parts.take()
        if open_holder is not None:
            yield b"</%b>\n" % open_holder.encode()


def _part(row: Row) -> bytes:
    return writer.write_record(row["element"] or "", writer.part_members(row))


def _number(members: Members) -> int:
    """Return the number of a row in the plan, which is its place."""
    text = str(members.get("ID", ["0"])[0])
    return int(text) if text.isdecimal() else 0
