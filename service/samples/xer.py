"""Samples as Primavera's XER files: the plans of the P6 samples, table by table."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from itertools import chain
from typing import Final

from service.samples.p6 import (
    CALENDAR,
    CURRENCY,
    DISCIPLINE,
    DISCIPLINES,
    PEOPLE_AND_THINGS,
    RESOURCES,
    RISK,
    TOPIC,
    Ids,
)
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

Row = Mapping[str, object]

_HEADER: Final = (
    "ERMHDR\t23.12\t2026-03-09\tProject\tsample\tSample\tdbxDatabaseNoName\tProject Management\tEUR"
)
_EPOCH: Final = datetime(1899, 12, 30)
"""Dates of calendars are numbers of days since then."""
_TYPES: Final = {"work": "RT_Labor", "material": "RT_Mat", "nonlabor": "RT_Equip"}
_LINKS: Final = {"FS": "PR_FS", "SS": "PR_SS"}
_STATUS: Final = {0: "TK_NotStart", 100: "TK_Complete"}
_PROJECT_STATUS: Final = {"Active": "WS_Open", "Planned": "WS_Planned"}


def write(plans: Iterable[Plan]) -> Iterator[str]:
    """Yield the file in pieces.

    Args:
        plans: they are read once for each table.
    """
    yield f"{_HEADER}\r\n"
    yield from _lists()
    yield from _table("PROJECT", (_project(plan) for plan in plans))
    yield from _table("CALENDAR", [_calendar()])
    yield from _table("RSRC", map(_resource, range(len(PEOPLE_AND_THINGS))))
    yield from _table("PROJWBS", chain.from_iterable(map(_breakdown, plans)))
    yield from _table("TASK", _of_tasks(plans, _activity))
    yield from _table("WBSMEMO", _of_tasks(plans, _wbs_note))
    yield from _table("TASKMEMO", _of_tasks(plans, _activity_note))
    yield from _table("TASKPRED", chain.from_iterable(map(_relationships, plans)))
    yield from _table("TASKRSRC", chain.from_iterable(map(_assignments, plans)))
    yield from _table("TASKACTV", _of_tasks(plans, _code))
    yield from _table("UDFVALUE", _of_tasks(plans, _risk))
    yield "%E\r\n"


def _table(name: str, rows: Iterable[Row]) -> Iterator[str]:
    """Yield the lines of a table, or nothing without rows. All rows have the same columns."""
    begun = False
    for row in rows:
        if not begun:
            begun = True
            yield f"%T\t{name}\r\n"
            yield "\t".join(["%F", *row]) + "\r\n"
        yield "\t".join(["%R", *map(_cell, row.values())]) + "\r\n"


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    return str(value).replace('"', '""').replace("\n", "\x7f\x7f").replace("\t", " ")


def _of_tasks(plans: Iterable[Plan], make: Callable[[Task, Ids], Row | None]) -> Iterator[Row]:
    """Yield the rows that a function makes of tasks."""
    for plan in plans:
        ids = Ids(plan)
        for task in plan.tasks():
            row = make(task, ids)
            if row is not None:
                yield row


def _lists() -> Iterator[str]:
    currency = {"curr_id": CURRENCY, "curr_short_name": "EUR", "curr_type": "Euro"}
    marks = {"curr_symbol": "€", "decimal_symbol": ".", "digit_group_symbol": ","}
    yield from _table("CURRTYPE", [currency | marks])
    risk = {"udf_type_id": RISK, "table_name": "TASK", "udf_type_name": "user_field_1"}
    kind = {"udf_type_label": "Risk", "logical_data_type": "FT_TEXT"}
    yield from _table("UDFTYPE", [risk | kind])
    yield from _table("MEMOTYPE", [{"memo_type_id": TOPIC, "memo_type": "Remarks"}])
    discipline = {"actv_code_type_id": DISCIPLINE, "actv_code_type": "Discipline"}
    yield from _table("ACTVTYPE", [discipline | {"actv_code_type_scope": "AS_Global"}])
    yield from _table(
        "ACTVCODE",
        (
            {
                "actv_code_id": number,
                "actv_code_type_id": DISCIPLINE,
                "short_name": code,
                "actv_code_name": name,
            }
            for name, (code, number) in zip(WORK, DISCIPLINES.items(), strict=True)
        ),
    )


def _project(plan: Plan) -> Row:
    return {
        "proj_id": Ids(plan).project,
        "proj_short_name": f"{plan.code}-{plan.id}",
        "clndr_id": CALENDAR,
        "strgy_priority_num": plan.priority,
        "last_recalc_date": DATA_DATE,
        "plan_start_date": plan.start,
        "scd_end_date": plan.finish,
        "project_flag": "Y",
        "export_flag": "Y",
    }


def _calendar() -> Row:
    shifts = (("08:00", "12:00"), ("13:00", "17:00"))
    work = "".join(f"(0||{n}(s|{a}|f|{b})())" for n, (a, b) in enumerate(shifts))
    days = "".join(f"(0||{day}()({shift}))" for day, shift in enumerate(("", *[work] * 5, ""), 1))
    holiday = f"(0||0(d|{(HOLIDAY - _EPOCH).days})())"
    return {
        "clndr_id": CALENDAR,
        "clndr_name": "Five days",
        "clndr_type": "CA_Base",
        "day_hr_cnt": HOURS_PER_DAY,
        "clndr_data": f"(0||CalendarData()((0||DaysOfWeek()({days}))(0||Exceptions()({holiday}))))",
    }


def _resource(place: int) -> Row:
    resource = PEOPLE_AND_THINGS[place]
    return {
        "rsrc_id": RESOURCES + place,
        "rsrc_short_name": f"RES-{place + 1}",
        "rsrc_name": resource.name,
        "rsrc_type": _TYPES[resource.type],
        "email_addr": resource.email,
        "clndr_id": CALENDAR,
        "curr_id": CURRENCY,
    }


def _breakdown(plan: Plan) -> Iterator[Row]:
    """Yield the rows of the work breakdown structure. Its root has the project's name."""
    ids = Ids(plan)
    yield {
        "wbs_id": ids.project,
        "proj_id": ids.project,
        "proj_node_flag": "Y",
        "status_code": _PROJECT_STATUS[plan.status],
        "wbs_short_name": f"{plan.code}-{plan.id}",
        "wbs_name": plan.name,
        "parent_wbs_id": None,
        "seq_num": None,
    }
    for task in plan.tasks():
        if task.summary:
            yield {
                "wbs_id": ids.task(task.place),
                "proj_id": ids.project,
                "proj_node_flag": "N",
                "status_code": None,
                "wbs_short_name": task.wbs,
                "wbs_name": task.name,
                "parent_wbs_id": _parent(task, ids),
                "seq_num": task.place,
            }


def _parent(task: Task, ids: Ids) -> int:
    return ids.project if task.parent is None else ids.task(task.parent)


def _activity(task: Task, ids: Ids) -> Row | None:
    if task.summary:
        return None
    done = task.percent == 100
    return {
        "task_id": ids.task(task.place),
        "proj_id": ids.project,
        "wbs_id": _parent(task, ids),
        "clndr_id": CALENDAR,
        "task_code": f"A{(task.place + 1) * 10}",
        "task_name": task.name,
        "task_type": "TT_FinMile" if task.milestone else "TT_Task",
        "status_code": _STATUS.get(task.percent, "TK_Active"),
        "complete_pct_type": "CP_Phys",
        "phys_complete_pct": task.percent,
        "target_start_date": task.baseline_start,
        "target_end_date": task.baseline_finish,
        "act_start_date": task.actual_start,
        "act_end_date": task.actual_finish,
        "target_drtn_hr_cnt": task.hours,
        "remain_drtn_hr_cnt": task.remaining_hours,
        "target_work_qty": task.hours,
        "act_work_qty": task.actual_hours,
        "remain_work_qty": task.remaining_hours,
        "cstr_type": "CS_MSOA" if task.pinned else None,
        "cstr_date": task.start if task.pinned else None,
        "early_start_date": None if done else task.start,
        "early_end_date": None if done else task.finish,
        "late_start_date": None if done else task.late_start,
        "late_end_date": None if done else task.late_finish,
        "restart_date": None if done else task.start,
        "reend_date": None if done else task.finish,
        "rem_late_start_date": None if done else task.late_start,
        "rem_late_end_date": None if done else task.late_finish,
        "total_float_hr_cnt": None if done else task.slack_hours,
        "free_float_hr_cnt": None if done else task.slack_hours if task.milestone else 0,
    }


def _wbs_note(task: Task, ids: Ids) -> Row | None:
    if task.notes is None or not task.summary:
        return None
    owner = {"wbs_id": ids.task(task.place), "proj_id": ids.project}
    return {**owner, "memo_type_id": TOPIC, "wbs_memo": task.notes}


def _activity_note(task: Task, ids: Ids) -> Row | None:
    if task.notes is None or task.summary:
        return None
    owner = {"task_id": ids.task(task.place), "proj_id": ids.project}
    return {**owner, "memo_type_id": TOPIC, "task_memo": task.notes}


def _relationships(plan: Plan) -> Iterator[Row]:
    ids = Ids(plan)
    for number, link in enumerate(plan.links(), 1):
        yield _relationship(number, link, ids, ids.project, ids.task(link.predecessor))
    if plan.number > 1 and plan.size > PHASE:  # from the end of the previous project's first phase
        link = Link(PHASE, 1, "FS", 0)
        previous = ids.previous_project
        yield _relationship(plan.size, link, ids, previous, previous + PHASE)


def _relationship(number: int, link: Link, ids: Ids, project: int, predecessor: int) -> Row:
    return {
        "task_pred_id": number,
        "task_id": ids.task(link.successor),
        "pred_task_id": predecessor,
        "proj_id": ids.project,
        "pred_proj_id": project,
        "pred_type": _LINKS[link.type],
        "lag_hr_cnt": link.lag_hours,
    }


def _assignments(plan: Plan) -> Iterator[Row]:
    ids = Ids(plan)
    for number, assignment in enumerate(plan.assignments(), 1):
        yield _assignment(number, assignment, ids)


def _assignment(number: int, assignment: Assignment, ids: Ids) -> Row:
    return {
        "taskrsrc_id": number,
        "task_id": ids.task(assignment.task),
        "proj_id": ids.project,
        "rsrc_id": RESOURCES + assignment.resource,
        "rsrc_type": _TYPES[PEOPLE_AND_THINGS[assignment.resource].type],
        "target_qty": assignment.hours,
        "target_qty_per_hr": 0.5 if assignment.half else 1,
        "target_start_date": assignment.start,
        "target_end_date": assignment.finish,
        "act_reg_qty": assignment.actual_hours,
        "remain_qty": assignment.remaining_hours,
        "target_cost": assignment.hours * COST_PER_HOUR,
        "act_reg_cost": assignment.actual_hours * COST_PER_HOUR,
        "remain_cost": assignment.remaining_hours * COST_PER_HOUR,
    }


def _code(task: Task, ids: Ids) -> Row | None:
    number = None if task.summary else DISCIPLINES.get(task.discipline)
    if number is None:
        return None
    owner = {"task_id": ids.task(task.place), "proj_id": ids.project}
    return {**owner, "actv_code_type_id": DISCIPLINE, "actv_code_id": number}


def _risk(task: Task, ids: Ids) -> Row | None:
    if task.summary:
        return None
    owner = {"fk_id": ids.task(task.place), "proj_id": ids.project}
    return {"udf_type_id": RISK, **owner, "udf_text": task.risk}
