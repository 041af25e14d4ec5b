"""One project while its file is read: its rows, its hash, and what is wrong with it."""

import hashlib
from collections.abc import Callable
from typing import ClassVar

import orjson

from service.model import (
    SHOWN_VIOLATIONS,
    ErrorCode,
    Notice,
    Project,
    Refusal,
    SharedObject,
    SharedObjects,
    Violation,
    WarningCode,
    Warnings,
    shorten,
)
from service.rows import Rows, Table
from service.xml import rulej
from service.xml.element import Element
from service.xml.file import File
from service.xml.maps import PROJECT, RecordMap, columns_of
from service.xml.place import line_of
from service.xml.references import Reference, References, Row, Wanted
from service.xml.values import NULL, escape, unescape
from service.xml.walk import Fault, Record, Shape, walk

_WIDTH = {table: len(columns_of(table)) for table in Table}


class TooLarge(Exception):
    """The project is over a limit; the text says which."""


class Plan:
    """One project of a file. A dialect derives from it, with a method for each kind of record.

    Class attributes, each dialect's own:
        record: the map of the project's own scalars: ``PROJECT``, and ``external_id``.
        source: the dialect's name, a column of the project.
        strict: whether a bad value, and what a map does not know, refuse the project.

    Args:
        file: what is common to the file.
        element: the project's, just begun: its XML attributes are there, its children are not.
        index: place in the file, from 0.
    """

    record: ClassVar[RecordMap]
    source: str
    strict: ClassVar[bool] = False

    def __init__(self, file: File, element: Element, index: int) -> None:
        self.file = file
        self.element = element
        self.index = index
        self.line = line_of(element)
        self.read_at: int | None = None
        self.shared: set[bytes] = set()
        self.warnings = Warnings()
        self._called: tuple[str | None, str | None] = None, None
        self._too_large: str | None = None
        self._violations: list[Violation] = []
        self._violation_count = 0
        self._shapes: dict[RecordMap, Shape] = {}
        self._references = References(file.limits.spool_dir)
        self._rows = Rows(file.limits.spill_bytes, file.limits.spool_dir)
        self._hashes = {table: hashlib.blake2b(digest_size=32) for table in Table}

    # For a dialect's methods

    def read(self, element: Element, record_map: RecordMap) -> Record:
        """Walk one record, and tell its faults."""
        shape = self._shapes.get(record_map)
        if shape is None:
            shape = self.file.shape(record_map, self.source, strict=self.strict)
            self._shapes[record_map] = shape
        record = walk(element, shape)
        if record.faults:
            self._tell(record.faults)
        return record

    def row(self, table: Table, record: Record) -> Row:
        """Make a record a row.

        Raises:
            TooLarge: its attributes are over the limit.
        """
        limit = self.file.limits.max_attributes_bytes
        if len(record.whole) > limit:
            raise TooLarge(f"one record's attributes are over {limit} bytes")
        return Row(table, *lines(record, _WIDTH[table]))

    def add(self, row: Row) -> None:
        """Add a row, unless the project is refused already.

        Raises:
            TooLarge: the project's rows are over the limit.
        """
        if self._violation_count:
            return
        self._rows.add(row.table, row.text)
        self._hashes[row.table].update(row.hashed + b"\n")
        limit = self.file.limits.max_project_bytes
        if self._rows.size > limit:
            raise TooLarge(f"the project's rows are over {limit} bytes")

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
        names = self.file.names
        name = names[element.tag]
        content = rulej.content(element, names)
        members: rulej.Members = {} if content is None else {"#text": content}
        if isinstance(content, dict):
            members = content
        for key, value in more.items():
            rulej.put(members, key, unescape(value) or "")
        record = Record([escape(name.encode())])
        try:
            record.stable, record.whole = rulej.write(members, self.file.volatile(self.source))
        except rulej.TooDeep:
            self.violate(line_of(element), name, None, rulej.TooDeep.problem)
        return self.row(Table.PARTS, record)

    def know(self, element: Element, kind: bytes, name: bytes) -> None:
        """Make a record's name known; one that is known already is a violation.

        Args:
            element: the record.
            kind: keeps the names of one kind of record apart from those of another.
            name: COPY text; a null is no name.
        """
        if name is not NULL and not self._references.add(kind + name):
            local = self.file.names[element.tag]
            self.violate(line_of(element), local, unescape(name), "has the id of another one")

    def knows(self, wanted: Wanted) -> bool:
        """Whether all names that are wanted, as for ``refer``, are known already."""
        return self._references.known(wanted)

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
        if self._references.known(wanted):
            if found is not None:
                self.add(found)
            return
        name, value, problem = told
        row = lost() if lost is not None else None
        shown = shorten(unescape(value)) or ""
        line = line_of(element)
        self._references.wait(Reference(wanted, found, row, code, line, name, shown, problem))

    def hold(self, wanted: Wanted, found: Row, lost: Row) -> None:
        """Keep a record until ``release``, which adds the one row or the other.

        Args:
            wanted: as for ``refer``.
            found: where all are there.
            lost: where one is not.
        """
        self._references.hold(wanted, found, lost)

    def release(self) -> None:
        """Add what is held, in order.

        Raises:
            TooLarge: the project is over a limit.
        """
        for row in self._references.release():
            self.add(row)

    def warn(self, code: WarningCode, line: int, element: str, value: str | None) -> None:
        """Tell of something that does not keep the project from landing."""
        self.warnings.add(Notice(code, line, element, shorten(value)))

    def violate(self, line: int, element: str, value: str | None, problem: str) -> None:
        """Tell of something that does. Faults are looked for on, rows are kept no longer."""
        self._violation_count += 1
        self._rows.close()
        if len(self._violations) < SHOWN_VIOLATIONS:
            shown = shorten(value)
            said = element if shown is None else f'{element} "{shown}"'
            self._violations.append(Violation(line, element, shown, f"{said} {problem}"))

    def share(self, shared: SharedObject) -> None:
        """Hand a shared object on ahead of the project, and make it one that the project takes."""
        if shared.hash not in self.shared:
            self.shared.add(shared.hash)
            self.file.outbox.append(SharedObjects((shared,)))

    def stray_text(self, element: Element, parent: Element, text: str) -> None:
        """Take text that stands behind a record: a violation, or a part, so that nothing is lost.

        Raises:
            TooLarge: the project is over a limit.
        """
        name = self.file.names[parent.tag]
        if self.strict:
            self.violate(line_of(element), name, text, "holds text of its own")
            return
        record = Record([escape(name.encode())])
        record.stable, record.whole = rulej.write({"#text": text}, frozenset())
        self.add(self.row(Table.PARTS, record))

    def check_dates(self, element: Element, name: str, start: bytes, finish: bytes) -> None:
        """Warn of a finish, COPY text like ``start``, that is before its start."""
        if finish < start and finish is not NULL and start is not NULL:
            code = WarningCode.FINISH_BEFORE_START
            self.warn(code, line_of(element), name, unescape(finish))

    def identify(self, record: Record) -> None:
        """Put name and ``external_id`` into the project's record, where its map could not."""

    # For the reader

    def give_up(self, reason: str) -> None:
        """The project is too large: what is left of it is passed over."""
        self._too_large = reason
        self._called = self.called()
        self._references.close()
        self._rows.close()

    @property
    def given_up(self) -> bool:
        """Whether the rest of the project is passed over."""
        return self._too_large is not None

    def called(self) -> tuple[str | None, str | None]:
        """External id and name, as far as they were read."""
        record = walk(self.element, self.file.shape(self.record, self.source, strict=self.strict))
        self.identify(record)
        external_id, name = (self._column(record, column) for column in ("external_id", "name"))
        return external_id or self._called[0], name or self._called[1]

    def finish(self) -> None:
        """The project was closed: put it, whole or refused, into the file's outbox."""
        own = None if self.given_up else self._end()
        external_id, name = self._called
        self._references.close()
        if own is None or self._violation_count:
            self._rows.close()
            self.file.outbox.append(self._refusal())
            return
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
                rows=self._rows,
                content_hash=self._content_hash(hashed),
                shared=tuple(sorted(self.shared)),
                tasks=self._rows.count(Table.TASKS),
                warnings=self.warnings,
            )
        )

    def close(self) -> None:
        """Give back memory and disk of a project that will not be finished."""
        self._references.close()
        self._rows.close()

    def _end(self) -> tuple[bytes, bytes] | None:
        """Add what waited for the end, and write the project's own row; None if it is too large."""
        record = self.read(self.element, self.record)
        self.identify(record)
        columns = record.columns
        columns[self.record.index("source")] = escape(self.source.encode())
        start, finish = (columns[self.record.index(column)] for column in ("start", "finish"))
        self.check_dates(self.element, self.file.names[self.element.tag], start, finish)
        self._called = self._column(record, "external_id"), self._column(record, "name")
        if not self._violation_count and None in self._called:
            problem = "has no name" if self._called[0] else "has nothing to identify it by"
            self.violate(self.line, self.file.names[self.element.tag], None, problem)
        try:
            self.release()
            for reference, known in self._references.settle():
                self._settle(reference, known=known)
            for element in record.apart:
                self.part(element)
            return self._own(record)
        except TooLarge as error:
            self.give_up(str(error))
            return None

    def _own(self, record: Record) -> tuple[bytes, bytes]:
        limit = self.file.limits.max_attributes_bytes
        if len(record.whole) > limit:
            raise TooLarge(f"the project's own attributes are over {limit} bytes")
        return lines(record, len(PROJECT))

    def _settle(self, reference: Reference, *, known: bool) -> None:
        row = reference.found if known else reference.lost
        if row is not None:
            self.add(row)
        if known:
            return
        line, element, value = reference.line, reference.element, reference.value
        if reference.code is None:
            self.violate(line, element, value, reference.problem)
        else:
            self.warn(reference.code, line, element, value)

    def _tell(self, faults: list[Fault]) -> None:
        for fault in faults:
            if fault.fatal:
                self.violate(fault.line, fault.element, fault.value, fault.problem)
            else:
                self.warn(WarningCode.BAD_VALUE, fault.line, fault.element, fault.value)

    def _column(self, record: Record, column: str) -> str | None:
        return unescape(record.columns[self.record.index(column)])

    def _content_hash(self, own: bytes) -> bytes:
        content = hashlib.blake2b(own, digest_size=32)
        for digest in sorted(self.shared):
            content.update(digest)
        for rows in self._hashes.values():
            content.update(rows.digest())
        return content.digest()

    def _refusal(self) -> Refusal:
        external_id, name = self._called
        if not self._violation_count:
            code, message = ErrorCode.PROJECT_TOO_LARGE, self._too_large or ""
            return Refusal(self.index, self.line, external_id, name, code, message)
        more = self._violation_count - 1
        message = self._violations[0].message + (f" (and {more} more)" if more else "")
        return Refusal(
            self.index,
            self._violations[0].line,
            external_id,
            name,
            ErrorCode.VALIDATION_ERROR,
            message,
            {
                "violations": [violation.as_dict() for violation in self._violations],
                "violation_count": self._violation_count,
            },
        )


def shared_object(element: str, object_id: str | None, record: Record) -> SharedObject:
    """A shared object: its hash is over element, id and attributes without what changes."""
    head = orjson.dumps([element, object_id])
    digest = hashlib.blake2b(head + record.stable, digest_size=32).digest()
    return SharedObject(digest, element, object_id, record.whole)


def lines(record: Record, width: int) -> tuple[bytes, bytes]:
    """A record's COPY text, and the same without what changes at every save.

    Args:
        record: what the walk gave.
        width: how many of its columns are stored; its attributes follow them.
    """
    columns = record.columns[:width]
    columns.append(record.stable.replace(b"\\", b"\\\\"))
    stable = b"\t".join(columns)
    if record.whole is record.stable:
        return stable, stable
    columns[width] = record.whole.replace(b"\\", b"\\\\")
    return b"\t".join(columns), stable
