"""Builders of Primavera's projects, and of the baselines that join them."""

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Final

from service.codes import WarningCode
from service.formats.element import Element, line_of
from service.formats.engine.parsed_record import ParsedRecord
from service.formats.format import Format
from service.formats.p6.baseline_rows import Baseline, BaselineContent
from service.formats.p6.mapping import (
    ASSIGNMENT,
    BASELINE,
    BASELINE_ACTIVITY,
    BASELINE_WBS,
    PROJECT,
)
from service.formats.p6.shared_objects import RESOURCE, P6FileContext, name_of, references
from service.formats.project_builder import ProjectBuilder
from service.formats.project_content import TooLarge, hashed_columns
from service.formats.record_rules import KEEP_AS_PART, RecordRule
from service.formats.references import Row
from service.formats.shared_objects import Node
from service.formats.values import NULL, unescape
from service.model import Item, SharedObject
from service.spool.spool import SpoolFile
from service.tables import Table

TAKEN: Final = "taken"
"""Kind of the ids of resources that have a row in the project."""

_OBJECT_ID, _CURRENT_BASELINE = map(PROJECT.index, ("object_id", "current_baseline"))
_SHARED_BYTES: Final = 100
"""Memory of a hash in a set."""


class P6ProjectBuilder(ProjectBuilder):
    """A ``Project`` directly under the root, with the shared objects that its records refer to."""

    file: P6FileContext

    # ``object_id`` and ``current_baseline`` are as ``Holdable`` has them.

    def __init__(self, file: P6FileContext, element: Element, index: int, line: int) -> None:
        super().__init__(file, element, index, line)
        self._referred: set[bytes] = set()
        self._row_size = 0
        self.object_id = NULL
        self.current_baseline = NULL
        self._parked: tuple[SpoolFile, int, int, int] | None = None

    def row(self, rule: RecordRule, record: ParsedRecord) -> Row:
        """Return a row, and note the shared objects that the record refers to."""
        element = record.columns[0].decode() if rule.shared is None else rule.shared
        self.refer_to(references(element, record.stable))
        return super().row(rule, record)

    def project_row(self, record: ParsedRecord) -> tuple[bytes, bytes]:
        """Return the row of the project itself, and note the shared objects that it refers to."""
        self.refer_to(references(PROJECT.name, record.stable))
        row = super().project_row(record)
        self._row_size = len(row[0])
        return row

    def refer_to(self, names: frozenset[bytes]) -> None:
        """Note the shared objects that a record refers to."""
        self._referred |= self.file.store.existing(names)

    def supply_resource(self, object_id: bytes) -> Row | None:
        """Return the row of a resource without faults when the first assignment names it."""
        name = name_of("Resource", unescape(object_id) or "")
        node = self.file.store.find(name)
        if node is None or node.faults is not None:
            return None
        return self._take_resource(node, object_id, name)

    def take_resource(self, element: Element, object_id: bytes) -> None:
        """Warn about a resource that does not exist, or take one with faults."""
        name = name_of("Resource", unescape(object_id) or "")
        node = self.file.store.find(name)
        if node is None:
            subject = line_of(element), ASSIGNMENT.label("resource_id"), unescape(object_id)
            self.warn(WarningCode.RESOURCE_MISSING, *subject)
            return
        if node.faults is not None:
            self.report_faults(node.faults)
        self.add(self._take_resource(node, object_id, name))

    def take_shared_objects(self) -> None:
        """Take the shared objects that the records refer to, directly or through others."""
        self._take(self._referred, self._content.rows.size + self._row_size)
        self._referred.clear()

    def _take(self, names: set[bytes], size: int) -> None:
        new, fatal = self.file.store.take(names, self.shared, size)
        self.file.new += new
        if fatal is not None:
            raise TooLarge(
                f"{fatal.element} {fatal.value} {fatal.problem}, and the project refers to it"
            )

    def new_shared_objects(self) -> Iterable[SharedObject] | None:
        """Return the objects that this project and those that are held have taken first.

        They must be stored before the first project that refers to them.
        """
        new, self.file.new = self.file.new, []
        return self.file.store.objects(new) if new else None

    def identify(self, record: ParsedRecord) -> None:
        """Note what relates the project and its baselines."""
        self.object_id = record.columns[_OBJECT_ID]
        self.current_baseline = record.columns[_CURRENT_BASELINE]

    def finish(self) -> Iterable[Item]:
        """Hold the complete project, and return the items of those that need not wait longer.

        A format without baselines holds none.
        """
        self.complete()
        return self.file.held.add_project(self) if self.file.format.companions else self.items()

    # For ``HeldProjects``

    @property
    def size(self) -> int:
        """Bytes of the project's rows, which wait in a file."""
        if self._own_row is None:
            return 0
        return self._content.rows.size + sum(map(len, self._own_row))

    @property
    def memory(self) -> int:
        """Bytes that the project keeps in memory, without the fixed ones."""
        names = sum(len(name or "") for name in self._identity)
        return names + _SHARED_BYTES * len(self.shared)

    def park(self, file: SpoolFile) -> None:
        """Move the rows to the end of a file until ``unpark``."""
        if self._own_row is not None and not self.refused:
            text, hashed = self._own_row
            self._parked = file, file.tell(), len(text), len(hashed)
            file.write(text + hashed)
            self._own_row = b"", b""
            self._content.park(file)

    def unpark(self) -> None:
        """Take the rows back.

        Raises:
            TooLarge: the import's share of the spool is used up.
        """
        if self._parked is not None:
            file, offset, text, hashed = self._parked
            file.seek(offset)
            self._own_row = file.read(text), file.read(hashed)
            self._content.unpark()

    def join_baseline(self, number: int, baseline: Baseline) -> None:
        """Add a baseline, whose faults refuse the project too."""
        try:
            if self._accepted:
                self.absorb(baseline.diagnostics)
                if baseline.too_large:
                    raise TooLarge(baseline.too_large)
                if self.refused:
                    self.close()
                    return
                current = baseline.object_id is not NULL
                current = current and baseline.object_id == self.current_baseline
                size = baseline.content.size
                give_way = self.file.give_way
                baseline.content.join(self._content, number, current=current, give_way=give_way)
                self._take(baseline.referred, size)
        except TooLarge as error:
            self.refuse_as_too_large(str(error))
        finally:
            baseline.content.close()

    @property
    def _accepted(self) -> bool:
        return self._own_row is not None and not self.refused

    def _take_resource(self, node: Node, object_id: bytes, name: bytes) -> Row:
        self.references.register(TAKEN.encode() + object_id)
        self._referred.add(name)
        columns = hashed_columns(node.columns.split(b"\t"), RESOURCE)
        return Row(Table.RESOURCES, node.columns + b"\t{}", b"\t".join((*columns, b"{}")))


class P6BaselineBuilder(P6ProjectBuilder):
    """A ``BaselineProject`` directly under the root, which becomes a baseline of its project."""

    is_project = False

    def __init__(self, file: P6FileContext, element: Element, index: int, line: int) -> None:
        super().__init__(file, element, index, line)
        self.records = _baseline_records(file.format)
        self._content = self._rows = BaselineContent(file.limits)

    def identity(self) -> tuple[str | None, str | None]:
        """Return nothing: what is reported about a baseline concerns its project."""
        return None, None

    def finish(self) -> Iterable[Item]:
        """Give the baseline to its project."""
        record = self.read(self.element, BASELINE)
        try:
            if not self.abandoned:
                for element in record.apart:
                    self.add_part(element)
                    self.file.give_way()
                self.refer_to(references(BASELINE.name, record.stable))
                self.add(ProjectBuilder.row(self, BASELINE, record))
        except TooLarge as error:
            self.abandon(str(error))
        self.references.close()
        return self.file.held.add_baseline(
            Baseline(
                object_id=record.columns[BASELINE.index("object_id")],
                project_id=record.columns[BASELINE.index("project_id")],
                content=self._rows,
                referred=self._referred,
                diagnostics=self,
                too_large=self._too_large,
            )
        )


@cache
def _baseline_records(of: Format) -> Mapping[str, RecordRule]:
    """Return the rules of a baseline's records: most become parts of its project."""
    rules: dict[str, RecordRule] = dict.fromkeys(of.records, KEEP_AS_PART)
    return rules | {"WBS": BASELINE_WBS, "Activity": BASELINE_ACTIVITY}
