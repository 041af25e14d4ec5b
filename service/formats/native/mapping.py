"""The record rules of native XML, which ``schema.xsd`` describes too."""

from dataclasses import replace
from typing import Final

from service.codes import WarningCode
from service.formats import values
from service.formats.engine.parsed_record import NamedMembers
from service.formats.native.json_values import parse_json
from service.formats.record_rules import (
    PROJECT_ROW_COLUMNS,
    Field,
    Key,
    RecordRule,
    ReferenceRule,
)
from service.tables import CONSTRAINTS, TASK_KINDS, Table

NAMESPACE: Final = "urn:project-bulk-import:1"

KIND: Final = values.enumeration("kind", {word: word for word in TASK_KINDS})
TYPE: Final = values.enumeration(
    "dependency-type", {word: word for word in ("FS", "SS", "FF", "SF")}
)
VERSION: Final = values.pattern("version", "[0-9]{1,9}", "is not a version number")
RESOURCE_TYPE: Final = values.enumeration(
    "resource-type", {word: word for word in ("work", "material", "cost", "nonlabor")}
)
CONSTRAINT: Final = values.enumeration("constraint", {word: word for word in CONSTRAINTS})

_INSIDE: Final = NamedMembers(
    element="attribute",
    name="name",
    type="type",
    types={"": str, "text": str, "json": parse_json},
)
_ATTRIBUTES: Final = replace(_INSIDE, container="attributes")

_NO_TASK: Final = "is not a task of this project"

PROJECT: Final = RecordRule(
    "project",
    columns=PROJECT_ROW_COLUMNS,
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
        Field("data-date", "data_date", values.TIMESTAMP),
        Field("must-finish", "must_finish", values.TIMESTAMP),
        Field("@calendar", "calendar_id", values.ID),
        Field("@baseline-of", "baseline_of", values.ID),
    ),
    required=("external_id", "name"),
    named=_ATTRIBUTES,
    holds=(
        "tasks",
        "dependencies",
        "resources",
        "assignments",
        "baselines",
        "baseline-tasks",
        "parts",
        "shared-objects",
    ),
)
TASK: Final = RecordRule(
    "task",
    Table.TASKS,
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
        Field("@code", "code", values.TEXT),
        Field("@guid", "guid", values.TEXT),
        Field("status", "status", values.TEXT),
        Field("actual-start", "actual_start", values.TIMESTAMP),
        Field("actual-finish", "actual_finish", values.TIMESTAMP),
        Field("early-start", "early_start", values.TIMESTAMP),
        Field("early-finish", "early_finish", values.TIMESTAMP),
        Field("late-start", "late_start", values.TIMESTAMP),
        Field("late-finish", "late_finish", values.TIMESTAMP),
        Field("actual-duration", "actual_duration", values.DURATION),
        Field("remaining-duration", "remaining_duration", values.DURATION),
        Field("actual-work", "actual_work", values.DURATION),
        Field("remaining-work", "remaining_work", values.DURATION),
        Field("constraint-type", "constraint_type", CONSTRAINT),
        Field("constraint-date", "constraint_date", values.TIMESTAMP),
        Field("deadline", "deadline", values.TIMESTAMP),
        Field("total-float", "total_float", values.DURATION),
        Field("free-float", "free_float", values.DURATION),
        Field("critical", "critical", values.BOOLEAN),
        Field("@calendar", "calendar_id", values.ID),
        Field("physical-percent-complete", "physical_percent_complete", values.PERCENT),
        Field("cost", "cost", values.DECIMAL),
        Field("actual-cost", "actual_cost", values.DECIMAL),
        Field("remaining-cost", "remaining_cost", values.DECIMAL),
    ),
    required=("task_id",),
    named=_ATTRIBUTES,
    key=Key("task_id", kind_column="kind"),
    references=(ReferenceRule(("parent_id",), ("wbs", "activity"), problem=_NO_TASK, once=True),),
)
DEPENDENCY: Final = RecordRule(
    "dependency",
    Table.DEPENDENCIES,
    fields=(
        Field("@predecessor", "predecessor_id", values.ID),
        Field("@successor", "successor_id", values.ID),
        Field("@type", "type", TYPE),
        Field("@lag", "lag", values.DURATION),
    ),
    required=("predecessor_id", "successor_id"),
    named=_ATTRIBUTES,
    references=(
        ReferenceRule(("predecessor_id",), TASK_KINDS, problem=_NO_TASK),
        ReferenceRule(("successor_id",), TASK_KINDS, problem=_NO_TASK),
    ),
)
RESOURCE: Final = RecordRule(
    "resource",
    Table.RESOURCES,
    fields=(
        Field("@id", "resource_id", values.ID),
        Field("name", "name", values.TEXT),
        Field("@type", "type", RESOURCE_TYPE),
        Field("email", "email", values.TEXT),
        Field("@code", "code", values.TEXT),
        Field("max-units", "max_units", values.DECIMAL),
        Field("@calendar", "calendar_id", values.ID),
        Field("standard-rate", "standard_rate", values.DECIMAL),
    ),
    required=("resource_id",),
    named=_ATTRIBUTES,
    key=Key("resource_id", "resource"),
)
ASSIGNMENT: Final = RecordRule(
    "assignment",
    Table.ASSIGNMENTS,
    fields=(
        Field("@task", "task_id", values.ID),
        Field("@resource", "resource_id", values.ID),
        Field("@units", "units", values.DECIMAL),
        Field("work", "work", values.DURATION),
        Field("start", "start", values.TIMESTAMP),
        Field("finish", "finish", values.TIMESTAMP),
        Field("actual-work", "actual_work", values.DURATION),
        Field("remaining-work", "remaining_work", values.DURATION),
        Field("cost", "cost", values.DECIMAL),
        Field("actual-cost", "actual_cost", values.DECIMAL),
        Field("@role", "role_id", values.ID),
    ),
    required=("task_id",),
    named=_ATTRIBUTES,
    references=(
        ReferenceRule(("task_id",), TASK_KINDS, problem=_NO_TASK),
        # Real files name resources that do not exist.
        ReferenceRule(
            ("resource_id",),
            ("resource",),
            problem="is not a resource of this project",
            warning=WarningCode.RESOURCE_MISSING,
        ),
    ),
)
BASELINE: Final = RecordRule(
    "baseline",
    Table.BASELINES,
    fields=(
        Field("@number", "number", values.INTEGER),
        Field("name", "name", values.TEXT),
        Field("type", "type", values.TEXT),
        Field("@current", "current", values.BOOLEAN),
    ),
    required=("number",),
    named=_ATTRIBUTES,
    key=Key("number", "baseline"),
)
BASELINE_TASK: Final = RecordRule(
    "baseline-task",
    Table.BASELINE_TASKS,
    fields=(
        Field("@number", "number", values.INTEGER),
        Field("@kind", "kind", KIND),
        Field("@task", "task_id", values.ID),
        Field("@code", "code", values.TEXT),
        Field("name", "name", values.TEXT),
        Field("start", "start", values.TIMESTAMP),
        Field("finish", "finish", values.TIMESTAMP),
        Field("duration", "duration", values.DURATION),
        Field("work", "work", values.DURATION),
        Field("cost", "cost", values.DECIMAL),
    ),
    required=("number", "task_id"),
    named=_ATTRIBUTES,
    # A baseline keeps tasks that the plan no longer has.
    references=(
        ReferenceRule(
            ("number",), ("baseline",), problem="is not a baseline of this project", once=True
        ),
    ),
)
PART: Final = RecordRule(
    "part",
    Table.PARTS,
    fields=(Field("@element", "element", values.TEXT),),
    required=("element",),
    named=_INSIDE,
)
SHARED_OBJECT: Final = RecordRule(
    "object",
    columns=("element", "object_id"),
    fields=(
        Field("@element", "element", values.TEXT),
        Field("@id", "object_id", values.ID),
    ),
    required=("element",),
    named=_INSIDE,
)
