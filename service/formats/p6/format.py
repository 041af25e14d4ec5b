"""Primavera P6 XML (PMXML), in the namespace of any version or in none.

The vendor's schema fixes the order under a project: scalars, codes, WBS elements, activities,
assignments, notes and steps, relationships. WBS elements come in any order among themselves.
"""

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from service.codes import WarningCode
from service.formats.element import Element, line_of
from service.formats.engine.parsed_record import ParsedRecord
from service.formats.format import Format
from service.formats.p6.mapping import ACTIVITY, ASSIGNMENT, PARTS, PROJECT, RELATIONSHIP, WBS
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
from service.formats.record_rules import KEEP_AS_PART, RecordRule, ReferenceRule
from service.formats.references import Row
from service.formats.shared_objects import Node
from service.formats.values import unescape
from service.model import SharedObject
from service.tables import Table

_NAMESPACE: Final = re.compile(
    r"https?://xmlns\.oracle\.com/Primavera/P6\w*/V[^/]+/API/BusinessObjects"
)
_TAKEN: Final = "taken"
"""Kind of the ids of resources that have a row in the project."""


class P6ProjectBuilder(ProjectBuilder):
    """A ``Project`` directly under the root, with the shared objects that its records refer to."""

    file: P6FileContext

    def __init__(self, file: P6FileContext, element: Element, index: int, line: int) -> None:
        super().__init__(file, element, index, line)
        self._referred: set[bytes] = set()
        self._new: list[int] = []
        self._row_size = 0

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
        size = self._content.rows.size + self._row_size
        self._new, fatal = self.file.store.take(self._referred, self.shared, size)
        if fatal is not None:
            raise TooLarge(
                f"{fatal.element} {fatal.value} {fatal.problem}, and the project refers to it"
            )

    def new_shared_objects(self) -> Iterable[SharedObject] | None:
        """Return the shared objects that no earlier project has taken."""
        return self.file.store.objects(self._new) if self._new else None

    def _take_resource(self, node: Node, object_id: bytes, name: bytes) -> Row:
        self.references.register(_TAKEN.encode() + object_id)
        self._referred.add(name)
        text = node.columns + b"\t{}"
        return Row(Table.RESOURCES, text, text)


def _recognises(namespace: str, name: str) -> bool:
    known = not namespace or _NAMESPACE.fullmatch(namespace) is not None
    return known and name == "APIBusinessObjects"


FORMAT: Final = Format(
    name=SOURCE,
    recognises=_recognises,
    namespace=None,
    project=PROJECT,
    identity=tuple(field for field in PROJECT.fields if field.column == "external_id"),
    records={
        "WBS": WBS,
        "Activity": ACTIVITY,
        "Relationship": RELATIONSHIP,
        "ResourceAssignment": replace(
            ASSIGNMENT,
            references=(
                ReferenceRule(
                    ("resource_id",),
                    (_TAKEN,),
                    supply=P6ProjectBuilder.supply_resource,
                    resolve=P6ProjectBuilder.take_resource,
                ),
                *ASSIGNMENT.references,
            ),
        ),
        **dict.fromkeys(PARTS, KEEP_AS_PART),
    },
    builder=P6ProjectBuilder,
    context=P6FileContext,
    outside=dict.fromkeys(SHARED, P6FileContext.add_shared_object)
    | dict.fromkeys(LOOSE, P6FileContext.count_loose_record),
    passed_over={
        "BaselineProject": P6FileContext.count_baseline,
        # The list repeats the ids of the projects in the file.
        "ProjectList": P6FileContext.ignore,
    },
    shared=SHARED_OBJECT_RULES,
    # The user of the last save, and the times of P6's nightly jobs. ``CreateDate``, ``CreateUser``
    # and ``DateAdded`` never change, and ``DataDate`` is content of the plan.
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
