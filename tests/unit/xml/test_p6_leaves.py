"""Nothing is dropped: every leaf of a Primavera file is in a column, in attributes, in a part or in
a shared object."""

import json
from collections import Counter, deque
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest
from lxml.etree import QName, _Element

from service.model import Project, SharedObject, WarningCode
from service.rows import Table
from tests.leaves import Leaves, is_structured, json_leaves, tree, xml_leaves
from tests.reading import Row, project_row, rows
from tests.unit.xml.p6_files import FILES, reading

pytestmark = pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)


def same_text(raw: str, column: str) -> bool:
    return raw == column


def same_id(raw: str, column: str) -> bool:
    return raw.strip() == column


def same_number(raw: str, column: str) -> bool:
    return Decimal(raw) == Decimal(column)


def same_moment(raw: str, column: str) -> bool:
    return datetime.fromisoformat(raw) == datetime.fromisoformat(column)


def same_fraction(raw: str, column: str) -> bool:
    return Decimal(raw) * 100 == Decimal(column)


def same_hours(raw: str, column: str) -> bool:
    hours = Decimal(0)
    number = ""
    for sign in column.removeprefix("PT"):
        if sign in "HMS":
            hours += Decimal(number) / {"H": 1, "M": 60, "S": 3600}[sign]
            number = ""
        else:
            number += sign
    return abs(hours - Decimal(raw)) < Decimal("0.000001")


def same_word(words: dict[str, str]) -> Callable[[str, str], bool]:
    return lambda raw, column: words[raw] == column


Inverse = dict[str, tuple[str, Callable[[str, str], bool]]]
"""By element, the column that its text is in, and when text and column say the same."""

PROJECT: Inverse = {
    "Id": ("external_id", same_id),
    "Name": ("name", same_text),
    "Status": ("status", same_text),
    "Description": ("description", same_text),
    "StartDate": ("start", same_moment),
    "PlannedStartDate": ("start", same_moment),
    "FinishDate": ("finish", same_moment),
    "StrategicPriority": ("priority", same_number),
}
WBS: Inverse = {
    "ObjectId": ("task_id", same_id),
    "Name": ("name", same_text),
    "Code": ("wbs", same_text),
    "ParentObjectId": ("parent_id", same_id),
}
ACTIVITY: Inverse = {
    "ObjectId": ("task_id", same_id),
    "Id": ("wbs", same_text),
    "Name": ("name", same_text),
    "WBSObjectId": ("parent_id", same_id),
    "StartDate": ("start", same_moment),
    "FinishDate": ("finish", same_moment),
    "AtCompletionDuration": ("duration", same_hours),
    "PlannedDuration": ("duration", same_hours),
    "AtCompletionLaborUnits": ("work", same_hours),
    "PercentComplete": ("percent_complete", same_fraction),
}
LINK_WORDS = {
    "Finish to Finish": "FF",
    "Finish to Start": "FS",
    "Start to Finish": "SF",
    "Start to Start": "SS",
}
RELATIONSHIP: Inverse = {
    "PredecessorActivityObjectId": ("predecessor_id", same_id),
    "SuccessorActivityObjectId": ("successor_id", same_id),
    "Type": ("type", same_word(LINK_WORDS)),
    "Lag": ("lag", same_hours),
}
ASSIGNMENT: Inverse = {
    "ActivityObjectId": ("task_id", same_id),
    "ResourceObjectId": ("resource_id", same_id),
    "PlannedUnitsPerTime": ("units", same_number),
    "AtCompletionUnits": ("work", same_hours),
}
TABLES: dict[str, tuple[Table, Inverse]] = {
    "WBS": (Table.TASKS, WBS),
    "Activity": (Table.TASKS, ACTIVITY),
    "Relationship": (Table.DEPENDENCIES, RELATIONSHIP),
    "ResourceAssignment": (Table.ASSIGNMENTS, ASSIGNMENT),
}


def accounted(said: Leaves, row: Row, inverse: Inverse) -> bool:
    """Whether attributes have all that a record says but what columns have, and nothing else."""
    kept = json_leaves(json.loads(row["attributes"] or ""))
    taken: Counter[str] = Counter()
    for path, texts in said.items():
        left = kept.pop(path, [])
        if left == texts:
            continue
        if path[0] not in inverse:
            return False
        column, same = inverse[path[0]]
        value = row[column]
        if texts[1:] != left or value is None or not same(texts[0], value):
            return False
        taken[column] += 1
    return not kept and (not taken or max(taken.values()) == 1)


def leaves_of(project: Project, element: _Element) -> int:
    """Find every leaf of a project's element; how many there are."""
    own = project_row(project) | {"external_id": project.external_id}
    said = xml_leaves(element, scalars=True)
    assert accounted(said, own, PROJECT), project.external_id
    count = sum(map(len, said.values()))
    waiting = {table: deque(rows(project, table)) for table in Table}
    parts: dict[str | None, deque[Row]] = {}
    for part in waiting.pop(Table.PARTS):
        parts.setdefault(part["element"], deque()).append(part)
    for child in filter(is_structured, element):
        name = QName(child).localname
        said = xml_leaves(child)
        count += sum(map(len, said.values()))
        table, inverse = TABLES.get(name, (Table.PARTS, {}))
        queue = waiting.get(table)
        if queue and accounted(said, queue[0], inverse):
            queue.popleft()
        elif said:
            assert accounted(said, parts[name].popleft(), {}), (project.external_id, name, said)
    del waiting[Table.RESOURCES]
    assert not any(waiting.values())
    assert not any(parts.values())
    return count


def test_nothing_of_a_project_is_dropped(file: Path) -> None:
    elements = [child for child in tree(file) if QName(child).localname == "Project"]
    count = 0
    for project, element in zip(reading(file).projects, elements, strict=True):
        count += leaves_of(project, element)
    print(file.name, count, "leaves of projects")
    assert count > 60


# Shared objects, told by a list of fields instead of the rule that the reader goes by

FIELDS = {
    "ActivityDefaultCalendarObjectId": "Calendar",
    "BaseCalendarObjectId": "Calendar",
    "CalendarObjectId": "Calendar",
    "CodeTypeObjectId": "ActivityCodeType",
    "CurrencyObjectId": "Currency",
    "NotebookTopicObjectId": "NotebookTopic",
    "ResourceCurveObjectId": "ResourceCurve",
    "ResourceObjectId": "Resource",
    "RoleObjectId": "Role",
    "UnitOfMeasureObjectId": "UnitOfMeasure",
}
Named = tuple[str, str | None]


def refers(element: _Element) -> set[Named]:
    """What an element says it refers to."""
    found: set[Named] = set()
    for inner in element.iter():
        name, parent = QName(inner).localname, inner.getparent()
        holder = "" if parent is None else QName(parent).localname
        if name in FIELDS:
            found.add((FIELDS[name], inner.text))
        elif name == "ParentObjectId":
            found.add((holder, inner.text))
        elif (holder, name) == ("UDF", "TypeObjectId"):
            found.add(("UDFType", inner.text))
        elif (holder, name) == ("Code", "TypeObjectId"):
            found.add(("ActivityCodeType", inner.text))
        elif (holder, name) == ("Code", "ValueObjectId"):
            found.add(("ActivityCode", inner.text))
    return found


def test_a_project_takes_the_shared_objects_that_it_needs_and_all_they_say(file: Path) -> None:
    root = tree(file)
    elements: dict[Named, _Element] = {}
    needs: dict[Named, set[Named]] = {}
    for child in root:
        kind = QName(child).localname
        if kind not in ("Project", "ProjectList"):
            named = kind, child.findtext("{*}ObjectId")
            elements[named] = child
            needs.setdefault(named, set()).update(refers(child))
            if kind in ("ResourceRate", "RoleRate"):
                owner = kind.removesuffix("Rate")
                needs.setdefault((owner, child.findtext(f"{{*}}{owner}ObjectId")), set()).add(named)
    given: dict[bytes, SharedObject] = {}
    for item in reading(file).shared:
        for one in item.objects:
            assert one.hash not in given
            given[one.hash] = one
            said = xml_leaves(elements[one.element, one.object_id])
            assert json_leaves(json.loads(one.attributes)) == said
    projects = [child for child in root if QName(child).localname == "Project"]
    for project, element in zip(reading(file).projects, projects, strict=True):
        wanted = refers(element)
        queue = list(wanted)
        while queue:
            more = needs.get(queue.pop(), set()) - wanted
            wanted |= more
            queue += more
        taken = {(given[digest].element, given[digest].object_id) for digest in project.shared}
        assert taken == wanted & elements.keys(), project.external_id
    unused = {warning.code: warning.count for warning in reading(file).warnings}
    assert unused.get(WarningCode.SHARED_OBJECTS_UNUSED, 0) == len(elements) - len(given)
    leaves = sum(len(texts) for one in elements.values() for texts in xml_leaves(one).values())
    print(file.name, len(given), "of", len(elements), "shared objects,", leaves, "leaves in all")


def test_resources_that_assignments_name_have_a_row(file: Path) -> None:
    types = {"Labor": "work", "Nonlabor": "nonlabor", "Material": "material"}
    known = {
        one.findtext("{*}ObjectId"): one for one in tree(file) if QName(one).localname == "Resource"
    }
    for project in reading(file).projects:
        named = [row["resource_id"] for row in rows(project, Table.ASSIGNMENTS)]
        wanted = list(dict.fromkeys(one for one in named if one in known))
        found = rows(project, Table.RESOURCES)
        assert [row["resource_id"] for row in found] == wanted
        for row in found:
            element = known[row["resource_id"]]
            assert row["name"] == element.findtext("{*}Name")
            assert row["type"] == types[element.findtext("{*}ResourceType") or ""]
            assert row["email"] == (element.findtext("{*}EmailAddress") or None)
            assert row["attributes"] == "{}"
