"""One project while its file is read: its rows, its hash, and what is wrong with it."""

from collections.abc import Callable, Iterable
from typing import ClassVar

from service.codes import ErrorCode, WarningCode
from service.formats import json_attributes
from service.formats.diagnostics import Diagnostics
from service.formats.element import Element
from service.formats.engine.parsers import RecordParser
from service.formats.engine.record_parser import ParsedRecord
from service.formats.file_context import FileContext
from service.formats.project_content import ProjectContent, TooLarge, copy_lines
from service.formats.record_maps import PROJECT, RecordMap, columns_of
from service.formats.references import Reference, References, Row, Wanted
from service.formats.source_line import line_of
from service.formats.values import NULL, unescape
from service.model import Project, Refusal, SharedObject, SharedObjects, shorten
from service.spool.copy_rows import escape
from service.tables import Table

_NAME, _START, _FINISH, _SOURCE = map(PROJECT.index, ("name", "start", "finish", "source"))
_WIDTH = {table: len(columns_of(table)) for table in Table}


class ProjectBuilder(Diagnostics):
    """One project of a file. A dialect derives from it, with a method for each kind of record.

    Class attributes, each dialect's own:
        record: the map of the project's own scalars: ``PROJECT``, and ``external_id``.
        source: the dialect's name, a column of the project.
        strict: whether a bad value, and what a map does not know, refuse the project.

    Attributes:
        references: the names of its records, and what waits for them.
        shared: hashes of the shared objects that it takes.

    Args:
        file: what is common to the file.
        element: the project's, just begun: its XML attributes are there, its children are not.
        index, line: place in the file, from 0, and line of its start tag, from 1.
    """

    record: ClassVar[RecordMap]
    source: str
    strict: ClassVar[bool] = False

    def __init__(self, file: FileContext, element: Element, index: int, line: int) -> None:
        super().__init__()
        self.file = file
        self.element = element
        self.index = index
        self.line = line
        self.read_at: int | None = None
        self.shared: set[bytes] = set()
        self._called: tuple[str | None, str | None] = None, None
        self._too_large: str | None = None
        self._walks: dict[RecordMap, RecordParser] = {}
        self.references = References(file.limits.spool)
        self._content = ProjectContent(file.limits)

    # For a dialect's methods

    def read(self, element: Element, record_map: RecordMap) -> ParsedRecord:
        """Walk one record, and tell its faults."""
        walk = self._walks.get(record_map)
        if walk is None:
            walk = self.file.walk(record_map, self.source, strict=self.strict)
            self._walks[record_map] = walk
        record = walk(element)
        if record.faults:
            self.tell(record.faults)
        return record

    def row(self, table: Table, record: ParsedRecord) -> Row:
        """Make a record a row.

        Raises:
            TooLarge: its attributes are over the limit.
        """
        most = self.file.limits.max_attributes_bytes
        return Row(table, *copy_lines(record, _WIDTH[table], most))

    def add(self, row: Row) -> None:
        """Add a row, unless the project is refused already.

        Raises:
            TooLarge: the project's rows are over the limit.
        """
        if not self.refused:
            self._content.add(row)

    def part(self, element: Element) -> None:
        """Keep an element whole, by rule J, as a part of the project.

        Raises:
            TooLarge: it, or the project with it, is over a limit.
        """
        self.add(self.part_row(element))

    def part_row(self, element: Element, **more: bytes) -> Row:
        """The row of a part; ``more`` are members to add, as COPY text.

        Raises:
            TooLarge: its attributes are over the limit.
        """
        content = json_attributes.content(element, self.file.names)
        members: json_attributes.Members = {} if content is None else {"#text": content}
        if isinstance(content, dict):
            members = content
        for key, value in more.items():
            json_attributes.put(members, key, unescape(value) or "")
        return self._part(element, members)

    def know(self, element: Element, kind: bytes, name: bytes) -> None:
        """Make a record's name known; one that is known already is a violation.

        Args:
            element: the record.
            kind: keeps the names of one kind of record apart from those of another.
            name: COPY text; a null is no name.
        """
        if name is not NULL and not self.references.add(kind + name):
            local = self.file.names[element.tag]
            self.violate(line_of(element), local, unescape(name), "has the id of another one")

    def refer(
        self,
        element: Element,
        wanted: Wanted,
        told: tuple[str, bytes, str],
        *,
        code: WarningCode | None = None,
        found: Row | None = None,
        lost: Callable[[], Row] | None = None,
    ) -> None:
        """Settle a reference: now if its end is known, else at the project's end.

        Args:
            element: the record that refers.
            wanted: names as given to ``know``, kind before name; one of each inner tuple must be.
            told: local name, value as COPY text and problem, for where one is not.
            code: the warning for it; without one it is a violation.
            found: a row to add where all are there.
            lost: makes a row to add where one is not.

        Raises:
            TooLarge: the project is over a limit.
        """
        if self.references.known(wanted):
            if found is not None:
                self.add(found)
            return
        name, value, problem = told
        row = lost() if lost is not None else None
        shown = shorten(unescape(value)) or ""
        line = line_of(element)
        self.references.wait(Reference(wanted, found, row, code, line, name, shown, problem))

    def release(self) -> None:
        """Add what is held, in order.

        Raises:
            TooLarge: the project is over a limit.
        """
        for row in self.references.release():
            self.add(row)

    def violate(self, line: int, element: str, value: str | None, problem: str) -> None:
        """As ``Verdict.violate``. Faults are looked for on, rows are kept no longer."""
        super().violate(line, element, value, problem)
        self._content.rows.close()

    def stray_text(self, element: Element, parent: Element, text: str) -> None:
        """Take text that stands behind a record: a violation, or a part, so that nothing is lost.

        Raises:
            TooLarge: the project is over a limit.
        """
        name = self.file.names[parent.tag]
        if self.strict:
            self.violate(line_of(element), name, text, "holds text of its own")
            return
        self.add(self._part(parent, {"#text": text}))

    def check_dates(self, element: Element, name: str, start: bytes, finish: bytes) -> None:
        """Warn of a finish, COPY text like ``start``, that is before its start."""
        if finish < start and finish is not NULL and start is not NULL:
            code = WarningCode.FINISH_BEFORE_START
            self.warn(code, line_of(element), name, unescape(finish))

    def take_shared(self) -> None:
        """Take the shared objects that the project needs, once all its records are there.

        Raises:
            TooLarge: one of them is over a limit.
        """

    def hand_out(self) -> Iterable[SharedObject] | None:
        """Shared objects that no project before has handed out; the project lands, or tries to."""
        return None

    def identify(self, record: ParsedRecord) -> None:
        """Put name and ``external_id`` into the project's record, where its map could not."""

    # For the harvest and the reader

    def count(self, table: Table) -> int:
        """How many rows of a table there are so far."""
        return self._content.rows.count(table)

    def extend(self, table: Table, rows: int, text: bytes, hashed: bytes) -> None:
        """Add rows that the harvest made, unless the project is refused already.

        Args:
            rows: how many.
            text: COPY text, with ordinals; a newline ends each row.
            hashed: the same without ordinals and what changes at every save.
        """
        if self.refused or self.given_up:
            return
        try:
            self._content.extend(table, rows, text, hashed)
        except TooLarge as error:
            self.give_up(str(error))

    def give_up(self, reason: str) -> None:
        """The project is too large: what is left of it is passed over."""
        self._too_large = reason
        self._called = self.called()
        self.close()

    @property
    def given_up(self) -> bool:
        """Whether the rest of the project is passed over."""
        return self._too_large is not None

    def called(self) -> tuple[str | None, str | None]:
        """External id and name, as far as they were read."""
        record = self.file.walk(self.record, self.source, strict=self.strict)(self.element)
        self.identify(record)
        external_id, name = self._names(record)
        return external_id or self._called[0], name or self._called[1]

    def finish(self) -> None:
        """The project was closed: put it, whole or refused, into the file's outbox."""
        own = None if self.given_up else self._end()
        external_id, name = self._called
        self.references.close()
        if own is None or self.refused:
            self.close()
            self.file.outbox.append(self._refusal())
            return
        objects = self.hand_out()
        if objects is not None:
            self.file.outbox.append(SharedObjects(objects))
        text, hashed = own
        self.file.outbox.append(
            Project(
                index=self.index,
                line=self.line,
                external_id=external_id or "",
                name=name or "",
                source=self.source,
                read_at=self.read_at,
                row=text,
                rows=self._content.rows,
                content_hash=self._content.hash(hashed, self.shared),
                shared=tuple(sorted(self.shared)),
                tasks=self._content.rows.count(Table.TASKS),
                warnings=self.warnings,
            )
        )

    def close(self) -> None:
        """Give back memory and disk of a project that will not be finished."""
        self.references.close()
        self._content.rows.close()

    def _end(self) -> tuple[bytes, bytes] | None:
        """Add what waited for the end, and write the project's own row; None if it is too large."""
        record = self.read(self.element, self.record)
        self.identify(record)
        columns = record.columns
        columns[_SOURCE] = escape(self.source.encode())
        name = self.file.names[self.element.tag]
        self.check_dates(self.element, name, columns[_START], columns[_FINISH])
        self._called = self._names(record)
        if None in self._called and not self.refused:
            problem = "has no name" if self._called[0] else "has nothing to identify it by"
            self.violate(self.line, name, None, problem)
        try:
            self.release()
            for reference, known in self.references.settle():
                self._settle(reference, known=known)
            for element in record.apart:
                self.part(element)
            own = self._own(record)
            if not self.refused:
                self.take_shared()
            return own
        except TooLarge as error:
            self.give_up(str(error))
            return None

    def _own(self, record: ParsedRecord) -> tuple[bytes, bytes]:
        return copy_lines(record, len(PROJECT), self.file.limits.max_attributes_bytes)

    def _part(self, element: Element, members: json_attributes.Members) -> Row:
        name = self.file.names[element.tag]
        record = ParsedRecord([escape(name.encode())])
        try:
            record.stable, record.whole = json_attributes.write(
                members, self.file.volatile(self.source)
            )
        except json_attributes.TooDeep:
            self.violate(line_of(element), name, None, json_attributes.TooDeep.problem)
        return self.row(Table.PARTS, record)

    def _settle(self, reference: Reference, *, known: bool) -> None:
        row = reference.found if known else reference.lost
        if row is not None:
            self.add(row)
        told = reference.line, reference.element, reference.value
        if not known and reference.code is None:
            self.violate(*told, reference.problem)
        elif not known and reference.code is not None:
            self.warn(reference.code, *told)

    def _names(self, record: ParsedRecord) -> tuple[str | None, str | None]:
        external_id = record.columns[self.record.index("external_id")]
        return unescape(external_id), unescape(record.columns[_NAME])

    def _refusal(self) -> Refusal:
        if self.refused:
            line, message, more = self.refusal()
            return Refusal(
                self.index, line, *self._called, ErrorCode.VALIDATION_ERROR, message, more
            )
        message = self._too_large or ""
        return Refusal(self.index, self.line, *self._called, ErrorCode.PROJECT_TOO_LARGE, message)
