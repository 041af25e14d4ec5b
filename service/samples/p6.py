"""Samples in the format of Primavera P6: the shared objects first, then the projects."""

from collections.abc import Iterable, Iterator
from typing import Final

from service.samples.plan import (
    COST_PER_HOUR,
    DATA_DATE,
    HOLIDAY,
    HOURS_PER_DAY,
    PHASE,
    WORK,
    Assignment,
    Link,
    Plan,
    Task,
)
from service.samples.text import elements, flag, time

NAMESPACE: Final = "http://xmlns.oracle.com/Primavera/P6/V23.12/API/BusinessObjects"
HEAD: Final = f'<?xml version="1.0" encoding="UTF-8"?>\n<APIBusinessObjects xmlns="{NAMESPACE}">\n'
TAIL: Final = "</APIBusinessObjects>\n"

CURRENCY, CALENDAR, TOPIC, RISK, DISCIPLINE = 1, 10, 20, 30, 40
DISCIPLINES: Final = {name.upper()[:3]: DISCIPLINE + n for n, name in enumerate(WORK, 1)}
RESOURCES: Final = 100
PEOPLE_AND_THINGS: Final = Plan(0, 0, 0).resources
_KINDS: Final = {"work": "Labor", "material": "Material", "nonlabor": "Nonlabor"}
_LINKS: Final = {"FS": "Finish to Start", "SS": "Start to Start"}
_STATUS: Final = {0: "Not Started", 100: "Completed"}
_DAYS: Final = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")


def write(plans: Iterable[Plan]) -> Iterator[str]:
    """Yield the file in pieces."""
    yield HEAD
    yield from _shared()
    for plan in plans:
        yield from _project(plan)
    yield TAIL


def _shared() -> Iterator[str]:
    currency = elements(ObjectId=CURRENCY, Id="EUR", Name="Euro", Symbol="€", IsBaseCurrency=1)
    yield f"<Currency>{currency}</Currency>\n"
    risk = elements(ObjectId=RISK, DataType="Text", SubjectArea="Activity", Title="Risk")
    yield f"<UDFType>{risk}</UDFType>\n"
    yield f"<NotebookTopic>{elements(ObjectId=TOPIC, Name='Remarks')}</NotebookTopic>\n"
    discipline = elements(ObjectId=DISCIPLINE, Name="Discipline", Scope="Global")
    yield f"<ActivityCodeType>{discipline}</ActivityCodeType>\n"
    for name, (code, number) in zip(WORK, DISCIPLINES.items(), strict=True):
        values = elements(
            ObjectId=number, CodeTypeObjectId=DISCIPLINE, CodeValue=code, Description=name
        )
        yield f"<ActivityCode>{values}</ActivityCode>\n"
    yield _calendar()
    for resource in PEOPLE_AND_THINGS:
        values = elements(
            ObjectId=RESOURCES + resource.place,
            Id=f"RES-{resource.place + 1}",
            Name=resource.name,
            ResourceType=_KINDS[resource.type],
            EmailAddress=resource.email,
            CalendarObjectId=CALENDAR,
            CurrencyObjectId=CURRENCY,
        )
        yield f"<Resource>{values}</Resource>\n"


def _calendar() -> str:
    head = elements(ObjectId=CALENDAR, Name="Five days", Type="Global", HoursPerDay=HOURS_PER_DAY)
    shifts = (("08:00:00", "11:59:00"), ("13:00:00", "16:59:00"))
    work = "".join(f"<WorkTime>{elements(Start=a, Finish=b)}</WorkTime>" for a, b in shifts)
    days = "".join(
        f"<StandardWorkHours>{elements(DayOfWeek=day)}{shift}</StandardWorkHours>"
        for day, shift in zip(_DAYS, ("", *[work] * 5, ""), strict=True)
    )
    holiday = f"<HolidayOrException>{elements(Date=time(HOLIDAY))}</HolidayOrException>"
    return (
        f"<Calendar>{head}<StandardWorkWeek>{days}</StandardWorkWeek>"
        f"<HolidayOrExceptions>{holiday}</HolidayOrExceptions></Calendar>\n"
    )


def _project(plan: Plan) -> Iterator[str]:
    ids = Ids(plan)
    yield "<Project>" + elements(
        ObjectId=ids.project,
        Id=f"{plan.code}-{plan.id}",
        Name=plan.name,
        Status=plan.status,
        Description=f"Sample project {plan.number}",
        PlannedStartDate=time(plan.start),
        StartDate=time(plan.start),
        FinishDate=time(plan.finish),
        DataDate=time(DATA_DATE),
        StrategicPriority=plan.priority,
        ActivityDefaultCalendarObjectId=CALENDAR,
    )
    yield "\n"
    for task in plan.tasks():
        yield _wbs(task, ids) if task.summary else _activity(task, ids)
        if task.notes is not None:
            yield _note(task, ids)
    for number, link in enumerate(plan.links()):
        yield _relationship(number, link, ids)
    if plan.number > 1 and plan.size > PHASE:
        yield _external_relationship(plan, ids)
    for number, assignment in enumerate(plan.assignments()):
        yield _assignment(number, assignment, ids)
    yield "</Project>\n"


class Ids:
    """Object ids that are unique in the file: each project has a separate range."""

    def __init__(self, plan: Plan) -> None:
        self.project = 10_000 + plan.number * (plan.size + 1)
        self.previous_project = self.project - plan.size - 1

    def task(self, place: int) -> int:
        return self.project + 1 + place


def _wbs(task: Task, ids: Ids) -> str:
    values = elements(
        ObjectId=ids.task(task.place),
        Code=task.wbs,
        Name=task.name,
        ParentObjectId=None if task.parent is None else ids.task(task.parent),
        ProjectObjectId=ids.project,
        SequenceNumber=task.place,
    )
    return f"<WBS>{values}</WBS>\n"


def _activity(task: Task, ids: Ids) -> str:
    done = task.percent == 100
    values = elements(
        ObjectId=ids.task(task.place),
        Id=f"A{(task.place + 1) * 10}",
        Name=task.name,
        ProjectObjectId=ids.project,
        WBSObjectId=None if task.parent is None else ids.task(task.parent),
        CalendarObjectId=CALENDAR,
        Type="Finish Milestone" if task.milestone else "Task Dependent",
        Status=_STATUS.get(task.percent, "In Progress"),
        PlannedStartDate=time(task.baseline_start),
        PlannedFinishDate=time(task.baseline_finish),
        StartDate=time(task.start),
        FinishDate=time(task.finish),
        ActualStartDate=task.actual_start and time(task.actual_start),
        ActualFinishDate=task.actual_finish and time(task.actual_finish),
        PlannedDuration=task.hours,
        ActualDuration=task.actual_hours,
        RemainingDuration=task.remaining_hours,
        AtCompletionDuration=task.hours,
        ActualLaborUnits=task.actual_hours,
        RemainingLaborUnits=task.remaining_hours,
        AtCompletionLaborUnits=task.hours,
        ActualTotalCost=task.actual_hours * COST_PER_HOUR,
        RemainingTotalCost=task.remaining_hours * COST_PER_HOUR,
        AtCompletionTotalCost=task.hours * COST_PER_HOUR,
        PercentComplete=task.percent / 100,
    )
    if task.pinned:
        values += elements(
            PrimaryConstraintType="Start On or After", PrimaryConstraintDate=time(task.start)
        )
    if not done:
        values += elements(
            RemainingEarlyStartDate=time(task.start),
            RemainingEarlyFinishDate=time(task.finish),
            RemainingLateStartDate=time(task.late_start),
            RemainingLateFinishDate=time(task.late_finish),
            TotalFloat=task.slack_hours,
            FreeFloat=task.slack_hours if task.milestone else 0,
            IsCritical=flag(task.slack == 0),
        )
    risk = elements(TypeObjectId=RISK, TextValue=task.risk)
    return f"<Activity>{values}{_code(task)}<UDF>{risk}</UDF></Activity>\n"


def _code(task: Task) -> str:
    number = DISCIPLINES.get(task.discipline)
    if number is None:  # a milestone
        return ""
    return f"<Code>{elements(TypeObjectId=DISCIPLINE, ValueObjectId=number)}</Code>"


def _note(task: Task, ids: Ids) -> str:
    owner = "WBSObjectId" if task.summary else "ActivityObjectId"
    name = "ProjectNote" if task.summary else "ActivityNote"
    values = {owner: ids.task(task.place), "NotebookTopicObjectId": TOPIC, "Note": task.notes}
    return f"<{name}>{elements(**values)}</{name}>\n"


def _relationship(number: int, link: Link, ids: Ids) -> str:
    values = elements(
        ObjectId=number + 1,
        PredecessorActivityObjectId=ids.task(link.predecessor),
        SuccessorActivityObjectId=ids.task(link.successor),
        Type=_LINKS[link.type],
        Lag=link.lag_hours,
    )
    return f"<Relationship>{values}</Relationship>\n"


def _external_relationship(plan: Plan, ids: Ids) -> str:
    """Return a link from the end of the previous project's first phase."""
    values = elements(
        ObjectId=plan.size,
        PredecessorActivityObjectId=ids.previous_project + PHASE,
        PredecessorProjectObjectId=ids.previous_project,
        SuccessorActivityObjectId=ids.task(1),
        SuccessorProjectObjectId=ids.project,
        Type=_LINKS["FS"],
        Lag=0,
    )
    return f"<Relationship>{values}</Relationship>\n"


def _assignment(number: int, assignment: Assignment, ids: Ids) -> str:
    values = elements(
        ObjectId=number + 1,
        ActivityObjectId=ids.task(assignment.task),
        ResourceObjectId=RESOURCES + assignment.resource,
        ResourceType=_KINDS[PEOPLE_AND_THINGS[assignment.resource].type],
        PlannedUnitsPerTime=0.5 if assignment.half else 1,
        StartDate=time(assignment.start),
        FinishDate=time(assignment.finish),
        ActualUnits=assignment.actual_hours,
        RemainingUnits=assignment.remaining_hours,
        AtCompletionUnits=assignment.hours,
        ActualCost=assignment.actual_hours * COST_PER_HOUR,
        AtCompletionCost=assignment.hours * COST_PER_HOUR,
    )
    return f"<ResourceAssignment>{values}</ResourceAssignment>\n"
