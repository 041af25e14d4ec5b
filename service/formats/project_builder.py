"""One project while its file is read: its rows, its content hash, and its problems."""

from collections.abc import Iterable, Mapping
from typing import ClassVar, Final

from service.codes import ErrorCode, WarningCode
from service.formats import json_attributes
from service.formats.diagnostics import Diagnostics
from service.formats.element import Element, line_of
from service.formats.engine.parsed_record import ParsedRecord
from service.formats.file_context import FileContext
from service.formats.project_content import ProjectContent, TooLarge, copy_lines
from service.formats.record_rules import (
    KEEP_AS_PART,
    PROJECT_ROW_COLUMNS,
    RecordRule,
    ReferenceRule,
)
from service.formats.references import Outline, Reference, References, Row, Targets
from service.formats.values import NULL, unescape
from service.model import Item, Project, Refusal, SharedObject, SharedObjects, shorten
from service.tables import Table

_SETTLED_TOGETHER: Final = 64
"""References that are settled before other imports get their turn."""

_NAME, _START, _FINISH, _SOURCE = map(
    PROJECT_ROW_COLUMNS.index, ("name", "start", "finish", "source")
)


class ProjectBuilder(Diagnostics):
    """One project of a file. The engine calls it while it interprets the format's rules.

    A format derives from it only for cases that a rule cannot express. The subclass then has
    methods for ``RecordRule.take`` and ``ReferenceRule.resolve``, or overrides the hooks
    ``identify``, ``row``, ``project_row``, ``take_shared_objects`` and ``new_shared_objects``.

    Attributes:
        records: the rules of its records, with the paths of ``Format.records`` in their order.
        source: name of the format that the project comes from; a column of its row.
        read_at: the stored version from which the file was exported, if the file has it.
        references: the ids of its records, and unresolved references.
        outline: the tasks that can be the parent of the next task.
        shared: hashes of the shared objects that it takes.
        abandoned: whether the project is too large; the rest of it is then skipped.

    ``is_project`` is false for an element that is read like a project, but belongs to one.

    Args:
        file: the data that the projects of the file share.
        element: of the project, which has just begun: it has XML attributes, but no children yet.
        index, line: position in the file, from 0, and line of its start tag, from 1.
    """

    is_project: ClassVar[bool] = True

    def __init__(self, file: FileContext, element: Element, index: int, line: int) -> None:
        super().__init__()
        self.file = file
        self.element = element
        self.index = index
        self.line = line
        self.records: Mapping[str, RecordRule] = file.format.records
        self.source = file.format.source or file.format.name
        self.read_at: int | None = None
        self.shared: set[bytes] = set()
        self.outline = Outline()
        self.references = References(file.limits.spool, file.id_set())
        self.abandoned = False
        self._steps = 0
        self._too_large = ""
        self._own_row: tuple[bytes, bytes] | None = None
        self._identity: tuple[str | None, str | None] = None, None
        self._missing: dict[ReferenceRule, Targets] = {}
        self._content = ProjectContent(file.limits)

    # For the engine, and for a format's methods

    def read(self, element: Element, rule: RecordRule) -> ParsedRecord:
        """Read one record, and report its faults."""
        record = self.reread(element, rule)
        if record.faults is not None:
            self.report_faults(record.faults)
        return record

    def reread(self, element: Element, rule: RecordRule) -> ParsedRecord:
        """Read one record again, without reporting its faults a second time."""
        return self.file.record_parser(rule, self.source)(element)

    def row(self, rule: RecordRule, record: ParsedRecord) -> Row:
        """Return the row of a record.

        Raises:
            TooLarge: its attributes are over the limit.
        """
        assert rule.table is not None
        limit = self.file.limits.max_attributes_bytes
        return Row(rule.table, *copy_lines(record, rule, limit))

    def add(self, row: Row) -> None:
        """Add a row, unless the project is already refused.

        Raises:
            TooLarge: the project's rows are over the limit.
        """
        if not self.refused:
            self._content.add(row)

    def add_part(self, element: Element) -> None:
        """Store an element as a part of the project, by the JSON attribute rules.

        Raises:
            TooLarge: it, or the project with it, is over a limit.
        """
        self.add(self.part_row(element))

    def part_row(self, element: Element, **more: bytes) -> Row:
        """Return the row of a part; ``more`` are members to add, as COPY text.

        Raises:
            TooLarge: its attributes are over the limit.
        """
        if not more:
            return self.row(KEEP_AS_PART, self.read(element, KEEP_AS_PART))
        members = json_attributes.members(element, self.file.keys)
        for key, value in more.items():
            json_attributes.put(members, key, unescape(value) or "")
        return self._part_row(element, members)

    def register_id(self, element: Element, kind: bytes, record_id: bytes) -> None:
        """Register a record's id. An id that is already registered is a violation.

        Args:
            element: the record.
            kind: prefix that separates the ids of one kind of record from those of another.
            record_id: COPY text; a null means that the record has no id.
        """
        if record_id is not NULL and not self.references.register(kind + record_id):
            local = self.file.keys[element.tag]
            self.violate(
                line_of(element), local, unescape(record_id), "has the id of an earlier record"
            )

    def defer_reference(
        self,
        line: int,
        rule: ReferenceRule,
        targets: Targets,
        subject: tuple[str, bytes],
        row: Row | None = None,
        fallback: Row | None = None,
    ) -> None:
        """Resolve a reference at the end of the project, because its targets do not exist yet.

        Args:
            line: of the record that has the reference.
            rule: of the reference.
            targets: the ids that it refers to.
            subject: local name and value as COPY text, for the message about a missing target.
            row: a row to add if all targets exist at the end.
            fallback: the row to add if a target is missing.

        Raises:
            TooLarge: the project is over a limit.
        """
        self._step()
        name, value = subject
        shown = shorten(unescape(value)) or ""
        self.references.wait(
            Reference(targets, row, fallback, rule.warning, line, name, shown, rule.problem or "")
        )

    def _step(self) -> None:
        """Give way now and then: one record can need thousands of small steps."""
        self._steps += 1
        if self._steps % _SETTLED_TOGETHER == 0:
            self.file.give_way()

    def is_repeated(self, rule: ReferenceRule, targets: Targets) -> bool:
        """Whether the last missing targets of a rule were the same; remember these."""
        repeated = self._missing.get(rule) == targets
        self._missing[rule] = targets
        return repeated

    def release_held_rows(self) -> None:
        """Add the rows that wait for their targets, in the order of the file.

        Raises:
            TooLarge: the project is over a limit.
        """
        for count, row in enumerate(self.references.release(), 1):
            self.add(row)
            if count % _SETTLED_TOGETHER == 0:
                self.file.give_way()

    def violate(self, line: int, element: str, value: str | None, problem: str) -> None:
        """Add a violation, and discard the rows. Reading continues, to find further violations."""
        self._step()
        super().violate(line, element, value, problem)
        self._content.close()

    def add_stray_text(self, element: Element, parent: Element, text: str) -> None:
        """Handle text after a record: a violation in a strict format, otherwise a part.

        Raises:
            TooLarge: the project is over a limit.
        """
        name = self.file.keys[parent.tag]
        if self.file.format.strict:
            self.violate(line_of(element), name, text, "must not contain text")
            return
        self.add(self._part_row(parent, {"#text": text}))

    def check_dates(self, element: Element, name: str, start: bytes, finish: bytes) -> None:
        """Warn if ``finish`` is before ``start``; both are COPY text."""
        if finish < start and finish is not NULL and start is not NULL:
            code = WarningCode.FINISH_BEFORE_START
            self.warn(code, line_of(element), name, unescape(finish))

    # Hooks of a format

    def refer_to(self, names: frozenset[bytes]) -> None:
        """Note the names of shared objects that a record may refer to; they need not exist."""

    def identify(self, record: ParsedRecord) -> None:
        """Set name and ``external_id`` in the project's record if its rule could not."""

    def project_row(self, record: ParsedRecord) -> tuple[bytes, bytes]:
        """Return the row of the project itself as COPY text, with and without volatile members.

        Raises:
            TooLarge: its attributes are over the limit.
        """
        limit = self.file.limits.max_attributes_bytes
        return copy_lines(record, self.file.format.project, limit)

    def take_shared_objects(self) -> None:
        """Take the shared objects that the project needs, after all its records are read.

        Raises:
            TooLarge: one of them is over a limit.
        """

    def new_shared_objects(self) -> Iterable[SharedObject] | None:
        """Return the shared objects of a complete project that no earlier project has taken."""
        return None

    # For the record collector and the reader

    def counts(self) -> list[int]:
        """Return the number of rows of each table so far, in the order of ``TABLES``."""
        return self._content.counts()

    def extend(self, table: Table, rows: int, text: bytes, hashed: bytes) -> None:
        """Add rows that the compiled engine created, unless the project is already refused.

        Args:
            table: of the rows.
            rows: number of rows.
            text: COPY text, with ordinals; a newline ends each row.
            hashed: the text without ordinals and volatile members.
        """
        if self.refused or self.abandoned:
            return
        try:
            self._content.extend(table, rows, text, hashed)
        except TooLarge as error:
            self.abandon(str(error))

    def abandon(self, reason: str) -> None:
        """Refuse the project as too large, and skip the rest of it."""
        self._identity = self.identity()
        self.refuse_as_too_large(reason)

    def refuse_as_too_large(self, reason: str) -> None:
        """Refuse the project as too large, and free its rows."""
        self.abandoned = True
        self._too_large = reason
        self._own_row = None
        self.close()

    def identity(self) -> tuple[str | None, str | None]:
        """Return external id and name; None for each that has not been read."""
        record = self.reread(self.element, self.file.format.project)
        self.identify(record)
        external_id, name = self._identity_of(record)
        return external_id or self._identity[0], name or self._identity[1]

    def finish(self) -> Iterable[Item]:
        """Return the items that are complete, after the element of the project has ended."""
        self.complete()
        return self.items()

    def complete(self) -> None:
        """Read the rest of the project, after its element has ended."""
        if not self.abandoned:
            self._own_row = self._complete()
        self.references.close()

    def items(self) -> list[Item]:
        """Return the items of the complete project."""
        external_id, name = self._identity
        if self._own_row is None or self.refused:
            self.close()
            return [self._refusal()]
        objects = self.new_shared_objects()
        text, hashed = self._own_row
        shared = tuple(sorted(self.shared)) if self.shared else ()
        project = Project(
            index=self.index,
            line=self.line,
            external_id=external_id or "",
            name=name or "",
            source=self.source,
            read_at=self.read_at,
            row=text,
            rows=self._content.rows,
            content_hash=self._content.hash(hashed, shared),
            shared=shared,
            tasks=self._content.rows.count(Table.TASKS),
            warnings=self.warnings,
            dated_by=self.file.parsers.dated_by(self.source),
        )
        return [project] if objects is None else [SharedObjects(objects), project]

    def close(self) -> None:
        """Free memory and disk of a project that does not reach its end."""
        self.references.close()
        self._content.close()

    def _complete(self) -> tuple[bytes, bytes] | None:
        """Resolve deferred references, and return the project's row; None if it is too large."""
        record = self.read(self.element, self.file.format.project)
        self.identify(record)
        columns = record.columns
        columns[_SOURCE] = self.source.encode()
        name = self.file.keys[self.element.tag]
        self.check_dates(self.element, name, columns[_START], columns[_FINISH])
        self._identity = self._identity_of(record)
        if None in self._identity and not self.refused:
            problem = "has no name" if self._identity[0] else "has neither an id nor a name"
            self.violate(self.line, name, None, problem)
        try:
            self.release_held_rows()
            for count, (reference, resolved) in enumerate(self.references.settle(), 1):
                self._settle(reference, resolved=resolved)
                if count % _SETTLED_TOGETHER == 0:
                    self.file.give_way()
            for element in record.apart:
                self.add_part(element)
                self.file.give_way()
            own_row = self.project_row(record)
            if not self.refused:
                self.take_shared_objects()
            return own_row
        except TooLarge as error:
            self.abandon(str(error))
            return None

    def _part_row(self, element: Element, members: json_attributes.Members) -> Row:
        name = self.file.keys[element.tag]
        record = ParsedRecord([name.encode()])
        try:
            record.stable, record.whole = json_attributes.write(
                members, self.file.volatile(self.source)
            )
        except json_attributes.TooDeep:
            self.violate(line_of(element), name, None, json_attributes.TooDeep.problem)
        return self.row(KEEP_AS_PART, record)

    def _settle(self, reference: Reference, *, resolved: bool) -> None:
        row = reference.resolved if resolved else reference.fallback
        if row is not None:
            self.add(row)
        if resolved:
            return
        subject = reference.line, reference.element, reference.value
        if reference.warning is None:
            self.violate(*subject, reference.problem)
        else:
            self.warn(reference.warning, *subject)

    def _identity_of(self, record: ParsedRecord) -> tuple[str | None, str | None]:
        columns = record.columns
        return unescape(columns[self.file.external_id]), unescape(columns[_NAME])

    def _refusal(self) -> Refusal:
        if self.refused:
            line, message, more = self.refusal()
            return Refusal(
                self.index, line, *self._identity, ErrorCode.VALIDATION_ERROR, message, more
            )
        return Refusal(
            self.index, self.line, *self._identity, ErrorCode.PROJECT_TOO_LARGE, self._too_large
        )
