"""The tables that hold a project's content: every column, stated once.

COPY, reading, comparison, export, the OpenAPI document, the native schema and ``docs/formats.md``
follow from these definitions. To add a column, add one line here and one line to the rule of each
format that has the column, write a migration for the table and its view, and run ``make
reference``. ``tests/integration/projects/test_columns.py`` prints the SQL of a missing migration.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Table(StrEnum):
    """The tables that hold the records of a project's version, in the order of writing."""

    TASKS = "tasks"
    DEPENDENCIES = "dependencies"
    RESOURCES = "resources"
    ASSIGNMENTS = "assignments"
    PARTS = "project_parts"


TABLES: Final = tuple(Table)

MEMBERS: Final = {
    Table.TASKS: "tasks",
    Table.DEPENDENCIES: "dependencies",
    Table.RESOURCES: "resources",
    Table.ASSIGNMENTS: "assignments",
    Table.PARTS: "parts",
}
"""Names of the lists of records in a project's JSON."""


class Type(StrEnum):
    """The PostgreSQL types of columns."""

    TEXT = "text"
    INTEGER = "integer"
    NUMERIC = "numeric"
    BOOLEAN = "boolean"
    TIMESTAMP = "timestamp"
    INTERVAL = "interval"
    JSONB = "jsonb"


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    Attributes:
        name: name in the table, the view, and JSON.
        type: PostgreSQL type.
        description: one sentence for planners; it is published.
        required: whether a record without a value is refused, or gets one from its format.
        default: COPY text that is stored for a record without a value; null if None.
        values: all values that the column can have; empty if they are not a closed list.
    """

    name: str
    type: Type
    description: str
    required: bool = False
    default: str | None = None
    values: tuple[str, ...] = ()

    @property
    def nullable(self) -> bool:
        """Whether the column can hold NULL."""
        return not self.required and self.default is None


_ORDINAL: Final = Column(
    "ordinal", Type.INTEGER, "Position among the project's records in the file, from 0.", True
)
_ATTRIBUTES: Final = Column(
    "attributes",
    Type.JSONB,
    "Everything in the file that no other column holds: texts, arrays and objects by name.",
    True,
)

PROJECT: Final = (
    Column("name", Type.TEXT, "Name of the project.", True),
    Column("code", Type.TEXT, "Short code of the project, for people."),
    Column("status", Type.TEXT, "Status in the planning tool. The service does not interpret it."),
    Column("description", Type.TEXT, "Description of the project."),
    Column("manager", Type.TEXT, "Name of the project manager."),
    Column("currency", Type.TEXT, "Currency of the project, such as `EUR`."),
    Column("start", Type.TIMESTAMP, "Start of the project."),
    Column("finish", Type.TIMESTAMP, "Finish of the project."),
    Column("priority", Type.INTEGER, "Priority, on the scale of the planning tool."),
    Column("source", Type.TEXT, "Format of the original file: `native`, `mspdi` or `p6`.", True),
    _ATTRIBUTES,
)
"""What a file states about a project itself: columns of ``project_versions``."""

RECORDS: Final = {
    Table.TASKS: (
        _ORDINAL,
        Column("task_id", Type.TEXT, "Identifier of the task in its file.", True),
        Column(
            "kind",
            Type.TEXT,
            "`activity`, or `wbs` for an element of the work breakdown structure.",
            default="activity",
            values=("activity", "wbs"),
        ),
        Column("parent_id", Type.TEXT, "`task_id` of the task above this one in the outline."),
        Column("wbs", Type.TEXT, "Code of the task in the plan, such as `1.2.3` or `A1010`."),
        Column("name", Type.TEXT, "Name of the task."),
        Column("start", Type.TIMESTAMP, "Start of the task."),
        Column("finish", Type.TIMESTAMP, "Finish of the task."),
        Column("duration", Type.INTERVAL, "Duration in working time."),
        Column("work", Type.INTERVAL, "Labor that the task takes."),
        Column("percent_complete", Type.NUMERIC, "Progress in percent, from 0 to 100."),
        Column("priority", Type.INTEGER, "Priority, on the scale of the planning tool."),
        Column("milestone", Type.BOOLEAN, "Whether the task is a milestone.", default="f"),
        Column("summary", Type.BOOLEAN, "Whether the task sums up those below it.", default="f"),
        Column("notes", Type.TEXT, "Notes on the task."),
        _ATTRIBUTES,
    ),
    Table.DEPENDENCIES: (
        _ORDINAL,
        Column("predecessor_id", Type.TEXT, "`task_id` of the task that comes first.", True),
        Column("successor_id", Type.TEXT, "`task_id` of the task that depends on it.", True),
        Column(
            "type",
            Type.TEXT,
            "Which ends the dependency links: `FS` is finish to start.",
            default="FS",
            values=("FS", "SS", "FF", "SF"),
        ),
        Column(
            "lag", Type.INTERVAL, "Wait between the two ends; a lead is negative.", default="PT0S"
        ),
        _ATTRIBUTES,
    ),
    Table.RESOURCES: (
        _ORDINAL,
        Column("resource_id", Type.TEXT, "Identifier of the resource in its file.", True),
        Column("name", Type.TEXT, "Name of the resource."),
        Column(
            "type",
            Type.TEXT,
            "Kind of resource: people are `work`, machines are `nonlabor`.",
            values=("work", "material", "cost", "nonlabor"),
        ),
        Column("email", Type.TEXT, "E-mail address of the resource."),
        _ATTRIBUTES,
    ),
    Table.ASSIGNMENTS: (
        _ORDINAL,
        Column("task_id", Type.TEXT, "`task_id` of the task that the resource works on.", True),
        Column("resource_id", Type.TEXT, "`resource_id` of the resource that works on the task."),
        Column("units", Type.NUMERIC, "Share of the resource; 1 is full time."),
        Column("work", Type.INTERVAL, "Work of the resource on the task."),
        _ATTRIBUTES,
    ),
    Table.PARTS: (
        _ORDINAL,
        Column("element", Type.TEXT, "Name of the element in the file, such as `Calendar`.", True),
        _ATTRIBUTES,
    ),
}
"""The columns of each table after its key (client, project, version)."""

SHARED_OBJECT: Final = (
    Column("element", Type.TEXT, "Name of the element in the file, such as `Calendar`.", True),
    Column("object_id", Type.TEXT, "Identifier of the object in the file."),
    _ATTRIBUTES,
)
"""The columns of ``shared_objects`` after its key (client, hash)."""

PROJECT_COLUMNS: Final = tuple(column.name for column in PROJECT)
"""Names of the columns in ``PROJECT``, in the order of ``Project.row``."""

COLUMNS: Final = {
    table: tuple(column.name for column in columns) for table, columns in RECORDS.items()
}
"""Names of the columns in ``RECORDS``, in the order of a row in ``CopyRows``."""

DEFAULTS: Final = {
    table: {each.name: each.default.encode() for each in columns if each.default is not None}
    for table, columns in RECORDS.items()
}
"""COPY text that a column has for a record without a value."""
