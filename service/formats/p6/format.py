"""Primavera P6 XML (PMXML), in the namespace of any version or in none.

The vendor's schema fixes the order under a project: scalars, codes, WBS elements, activities,
assignments, notes and steps, relationships. WBS elements come in any order among themselves.
"""

import re
from dataclasses import replace
from typing import Final

from service.formats.format import Format
from service.formats.p6.builders import TAKEN, P6BaselineBuilder, P6ProjectBuilder
from service.formats.p6.mapping import (
    ACTIVITY,
    ASSIGNMENT,
    BASELINE,
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
)
from service.formats.record_rules import KEEP_AS_PART, ReferenceRule

_NAMESPACE: Final = re.compile(
    r"https?://xmlns\.oracle\.com/Primavera/P6\w*/V[^/]+/API/BusinessObjects"
)


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
                    (TAKEN,),
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
    companions={BASELINE.name: P6BaselineBuilder},
    passed_over={
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
    # A change of an activity need not change ``LastUpdateDate`` of its project.
    dated_by=("DataDate", "LastUpdateDate"),
)
