"""The tables that hold a project's content: every column, stated once.

COPY, reading, comparison, export, the OpenAPI document, the native schema and
``docs/reference/formats`` follow from these definitions. To add a column, add one line here and
one line to the rule of each format that has the column, write a migration for the table and its
view, and run ``make reference``. ``tests/integration/projects/test_columns.py`` prints the SQL of a
missing migration.
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
    BASELINES = "baselines"
    BASELINE_TASKS = "baseline_tasks"
    PARTS = "project_parts"


TABLES: Final = tuple(Table)

MEMBERS: Final = {
    Table.TASKS: "tasks",
    Table.DEPENDENCIES: "dependencies",
    Table.RESOURCES: "resources",
    Table.ASSIGNMENTS: "assignments",
    Table.BASELINES: "baselines",
    Table.BASELINE_TASKS: "baseline_tasks",
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

    @property
    def comment(self) -> str:
        """The column's comment in the schema: its description, and the values of a closed list."""
        if not self.values:
            return self.description
        return f"{self.description} One of {', '.join(f'`{each}`' for each in self.values)}."


_ORDINAL: Final = Column(
    "ordinal", Type.INTEGER, "Position among the project's records in the file, from 0.", True
)
_ATTRIBUTES: Final = Column(
    "attributes",
    Type.JSONB,
    "Everything in the file that no other column holds: texts, arrays and objects by name.",
    True,
)

TASK_KINDS: Final = ("activity", "wbs")
"""Kinds of tasks."""

CONSTRAINTS: Final = (
    "as_soon_as_possible",
    "as_late_as_possible",
    "must_start_on",
    "must_finish_on",
    "start_on",
    "finish_on",
    "start_no_earlier_than",
    "start_no_later_than",
    "finish_no_earlier_than",
    "finish_no_later_than",
)
"""Constraints on the dates of a task. ``must_…`` overrides the links, ``start_on`` does not."""

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
    Column(
        "source",
        Type.TEXT,
        "Format of the original file: `native`, `mspdi`, `p6`, or the name of an own format.",
        True,
    ),
    Column("data_date", Type.TIMESTAMP, "Data date (status date): progress is stated up to it."),
    Column("must_finish", Type.TIMESTAMP, "Date by which the project must finish."),
    Column("calendar_id", Type.TEXT, "Identifier in the file of the project's default calendar."),
    Column("baseline_of", Type.TEXT, "Identifier in the file of the project that this one copies."),
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
            values=TASK_KINDS,
        ),
        Column("parent_id", Type.TEXT, "`task_id` of the task above this one in the outline."),
        Column("wbs", Type.TEXT, "Code of the task in the outline, such as `1.2.3`."),
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
        Column("code", Type.TEXT, "Activity ID in P6, such as `A1010`."),
        Column("guid", Type.TEXT, "GUID of the task, without braces, in lower case."),
        Column("status", Type.TEXT, "Status in the planning tool, such as `In Progress`."),
        Column("actual_start", Type.TIMESTAMP, "When work started; null if it has not."),
        Column("actual_finish", Type.TIMESTAMP, "When work ended; null if it has not."),
        Column("early_start", Type.TIMESTAMP, "Earliest start that the links allow."),
        Column("early_finish", Type.TIMESTAMP, "Earliest finish that the links allow."),
        Column("late_start", Type.TIMESTAMP, "Latest start that does not delay the project."),
        Column("late_finish", Type.TIMESTAMP, "Latest finish that does not delay the project."),
        Column("actual_duration", Type.INTERVAL, "Working time from the actual start until now."),
        Column("remaining_duration", Type.INTERVAL, "Working time until the finish."),
        Column("actual_work", Type.INTERVAL, "Labor that is done."),
        Column("remaining_work", Type.INTERVAL, "Labor that is left."),
        Column("constraint_type", Type.TEXT, "Constraint on the dates.", values=CONSTRAINTS),
        Column("constraint_date", Type.TIMESTAMP, "Date of the constraint."),
        Column("deadline", Type.TIMESTAMP, "Date by which the task should finish."),
        Column("total_float", Type.INTERVAL, "Delay that does not delay the project."),
        Column("free_float", Type.INTERVAL, "Delay that does not delay a successor."),
        Column("critical", Type.BOOLEAN, "Whether the planning tool says that it is critical."),
        Column("calendar_id", Type.TEXT, "Identifier in the file of the task's calendar."),
        Column(
            "physical_percent_complete", Type.NUMERIC, "Physical progress in percent, 0 to 100."
        ),
        Column("cost", Type.NUMERIC, "Cost at completion, in the project's currency."),
        Column("actual_cost", Type.NUMERIC, "Cost of the work that is done."),
        Column("remaining_cost", Type.NUMERIC, "Cost of the work that is left."),
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
        Column("code", Type.TEXT, "Short code of the resource, for people."),
        Column("max_units", Type.NUMERIC, "Most that is available at a time; 1 is full time."),
        Column("calendar_id", Type.TEXT, "Identifier in the file of the resource's calendar."),
        Column("standard_rate", Type.NUMERIC, "Cost of an hour, or of a unit of a material."),
        _ATTRIBUTES,
    ),
    Table.ASSIGNMENTS: (
        _ORDINAL,
        Column("task_id", Type.TEXT, "`task_id` of the task that the resource works on.", True),
        Column("resource_id", Type.TEXT, "`resource_id` of the resource that works on the task."),
        Column("units", Type.NUMERIC, "Share of the resource; 1 is full time."),
        Column("work", Type.INTERVAL, "Work of the resource on the task."),
        Column("start", Type.TIMESTAMP, "Start of the resource's work on the task."),
        Column("finish", Type.TIMESTAMP, "Finish of the resource's work on the task."),
        Column("actual_work", Type.INTERVAL, "Work that is done."),
        Column("remaining_work", Type.INTERVAL, "Work that is left."),
        Column("cost", Type.NUMERIC, "Cost at completion, in the project's currency."),
        Column("actual_cost", Type.NUMERIC, "Cost of the work that is done."),
        Column("role_id", Type.TEXT, "Identifier in the file of the role that is assigned."),
        _ATTRIBUTES,
    ),
    Table.BASELINES: (
        _ORDINAL,
        Column("number", Type.INTEGER, "Number of the baseline within its version.", True),
        Column("name", Type.TEXT, "Name of the baseline."),
        Column("type", Type.TEXT, "Type of the baseline in the planning tool."),
        Column(
            "current",
            Type.BOOLEAN,
            "Whether the file says that the plan is compared with this baseline.",
            default="f",
        ),
        _ATTRIBUTES,
    ),
    Table.BASELINE_TASKS: (
        _ORDINAL,
        Column("number", Type.INTEGER, "`number` of the baseline of the same version.", True),
        Column(
            "kind",
            Type.TEXT,
            "`activity`, or `wbs` for an element of the work breakdown structure.",
            default="activity",
            values=TASK_KINDS,
        ),
        Column(
            "task_id",
            Type.TEXT,
            "Identifier of the task in the baseline; that of the task itself in Microsoft Project.",
            True,
        ),
        Column("code", Type.TEXT, "Activity ID in P6, which the task of the plan has too."),
        Column("name", Type.TEXT, "Name of the task in the baseline."),
        Column("start", Type.TIMESTAMP, "Start of the task in the baseline."),
        Column("finish", Type.TIMESTAMP, "Finish of the task in the baseline."),
        Column("duration", Type.INTERVAL, "Duration in working time in the baseline."),
        Column("work", Type.INTERVAL, "Labor that the task takes in the baseline."),
        Column("cost", Type.NUMERIC, "Cost in the baseline, in the project's currency."),
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

FIRST_ADDED: Final[dict[Table | None, str]] = {
    None: "data_date",
    Table.TASKS: "code",
    Table.RESOURCES: "code",
    Table.ASSIGNMENTS: "start",
}
"""The first column that a table got after versions were stored; that of ``PROJECT`` is under None.
From there on, nulls at the end of a row do not count for the content hash. So the hashes of plans
without values in these columns are as before."""

DEFAULTS: Final = {
    table: {each.name: each.default.encode() for each in columns if each.default is not None}
    for table, columns in RECORDS.items()
}
"""COPY text that a column has for a record without a value."""
