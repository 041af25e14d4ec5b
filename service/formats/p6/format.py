"""Primavera P6 XML (PMXML), in the namespace of any version or in none.

The vendor's schema fixes the order under a project: scalars, codes, WBS elements, activities,
assignments, notes and steps, relationships. WBS elements come in any order among themselves.
"""

import re
from collections.abc import Iterable

from service.codes import WarningCode
from service.formats.element import Element
from service.formats.engine.record_parser import ParsedRecord
from service.formats.format import Format
from service.formats.p6.mapping import (
    ACTIVITY,
    ASSIGNMENT,
    MATERIAL_ASSIGNMENT,
    ORPHANED_ACTIVITY,
    ORPHANED_WBS,
    PARTS,
    PROJECT,
    RELATIONSHIP,
    WBS,
)
from service.formats.p6.shared_objects import (
    LOOSE,
    SHARED,
    SHARED_OBJECT_RULES,
    SOURCE,
    P6FileContext,
    name_of,
    references,
)
from service.formats.project_builder import ProjectBuilder
from service.formats.project_content import TooLarge
from service.formats.record_maps import RecordMap
from service.formats.references import Row
from service.formats.simple_record import RecordReference, SimpleRecord
from service.formats.source_line import line_of
from service.formats.values import NULL, unescape
from service.model import SharedObject
from service.tables import Table

_NAMESPACE = re.compile(r"https?://xmlns\.oracle\.com/Primavera/P6\w*/V[^/]+/API/BusinessObjects")

_MATERIAL = ASSIGNMENT.index("material")
_TASK_ID, _PARENT, _START, _FINISH = (
    WBS.index(column) for column in ("task_id", "parent_id", "start", "finish")
)

_ELEMENTS = {
    Table.TASKS: "Activity",
    Table.DEPENDENCIES: "Relationship",
    Table.ASSIGNMENTS: "ResourceAssignment",
}


class P6ProjectBuilder(ProjectBuilder):
    """A ``Project`` right under the root."""

    record = PROJECT
    source = SOURCE
    file: P6FileContext

    def __init__(self, file: P6FileContext, element: Element, index: int, line: int) -> None:
        super().__init__(file, element, index, line)
        self._referred: set[bytes] = set()
        self._fresh: list[int] = []

    def wbs(self, element: Element) -> None:
        """Take a ``WBS``; its parent may come behind it, or be outside of the project."""
        record = self.read(element, WBS)
        self.know(element, b"wbs", record.columns[_TASK_ID])
        row = self.row(Table.TASKS, record)
        parent = record.columns[_PARENT]
        if parent is NULL:
            self.references.hold((), row, row)
        else:
            self.references.hold(((b"wbs" + parent,),), row, self._orphan(element, ORPHANED_WBS))

    def activity(self, element: Element) -> None:
        """Take an ``Activity``."""
        self.release()
        record = self.read(element, ACTIVITY)
        columns = record.columns
        self.know(element, b"activity", columns[_TASK_ID])
        self.check_dates(element, "FinishDate", columns[_START], columns[_FINISH])
        parent = columns[_PARENT]
        if parent is NULL or self.references.known(((b"wbs" + parent,),)):
            self.add(self.row(Table.TASKS, record))
        else:
            self.add(self._orphan(element, ORPHANED_ACTIVITY))

    def relationship(self, element: Element) -> None:
        """Take a ``Relationship``; one with an end outside of the project is kept as a part."""
        record = self.read(element, RELATIONSHIP)
        ends = record.columns[:2]
        self.refer(
            element,
            tuple((b"activity" + end, b"wbs" + end) for end in ends),
            (
                "Relationship",
                b" -> ".join(b"?" if end is NULL else end for end in ends),
                "has an end that is not in this project",
            ),
            code=WarningCode.LINK_END_MISSING,
            found=self.row(Table.DEPENDENCIES, record),
            lost=lambda: self.part_row(element),
        )

    def assignment(self, element: Element) -> None:
        """Take a ``ResourceAssignment``; one to no activity of the project is kept as a part."""
        record = self.read(element, ASSIGNMENT)
        if record.columns[_MATERIAL] == b"t":
            record = self.file.walk(MATERIAL_ASSIGNMENT, SOURCE, strict=False)(element)
        task, resource = record.columns[:2]
        if resource is not NULL:
            self._name_resource(element, resource)
        self.refer(
            element,
            ((b"activity" + task,),),
            ("ActivityObjectId", task, "is not an activity of this project"),
            code=WarningCode.ASSIGNMENT_TASK_MISSING,
            found=self.row(Table.ASSIGNMENTS, record),
            lost=lambda: self.part_row(element),
        )

    def row(self, table: Table, record: ParsedRecord) -> Row:
        """As ``Plan.row``; the project takes the shared objects that the record refers to."""
        element = _ELEMENTS.get(table) or record.columns[0].decode()
        self._take(references(element, record.stable))
        return super().row(table, record)

    def _own(self, record: ParsedRecord) -> tuple[bytes, bytes]:
        self._take(references("Project", record.stable))
        return super()._own(record)

    def _take(self, names: set[bytes]) -> None:
        self._referred |= {name for name in names - self._referred if name in self.file.store}

    def hand_out(self) -> Iterable[SharedObject] | None:
        """Those that no project before has taken."""
        return self.file.store.objects(self._fresh) if self._fresh else None

    def take_shared(self) -> None:
        """Take what the records refer to, and what that refers to."""
        self._fresh, fatal = self.file.store.take(self._referred, self.shared)
        if fatal is not None:
            raise TooLarge(
                f"{fatal.element} {fatal.value} {fatal.problem}, and the project refers to it"
            )

    def _orphan(self, element: Element, record_map: RecordMap) -> Row:
        """A task's row without its parent; its faults are told already."""
        record = self.file.walk(record_map, SOURCE, strict=False)(element)
        return self.row(Table.TASKS, record)

    def _name_resource(self, element: Element, object_id: bytes) -> None:
        """Give the project a row of the resource that an assignment names, once."""
        name = name_of("Resource", unescape(object_id) or "")
        node = self.file.store.find(name)
        if node is None:
            told = line_of(element), "ResourceObjectId", unescape(object_id)
            self.warn(WarningCode.RESOURCE_MISSING, *told)
        elif self.references.add(b"taken" + object_id):
            self._take({name})
            self.tell(list(node.faults))
            text = node.columns + b"\t{}"
            self.add(Row(Table.RESOURCES, text, text))


def _recognises(namespace: str, name: str) -> bool:
    known = not namespace or _NAMESPACE.fullmatch(namespace) is not None
    return known and name == "APIBusinessObjects"


FORMAT = Format(
    name=SOURCE,
    recognises=_recognises,
    namespace=None,
    project="Project",
    anywhere=False,
    plan=P6ProjectBuilder,
    identity=tuple(field for field in PROJECT.fields if field.column == "external_id"),
    records={
        "WBS": P6ProjectBuilder.wbs,
        "Activity": P6ProjectBuilder.activity,
        "Relationship": P6ProjectBuilder.relationship,
        "ResourceAssignment": P6ProjectBuilder.assignment,
        **dict.fromkeys(PARTS, P6ProjectBuilder.part),
    },
    ordinary={
        "WBS": SimpleRecord(
            Table.TASKS,
            WBS,
            name="task_id",
            kind="wbs",
            refers=(RecordReference("parent_id", ("wbs",)),),
            mentions=_ELEMENTS[Table.TASKS],
        ),
        "Activity": SimpleRecord(
            Table.TASKS,
            ACTIVITY,
            name="task_id",
            kind="activity",
            refers=(RecordReference("parent_id", ("wbs",)),),
            dated=True,
            mentions=_ELEMENTS[Table.TASKS],
        ),
        "Relationship": SimpleRecord(
            Table.DEPENDENCIES,
            RELATIONSHIP,
            refers=(
                RecordReference("predecessor_id", ("activity", "wbs"), needed=True),
                RecordReference("successor_id", ("activity", "wbs"), needed=True),
            ),
            mentions=_ELEMENTS[Table.DEPENDENCIES],
        ),
        "ResourceAssignment": SimpleRecord(
            Table.ASSIGNMENTS,
            ASSIGNMENT,
            refers=(
                RecordReference("task_id", ("activity",), needed=True),
                RecordReference("resource_id", ("taken",)),
            ),
            unless=("material",),
            mentions=_ELEMENTS[Table.ASSIGNMENTS],
        ),
    },
    file=P6FileContext,
    outside=dict.fromkeys(SHARED, P6FileContext.shared) | dict.fromkeys(LOOSE, P6FileContext.loose),
    passed_over={"BaselineProject": P6FileContext.baseline, "ProjectList": P6FileContext.stubs},
    shared=SHARED_OBJECT_RULES,
    volatile=frozenset(
        {
            "LastLevelDate",
            "LastPublishedOn",
            "LastScheduleDate",
            "LastSummarizedDate",
            "LastUpdateDate",
            "LastUpdateUser",
        }
    ),
)
"""Volatile is who saved last, and when the jobs ran that P6 runs every night; ``CreateDate``,
``CreateUser`` and ``DateAdded`` never change, and ``DataDate`` says something of the plan."""
