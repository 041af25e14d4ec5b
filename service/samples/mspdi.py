"""Samples in the format of Microsoft Project, several projects in one root element."""

from collections.abc import Iterable, Iterator
from random import Random
from uuid import UUID

from service.samples.plan import HOURS_PER_DAY, Plan, Resource, Task
from service.samples.text import element, elements, flag, time

HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n<Projects>\n'
TAIL = "</Projects>\n"

_RISK = "188743731"  # Text1
_TYPES = {"FF": 0, "FS": 1, "SF": 2, "SS": 3}
_TENTHS = 600  # LinkLag is in tenths of a minute
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
            Units="0.5" if assignment.half else "1",
            Work=f"PT{assignment.hours}H0M0S",
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
    duration = f"PT{task.hours}H0M0S"
    baseline = elements(
        Number=0,
        Start=time(task.baseline_start),
        Finish=time(task.baseline_finish),
        Duration=duration,
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
        Work="PT0H0M0S" if task.summary else duration,
        Milestone=flag(task.milestone),
        Summary=flag(task.summary),
        PercentComplete=task.percent,
        CalendarUID=-1,
        Notes=task.notes,
    )
    risk = element("FieldID", _RISK) + element("Value", task.risk)
    custom = f"<ExtendedAttribute>{risk}</ExtendedAttribute><Baseline>{baseline}</Baseline>"
    return f"<Task>{values}{link}{custom}</Task>\n"


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
    return f"<Calendars><Calendar>{values}<WeekDays>{week}</WeekDays></Calendar></Calendars>"
