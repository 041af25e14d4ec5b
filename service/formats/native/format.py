"""The native dialect, ``urn:project-bulk-import:1``; ``native.xsd`` beside it is its schema.

It is strict: a bad value, a reference to what is not there, or an element that the schema does not
know refuses the project. What the schema accepts is accepted here, but for references between
records and the JSON inside attributes, which a schema cannot check.
"""

from collections.abc import Iterable

from service.codes import WarningCode
from service.formats import values
from service.formats.element import Element
from service.formats.engine.record_parser import ParsedRecord
from service.formats.file_context import FileContext
from service.formats.format import Format
from service.formats.named_attributes import gather_attribute, gather_attributes
from service.formats.project_builder import ProjectBuilder
from service.formats.project_content import TooLarge, shared_object
from service.formats.record_maps import PROJECT as PROJECT_COLUMNS
from service.formats.record_maps import Field, RecordMap, columns_of
from service.formats.references import RecordQueue
from service.formats.simple_record import RecordReference, SimpleRecord
from service.formats.values import NULL, unescape
from service.model import SharedObject
from service.tables import Table

NAMESPACE = "urn:project-bulk-import:1"

KIND = values.enumeration("kind", {"activity": "activity", "wbs": "wbs"})
TYPE = values.enumeration("dependency-type", {word: word for word in ("FS", "SS", "FF", "SF")})
VERSION = values.pattern("version", "[0-9]{1,9}", "is not a version number")
RESOURCE_TYPE = values.enumeration(
    "resource-type", {word: word for word in ("work", "material", "cost", "nonlabor")}
)

GATHER = {"attributes": gather_attributes}
GATHER_INSIDE = {"attribute": gather_attribute}

PROJECT = RecordMap(
    columns=PROJECT_COLUMNS,
    fields=(
        Field("@id", "external_id", values.ID),
        Field("@version", "read_at", VERSION),
        Field("@source", "source", values.WORD),
        Field("name", "name", values.TEXT),
        Field("code", "code", values.TEXT),
        Field("status", "status", values.TEXT),
        Field("description", "description", values.TEXT),
        Field("manager", "manager", values.TEXT),
        Field("currency", "currency", values.TEXT),
        Field("start", "start", values.TIMESTAMP),
        Field("finish", "finish", values.TIMESTAMP),
        Field("priority", "priority", values.INTEGER),
    ),
    required=("external_id", "name"),
    gather=GATHER,
    holds=("tasks", "dependencies", "resources", "assignments", "parts", "shared-objects"),
)
TASK = RecordMap(
    columns=columns_of(Table.TASKS),
    fields=(
        Field("@id", "task_id", values.ID),
        Field("@kind", "kind", KIND),
        Field("@parent", "parent_id", values.ID),
        Field("@wbs", "wbs", values.TEXT),
        Field("name", "name", values.TEXT),
        Field("start", "start", values.TIMESTAMP),
        Field("finish", "finish", values.TIMESTAMP),
        Field("duration", "duration", values.DURATION),
        Field("work", "work", values.DURATION),
        Field("percent-complete", "percent_complete", values.PERCENT),
        Field("priority", "priority", values.INTEGER),
        Field("@milestone", "milestone", values.BOOLEAN),
        Field("@summary", "summary", values.BOOLEAN),
        Field("notes", "notes", values.TEXT),
    ),
    defaults={"kind": b"activity", "milestone": b"f", "summary": b"f"},
    required=("task_id",),
    gather=GATHER,
)
DEPENDENCY = RecordMap(
    columns=columns_of(Table.DEPENDENCIES),
    fields=(
        Field("@predecessor", "predecessor_id", values.ID),
        Field("@successor", "successor_id", values.ID),
        Field("@type", "type", TYPE),
        Field("@lag", "lag", values.DURATION),
    ),
    defaults={"type": b"FS", "lag": b"PT0S"},
    required=("predecessor_id", "successor_id"),
    gather=GATHER,
)
RESOURCE = RecordMap(
    columns=columns_of(Table.RESOURCES),
    fields=(
        Field("@id", "resource_id", values.ID),
        Field("name", "name", values.TEXT),
        Field("@type", "type", RESOURCE_TYPE),
        Field("email", "email", values.TEXT),
    ),
    required=("resource_id",),
    gather=GATHER,
)
ASSIGNMENT = RecordMap(
    columns=columns_of(Table.ASSIGNMENTS),
    fields=(
        Field("@task", "task_id", values.ID),
        Field("@resource", "resource_id", values.ID),
        Field("@units", "units", values.DECIMAL),
        Field("work", "work", values.DURATION),
    ),
    required=("task_id",),
    gather=GATHER,
)
PART = RecordMap(
    columns=columns_of(Table.PARTS),
    fields=(Field("@element", "element", values.TEXT),),
    required=("element",),
    gather=GATHER_INSIDE,
)
SHARED = RecordMap(
    columns=("element", "object_id"),
    fields=(
        Field("@element", "element", values.TEXT),
        Field("@id", "object_id", values.ID),
    ),
    required=("element",),
    gather=GATHER_INSIDE,
)

_TASKS = ("activity", "wbs")

_READ_AT = PROJECT.index("read_at")
_TASK_ID, _KIND, _PARENT, _START, _FINISH = (
    TASK.index(column) for column in ("task_id", "kind", "parent_id", "start", "finish")
)


class NativeProjectBuilder(ProjectBuilder):
    """A ``project`` of the native dialect."""

    record = PROJECT
    source = "native"
    strict = True

    def __init__(self, file: FileContext, element: Element, index: int, line: int) -> None:
        source = values.WORD.parse(element.get("source") or "")
        if source is not None and source is not NULL:
            self.source = source.decode()
        super().__init__(file, element, index, line)
        self._missing = NULL
        self._objects = RecordQueue(file.limits.spool)

    def task(self, element: Element) -> None:
        """Take a ``task``."""
        record = self.read(element, TASK)
        columns = record.columns
        self.know(element, columns[_KIND], columns[_TASK_ID])
        self.check_dates(element, "finish", columns[_START], columns[_FINISH])
        parent = columns[_PARENT]
        if parent is not NULL and parent != self._missing:
            wanted = ((b"wbs" + parent, b"activity" + parent),)
            if not self.references.known(wanted):
                self._missing = parent
                self.refer(element, wanted, ("parent", parent, "is not a task of this project"))
        self.add(self.row(Table.TASKS, record))

    def dependency(self, element: Element) -> None:
        """Take a ``dependency``."""
        record = self.read(element, DEPENDENCY)
        for name, end in zip(("predecessor", "successor"), record.columns, strict=False):
            if end is not NULL:
                self._refer_task(element, name, end)
        self.add(self.row(Table.DEPENDENCIES, record))

    def resource(self, element: Element) -> None:
        """Take a ``resource``."""
        record = self.read(element, RESOURCE)
        self.know(element, b"resource", record.columns[0])
        self.add(self.row(Table.RESOURCES, record))

    def assignment(self, element: Element) -> None:
        """Take an ``assignment``; real files name resources that are not there: a warning."""
        record = self.read(element, ASSIGNMENT)
        task, resource = record.columns[:2]
        if task is not NULL:
            self._refer_task(element, "task", task)
        if resource is not NULL:
            told = ("resource", resource, "is not a resource of this project")
            code = WarningCode.RESOURCE_MISSING
            self.refer(element, ((b"resource" + resource,),), told, code=code)
        self.add(self.row(Table.ASSIGNMENTS, record))

    def part_named(self, element: Element) -> None:
        """Take a ``part``."""
        self.add(self.row(Table.PARTS, self.read(element, PART)))

    def shared_object(self, element: Element) -> None:
        """Take an ``object`` of ``shared-objects``."""
        record = self.read(element, SHARED)
        most = self.file.limits.max_attributes_bytes
        if len(record.whole) > most:
            raise TooLarge(f"the attributes of one shared object are over {most} bytes")
        element_name, object_id = map(unescape, record.columns)
        if element_name is not None:
            shared = shared_object(element_name, object_id, record)
            self.shared.add(shared.hash)
            self._objects.put(shared)

    def hand_out(self) -> Iterable[SharedObject] | None:
        """Those that stand in the project."""
        return self._objects.drain() if self._objects.filled else None

    def close(self) -> None:
        """Give back memory and disk of a project that will not be handed on."""
        super().close()
        self._objects.close()

    def identify(self, record: ParsedRecord) -> None:
        """Take the version that the project was read at."""
        version = record.columns[_READ_AT]
        self.read_at = None if version is NULL else int(version)

    def _refer_task(self, element: Element, name: str, task: bytes) -> None:
        wanted = ((b"activity" + task, b"wbs" + task),)
        self.refer(element, wanted, (name, task, "is not a task of this project"))


FORMAT = Format(
    name="native",
    recognises=lambda namespace, name: namespace == NAMESPACE,
    namespace=NAMESPACE,
    project="project",
    anywhere=False,
    plan=NativeProjectBuilder,
    identity=tuple(field for field in PROJECT.fields if field.column == "external_id"),
    records={
        "tasks/task": NativeProjectBuilder.task,
        "dependencies/dependency": NativeProjectBuilder.dependency,
        "resources/resource": NativeProjectBuilder.resource,
        "assignments/assignment": NativeProjectBuilder.assignment,
        "parts/part": NativeProjectBuilder.part_named,
        "shared-objects/object": NativeProjectBuilder.shared_object,
    },
    ordinary={
        "tasks/task": SimpleRecord(
            Table.TASKS,
            TASK,
            name="task_id",
            kind_column="kind",
            refers=(RecordReference("parent_id", ("wbs", "activity")),),
            dated=True,
        ),
        "dependencies/dependency": SimpleRecord(
            Table.DEPENDENCIES,
            DEPENDENCY,
            refers=(
                RecordReference("predecessor_id", _TASKS),
                RecordReference("successor_id", _TASKS),
            ),
        ),
        "resources/resource": SimpleRecord(
            Table.RESOURCES, RESOURCE, name="resource_id", kind="resource"
        ),
        "assignments/assignment": SimpleRecord(
            Table.ASSIGNMENTS,
            ASSIGNMENT,
            refers=(
                RecordReference("task_id", _TASKS),
                RecordReference("resource_id", ("resource",)),
            ),
        ),
        "parts/part": SimpleRecord(Table.PARTS, PART),
    },
)
