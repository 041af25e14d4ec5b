"""Primavera's objects outside the projects, and the fields that refer to them.

A field ``…KindObjectId`` has the ``ObjectId`` of a ``Kind``: ``CalendarObjectId``,
``BaseCalendarObjectId`` and ``ActivityDefaultCalendarObjectId`` all refer to a ``Calendar``. The
vendor's schema (p6apibo.xsd) follows this rule, except for the fields that ``_kind`` handles, and
``FinancialPeriodTemplateId``.
"""

import re
from collections.abc import Callable, Iterable
from typing import Final

from service.codes import WarningCode
from service.formats import values
from service.formats.element import Element
from service.formats.engine.interface import Engine
from service.formats.engine.parsed_record import Faults
from service.formats.file_context import FileContext
from service.formats.limits import Limits
from service.formats.p6.held_projects import HeldProjects
from service.formats.parser_set import ParserSet
from service.formats.project_content import shared_object
from service.formats.record_rules import Field, RecordRule
from service.formats.shared_objects import SharedObjectRules, SharedStore
from service.formats.text_cache import TextCache
from service.formats.values import unescape
from service.model import MAX_ID, FileWarning, Item
from service.tables import Table

SOURCE: Final = "p6"

SHARED: Final = (
    *("ActivityCode", "ActivityCodeType", "ActivityFilter", "ActivityStepTemplate"),
    *("ActivityStepTemplateItem", "Alert", "AutovueAttr", "BaselineType", "CBS", "Calendar"),
    *("CBSDurationSummary", "ChangeSet", "CostAccount", "Currency", "DisplayCurrency"),
    *("DocumentCategory", "DocumentStatusCode", "EPS", "EPSBudgetChangeLog", "EPSFunding"),
    *("EPSNote", "EPSSpendingPlan", "ExpenseCategory", "FinancialPeriod"),
    *("FinancialPeriodTemplate", "FundingSource", "GatewayDeployment", "GlobalPreferences"),
    *("GlobalProfile", "GlobalReplace", "ImportOptionsTemplate", "JobService", "Location"),
    *("MSPTemplate", "NotebookTopic", "OBS", "OverheadCode", "Profile", "ProjectCode"),
    *("ProjectCodeType", "ProjectPortfolio", "ProjectProfile", "ProjectResourceCategory"),
    *("Resource", "ResourceAccess", "ResourceAssignmentCode", "ResourceAssignmentCodeType"),
    *("ResourceCode", "ResourceCodeAssignment", "ResourceCodeType", "ResourceCurve"),
    *("ResourceHour", "ResourceLocation", "ResourceRate", "ResourceRole", "ResourceTeam"),
    *("RiskCategory", "RiskMatrix", "RiskMatrixScore", "RiskMatrixThreshold", "RiskThreshold"),
    *("RiskThresholdLevel", "Role", "RoleCode", "RoleCodeAssignment", "RoleCodeType"),
    *("RoleLimit", "RoleRate", "RoleRateNew", "RoleTeam", "ScheduleCheckOption", "Shift"),
    *("ShiftPeriod", "ThresholdParameter", "Timesheet", "TimesheetAudit", "TimesheetDelegate"),
    *("TimesheetPeriod", "UDFCode", "UDFType", "UnitOfMeasure", "User", "UserConsent"),
    *("UserFieldTitle", "UserInterfaceView", "UserLicense", "UserOBS", "WBSCategory"),
)
"""Elements that the schema has under the root, besides projects and their records."""

LOOSE: Final = (
    *("Activity", "ActivityCodeAssignment", "ActivityCodeUpdate", "ActivityComment"),
    *("ActivityExpense", "ActivityNote", "ActivityNoteUpdate", "ActivityOwner"),
    *("ActivityPeriodActual", "ActivityRisk", "ActivityStep", "ActivityStepCreate"),
    *("ActivityStepDelete", "ActivityStepUpdate", "ActivityUpdate", "Document", "IssueHistory"),
    *("LeanTask", "ProjectBudgetChangeLog", "ProjectCodeAssignment", "ProjectDeployment"),
    *("ProjectDocument", "ProjectFunding", "ProjectIssue", "ProjectNote", "ProjectResource"),
    *("ProjectResourceQuantity", "ProjectSpendingPlan", "ProjectThreshold", "Relationship"),
    *("ResourceAssignment", "ResourceAssignmentCodeAssignment", "ResourceAssignmentCreate"),
    *("ResourceAssignmentPeriodActual", "ResourceAssignmentUpdate", "Risk", "RiskImpact"),
    *("RiskResponseAction", "RiskResponseActionImpact", "RiskResponsePlan", "ScheduleOptions"),
    *("StepUserDefinedValueUpdate", "UDFValue", "UpdateBaselineOption"),
    *("UserDefinedValueUpdate", "WBS", "WBSMilestone", "WbsReviewers"),
)
"""Records of projects that the schema also has under the root."""

OWNERS: Final = {
    "ResourceCodeAssignment": "Resource",
    "ResourceLocation": "Resource",
    "ResourceRate": "Resource",
    "ResourceRole": "Resource",
    "RiskMatrixScore": "RiskMatrix",
    "RiskMatrixThreshold": "RiskMatrix",
    "RiskThresholdLevel": "RiskThreshold",
    "RoleCodeAssignment": "Role",
    "RoleLimit": "Role",
    "RoleRate": "Role",
    "RoleRateNew": "Role",
    "ShiftPeriod": "Shift",
    "UDFCode": "UDFType",
}
"""Kinds of objects that refer to their owner: a project that takes the owner takes them too."""

RESOURCE_TYPE: Final = values.enumeration(
    "type", {"Labor": "work", "Nonlabor": "nonlabor", "Material": "material"}
)

# A shared object has all its fields as attributes. The columns are for a row in a project.
OBJECT: Final = RecordRule(
    "shared object",
    columns=("object_id",),
    fields=(Field("ObjectId", "object_id", values.ID, keep=True),),
)
RESOURCE: Final = RecordRule(
    "Resource",
    Table.RESOURCES,
    fields=(
        Field("ObjectId", "resource_id", values.ID, keep=True),
        Field("Name", "name", values.TEXT, keep=True),
        Field("ResourceType", "type", RESOURCE_TYPE, keep=True),
        Field("EmailAddress", "email", values.TEXT, keep=True),
        Field("Id", "code", values.TEXT, keep=True),
        Field("MaxUnitsPerTime", "max_units", values.DECIMAL, keep=True),
        Field("CalendarObjectId", "calendar_id", values.ID, keep=True),
        Field("PricePerUnit", "standard_rate", values.DECIMAL, keep=True),
    ),
)

_TASK_ELEMENTS: Final = {"WBS": "Activity"}
"""A WBS element becomes a task, so its fields refer to the same kinds as those of an activity."""
_LONGEST_FIRST: Final = sorted(SHARED, key=len, reverse=True)
_WORD: Final = re.compile(r"\w{1,1000}", re.ASCII)
_TEMPLATE_ID: Final = "FinancialPeriodTemplateId"
"""The one field that refers to an object outside projects by another name."""
_TEMPLATE: Final = re.compile(rf'"{_TEMPLATE_ID}":"([0-9]{{1,{MAX_ID}}})"'.encode())
_REFERENCE: Final = b'ObjectId":"'
"""What is between the name of a field that refers to an object and the id, in JSON. No text has it,
because quotes in texts are escaped."""


def owners_of(kind: str, references: Iterable[bytes]) -> list[bytes]:
    """Return those of an object's references that are its owners."""
    if kind not in OWNERS:
        return []
    owner = f"{OWNERS[kind]} ".encode()
    return [name for name in references if name.startswith(owner)]


def name_of(kind: str, object_id: str) -> bytes:
    """Return the name of an object in the store."""
    return f"{kind} {object_id}".encode()


def references(element: str, attributes: bytes) -> frozenset[bytes]:
    """Return the names of the shared objects that a record may refer to.

    Args:
        element: local name of the record.
        attributes: its JSON with sorted keys.
    """
    pieces = attributes.split(_REFERENCE)
    encoded = element.encode()
    ids = [piece[: piece.index(b'"')] for piece in pieces[1:]]
    names: list[bytes] = []
    for at, object_id in enumerate(ids):
        field, code = pieces[at][pieces[at].rfind(b'"') + 1 :], b""
        if field == b"Type" and pieces[at + 1] == object_id + b'","Value' and at + 1 < len(ids):
            code = ids[at + 1]
        if field:  # not the record's own id
            names += _NAMES[encoded, field, object_id, code]
    if template := _TEMPLATE.search(attributes):
        names.append(name_of("FinancialPeriodTemplate", template[1].decode()))
    return frozenset(names)


def references_of_field(element: str, field: str, text: str) -> set[bytes]:
    """Return the names of the shared objects that one field may refer to.

    ``references`` reads a complete record, in which the value of a code follows its type. This
    function reads one field alone, so a type counts both as the type of a code and as the type of a
    user-defined field. The result contains all names that ``references`` returns, and may contain
    more.

    Args:
        element: local name of the record, or of the object outside projects, that has the field.
        field: local name of the field.
        text: the field's text.
    """
    object_id = text.strip(values.BLANK)
    if object_id.isascii() and object_id.isdecimal():
        return {name_of(kind, object_id) for kind in _KINDS[element, field]}
    # An assignment may name its resource by any id.
    return {name_of("Resource", object_id)} if field == "ResourceObjectId" else set()


def _kinds(key: tuple[str, ...]) -> frozenset[str]:
    element, field = key
    if field == _TEMPLATE_ID:
        return frozenset({"FinancialPeriodTemplate"})
    base = field.removesuffix("ObjectId")
    kinds: set[str | None] = set()
    for holder in (element, _TASK_ELEMENTS.get(element, element)):
        kinds.add(_kind(holder, base))
        if base in ("Type", "Value"):
            kinds.add(_code_type(holder) if base == "Type" else _code(holder))
    return frozenset(kind for kind in kinds if kind is not None and field not in (base, "ObjectId"))


def _names(key: tuple[bytes, ...]) -> tuple[bytes, ...]:
    """Return the names that a field refers to; ``code`` is the value beside a code's type."""
    element, field, object_id, code = (part.decode() for part in key)
    if not _is_id(object_id) or not _WORD.fullmatch(field):
        return ()
    if _is_id(code):
        return name_of(_code_type(element), object_id), name_of(_code(element), code)
    kind = _kind(element, field)
    return () if kind is None else (name_of(kind, object_id),)


def _is_id(text: str) -> bool:
    """Whether an object can have the id; none has an id longer than ``MAX_ID``."""
    return text.isascii() and text.isdigit() and len(text) <= MAX_ID


def _code(element: str) -> str:
    """Return the kind of a record's codes. A ``Code`` under a project itself is a project code."""
    return "ProjectCode" if element == "Code" else f"{element}Code"


def _code_type(element: str) -> str:
    return f"{_code(element)}Type"


def _kind(element: str, field: str) -> str | None:
    """Return the kind that a field refers to, from the field's name without ``ObjectId``."""
    if field == "Parent":
        return element
    if field == "CodeType":
        return "UDFType" if element == "UDFCode" else f"{element}Type"
    if field == "Type":
        return "UDFType"
    return next(filter(field.endswith, _LONGEST_FIRST), None)


def _refers(element: str, field: str) -> bool:
    return field == "ResourceObjectId" or not _KINDS[element, field].isdisjoint(SHARED)


_KINDS: Final = TextCache(_kinds)
_NAMES: Final = TextCache(_names)


SHARED_OBJECT_RULES: Final = SharedObjectRules(
    frozenset(SHARED), name_of, owners_of, references_of_field, references, _refers
)


def unused_objects(count: int) -> FileWarning:
    """Warn about the shared objects that no project of the file refers to."""
    message = "Shared objects that no project refers to are not imported"
    return FileWarning(WarningCode.SHARED_OBJECTS_UNUSED, message, count)


class P6FileContext(FileContext):
    """One file of Primavera: its shared objects, and the numbers of records that are not imported.

    Attributes:
        store: the shared objects so far.
        held: the complete projects that may still get baselines.
        new: offsets in the store of the objects that projects took, and that no item has passed on.
    """

    def __init__(
        self,
        parsers: ParserSet,
        limits: Limits,
        engine: Engine,
        give_way: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__(parsers, limits, engine, give_way)
        self.store = SharedStore(limits.shared_bytes, limits.spool, give_way=give_way)
        self.held = HeldProjects(limits.spool, give_way)
        self.new: list[int] = []
        self._loose_records = 0
        self._marked = 0, 0, 0, 0
        self._final: tuple[int, int, int, int] | None = None

    def add_shared_object(self, element: Element) -> None:
        """Store a shared object."""
        kind = self.keys[element.tag]
        rule = RESOURCE if kind == RESOURCE.name else OBJECT
        record = self.record_parser(rule, SOURCE)(element)
        object_id = unescape(record.columns[0])
        names = references(kind, record.stable)
        faults = record.faults
        limit = self.limits.max_attributes_bytes
        if len(record.whole) > limit:
            problem = f"is over {limit} bytes"
            faults = faults or Faults()
            faults.add(element, kind, object_id, problem, fatal=True)
        if faults is not None:
            faults.detach(object_id)
        self.store.add(
            None if object_id is None else name_of(kind, object_id),
            shared_object(kind, object_id, record),
            names,
            owners=owners_of(kind, names),
            columns=b"\t".join(record.columns) if rule is RESOURCE else b"",
            faults=faults,
        )

    def count_loose_record(self, _element: Element) -> None:
        """Count a record that should be in a project, but is outside all projects."""
        self._loose_records += 1

    def ignore(self, _element: Element) -> None:
        """Ignore an element."""

    def release(self) -> Iterable[Item]:
        """Return the items of the projects that waited for baselines."""
        return self.held.release()

    def mark(self) -> None:
        """Remember the counts of the warnings."""
        self._marked = self._counts()

    def rewind(self) -> None:
        """Return to the counts of the last mark."""
        self._final = self._marked

    def _counts(self) -> tuple[int, int, int, int]:
        baselines = self.held.skipped + self.held.early
        return baselines, self._loose_records, len(self.store), self.store.ambiguous

    def finish(self) -> None:
        """Warn about records that are not imported, and about objects with the same id."""
        baselines, loose_records, objects, ambiguous = self._final or self._counts()
        warnings = (
            FileWarning(
                WarningCode.BASELINE_PROJECTS_SKIPPED,
                "Baselines without their project, or far from it in the file, are not imported",
                baselines,
            ),
            FileWarning(
                WarningCode.LOOSE_RECORDS_SKIPPED,
                "Activities and other records outside a project are not imported",
                loose_records,
            ),
            unused_objects(self.store.count_unused(objects)),
            FileWarning(
                WarningCode.SHARED_OBJECTS_AMBIGUOUS,
                "Shared objects have the ObjectId of another; projects that refer to it get both",
                ambiguous,
            ),
        )
        self.warnings += [warning for warning in warnings if warning.count]

    def close(self) -> None:
        """Free memory and disk."""
        self.held.close()
        self.store.close()
