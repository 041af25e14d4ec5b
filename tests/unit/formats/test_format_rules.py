"""Format rules for single fields, which a program that only scans tags can use."""

import orjson
import pytest

from service.formats.format import Format
from service.formats.mspdi.format import FORMAT as MSPDI
from service.formats.native.format import FORMAT as NATIVE
from service.formats.p6.format import FORMAT as P6
from service.formats.p6.shared_objects import SHARED, references, references_of_field

GUID = "6F9619FF-8B86-D011-B42D-00C04FC964FF"


@pytest.mark.parametrize(
    ("known", "texts", "external_id"),
    [
        (NATIVE, {"@id": " A ", "name": "Plant"}, "A"),
        (NATIVE, {"name": "Plant"}, None),
        (P6, {"Id": "P-1", "ObjectId": "7"}, "P-1"),
        (MSPDI, {"GUID": GUID, "Name": "Plant"}, GUID.lower()),
        (MSPDI, {"GUID": "00000000-0000-0000-0000-000000000000", "Name": " Plant "}, "Plant"),
        (MSPDI, {"GUID": "none", "Name": "a\\b"}, "a\\b"),
        (MSPDI, {"Name": "x" * 256}, None),
    ],
)
def test_a_project_is_identified_by_the_first_good_field(
    known: Format, texts: dict[str, str], external_id: str | None
) -> None:
    assert known.identify(texts) == external_id


@pytest.mark.parametrize(
    ("element", "fields"),
    [
        ("Project", {"ActivityDefaultCalendarObjectId": "3", "OBSObjectId": "4"}),
        ("Code", {"TypeObjectId": "4", "ValueObjectId": "5"}),
        ("Activity", {"TypeObjectId": "4", "ValueObjectId": "5"}),
        ("UDFCode", {"CodeTypeObjectId": "9", "ParentObjectId": "8"}),
        ("ActivityCode", {"CodeTypeObjectId": "9", "ParentObjectId": "8"}),
        ("ResourceAssignment", {"ResourceObjectId": "7", "RoleObjectId": "6"}),
        ("UDFValue", {"TypeObjectId": "12"}),
        ("FinancialPeriod", {"FinancialPeriodTemplateId": "2", "ObjectId": "1"}),
        ("Activity", {"ObjectId": "1", "CalendarObjectId": "x", "Name": "2"}),
        *(("Activity", {f"{kind}ObjectId": "1"}) for kind in SHARED),
    ],
)
def test_single_fields_name_all_shared_objects_that_the_record_names(
    element: str, fields: dict[str, str]
) -> None:
    of_record = references(element, orjson.dumps(fields, option=orjson.OPT_SORT_KEYS))
    of_fields = [references_of_field(element, *field) for field in fields.items()]
    assert of_record <= set().union(*of_fields)


def test_a_wbs_element_refers_to_what_an_activity_refers_to() -> None:
    assert b"ActivityCode 5" in references_of_field("WBS", "ValueObjectId", " 5 ")


def test_an_assignment_refers_to_a_resource_of_any_id() -> None:
    named = references_of_field("ResourceAssignment", "ResourceObjectId", "R-7")
    assert named == {b"Resource R-7"}
    assert references_of_field("Activity", "CalendarObjectId", "C-7") == set()
