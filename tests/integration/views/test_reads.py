"""Views over JSON read one project for a query of one project, and survive any content."""

import pytest

from service.storage import Pool
from tests.support.p6_files import file
from tests.support.plan_views import element, import_plans, mspdi
from tests.support.plans import recording_pool
from tests.support.service import Service

VIEWS = (
    *("calendars", "calendar_weeks", "calendar_exceptions", "codes", "task_codes"),
    *("project_codes", "resource_codes", "code_values", "custom_fields", "custom_field_types"),
    *("notes", "timephased", "external_dependencies", "shared_objects", "objects", "records"),
)
PROJECTS = 150
ROWS = 150
"""Rows that a query may read: those of a project are 10, and some views read each twice or more."""

# Texts where structures are expected, structures where texts are, and values of no type.
BAD_CALENDARS = (
    "<Calendar><UID>1</UID><WeekDays>text</WeekDays><Exceptions>text</Exceptions></Calendar>",
    "<Calendar><UID/><WeekDays><WeekDay>text</WeekDay><WeekDay><DayType>-1</DayType></WeekDay>"
    "<WeekDay><DayType>x</DayType></WeekDay><WeekDay><DayType>2</DayType><DayType>3</DayType>"
    "<DayWorking>maybe</DayWorking><WorkingTimes>text</WorkingTimes></WeekDay><WeekDay><DayType>4"
    "</DayType><WorkingTimes><WorkingTime><FromTime>25:00</FromTime><ToTime>now</ToTime>"
    "</WorkingTime></WorkingTimes></WeekDay></WeekDays><WorkWeeks><WorkWeek>text</WorkWeek>"
    "</WorkWeeks><Name><a>b</a></Name></Calendar>",
    "<Calendar><UID>3</UID><Exceptions><Exception>text</Exception><Exception><Type>6</Type>"
    "<TimePeriod>text</TimePeriod></Exception><Exception><Type>5</Type><Period>-1</Period>"
    "<MonthItem>99</MonthItem><MonthPosition>-9</MonthPosition><TimePeriod><FromDate>2026-02-30"
    "</FromDate><ToDate>now</ToDate></TimePeriod></Exception>",
)
BAD_RULES = [
    f"<Exception><TimePeriod><FromDate>0001-01-01</FromDate><ToDate>9999-12-31</ToDate></TimePeriod>"
    f"<Type>{kind}</Type><Period>{period}</Period><DaysOfWeek>{days}</DaysOfWeek><Month>{days}</Month>"
    f"<MonthDay>{days}</MonthDay><MonthItem>{days}</MonthItem><MonthPosition>{days}</MonthPosition>"
    "</Exception>"
    for kind in (-1, 0, 2, 3, 4, 5, 6, 7, 9, 99999999999)
    for period, days in ((-1, -1), (0, 0), (999999999, 999999999), (1, 4))
]
BAD_MSPDI = mspdi(
    element("Calendars", *BAD_CALENDARS, *BAD_RULES, "</Exceptions></Calendar>"),
    "<ExtendedAttributes><ExtendedAttribute><FieldID>1</FieldID><CFType>-5</CFType><SecondaryPID>x"
    "</SecondaryPID></ExtendedAttribute><ExtendedAttribute><FieldID>2</FieldID><CFType>1</CFType>"
    "</ExtendedAttribute><ExtendedAttribute><FieldID>3</FieldID><CFType>2</CFType>"
    "</ExtendedAttribute><ExtendedAttribute>text</ExtendedAttribute></ExtendedAttributes>",
    "<OutlineCodes><OutlineCode>text</OutlineCode><OutlineCode><FieldID>1</FieldID><Values>text"
    "</Values></OutlineCode></OutlineCodes><Tasks><Task><UID>1</UID>"
    "<ExtendedAttribute>text</ExtendedAttribute><ExtendedAttribute><FieldID>2</FieldID><Value>now"
    "</Value></ExtendedAttribute><ExtendedAttribute><FieldID>3</FieldID><Value>P99999999Y</Value>"
    "</ExtendedAttribute><OutlineCode>text</OutlineCode><Baseline>text</Baseline>"
    "<TimephasedData>text</TimephasedData><TimephasedData><Type>99999999</Type><Unit>-3</Unit>"
    "<Start>infinity</Start><Value>-PT-8H</Value></TimephasedData><TimephasedData><Type>17</Type>"
    "<Unit>4</Unit><Value>1e99</Value></TimephasedData><bffffff>text</bffffff><b40ffff>x</b40ffff>"
    "<ExternalTask>1</ExternalTask><ExternalTaskProject>\\</ExternalTaskProject><PredecessorLink>"
    "<PredecessorUID>9</PredecessorUID><CrossProject>x</CrossProject><CrossProjectName>((\\7"
    "</CrossProjectName><LinkLag>99999999999</LinkLag><Type>-7</Type></PredecessorLink></Task></Tasks>",
)
BAD_P6 = file(
    "<Calendar><ObjectId>1</ObjectId><StandardWorkWeek>text</StandardWorkWeek><HolidayOrExceptions>"
    "<HolidayOrException>text</HolidayOrException><HolidayOrException><Date>2026-02-30</Date>"
    "<WorkTime>text</WorkTime></HolidayOrException></HolidayOrExceptions></Calendar>"
    "<UDFType><ObjectId>1</ObjectId><DataType>Cost</DataType></UDFType><ActivityCode>"
    "<ObjectId>1</ObjectId></ActivityCode><FinancialPeriod><ObjectId>1</ObjectId></FinancialPeriod>"
    "<Project><ObjectId>x</ObjectId><Id>P</Id><Name>P</Name><Code>text</Code><UDF>text</UDF>"
    "<Activity><ObjectId>1</ObjectId><CalendarObjectId>1</CalendarObjectId><Code>text</Code><Code>"
    "<TypeObjectId>1</TypeObjectId></Code><UDF>text</UDF><UDF><TypeObjectId>1</TypeObjectId>"
    "<CostValue>NaN</CostValue></UDF><Spread>text</Spread><Spread><Period>text</Period><Period>"
    "<StartDate>now</StartDate><ActualLaborUnits>1e300</ActualLaborUnits></Period></Spread></Activity>"
    "<ActivityPeriodActual><FinancialPeriodObjectId>1</FinancialPeriodObjectId><ActualLaborUnits>-"
    "</ActualLaborUnits></ActivityPeriodActual><ActivityNote>text</ActivityNote><ActivityNote><Note>"
    "&lt;p&gt;&lt;</Note></ActivityNote><ProjectResourceSpread><Period>text</Period>"
    "</ProjectResourceSpread><Relationship><PredecessorActivityObjectId>5"
    "</PredecessorActivityObjectId><Lag>1e9</Lag><Type>x</Type></Relationship></Project>",
)


def small_plan(number: int) -> str:
    """Return a plan of which each view shows something."""
    return (
        f"<Project><ObjectId>{number}</ObjectId><Id>P-{number}</Id><Name>P</Name><Activity>"
        f"<ObjectId>{number}</ObjectId><CalendarObjectId>1</CalendarObjectId><Code><TypeObjectId>2"
        "</TypeObjectId><ValueObjectId>3</ValueObjectId></Code><UDF><TypeObjectId>4</TypeObjectId>"
        "<TextValue>x</TextValue></UDF></Activity><ActivityNote><ObjectId>1</ObjectId><Note>n</Note>"
        f"</ActivityNote><Relationship><PredecessorActivityObjectId>5</PredecessorActivityObjectId>"
        f"<PredecessorProjectObjectId>{number + 1}</PredecessorProjectObjectId>"
        f"<SuccessorActivityObjectId>{number}</SuccessorActivityObjectId><SuccessorProjectObjectId>"
        f"{number}</SuccessorProjectObjectId></Relationship></Project>"
    )


PORTFOLIO = file(
    "<Calendar><ObjectId>1</ObjectId><StandardWorkWeek><StandardWorkHours><DayOfWeek>Monday"
    "</DayOfWeek></StandardWorkHours></StandardWorkWeek></Calendar><ActivityCodeType><ObjectId>2"
    "</ObjectId></ActivityCodeType><ActivityCode><ObjectId>3</ObjectId><CodeTypeObjectId>2"
    "</CodeTypeObjectId></ActivityCode><UDFType><ObjectId>4</ObjectId></UDFType>",
    *map(small_plan, range(PROJECTS)),
)


@pytest.mark.parametrize("analyzed", [False, True])
async def test_a_query_for_one_project_reads_no_other(
    service: Service, pool: Pool, dsn: str, analyzed: bool
) -> None:
    number = (await import_plans(service, PORTFOLIO))[7]
    if analyzed:
        await pool.execute("ANALYZE")
    # In tables of some pages, a scan of all rows is the cheapest plan.
    async with recording_pool(dsn, enable_seqscan="off", jit="off") as (recording, plans):
        for view in VIEWS:
            plans.clear()
            query = f"SELECT * FROM current_{view} WHERE client_id = 1 AND project_id = $1"
            await recording.fetch(query, number)
            [plan] = plans
            # Before the first ANALYZE of a small table, an index of the client can cost as little
            # as one of the project. The bound then only excludes that a row is read many times.
            assert plan.rows < (ROWS if analyzed else 12 * PROJECTS), view


async def test_bad_content_gives_nulls_and_no_errors(service: Service, pool: Pool) -> None:
    await import_plans(service, BAD_MSPDI, BAD_P6)
    for view in VIEWS:
        # As text, because PostgreSQL has longer intervals than Python.
        rows = await pool.fetch(f"SELECT v::text FROM current_{view} v")
        assert len(rows) < 999 * len(BAD_RULES), view
