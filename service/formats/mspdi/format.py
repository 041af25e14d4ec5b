"""Microsoft Project's XML (MSPDI), as its versions 2002 to 2019 write it.

It is read as it comes: a bad value leaves its column null, a link or an assignment to a task that
is not there becomes a part, blank rows become parts, and the outcome warns.
"""

import re
from functools import partial

from service.codes import WarningCode
from service.formats import values
from service.formats.element import Element
from service.formats.engine.record_parser import ParsedRecord
from service.formats.file_context import FileContext
from service.formats.format import Format
from service.formats.mspdi.outline import Outline
from service.formats.project_builder import ProjectBuilder
from service.formats.record_maps import PROJECT as PROJECT_COLUMNS
from service.formats.record_maps import Field, RecordMap, columns_of
from service.formats.simple_record import InnerRecord, RecordReference, SimpleRecord
from service.formats.values import NULL, Kind
from service.tables import Table

NAMESPACE = "http://schemas.microsoft.com/project"

_NIL = "00000000-0000-0000-0000-000000000000"
_GUID_PATTERN = re.compile(r"\{?([0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12})\}?")
_NO_RESOURCE = "-65535"


def _guid(value: str) -> bytes | None:
    match = _GUID_PATTERN.fullmatch(value.strip(values.BLANK))
    if match is None:
        return None if value.strip(values.BLANK) else NULL
    guid = match[1].lower()
    return NULL if guid == _NIL else guid.encode()


def _resource_uid(value: str) -> bytes | None:
    return NULL if value.strip(values.BLANK) == _NO_RESOURCE else values.ID.parse(value)


GUID = Kind("guid", _guid, "is not a GUID")
RESOURCE_UID = Kind("id", _resource_uid, values.ID.problem, {_NO_RESOURCE: NULL})
_PERCENTAGE = values.flag("percentage", ("19", "20", "51", "52"))
"""Lag formats in per cent of the predecessor's duration: plain, elapsed, and both estimated."""
LEVEL = values.pattern("level", "[0-9]{1,5}", "is not an outline level")
LINK_TYPE = values.enumeration("link_type", {"0": "FF", "1": "FS", "2": "SF", "3": "SS"})
RESOURCE_TYPE = values.enumeration("resource_type", {"0": "material", "1": "work", "2": "cost"})

EXTERNAL_ID = Field("GUID", "external_id", GUID, keep=True)
NAME_AS_ID = Field("Name", "external_id", values.ID, rank=1)
"""Identifies a project without a GUID."""
PROJECT = RecordMap(
    columns=PROJECT_COLUMNS,
    fields=(
        EXTERNAL_ID,
        Field("Name", "name", values.TEXT),
        Field("Title", "title", values.TEXT, keep=True),
        Field("Manager", "manager", values.TEXT),
        Field("CurrencyCode", "currency", values.TEXT),
        Field("StartDate", "start", values.TIMESTAMP),
        Field("FinishDate", "finish", values.TIMESTAMP),
    ),
    parts=True,
)
TASK = RecordMap(
    columns=columns_of(Table.TASKS),
    fields=(
        Field("UID", "task_id", values.ID),
        Field("Name", "name", values.TEXT),
        Field("WBS", "wbs", values.TEXT),
        Field("Start", "start", values.TIMESTAMP),
        Field("Finish", "finish", values.TIMESTAMP),
        Field("Duration", "duration", values.DURATION),
        Field("Work", "work", values.DURATION),
        Field("PercentComplete", "percent_complete", values.PERCENT),
        Field("Priority", "priority", values.INTEGER),
        Field("Milestone", "milestone", values.BOOLEAN),
        Field("Summary", "summary", values.BOOLEAN),
        Field("Notes", "notes", values.TEXT),
        Field("OutlineLevel", "level", LEVEL, keep=True),
        Field("IsNull", "is_null", values.BOOLEAN, keep=True),
    ),
    defaults={"kind": b"activity", "milestone": b"f", "summary": b"f"},
    required=("task_id",),
    apart=("PredecessorLink",),
)
LINK = RecordMap(
    columns=columns_of(Table.DEPENDENCIES),
    fields=(
        Field("PredecessorUID", "predecessor_id", values.ID),
        Field("Type", "type", LINK_TYPE),
        Field("LinkLag", "lag", values.LINK_LAG),
        Field("LagFormat", "percentage", _PERCENTAGE, keep=True),
    ),
    defaults={"type": b"FS", "lag": b"PT0S"},
)
PERCENT_LINK = RecordMap(columns=LINK.columns, fields=LINK.fields[:2], defaults=LINK.defaults)
"""A link whose lag is a percentage: no column can hold that."""
RESOURCE = RecordMap(
    columns=columns_of(Table.RESOURCES),
    fields=(
        Field("UID", "resource_id", values.ID),
        Field("Name", "name", values.TEXT),
        Field("Type", "type", RESOURCE_TYPE, keep=True),
        Field("EmailAddress", "email", values.TEXT),
        Field("IsCostResource", "is_cost", values.BOOLEAN, keep=True),
        Field("IsNull", "is_null", values.BOOLEAN, keep=True),
    ),
    required=("resource_id",),
)
ASSIGNMENT = RecordMap(
    columns=columns_of(Table.ASSIGNMENTS),
    fields=(
        Field("TaskUID", "task_id", values.ID),
        Field("ResourceUID", "resource_id", RESOURCE_UID),
        Field("Units", "units", values.DECIMAL),
        Field("Work", "work", values.DURATION),
    ),
)

_UID, _PARENT, _START, _FINISH, _LEVEL, _IS_NULL = (
    TASK.index(column) for column in ("task_id", "parent_id", "start", "finish", "level", "is_null")
)
_NAME, _TITLE, _EXTERNAL_ID = (PROJECT.index(column) for column in ("name", "title", "external_id"))
_PERCENT = LINK.index("percentage")
_TYPE, _IS_COST, _RESOURCE_NULL = (
    RESOURCE.index(column) for column in ("type", "is_cost", "is_null")
)


class MspdiProjectBuilder(ProjectBuilder):
    """A ``Project`` of Microsoft Project."""

    record = PROJECT
    source = "mspdi"

    def __init__(self, file: FileContext, element: Element, index: int, line: int) -> None:
        super().__init__(file, element, index, line)
        self.outline = Outline()

    def task(self, element: Element) -> None:
        """Take a ``Task`` and its links; a blank row becomes a part."""
        record = self.read(element, TASK)
        columns = record.columns
        if columns[_IS_NULL] == b"t":
            self.part(element)
            return
        uid = columns[_UID]
        self.know(element, b"task", uid)
        self.check_dates(element, "Finish", columns[_START], columns[_FINISH])
        if columns[_LEVEL] is not NULL:
            columns[_PARENT] = self.outline.parent(int(columns[_LEVEL]), uid)
        self.add(self.row(Table.TASKS, record))
        for link in record.apart:
            self.link(link, uid)

    def resource(self, element: Element) -> None:
        """Take a ``Resource``; a blank row becomes a part."""
        record = self.read(element, RESOURCE)
        columns = record.columns
        if columns[_RESOURCE_NULL] == b"t":
            self.part(element)
            return
        if columns[_IS_COST] == b"t":
            columns[_TYPE] = b"cost"
        self.know(element, b"resource", columns[0])
        self.add(self.row(Table.RESOURCES, record))

    def assignment(self, element: Element) -> None:
        """Take an ``Assignment``; one to a task that is not there becomes a part."""
        record = self.read(element, ASSIGNMENT)
        task, resource = record.columns[:2]
        self.refer(
            element,
            ((b"task" + task,),),
            ("TaskUID", task, "is not a task of this project"),
            code=WarningCode.ASSIGNMENT_TASK_MISSING,
            found=self.row(Table.ASSIGNMENTS, record),
            lost=partial(self.part_row, element),
        )
        if resource is not NULL:
            told = ("ResourceUID", resource, "is not a resource of this project")
            code = WarningCode.RESOURCE_MISSING
            self.refer(element, ((b"resource" + resource,),), told, code=code)

    def identify(self, record: ParsedRecord) -> None:
        """The GUID, else the name, identifies; the name, else the title, else the GUID names."""
        columns = record.columns
        if columns[_EXTERNAL_ID] is NULL:
            name = values.unescape(columns[_NAME]) or ""
            columns[_EXTERNAL_ID] = NAME_AS_ID.kind.parse(name) or NULL
            self.warn(WarningCode.IDENTITY_FROM_NAME, self.line, NAME_AS_ID.source, name)
        if columns[_NAME] is NULL:
            columns[_NAME] = columns[_EXTERNAL_ID if columns[_TITLE] is NULL else _TITLE]

    def link(self, link: Element, owner: bytes) -> None:
        """Take a ``PredecessorLink`` of the task ``owner``."""
        record = self.read(link, LINK)
        if record.columns[_PERCENT] == b"t":
            record = self.file.walk(PERCENT_LINK, self.source, strict=False)(link)
        record.columns[1] = owner
        predecessor = record.columns[0]
        self.refer(
            link,
            ((b"task" + predecessor,),),
            ("PredecessorUID", predecessor, "is not a task of this project"),
            code=WarningCode.LINK_END_MISSING,
            found=self.row(Table.DEPENDENCIES, record),
            lost=partial(self.part_row, link, TaskUID=owner),
        )


_PARTS = (
    "Calendars/Calendar",
    "ExtendedAttributes/ExtendedAttribute",
    "OutlineCodes/OutlineCode",
    "WBSMasks/WBSMask",
    "Views/View",
    "Filters/Filter",
    "Groups/Group",
    "Tables/Table",
    "Maps/Map",
    "Reports/Report",
    "Drawings/Drawing",
    "DataLinks/DataLink",
    "VBAProjects/VBAProject",
)

_ORDINARY_LINK = SimpleRecord(
    Table.DEPENDENCIES,
    LINK,
    refers=(RecordReference("predecessor_id", ("task",), needed=True),),
    unless=("percentage",),
)

FORMAT = Format(
    name="mspdi",
    recognises=lambda _namespace, _name: True,
    namespace=NAMESPACE,
    project="Project",
    anywhere=True,
    plan=MspdiProjectBuilder,
    identity=(EXTERNAL_ID, NAME_AS_ID),
    records={
        "Tasks/Task": MspdiProjectBuilder.task,
        "Resources/Resource": MspdiProjectBuilder.resource,
        "Assignments/Assignment": MspdiProjectBuilder.assignment,
        **dict.fromkeys(_PARTS, MspdiProjectBuilder.part),
    },
    ordinary={
        "Tasks/Task": SimpleRecord(
            Table.TASKS,
            TASK,
            name="task_id",
            kind="task",
            dated=True,
            unless=("is_null",),
            outlined=True,
            inner=InnerRecord(_ORDINARY_LINK, "successor_id", MspdiProjectBuilder.link),
        ),
        "Resources/Resource": SimpleRecord(
            Table.RESOURCES,
            RESOURCE,
            name="resource_id",
            kind="resource",
            unless=("is_null", "is_cost"),
        ),
        "Assignments/Assignment": SimpleRecord(
            Table.ASSIGNMENTS,
            ASSIGNMENT,
            refers=(
                RecordReference("task_id", ("task",), needed=True),
                RecordReference("resource_id", ("resource",)),
            ),
        ),
    },
    volatile=frozenset({"CurrentDate", "LastSaved", "SaveVersion"}),
)
