"""Calendars of both formats as rows: shifts of the week, and dates of the exceptions."""

from datetime import date, time, timedelta

from service.storage import Pool
from tests.support.p6_files import activity, file, project
from tests.support.plan_views import element, import_plans, mspdi, select
from tests.support.service import Service


def times(start: str, end: str) -> str:
    return element("WorkingTimes", element("WorkingTime", FromTime=start, ToTime=end))


SHIFT = times("08:00:00", "12:00:00")
NIGHT = times("22:00:00", "00:00:00")


def calendar(*content: str, uid: int = 1, **fields: object) -> str:
    return element("Calendar", f"<UID>{uid}</UID><Name>Cal {uid}</Name>", *content, **fields)


def period(first: str, last: str) -> str:
    return element("TimePeriod", FromDate=f"{first}T00:00:00", ToDate=f"{last}T23:59:00")


def rule(first: str, last: str, **fields: object) -> str:
    return element("Exception", period(first, last), DayWorking=0, **fields)


async def dates_of(
    service: Service, pool: Pool, first: str, last: str, **fields: object
) -> list[str]:
    """Return the dates of one rule; a range of several days as two dates with a slash."""
    exceptions = element("Exceptions", rule(first, last, **fields))
    [number] = await import_plans(
        service, mspdi(element("Calendars", calendar(exceptions)), name=str(fields))
    )
    shown = await select(
        pool,
        "from_date, to_date",
        "current_calendar_exceptions",
        f"AND project_id = {number} ORDER BY from_date",
    )
    return [f"{a}" if a == b else f"{a}/{b}" for a, b in shown]


async def test_calendars_show_their_base_and_which_is_the_default(
    service: Service, pool: Pool
) -> None:
    calendars = element(
        "Calendars",
        calendar(BaseCalendarUID=-1),
        calendar(uid=2, BaseCalendarUID=1),
        calendar(uid=3, BaseCalendarUID=0),
    )
    own = element("Calendar", ObjectId=10, Name="Site", Type="Project", BaseCalendarObjectId=11)
    shared = element("Calendar", ObjectId=11, Name="Global", Type="Global")
    plan = project(own, activity(1, CalendarObjectId=10))
    await import_plans(service, mspdi(calendars), file(shared, plan))
    shown = await select(
        pool,
        "calendar_id, name, type, base_calendar_id",
        "current_calendars",
        "ORDER BY project_id, calendar_id",
    )
    assert shown == [
        ("1", "Cal 1", None, None),
        ("2", "Cal 2", None, "1"),
        ("3", "Cal 3", None, None),
        ("10", "Site", "Project", "11"),
        ("11", "Global", "Global", None),
    ]


async def test_a_week_has_a_row_for_each_shift_and_one_for_a_free_day(
    service: Service, pool: Pool
) -> None:
    days = element(
        "WeekDays",
        element("WeekDay", DayType=1, DayWorking=0),
        element("WeekDay", SHIFT, NIGHT, DayType=7, DayWorking=1),
    )
    week = element(
        "WorkWeek",
        period("2026-07-01", "2026-07-31"),
        element("WeekDays", element("WeekDay", SHIFT, DayType=2, DayWorking=1)),
        Name="Summer",
    )
    plan = mspdi(element("Calendars", calendar(days, element("WorkWeeks", week))))
    await import_plans(service, plan)
    columns = (
        "week, week_name, from_date, weekday, weekday_name, working, shift, from_time, to_time"
    )
    shown = await select(
        pool, f"{columns}, duration", "current_calendar_weeks", "ORDER BY week, weekday, shift"
    )
    morning = (1, time(8), time(12), timedelta(hours=4))
    assert shown == [
        (0, None, None, 6, "Saturday", True, *morning),
        (0, None, None, 6, "Saturday", True, 2, time(22), time(0), timedelta(hours=2)),
        (0, None, None, 7, "Sunday", False, None, None, None, None),
        (1, "Summer", date(2026, 7, 1), 1, "Monday", True, *morning),
    ]


async def test_a_shift_of_p6_ends_after_the_last_minute_that_it_names(
    service: Service, pool: Pool
) -> None:
    hours = [
        element("StandardWorkHours", DayOfWeek="Sunday"),
        element(
            "StandardWorkHours",
            element("WorkTime", Start="08:00:00", Finish="11:59:00"),
            element("WorkTime", Start="20:00:00", Finish="23:59:00"),
            DayOfWeek="Monday",
        ),
    ]
    free = element("HolidayOrException", Date="2026-12-25T00:00:00")
    short = element(
        "HolidayOrException",
        element("WorkTime", Start="08:00:00", Finish="12:00:00"),
        Date="2026-12-24T00:00:00",
    )
    own = element(
        "Calendar",
        element("StandardWorkWeek", *hours),
        element("HolidayOrExceptions", free, short),
        ObjectId=10,
        Name="Site",
    )
    await import_plans(service, file(project(own)))
    shown = await select(
        pool,
        "weekday, working, from_time, to_time, duration",
        "current_calendar_weeks",
        "ORDER BY weekday, shift",
    )
    assert shown == [
        (1, True, time(8), time(12), timedelta(hours=4)),
        (1, True, time(20), time(0), timedelta(hours=4)),
        (7, False, None, None, None),
    ]
    shown = await select(
        pool,
        "exception, from_date, to_date, working, to_time",
        "current_calendar_exceptions",
        "ORDER BY exception",
    )
    assert shown == [
        (1, date(2026, 12, 25), date(2026, 12, 25), False, None),
        (2, date(2026, 12, 24), date(2026, 12, 24), True, time(12)),
    ]


async def test_days_of_type_0_count_only_without_exceptions(service: Service, pool: Pool) -> None:
    old = element("WeekDay", period("2026-01-01", "2026-01-02"), DayType=0, DayWorking=0)
    new = element("Exceptions", rule("2026-05-01", "2026-05-01", Name="Labour Day", Type=1))
    calendars = element(
        "Calendars",
        calendar(element("WeekDays", old)),
        calendar(element("WeekDays", old), new, uid=2),
    )
    await import_plans(service, mspdi(calendars))
    shown = await select(
        pool,
        "calendar_id, name, from_date, to_date",
        "current_calendar_exceptions",
        "ORDER BY calendar_id",
    )
    assert shown == [
        ("1", None, date(2026, 1, 1), date(2026, 1, 2)),
        ("2", "Labour Day", date(2026, 5, 1), date(2026, 5, 1)),
    ]


async def test_recurring_exceptions_have_a_row_for_each_date(service: Service, pool: Pool) -> None:
    async def dates(first: str, last: str, **fields: object) -> list[str]:
        return await dates_of(service, pool, first, last, **fields)

    assert await dates("2026-01-05", "2026-01-09", Type=1) == ["2026-01-05/2026-01-09"]
    assert await dates("2026-01-01", "2026-01-08", Type=7, Period=3) == [
        *("2026-01-01", "2026-01-04", "2026-01-07")
    ]
    # 65 is Sunday and Saturday. Weeks begin on Sunday: the next Sunday is in the third week.
    assert await dates("2026-01-01", "2026-01-18", Type=6, Period=2, DaysOfWeek=65) == [
        *("2026-01-03", "2026-01-11", "2026-01-17")
    ]
    assert await dates("2026-01-31", "2026-04-30", Type=4, Period=1, MonthDay=31) == [
        *("2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30")
    ]
    last_friday = {"Type": 5, "Period": 2, "MonthItem": 8, "MonthPosition": 4}
    assert await dates("2026-01-01", "2026-03-31", **last_friday) == ["2026-01-30", "2026-03-27"]
    second_weekday = {"Type": 5, "MonthItem": 1, "MonthPosition": 1}
    assert await dates("2026-02-01", "2026-02-28", **second_weekday) == ["2026-02-03"]
    last_weekend_day = {"Type": 5, "MonthItem": 2, "MonthPosition": 4}
    assert await dates("2026-02-01", "2026-02-28", **last_weekend_day) == ["2026-02-28"]
    first_day = {"Type": 3, "Month": 2, "MonthItem": 0, "MonthPosition": 0}
    assert await dates("2025-06-01", "2027-06-01", **first_day) == ["2026-03-01", "2027-03-01"]
    assert await dates("2024-01-01", "2026-12-31", Type=2, Month=11, MonthDay=25) == [
        *("2024-12-25", "2025-12-25", "2026-12-25")
    ]


async def test_a_rule_without_an_end_of_its_work_is_bounded(service: Service, pool: Pool) -> None:
    assert len(await dates_of(service, pool, "1984-01-01", "9999-12-31", Type=7, Period=2)) == 999
    assert await dates_of(service, pool, "2026-01-02", "2026-01-01", Type=6, DaysOfWeek=127) == []
    assert await dates_of(service, pool, "2026-01-01", "2026-12-31", Type=4, MonthDay=40) == []
    assert await dates_of(service, pool, "2026-01-01", "2026-12-31", Type=6) == []
