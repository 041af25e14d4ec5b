"""Codes, custom fields, notes, time-phased data and shared objects of both formats as rows."""

from datetime import datetime, timedelta
from decimal import Decimal

from service.storage import Pool
from tests.support.p6_files import file, project
from tests.support.plan_views import element, import_plans, mspdi, select
from tests.support.service import Service


def code(type_id: int, value_id: int) -> str:
    return element("Code", TypeObjectId=type_id, ValueObjectId=value_id)


def activity(object_id: int, *content: str, **fields: object) -> str:
    return element("Activity", *content, ObjectId=object_id, **fields)


def task(uid: int, *content: str, **fields: object) -> str:
    return element("Task", f"<UID>{uid}</UID><Name>T{uid}</Name>", *content, **fields)


async def test_codes_of_p6_show_type_and_value(service: Service, pool: Pool) -> None:
    shared = [
        element("ActivityCodeType", ObjectId=1, Name="Phase"),
        element("ActivityCode", ObjectId=7, CodeTypeObjectId=1, CodeValue="B", Description="Build"),
        element("ProjectCodeType", ObjectId=1, Name="Region"),
        element("ProjectCode", ObjectId=7, CodeTypeObjectId=1, CodeValue="N", ParentObjectId=6),
        element("ProjectCode", ObjectId=6, CodeTypeObjectId=1, CodeValue="E"),
    ]
    own = [
        element("ActivityCodeType", ObjectId=2, Name="Area"),
        element("ActivityCode", ObjectId=9, CodeTypeObjectId=2, CodeValue="W"),
    ]
    plan = project(code(1, 7), *own, activity(301, code(1, 7), code(2, 9), code(3, 1)))
    await import_plans(service, file(*shared, plan))
    columns = "task_id, kind, type_id, type, value, description"
    shown = await select(pool, columns, "current_task_codes", "ORDER BY type_id")
    assert shown == [
        ("301", "activity", "1", "Phase", "B", "Build"),
        ("301", "activity", "2", "Area", "W", None),
        ("301", "activity", "3", None, None, None),
    ]
    columns = "type, value, parent_value_id"
    assert await select(pool, columns, "current_project_codes") == [("Region", "N", "6")]


async def test_outline_codes_of_project_show_type_and_value(service: Service, pool: Pool) -> None:
    value = element("Value", ValueID=3, ParentValueID=0, Value="West", Description="West wing")
    codes = element(
        "OutlineCodes",
        element("OutlineCode", element("Values", value), FieldID=188744096, Alias="Wing"),
    )
    own = element("OutlineCode", FieldID=188744096, ValueID=3)
    resource = element("Resource", own, UID=5)
    plan = mspdi(codes, element("Tasks", task(1, own)), element("Resources", resource))
    await import_plans(service, plan)
    expected = ("Wing", "3", "West", "West wing", None)
    columns = "type, value_id, value, description, parent_value_id"
    assert await select(pool, f"task_id, {columns}", "current_task_codes") == [("1", *expected)]
    shown = await select(pool, f"resource_id, {columns}", "current_resource_codes")
    assert shown == [("5", *expected)]


async def test_custom_fields_of_p6_have_a_typed_value(service: Service, pool: Pool) -> None:
    kinds = {
        1: ("Text", "TextValue", "high"),
        2: ("Cost", "CostValue", "1.5"),
        3: ("Start Date", "StartDateValue", "2026-01-05T08:00:00"),
        4: ("Integer", "IntegerValue", "7"),
        5: ("Indicator", "IndicatorValue", "Red"),
    }
    types = [
        element("UDFType", ObjectId=number, Title=f"F{number}", DataType=kind)
        for number, (kind, _, _) in kinds.items()
    ]
    fields = [
        element("UDF", TypeObjectId=number, **{name: value})
        for number, (_, name, value) in kinds.items()
    ]
    crew = element("Resource", fields[0], ObjectId=7, Name="Crew")
    assignment = element(
        "ResourceAssignment", fields[1], ObjectId=8, ActivityObjectId=301, ResourceObjectId=7
    )
    plan = project(fields[0], activity(301, *fields), assignment)
    await import_plans(service, file(*types, crew, plan))
    columns = "record, record_id, title, type, value, value_number, value_date"
    shown = await select(pool, columns, "current_custom_fields", "ORDER BY record, field_id")
    assert shown == [
        ("assignment", "8", "F2", "cost", "1.5", Decimal("1.5"), None),
        ("project", "P-1", "F1", "text", "high", None, None),
        ("resource", "7", "F1", "text", "high", None, None),
        ("task", "301", "F1", "text", "high", None, None),
        ("task", "301", "F2", "cost", "1.5", Decimal("1.5"), None),
        ("task", "301", "F3", "start date", kinds[3][2], None, datetime(2026, 1, 5, 8)),
        ("task", "301", "F4", "integer", "7", Decimal(7), None),
        ("task", "301", "F5", "indicator", "Red", None, None),
    ]


async def test_custom_fields_of_project_have_a_typed_value(service: Service, pool: Pool) -> None:
    definitions = element(
        "ExtendedAttributes",
        element("ExtendedAttribute", FieldID=188743731, FieldName="Text1", Alias="Risk"),
        element("ExtendedAttribute", FieldID=188743786, FieldName="Cost1"),
        element(
            "ExtendedAttribute", FieldID=188743752, FieldName="Attribut1", SecondaryPID=255868938
        ),
        element("ExtendedAttribute", FieldID=188743783, FieldName="Duration1"),
        element("ExtendedAttribute", FieldID=188841983, FieldName="Health", CFType=5),
    )
    fields = {188743731: "high", 188743786: "150", 188743752: "1", 188743783: "PT8H0M0S"}
    values = [element("ExtendedAttribute", FieldID=key, Value=text) for key, text in fields.items()]
    assignment = element("Assignment", UID=4, TaskUID=1, ResourceUID=-65535, f40400a=1)
    plan = mspdi(
        definitions,
        element("Tasks", task(1, *values, b417fff="2.5")),
        element("Assignments", assignment),
    )
    await import_plans(service, plan)
    columns = "record, record_id, title, type, value_number, value_boolean, value_duration"
    shown = await select(pool, columns, "current_custom_fields", "ORDER BY record, title")
    assert shown == [
        ("assignment", "4", "Attribut1", "flag", None, True, None),
        ("task", "1", "Attribut1", "flag", None, True, None),
        ("task", "1", "Cost1", "cost", Decimal("1.5"), None, None),
        ("task", "1", "Duration1", "duration", None, None, timedelta(hours=8)),
        ("task", "1", "Health", "number", Decimal("2.5"), None, None),
        ("task", "1", "Risk", "text", None, None, None),
    ]


async def test_numbers_have_all_digits_that_p6_writes(service: Service, pool: Pool) -> None:
    month = element("FinancialPeriod", ObjectId=5, Name="January")
    units = element(
        "ActivityPeriodActual",
        ActivityObjectId=301,
        FinancialPeriodObjectId=5,
        ActualLaborUnits="1.13686837721616E-013",
        ActualNonLaborUnits="2.3333333333333335",
    )
    fields = [element("UDF", TypeObjectId=1, DoubleValue="0.6666666666666666")]
    plan = project(activity(301, *fields), units)
    number = element("UDFType", ObjectId=1, Title="Share", DataType="Double")
    await import_plans(service, file(number, month, plan))
    shown = await select(pool, "value_number", "current_custom_fields")
    assert shown == [(Decimal("0.6666666666666666"),)]
    columns = "value_number, value_duration"
    assert await select(pool, columns, "current_timephased", "ORDER BY type") == [
        (Decimal("1.13686837721616E-13"), timedelta()),
        (Decimal("2.3333333333333335"), timedelta(hours=2, minutes=20)),
    ]


async def test_a_custom_field_can_name_a_value_of_its_definition(
    service: Service, pool: Pool
) -> None:
    choices = element(
        "ValueList", element("Value", ID=1, Value="5"), element("Value", ID=2, Value="9")
    )
    definition = element("ExtendedAttribute", choices, FieldID=188743767, FieldName="Number1")
    own = task(1, element("ExtendedAttribute", FieldID=188743767, ValueID=2))
    await import_plans(
        service, mspdi(element("ExtendedAttributes", definition), element("Tasks", own))
    )
    shown = await select(pool, "value, value_number", "current_custom_fields")
    assert shown == [("9", Decimal(9))]


async def test_notes_show_what_they_are_on_and_plain_text(service: Service, pool: Pool) -> None:
    html = "&lt;p&gt;Dig &amp;amp; pour&lt;/p&gt;"
    topic = element("NotebookTopic", ObjectId=9, Name="Scope")
    crew = element("Resource", ObjectId=7, Name="Crew", ResourceNotes="a &lt; b")
    plan = project(
        element("WBS", ObjectId=20, Name="Site"),
        activity(301),
        element("ResourceAssignment", ObjectId=8, ActivityObjectId=301, ResourceObjectId=7),
        element(
            "ActivityNote", ObjectId=1, ActivityObjectId=301, NotebookTopicObjectId=9, Note=html
        ),
        element("ProjectNote", ObjectId=2, WBSObjectId=20, Note="on the WBS"),
        element("ProjectNote", ObjectId=3, Note="on the project"),
    )
    await import_plans(
        service, file(topic, crew, plan), mspdi(element("Tasks", task(1, Notes="mind")))
    )
    columns = "record, kind, record_id, topic, note, text"
    assert await select(pool, columns, "current_notes", "ORDER BY project_id, record_id") == [
        ("task", "wbs", "20", None, "on the WBS", "on the WBS"),
        ("task", "activity", "301", "Scope", "<p>Dig &amp; pour</p>", "Dig & pour"),
        ("resource", None, "7", "ResourceNotes", "a < b", "a < b"),
        ("project", None, "P-1", None, "on the project", "on the project"),
        ("task", "activity", "1", None, "mind", "mind"),
    ]


async def test_timephased_data_of_project_show_type_unit_and_baseline(
    service: Service, pool: Pool
) -> None:
    when = {"Start": "2026-01-05T08:00:00", "Finish": "2026-01-05T17:00:00"}
    work = element("TimephasedData", Type=1, UID=4, Unit=2, Value="PT8H0M0S", **when)
    cost = element("TimephasedData", Type=17, UID=4, Unit=1, Value="12050", **when)
    assignment = element(
        "Assignment",
        work,
        element("Baseline", cost, Number=1),
        UID=4,
        TaskUID=1,
        ResourceUID=-65535,
    )
    await import_plans(
        service,
        mspdi(
            element("Tasks", task(1, element("Baseline", cost, Number=1))),
            element("Assignments", assignment),
        ),
    )
    columns = "record, task_id, type, baseline, start, unit, value_number, value_duration"
    shown = await select(pool, columns, "current_timephased", "ORDER BY type, record")
    start = datetime(2026, 1, 5, 8)
    assert shown == [
        ("assignment", "1", "baseline_cost", 1, start, "hour", Decimal("120.5"), None),
        ("task", "1", "baseline_cost", 1, start, "hour", Decimal("120.5"), None),
        ("assignment", "1", "remaining_work", None, start, "day", None, timedelta(hours=8)),
    ]


async def test_timephased_data_of_p6_are_spreads_and_period_actuals(
    service: Service, pool: Pool
) -> None:
    span = {"StartDate": "2026-01-01T00:00:00", "EndDate": "2026-02-01T00:00:00"}
    period = element("Period", ActualLaborUnits=8, ActualLaborCost=400, **span)
    spread = element("Spread", period, PeriodType="Month", **span)
    plan = project(
        activity(301, spread),
        element(
            "ActivityPeriodActual",
            ActivityObjectId=301,
            FinancialPeriodObjectId=5,
            ActualLaborUnits=4,
        ),
    )
    month = element("FinancialPeriod", ObjectId=5, Name="January", **span)
    await import_plans(service, file(month, plan))
    columns = "record, record_id, type, start, finish, unit, value_number, value_duration"
    shown = await select(pool, columns, "current_timephased", "ORDER BY unit, type")
    dates = (datetime(2026, 1, 1), datetime(2026, 2, 1))
    own = ("task", "301")
    assert shown == [
        (*own, "actual_labor_units", *dates, "financial period", Decimal(4), timedelta(hours=4)),
        (*own, "actual_labor_cost", *dates, "month", Decimal(400), None),
        (*own, "actual_labor_units", *dates, "month", Decimal(8), timedelta(hours=8)),
    ]


async def test_shared_objects_show_for_each_project_that_uses_them(
    service: Service, pool: Pool
) -> None:
    shared = element("Calendar", ObjectId=10, Name="Day")
    plans = [project(activity(1, CalendarObjectId=10), id=f"P-{number}") for number in (1, 2)]
    ids = await import_plans(service, file(shared, *plans, project(id="P-3")))
    shown = await select(
        pool, "project_id, element, object_id", "current_shared_objects", "ORDER BY project_id"
    )
    assert shown == [(number, "Calendar", "10") for number in ids[:2]]
