"""Which shared objects a Primavera project takes, and when they are returned."""

import json

import pytest

from service.codes import ErrorCode, WarningCode
from service.formats.limits import Limits
from service.formats.p6.shared_objects import references
from service.model import FileWarning, SharedObjects
from service.tables import Table
from tests.support.native import FILE_START
from tests.support.p6_files import activity, file, project, record, shared_ids, wbs
from tests.support.reading import read, read_project, rows

pytestmark = pytest.mark.usefixtures("both_engines")


def thing(kind: str, object_id: int, **fields: object) -> str:
    return record(kind, ObjectId=object_id, **fields)


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        ("<ActivityDefaultCalendarObjectId>5</ActivityDefaultCalendarObjectId>", "Calendar"),
        ("<OBSObjectId>5</OBSObjectId>", "OBS"),
        ("<ParentEPSObjectId>5</ParentEPSObjectId>", "EPS"),
        ("<LastFinancialPeriodObjectId>5</LastFinancialPeriodObjectId>", "FinancialPeriod"),
        ("<RiskMatrixObjectId>5</RiskMatrixObjectId>", "RiskMatrix"),
        (record("Code", TypeObjectId=5, ValueObjectId=6), "ProjectCodeType"),
        (record("Code", TypeObjectId=6, ValueObjectId=5), "ProjectCode"),
        (record("UDF", TypeObjectId=5, TextValue="x"), "UDFType"),
        (record("Calendar", ObjectId=1, BaseCalendarObjectId=5), "Calendar"),
        (record("ActivityNote", NotebookTopicObjectId=5), "NotebookTopic"),
        (record("ActivityExpense", ExpenseCategoryObjectId=5), "ExpenseCategory"),
        (record("ActivityExpense", CostAccountObjectId=5), "CostAccount"),
        (record("ProjectFunding", FundingSourceObjectId=5), "FundingSource"),
        (record("ActivityCode", ObjectId=1, CodeTypeObjectId=5), "ActivityCodeType"),
        (record("UnheardOf", Deep=record("Deeper", ShiftObjectId=5)), "Shift"),
        (wbs(1, WBSCategoryObjectId=5), "WBSCategory"),
        (wbs(1, UDF="<TypeObjectId>5</TypeObjectId>"), "UDFType"),
        (activity(1, CalendarObjectId=5), "Calendar"),
        (activity(1, PrimaryResourceObjectId=5), "Resource"),
        (activity(1, LocationObjectId=5), "Location"),
        (activity(1, UDF="<TypeObjectId>5</TypeObjectId><TextValue>x</TextValue>"), "UDFType"),
        (
            activity(1, Code="<TypeObjectId>5</TypeObjectId><ValueObjectId>6</ValueObjectId>"),
            "ActivityCodeType",
        ),
        (
            activity(1, Code="<ValueObjectId>5</ValueObjectId><TypeObjectId>6</TypeObjectId>"),
            "ActivityCode",
        ),
        (
            record(
                "ResourceAssignment",
                Code="<TypeObjectId>6</TypeObjectId><ValueObjectId>5</ValueObjectId>",
            ),
            "ResourceAssignmentCode",
        ),
        (record("ResourceAssignment", ActivityObjectId=1, ResourceObjectId=5), "Resource"),
        (record("ResourceAssignment", RoleObjectId=5), "Role"),
        (record("ResourceAssignment", ResourceCurveObjectId=5), "ResourceCurve"),
        (record("Relationship", LagCalendarObjectId=5), "Calendar"),
        (record("Risk", ResourceRoleObjectId=5), "ResourceRole"),
        (
            "<FinancialPeriodTemplateId>5</FinancialPeriodTemplateId>",
            "FinancialPeriodTemplate",
        ),
    ],
)
def test_every_kind_of_record_takes_the_objects_it_refers_to(content: str, kind: str) -> None:
    others = [thing(other, 5) for other in ("NotebookTopic", "Calendar", "Role") if other != kind]
    reading = read(file(*others, thing(kind, 5, Name="x"), thing(kind, 7), project(content)))
    assert shared_ids(reading) == [(kind, "5")]
    [taken] = reading.projects[0].shared
    assert taken == next(iter(reading.shared[0].objects)).hash


@pytest.mark.parametrize(
    ("shared", "ids"),
    [
        (
            thing("Resource", 5, CalendarObjectId=1, CurrencyObjectId=2, ParentObjectId=6)
            + thing("Resource", 6, UnitOfMeasureObjectId=3)
            + thing("Calendar", 1, BaseCalendarObjectId=4)
            + thing("Calendar", 4)
            + thing("Currency", 2)
            + thing("UnitOfMeasure", 3),
            "Resource 5, Resource 6, Calendar 1, Calendar 4, Currency 2, UnitOfMeasure 3",
        ),
        (
            thing("Role", 3, ParentObjectId=4)
            + thing("RoleRate", 1, RoleObjectId=3)
            + thing("Role", 4)
            + thing("Resource", 5)
            + thing("ResourceRate", 1, ResourceObjectId=5, ShiftPeriodObjectId=8)
            + thing("ResourceRate", 2, ResourceObjectId=6)
            + thing("ResourceRole", 1, ResourceObjectId=5, RoleObjectId=3)
            + thing("ShiftPeriod", 8, ShiftObjectId=9)
            + thing("Shift", 9),
            "Role 3, RoleRate 1, Role 4, Resource 5, ResourceRate 1, ResourceRole 1, "
            "ShiftPeriod 8, Shift 9",
        ),
        (
            thing("UDFType", 2)
            + thing("UDFCode", 1, CodeTypeObjectId=2)
            + thing("ResourceCodeType", 3)
            + thing("ResourceCode", 4, CodeTypeObjectId=3, ParentObjectId=5)
            + thing("ResourceCode", 5, CodeTypeObjectId=3)
            + thing("ResourceCode", 6, CodeTypeObjectId=3)
            + thing(
                "Resource",
                5,
                Code="<TypeObjectId>3</TypeObjectId><ValueObjectId>4</ValueObjectId>",
                UDF="<TypeObjectId>2</TypeObjectId>",
            ),
            "UDFType 2, UDFCode 1, ResourceCodeType 3, ResourceCode 4, ResourceCode 5, Resource 5",
        ),
    ],
    ids=["resource", "role", "codes"],
)
def test_a_project_takes_referred_and_owned_objects_transitively(shared: str, ids: str) -> None:
    reading = read(file(shared, project(activity(1, PrimaryResourceObjectId=5))))
    assert [f"{kind} {object_id}" for kind, object_id in shared_ids(reading)] == ids.split(", ")


def test_a_text_cannot_look_like_a_reference() -> None:
    text = '{"CalendarObjectId":"5"} \\"CalendarObjectId":"5"'
    written = json.dumps({"Name": text, "RoleObjectId": "6"}, separators=(",", ":")).encode()
    assert references("Activity", written) == {b"Role 6"}


def test_a_shared_object_comes_once_before_all_projects_that_take_it() -> None:
    uses_three, uses_four = (activity(1, CalendarObjectId=calendar) for calendar in (3, 4))
    reading = read(
        file(
            thing("Calendar", 3),
            thing("Calendar", 4),
            thing("Calendar", 5),
            project(uses_three, id="A"),
            project(uses_three, id="B"),
            project(uses_four, activity(2, CalendarObjectId=3), id="C"),
        )
    )
    order = [
        [one.object_id for one in item.objects]
        if isinstance(item, SharedObjects)
        else item.external_id
        for item in reading.items
    ]
    assert order == [["3", "4"], "A", "B", "C"]  # the projects waited for baselines
    first, second, third = (one.shared for one in reading.projects)
    assert first == second
    assert set(first) < set(third)
    assert list(third) == sorted(third)
    assert reading.warnings == [
        FileWarning(
            WarningCode.SHARED_OBJECTS_UNUSED,
            "Shared objects that no project refers to are not imported",
            1,
        )
    ]


def test_a_shared_object_keeps_all_its_fields() -> None:
    resource = thing("Resource", 7, Name="Crew", ResourceType="Labor", LastUpdateUser="me", Id="C")
    assignment = record("ResourceAssignment", ActivityObjectId=1, ResourceObjectId=7)
    [one] = read(file(resource, project(activity(1), assignment))).shared[0].objects
    assert json.loads(one.attributes) == {
        "Id": "C",
        "LastUpdateUser": "me",
        "Name": "Crew",
        "ObjectId": "7",
        "ResourceType": "Labor",
    }


def test_a_reference_to_a_missing_object_is_kept_without_a_fault() -> None:
    one = read_project(file(project(activity(1, CalendarObjectId=3))))
    assert one.shared == ()
    assert one.warnings.count == 0


def test_two_objects_with_one_id_are_a_warning() -> None:
    reading = read(
        file(
            thing("Calendar", 3, Name="Day"),
            thing("Calendar", 3, Name="Night"),
            thing("Calendar", 3, Name="Day"),
            project(activity(1, CalendarObjectId=3)),
        )
    )
    assert len(reading.projects[0].shared) == 2
    assert [(one.code, one.count) for one in reading.warnings] == [
        (WarningCode.SHARED_OBJECTS_AMBIGUOUS, 1)
    ]


def test_objects_without_an_id_are_counted_as_unused() -> None:
    reading = read(file(record("DisplayCurrency", Name="€"), record("DisplayCurrency"), project()))
    assert [(one.code, one.count) for one in reading.warnings] == [
        (WarningCode.SHARED_OBJECTS_UNUSED, 2)
    ]


def test_an_object_over_the_limit_refuses_only_the_projects_that_take_it() -> None:
    large = thing("Calendar", 3, Name="x" * 2000)
    deep = thing("Role", 4, Deep="<a>" * 150 + "x" + "</a>" * 150)
    reading = read(
        file(
            large,
            deep,
            thing("Role", 6),
            project(activity(1, CalendarObjectId=3, PrimaryRoleObjectId=6), id="A"),
            project(activity(1, PrimaryRoleObjectId=4), id="B"),
            project(activity(1, PrimaryRoleObjectId=6), id="C"),
        ),
        Limits(max_attributes_bytes=1000),
    )
    assert [(one.external_id, one.code, one.message) for one in reading.refusals] == [
        (
            "A",
            ErrorCode.PROJECT_TOO_LARGE,
            "Calendar 3 is over 1000 bytes, and the project refers to it",
        ),
        (
            "B",
            ErrorCode.PROJECT_TOO_LARGE,
            "Role 4 is nested too deep, and the project refers to it",
        ),
    ]
    [good] = reading.projects
    assert shared_ids(reading) == [("Role", "6")]
    assert good.shared == (next(iter(reading.shared[0].objects)).hash,)


def test_native_xml_gives_the_same_shared_objects_again() -> None:
    calendar = thing("Calendar", 3, Name="Day", LastUpdateDate="2026-01-01T00:00:00", Hours="8")
    planned = read(file(calendar, project(activity(1, CalendarObjectId=3))))
    [one] = planned.shared[0].objects
    members = json.loads(one.attributes).items()
    inside = "".join(f'<attribute name="{name}">{text}</attribute>' for name, text in members)
    native = read_project(
        f'{FILE_START}<project id="P-1" source="p6">'
        "<name>Plant</name><shared-objects>"
        f'<object element="{one.element}" id="{one.object_id}">{inside}</object>'
        "</shared-objects></project></projects>"
    )
    assert native.shared == planned.projects[0].shared


def test_an_object_can_come_before_its_owner() -> None:
    rate = thing("ResourceRate", 1, ResourceObjectId=7)
    crew = thing("Resource", 7, Name="Crew")
    assignment = record("ResourceAssignment", ActivityObjectId=5, ResourceObjectId=7)
    reading = read(file(rate, crew, project(activity(5), assignment)))
    [one] = reading.projects
    [resource] = rows(one, Table.RESOURCES)
    assert (resource["resource_id"], resource["name"]) == ("7", "Crew")
    assert len(one.shared) == 2
    assert not reading.warnings
