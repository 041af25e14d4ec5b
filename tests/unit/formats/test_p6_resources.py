"""The shared objects and resources that a Primavera project takes, with all their fields."""

import json
from pathlib import Path

import pytest
from lxml.etree import QName, _Element

from service.codes import WarningCode
from service.model import SharedObject
from service.tables import Table
from tests.support.leaves import json_leaves, tree, xml_leaves
from tests.support.p6_real_files import FILES, reading
from tests.support.reading import rows

pytestmark = pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)

FIELDS = {  # rather than the rule that the reader goes by
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
    """Return the references of an element."""
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


def test_a_project_takes_its_shared_objects_with_all_fields(file: Path) -> None:
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
            expected = xml_leaves(elements[one.element, one.object_id])
            assert json_leaves(json.loads(one.attributes)) == expected
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


def test_resources_of_assignments_have_a_row(file: Path) -> None:
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
