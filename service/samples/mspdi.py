"""Samples in the format of Microsoft Project, several projects in one root element."""

from collections.abc import Iterable, Iterator
from random import Random
from uuid import UUID

from service.samples.plan import (
    COST_PER_HOUR,
    DATA_DATE,
    HOLIDAY,
    HOURS_PER_DAY,
    Plan,
    Resource,
    Task,
)
from service.samples.text import element, elements, flag, time

HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n<Projects>\n'
TAIL = "</Projects>\n"

_RISK = "188743731"  # Text1
_TYPES = {"FF": 0, "FS": 1, "SF": 2, "SS": 3}
_TENTHS = 600  # lags and slacks are in tenths of a minute
_CENTS_PER_HOUR = COST_PER_HOUR * 100  # costs of tasks and assignments are in hundredths
_START_NO_EARLIER_THAN = 4
_DAYS = range(1, 8)  # 1 is Sunday


def write(plans: Iterable[Plan]) -> Iterator[str]:
    """Yield the file in pieces."""
    yield HEAD
    for plan in plans:
        yield from _project(plan)
    yield TAIL


def _project(plan: Plan) -> Iterator[str]:
    guid = str(UUID(int=Random(plan.id).getrandbits(128), version=4)).upper()
    yield '<Project xmlns="http://schemas.microsoft.com/project">' + elements(
        SaveVersion=14,
        GUID=guid,
        Name=f"{plan.code}.mpp",
        Title=plan.name,
        Manager=plan.manager,
        ScheduleFromStart=1,
        StartDate=time(plan.start),
        FinishDate=time(plan.finish),
        CurrencyCode=plan.currency,
        CalendarUID=1,
        MinutesPerDay=HOURS_PER_DAY * 60,
        StatusDate=time(DATA_DATE),
    )
    yield (
        "\n<ExtendedAttributes><ExtendedAttribute>"
        + elements(FieldID=_RISK, FieldName="Text1", Alias="Risk")
        + f"</ExtendedAttribute></ExtendedAttributes>\n{_calendar()}\n<Tasks>\n"
    )
    yield from _tasks(plan)
    yield "</Tasks>\n<Resources>\n"
    yield from map(_resource, plan.resources)
    yield "</Resources>\n<Assignments>\n"
    for number, assignment in enumerate(plan.assignments(), 1):
        values = elements(
            UID=number,
            TaskUID=assignment.task + 1,
            ResourceUID=assignment.resource + 1,
            ActualCost=assignment.actual_hours * _CENTS_PER_HOUR,
            ActualWork=_hours(assignment.actual_hours),
            Cost=assignment.hours * _CENTS_PER_HOUR,
            Finish=time(assignment.finish),
            RemainingWork=_hours(assignment.remaining_hours),
            Start=time(assignment.start),
            Units="0.5" if assignment.half else "1",
            Work=_hours(assignment.hours),
        )
        yield f"<Assignment>{values}</Assignment>\n"
    yield "</Assignments>\n</Project>\n"


def _tasks(plan: Plan) -> Iterator[str]:
    """Yield the tasks with their links. Each task has at most one, and the links are in order."""
    links = plan.links()
    link = next(links, None)
    for task in plan.tasks():
        before = ""
        if link is not None and link.successor == task.place:
            values = elements(
                PredecessorUID=link.predecessor + 1,
                Type=_TYPES[link.type],
                CrossProject=0,
                LinkLag=link.lag_hours * _TENTHS,
                LagFormat=7,
            )
            before = f"<PredecessorLink>{values}</PredecessorLink>"
            link = next(links, None)
        yield _task(task, before)


def _task(task: Task, link: str) -> str:
    duration = _hours(task.hours)
    work = _hours(0 if task.summary else task.hours)
    cost = 0 if task.summary else task.hours * _CENTS_PER_HOUR
    baseline = elements(
        Number=0,
        Start=time(task.baseline_start),
        Finish=time(task.baseline_finish),
        Duration=duration,
        Work=work,
        Cost=cost,
    )
    values = elements(
        UID=task.place + 1,
        ID=task.place + 1,
        Name=task.name,
        Type=1,
        IsNull=0,
        WBS=task.wbs,
        OutlineNumber=task.wbs,
        OutlineLevel=task.level,
        Priority=500,
        Start=time(task.start),
        Finish=time(task.finish),
        Duration=duration,
        DurationFormat=7,
        Work=work,
        Milestone=flag(task.milestone),
        Summary=flag(task.summary),
        Critical=flag(task.slack == 0 and task.percent < 100),
        EarlyStart=time(task.start),
        EarlyFinish=time(task.finish),
        LateStart=time(task.late_start),
        LateFinish=time(task.late_finish),
        FreeSlack=task.slack_hours * _TENTHS if task.milestone else 0,
        TotalSlack=task.slack_hours * _TENTHS,
        PercentComplete=task.percent,
        Cost=cost,
        ActualStart=task.actual_start and time(task.actual_start),
        ActualFinish=task.actual_finish and time(task.actual_finish),
        ActualDuration=_hours(task.actual_hours),
        ActualCost=0 if task.summary else task.actual_hours * _CENTS_PER_HOUR,
        ActualWork=_hours(0 if task.summary else task.actual_hours),
        RemainingDuration=_hours(task.remaining_hours),
        RemainingCost=0 if task.summary else task.remaining_hours * _CENTS_PER_HOUR,
        RemainingWork=_hours(0 if task.summary else task.remaining_hours),
        ConstraintType=_START_NO_EARLIER_THAN if task.pinned else 0,
        CalendarUID=-1,
        ConstraintDate=time(task.start) if task.pinned else None,
        Notes=task.notes,
    )
    risk = element("FieldID", _RISK) + element("Value", task.risk)
    custom = f"<ExtendedAttribute>{risk}</ExtendedAttribute><Baseline>{baseline}</Baseline>"
    return f"<Task>{values}{link}{custom}</Task>\n"


def _hours(number: int) -> str:
    return f"PT{number}H0M0S"


def _resource(resource: Resource) -> str:
    values = elements(
        UID=resource.place + 1,
        ID=resource.place + 1,
        Name=resource.name,
        Type=0 if resource.type == "material" else 1,
        IsNull=0,
        EmailAddress=resource.email,
        MaxUnits=1,
    )
    return f"<Resource>{values}</Resource>\n"


def _calendar() -> str:
    hours = (("08:00:00", "12:00:00"), ("13:00:00", "17:00:00"))
    times = "".join(
        f"<WorkingTime>{elements(FromTime=start, ToTime=end)}</WorkingTime>" for start, end in hours
    )
    days = []
    for day in _DAYS:
        works = 1 < day < 7
        shift = f"<WorkingTimes>{times}</WorkingTimes>" if works else ""
        values = elements(DayType=day, DayWorking=flag(works))
        days.append(f"<WeekDay>{values}{shift}</WeekDay>")
    values = elements(UID=1, Name="Standard", IsBaseCalendar=1, BaseCalendarUID=-1)
    week = "".join(days)
    period = elements(FromDate=time(HOLIDAY), ToDate=HOLIDAY.strftime("%Y-%m-%dT23:59:00"))
    holiday = f"<TimePeriod>{period}</TimePeriod>" + elements(
        Occurrences=1, Name="Good Friday", Type=1, DayWorking=0
    )
    return (
        f"<Calendars><Calendar>{values}<WeekDays>{week}</WeekDays>"
        f"<Exceptions><Exception>{holiday}</Exception></Exceptions></Calendar></Calendars>"
    )
