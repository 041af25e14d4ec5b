"""A small XER file to damage, and what a reader makes of it in a few words."""

from contextlib import nullcontext
from typing import Final

from service.model import Project, Refusal
from tests.support.reading import Reading, python_engine, read

PLAN: Final = """\
ERMHDR|19.12|2026-01-05|Project|planner|Pat|db|Project Management|EUR
%T|PROJECT
%F|proj_id|proj_short_name|clndr_id|export_flag
%R|1|NORTH|11|Y
%R|2|SOUTH|11|Y
%T|CALENDAR
%F|clndr_id|clndr_name
%R|11|Five days
%T|PROJWBS
%F|wbs_id|proj_id|proj_node_flag|wbs_short_name|wbs_name|parent_wbs_id
%R|100|1|Y|NORTH|North plant|
%R|101|1|N|CIV|Civil works|100
%R|200|2|Y|SOUTH|South plant|
%T|TASK
%F|task_id|proj_id|wbs_id|task_code|task_name|target_start_date
%R|1000|1|100|A1000|Excavation|2026-01-05 08:00
%R|1001|1|101|A1010|Concrete|2026-01-19 08:00
%R|2000|2|200|A1000|Survey|2026-01-12 08:00
%T|TASKPRED
%F|task_pred_id|task_id|pred_task_id|proj_id|pred_proj_id|pred_type|lag_hr_cnt
%R|61|1001|1000|1|1|PR_FS|8
%T|TASKMEMO
%F|memo_id|task_id|memo_type_id|proj_id|task_memo
%R|7|1000|41|1|Rock at 3 m
%E
""".replace("|", "\t")
WHOLE: Final = ("NORTH North plant: 3 tasks", "SOUTH South plant: 1 tasks")
"""The outcome of ``PLAN``. The first element of the work breakdown structure is the project."""


def changed(*pairs: tuple[str, str]) -> str:
    """Return the plan with parts replaced, each of which it has once; ``|`` is a tab."""
    data = PLAN
    for old, new in pairs:
        old, new = old.replace("|", "\t"), new.replace("|", "\t")
        assert data.count(old) == 1, old
        data = data.replace(old, new)
    return data


def outcome(data: str | bytes, charset: str | None = None) -> tuple[str, ...]:
    """Return what both engines make of a file, in its order.

    A project with its number of tasks; its warnings and a refusal with code, line, and element;
    the fault that ended the file; the warnings of the file.
    """
    found = set()
    for engine in (nullcontext(), python_engine()):
        with engine:
            found.add((*_describe(read(data, charset=charset)),))
    [described] = found
    return described


def _describe(reading: Reading) -> list[str]:
    found: list[str] = []
    for item in reading.items:
        if isinstance(item, Project):
            found.append(f"{item.external_id} {item.name}: {item.tasks} tasks")
            found += [f"{each.code} {each.line} {each.element}" for each in item.warnings.first]
        elif isinstance(item, Refusal):
            found.append(f"{item.code} {item.line} {item.external_id}")
    if reading.fault is not None:
        found.append(f"{type(reading.fault).__name__} {reading.fault.line}")
    return found + [f"{each.code} {each.count}" for each in reading.warnings]
