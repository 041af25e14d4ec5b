"""Samples in the native format."""

from collections.abc import Iterable, Iterator

from service.samples.plan import COST_PER_HOUR, DATA_DATE, Plan, Task
from service.samples.text import element, elements, quoted, time

HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n<projects xmlns="urn:project-bulk-import:1">\n'
TAIL = "</projects>\n"

_CALENDAR = (
    '<part element="Calendar"><attribute name="Name">Five days</attribute>'
    '<attribute name="HoursPerDay">8</attribute></part>'
)


def write(plans: Iterable[Plan]) -> Iterator[str]:
    """Yield the file in pieces."""
    yield HEAD
    for plan in plans:
        yield from _project(plan)
    yield TAIL


def _project(plan: Plan) -> Iterator[str]:
    yield f"<project id={quoted(plan.id)}>" + elements(
        name=plan.name,
        code=plan.code,
        status=plan.status.lower(),
        description=f"Sample project {plan.number}",
        manager=plan.manager,
        currency=plan.currency,
        start=time(plan.start),
        finish=time(plan.finish),
        priority=plan.priority,
    )
    yield element("data-date", time(DATA_DATE))
    yield "\n<tasks>\n"
    yield from _tasks(plan)
    yield "</tasks>\n<dependencies>\n"
    for link in plan.links():
        yield (
            f'<dependency predecessor="T{link.predecessor + 1}" successor="T{link.successor + 1}" '
            f'type="{link.type}" lag="PT{link.lag_hours}H"/>\n'
        )
    yield "</dependencies>\n<resources>\n"
    for resource in plan.resources:
        values = element("name", resource.name) + element("email", resource.email)
        yield f'<resource id="R{resource.place + 1}" type="{resource.type}">{values}</resource>\n'
    yield "</resources>\n<assignments>\n"
    for assignment in plan.assignments():
        units = "0.5" if assignment.half else "1"
        yield (
            f'<assignment task="T{assignment.task + 1}" resource="R{assignment.resource + 1}" '
            f'units="{units}"><work>PT{assignment.hours}H</work>'
            f"<start>{time(assignment.start)}</start><finish>{time(assignment.finish)}</finish>"
            f"<actual-work>PT{assignment.actual_hours}H</actual-work>"
            f"<cost>{assignment.hours * COST_PER_HOUR}</cost></assignment>\n"
        )
    yield (
        '</assignments>\n<attributes><attribute name="cost-centre">'
        f"CC-{plan.number % 90 + 10}</attribute></attributes>\n"
        f"<parts>{_CALENDAR}</parts>\n</project>\n"
    )


def _tasks(plan: Plan) -> Iterator[str]:
    for task in plan.tasks():
        parent = "" if task.parent is None else f' parent="T{task.parent + 1}"'
        kind = "wbs" if task.summary else "activity"
        flags = ' milestone="true"' if task.milestone else ""
        flags += ' summary="true"' if task.summary else ""
        values = elements(
            name=task.name,
            start=time(task.start),
            finish=time(task.finish),
            duration=f"PT{task.hours}H",
        )
        if not task.summary:
            values += element("work", f"PT{task.hours}H")
        values += element("percent-complete", task.percent)
        values += elements(priority=500, notes=task.notes)
        values += "".join(element(name, value) for name, value in _progress(task).items())
        yield (
            f'<task id="T{task.place + 1}"{parent} kind="{kind}" wbs="{task.wbs}"{flags}>{values}'
            f'<attributes><attribute name="risk">{task.risk}</attribute>'
            f'<attribute name="baseline-start">{time(task.baseline_start)}</attribute>'
            f'<attribute name="baseline-finish">{time(task.baseline_finish)}</attribute>'
            "</attributes></task>\n"
        )


def _progress(task: Task) -> dict[str, object]:
    """Return the elements of a task's progress, float, constraint and costs."""
    values: dict[str, object] = {
        "actual-start": task.actual_start and time(task.actual_start),
        "actual-finish": task.actual_finish and time(task.actual_finish),
        "actual-duration": f"PT{task.actual_hours}H",
        "remaining-duration": f"PT{task.remaining_hours}H",
    }
    if not task.summary:
        values |= {
            "total-float": f"PT{task.slack_hours}H",
            "critical": "true" if task.slack == 0 and task.percent < 100 else "false",
            "cost": task.hours * COST_PER_HOUR,
            "actual-cost": task.actual_hours * COST_PER_HOUR,
            "remaining-cost": task.remaining_hours * COST_PER_HOUR,
        }
    if task.pinned:
        values |= {
            "constraint-type": "start_no_earlier_than",
            "constraint-date": time(task.start),
        }
    return values
