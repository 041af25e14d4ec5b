"""The schedule checks of plans from Primavera and Microsoft Project."""

from typing import Any

from tests.support.client import Client
from tests.support.p6_files import activity, file, record, wbs

BEFORE, AFTER = "2026-01-05T08:00:00", "2026-03-02T08:00:00"


async def found(client: Client) -> dict[str, list[tuple[str, str]]]:
    """Return the tasks of each computed check with what it found."""
    checks = (await client.ask("projects/1/checks")).details["checks"]
    return {
        check["name"]: [(task["code"] or task["task_id"], task["value"]) for task in check["tasks"]]
        for check in checks
        if check["not_computed"] is None
    }


def link(before: int, after: int, lag: int = 0, kind: str = "Finish to Start") -> str:
    return record(
        "Relationship",
        PredecessorActivityObjectId=before,
        SuccessorActivityObjectId=after,
        Type=kind,
        Lag=lag,
    )


async def test_a_primavera_plan_is_checked_with_its_calendars(client: Client) -> None:
    calendar = record("Calendar", ObjectId=3, Name="Long days", HoursPerDay=10)
    common: dict[str, Any] = {
        "Status": "Not Started",
        "Type": "Task Dependent",
        "CalendarObjectId": 3,
        "WBSObjectId": 1,
    }
    later = {"StartDate": AFTER, "FinishDate": AFTER}
    activities = (
        activity(9, Id="A0", **common | {"Type": "Start Milestone"}),
        activity(
            10, Id="A10", **common, **later, TotalFloat=441, PlannedDuration=440,
            PrimaryConstraintType="Mandatory Start", PrimaryConstraintDate=AFTER,
        ),
        activity(
            11, Id="A20", **common, **later, TotalFloat=-20, PlannedDuration=441,
            SecondaryConstraintType="Finish On or Before",
        ),
        activity(
            12, Id="A30", **common, StartDate=BEFORE, FinishDate=AFTER, TotalFloat=0,
            PlannedDuration=10,
        ),
        activity(13, Id="A40", **common | {"Type": "Level of Effort"}, PlannedDuration=9999),
        activity(14, Id="A50", **common, **later, PlannedDuration=5),
    )  # fmt: skip
    links = (
        link(9, 10), link(10, 11, -25), link(11, 12, 5, "Start to Start"), link(12, 14),
    )  # fmt: skip
    assigned = record("ResourceAssignment", ActivityObjectId=10, RoleObjectId=5)
    content = (
        "<DataDate>2026-02-02T08:00:00</DataDate>",
        wbs(1, Name="All"), *activities, *links, assigned,
    )  # fmt: skip
    plan = f"<Project><ObjectId>1</ObjectId><Id>P</Id><Name>Plant</Name>{''.join(content)}"
    baseline = (
        "<BaselineProject><ObjectId>2</ObjectId><Id>B</Id><Name>Agreed</Name>"
        "<OriginalProjectObjectId>1</OriginalProjectObjectId>"
        + activity(70, Id="A10", PlannedFinishDate=BEFORE, PlannedDuration=441)
        + activity(71, Id="A20", PlannedFinishDate=AFTER, PlannedDuration=10)
        + "</BaselineProject>"
    )
    current = "<CurrentBaselineProjectObjectId>2</CurrentBaselineProjectObjectId>"
    plan = plan.replace("<Name>Plant</Name>", f"<Name>Plant</Name>{current}")
    await client.land(file(calendar, f"{plan}</Project>", baseline))
    assert await found(client) == {
        "open_ends": [("A50", "successor")],
        "leads": [("A20", "-2.5 days")],
        "lags": [("A30", "0.5 days")],
        "relationship_types": [("A30", "SS")],
        "hard_constraints": [
            ("A10", f"must_start_on {AFTER}"),
            ("A20", "Finish On or Before"),
        ],
        "high_float": [("A10", "44.1 days")],
        "negative_float": [("A20", "-2 days")],
        "high_duration": [("A10", "44.1 days")],
        "invalid_dates": [("A30", f"start {BEFORE}")],
        "missing_resources": [("A20", "44.1 days"), ("A30", "1 days")],
        "missed_tasks": [("A10", f"baseline {BEFORE}, not finished")],
        "bei": [
            ("A10", f"baseline {BEFORE}"),
            ("A30", "not in the baseline"),
            ("A50", "not in the baseline"),
        ],
    }


def task(uid: int, *inside: str, **fields: object) -> str:
    made = record("Task", UID=uid, Name=f"T{uid}", **{"OutlineLevel": 1, **fields})
    return made.replace("</Task>", f"{''.join(inside)}</Task>")


async def test_a_microsoft_project_plan_is_checked_with_its_hours(client: Client) -> None:
    def after(uid: int, **fields: object) -> str:
        return record("PredecessorLink", **{"PredecessorUID": uid, "Type": 1, **fields})

    later = {"Start": AFTER, "Finish": AFTER}
    baseline = record("Baseline", Number=0, Finish=BEFORE)
    tasks = (
        task(1, Milestone=1, Duration="PT0H0M0S"),
        task(2, after(1), baseline, **later, ConstraintType=3, ConstraintDate=AFTER,
             TotalSlack=60 * 9 * 45 * 10, Duration="PT397H0M0S"),
        task(3, after(2, LinkLag=60 * 9 * 10, LagFormat=7), **later, ConstraintType=0,
             TotalSlack=-10, Duration="PT9H0M0S"),
        task(4, after(3, Type=3, LinkLag=-60 * 9 * 10, LagFormat=7), Start=BEFORE, Finish=AFTER,
             ConstraintType=0, Duration="PT960H0M0S", DurationFormat=8),
        task(5, Active=0, ConstraintType=2),
        task(6, Summary=1, Duration="PT9999H0M0S"),
    )  # fmt: skip
    assignments = (
        record("Assignment", UID=1, TaskUID=2, ResourceUID=1)
        + record("Assignment", UID=2, TaskUID=3, ResourceUID=-65535)
    )  # fmt: skip
    await client.land(
        '<Project xmlns="http://schemas.microsoft.com/project"><Name>Plant</Name>'
        "<StatusDate>2026-02-02T08:00:00</StatusDate><MinutesPerDay>540</MinutesPerDay>"
        f"<Tasks>{''.join(tasks)}</Tasks>"
        f"<Resources>{record('Resource', UID=1, Name='Crew')}</Resources>"
        f"<Assignments>{assignments}</Assignments></Project>"
    )
    assert await found(client) == {
        "open_ends": [("4", "successor")],
        "leads": [("4", "-1 days")],
        "lags": [("3", "1 days")],
        "relationship_types": [("4", "SS")],
        "hard_constraints": [("2", f"must_finish_on {AFTER}")],
        "high_float": [("2", "45 days")],
        "negative_float": [("3", "-0.1 days")],
        "high_duration": [("2", "44.2 days")],
        "invalid_dates": [("4", f"start {BEFORE}")],
        "missing_resources": [("3", "1 days"), ("4", "40 days")],
        "missed_tasks": [("2", f"baseline {BEFORE}, not finished")],
        "bei": [
            ("2", f"baseline {BEFORE}"),
            ("3", "not in the baseline"),
            ("4", "not in the baseline"),
        ],
    }
