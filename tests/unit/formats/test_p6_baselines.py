"""Primavera's baselines: before and after their project, which may be one of several."""

import pytest

from service.codes import ErrorCode, WarningCode
from service.formats.limits import Limits
from service.formats.p6 import held_projects
from service.model import Project
from service.spool.spool import Spool
from service.tables import Table
from tests.support.p6_files import CALENDAR, CREW, activity, attributes, file, record, wbs
from tests.support.reading import Reading, read, rows

pytestmark = pytest.mark.usefixtures("both_engines")

STARTS = "2026-01-05T08:00:00"
PLANNED = {
    "Id": "A1000",
    "Name": "Dig",
    "PlannedStartDate": STARTS,
    "StartDate": "2026-02-02T08:00:00",
    "FinishDate": "2026-02-03T17:00:00",
    "PlannedDuration": 16,
    "PlannedLaborUnits": 8,
    "PlannedTotalCost": "12.50",
    "LastUpdateDate": "2026-01-01T00:00:00",
}
SKIPPED = (
    WarningCode.BASELINE_PROJECTS_SKIPPED,
    "Baselines without their project, or far from it in the file, are not imported",
)


def project(*content: str, object_id: int = 1, current: object = "") -> str:
    return (
        f"<Project><Id>P-{object_id}</Id><Name>Plant</Name><ObjectId>{object_id}</ObjectId>"
        f"<CurrentBaselineProjectObjectId>{current}</CurrentBaselineProjectObjectId>"
        f"{''.join(content)}</Project>"
    )


def baseline(*content: str, object_id: int = 9, of: int = 1) -> str:
    return (
        f"<BaselineProject><BaselineTypeName>Initial</BaselineTypeName><Id>P-B1</Id>"
        f"<Name>Plant B{object_id}</Name><ObjectId>{object_id}</ObjectId>"
        f"<OriginalProjectObjectId>{of}</OriginalProjectObjectId>{''.join(content)}"
        "</BaselineProject>"
    )


PROJECT = project(wbs(2, Name="Site"), activity(3, Id="A1000", WBSObjectId=2), current=9)
BASELINE = baseline(
    wbs(12, Name="Site"),
    activity(13, WBSObjectId=12, **PLANNED),
    record("Relationship", ObjectId=4, PredecessorActivityObjectId=13),
    "<ActivityNote><ObjectId>5</ObjectId></ActivityNote>",
)


def read_one(*content: str) -> Project:
    reading = read(file(*content))
    assert reading.warnings == []
    [found] = reading.projects
    return found


def skipped(reading: Reading) -> list[tuple[WarningCode, str, int | None]]:
    return [(each.code, each.message, each.count) for each in reading.warnings]


@pytest.mark.parametrize("content", [(PROJECT, BASELINE), (BASELINE, PROJECT)])
def test_a_baseline_joins_its_project(content: tuple[str, str]) -> None:
    found = read_one(*content)
    [own] = rows(found, Table.BASELINES)
    assert (own["number"], own["name"], own["type"], own["current"]) == (
        *("0", "Plant B9", "Initial"),
        "t",
    )
    assert attributes(own) == {"Id": "P-B1", "ObjectId": "9", "OriginalProjectObjectId": "1"}
    site, dig = rows(found, Table.BASELINE_TASKS)
    assert (site["ordinal"], site["kind"], site["task_id"], site["name"]) == (
        *("0", "wbs", "12"),
        "Site",
    )
    assert {key: value for key, value in dig.items() if key != "attributes"} == {
        "ordinal": "1",
        "number": "0",
        "kind": "activity",
        "task_id": "13",
        "code": "A1000",
        "name": "Dig",
        "start": STARTS,
        "finish": "2026-02-03T17:00:00",
        "duration": "PT16H",
        "work": "PT8H",
        "cost": "12.5",
    }
    assert attributes(dig) == {
        "WBSObjectId": "12",
        **{key: str(value) for key, value in PLANNED.items() if key not in ("Id", "Name")},
    }
    assert [(row["ordinal"], row["element"]) for row in rows(found, Table.PARTS)] == [
        ("0", "BaselineProject/Relationship"),
        ("1", "BaselineProject/ActivityNote"),
    ]
    assert [attributes(row) for row in rows(found, Table.PARTS)] == [
        {"#baseline": 0, "ObjectId": "4", "PredecessorActivityObjectId": "13"},
        {"#baseline": 0, "ObjectId": "5"},
    ]
    assert found.tasks == 2


def test_the_order_of_project_and_baseline_changes_nothing() -> None:
    assert read_one(PROJECT, BASELINE).content_hash == read_one(BASELINE, PROJECT).content_hash


def test_a_baseline_makes_content_differ_but_not_its_volatile_members() -> None:
    later = BASELINE.replace("2026-01-01T00:00:00", "2026-01-02T00:00:00")
    moved = BASELINE.replace(STARTS, "2026-01-06T08:00:00")
    of = [read_one(PROJECT, *each).content_hash for each in ([], [BASELINE], [later], [moved])]
    assert of[1] == of[2]
    assert len(set(of)) == 3


def test_several_baselines_have_numbers_in_the_order_of_the_file() -> None:
    note = "<ActivityNote><ObjectId>5</ObjectId></ActivityNote>"
    first, second = (baseline(activity(n), note, object_id=n) for n in (8, 9))
    found = read_one(first, project(note, current=9), second)
    assert [(row["number"], row["current"]) for row in rows(found, Table.BASELINES)] == [
        ("0", "f"),
        ("1", "t"),
    ]
    assert [
        (row["ordinal"], row["number"], row["task_id"]) for row in rows(found, Table.BASELINE_TASKS)
    ] == [("0", "0", "8"), ("1", "1", "9")]
    assert [
        (row["ordinal"], row["element"], attributes(row).get("#baseline"))
        for row in rows(found, Table.PARTS)
    ] == [
        ("0", "ActivityNote", None),
        ("1", "BaselineProject/ActivityNote", 0),
        ("2", "BaselineProject/ActivityNote", 1),
    ]


@pytest.mark.parametrize(
    "nil",
    [
        "",
        '<CurrentBaselineProjectObjectId xsi:nil="true" '
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"/>',
    ],
)
def test_no_baseline_is_current_unless_the_project_names_it(nil: str) -> None:
    plan = PROJECT.replace(
        "<CurrentBaselineProjectObjectId>9</CurrentBaselineProjectObjectId>", nil
    )
    found = read_one(plan, BASELINE)
    assert [row["current"] for row in rows(found, Table.BASELINES)] == ["f"]


def test_other_projects_may_be_between_a_project_and_its_baseline() -> None:
    reading = read(
        file(
            baseline(activity(31), object_id=30, of=3),
            *(project(object_id=n, current=n + 10) for n in (1, 2)),
            baseline(activity(11), object_id=11, of=1),
            project(object_id=3),
            baseline(activity(21), object_id=12, of=2),
        )
    )
    assert reading.warnings == []
    assert [
        (each.index, each.external_id, [row["task_id"] for row in rows(each, Table.BASELINE_TASKS)])
        for each in reading.projects
    ] == [(0, "P-1", ["11"]), (1, "P-2", ["21"]), (2, "P-3", ["31"])]


def test_a_baseline_without_its_project_is_skipped_and_counted() -> None:
    other = "<BaselineProject><Id>x</Id></BaselineProject>"
    reading = read(file(project(), baseline(of=7), other))
    assert [len(rows(each, Table.BASELINES)) for each in reading.projects] == [0]
    assert skipped(reading) == [(*SKIPPED, 2)]


def test_shared_objects_of_a_baseline_belong_to_its_project() -> None:
    work = record("ResourceAssignment", ActivityObjectId=13, ResourceObjectId=7)
    reading = read(
        file(CALENDAR, CREW, PROJECT, project(object_id=2), baseline(activity(13), work))
    )
    assert reading.warnings == []
    first, second = reading.projects
    assert (len(first.shared), len(second.shared)) == (2, 0)
    assert rows(first, Table.RESOURCES) == []


def test_a_fault_in_a_baseline_concerns_its_project() -> None:
    bad = baseline(activity(13, PlannedStartDate="soon"))
    [notice] = read_one(PROJECT, bad).warnings.first
    assert (notice.code, notice.element) == (WarningCode.BAD_VALUE, "PlannedStartDate")
    reading = read(file(PROJECT, project(object_id=2), baseline(record("Activity", Id="x"))))
    [refusal] = reading.refusals
    assert (refusal.code, refusal.external_id) == (ErrorCode.VALIDATION_ERROR, "P-1")
    assert [each.external_id for each in reading.projects] == ["P-2"]


def test_a_project_with_its_baselines_may_not_exceed_the_limit() -> None:
    large = baseline(*(activity(n, Name="x" * 100) for n in range(20)))
    for limit, wanted in ((2000, True), (100_000, False)):
        reading = read(file(PROJECT, large), limits=Limits(max_project_bytes=limit))
        assert [each.code for each in reading.refusals] == [ErrorCode.PROJECT_TOO_LARGE] * wanted


def test_a_file_that_breaks_off_keeps_the_projects_before() -> None:
    broken = file(PROJECT, project(object_id=2), BASELINE).replace("</BaselineProject>", "<")
    reading = read(broken)
    assert [each.external_id for each in reading.projects] == ["P-1", "P-2"]
    assert [len(rows(each, Table.BASELINES)) for each in reading.projects] == [0, 0]
    assert reading.fault is not None


class TestBounds:
    def test_a_project_waits_while_it_names_a_baseline_to_come(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(held_projects, "WINDOW", 1)
        plans = [project(object_id=n, current=(n == 1 and 9) or "") for n in range(1, 6)]
        reading = read(file(*plans, BASELINE))
        assert reading.warnings == []
        assert [len(rows(each, Table.BASELINES)) for each in reading.projects] == [1, 0, 0, 0, 0]

    @pytest.mark.parametrize("bound", ["WINDOW", "MAX_BYTES", "MAX_MEMORY"])
    def test_a_baseline_far_after_its_project_is_skipped(
        self, bound: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(held_projects, bound, 1)
        plans = [project(object_id=n, current="" if bound == "WINDOW" else 9) for n in (1, 2, 3)]
        reading = read(file(*plans, BASELINE, baseline(object_id=10, of=3)))
        assert [len(rows(each, Table.BASELINES)) for each in reading.projects] == [0, 0, 1]
        assert skipped(reading) == [(*SKIPPED, 1)]

    def test_baselines_far_before_their_project_are_skipped(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(held_projects, "MAX_BYTES", 1000)
        many = [baseline(activity(1), object_id=n) for n in range(10)]
        reading = read(file(*many, project()))
        [found] = reading.projects
        kept = len(rows(found, Table.BASELINES))
        assert 0 < kept < 10
        assert skipped(reading) == [(*SKIPPED, 10 - kept)]

    def test_a_project_has_no_more_baselines_than_memory_has_room_for(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(held_projects, "MAX_MEMORY", 20_000)
        reading = read(file(project(), *(baseline(object_id=n) for n in range(10))))
        [found] = reading.projects
        kept = len(rows(found, Table.BASELINES))
        assert 0 < kept < 5
        assert skipped(reading) == [(*SKIPPED, 10 - kept)]

    @pytest.mark.parametrize("bound", ["MAX_BYTES", "MAX_MEMORY"])
    def test_baselines_of_later_projects_make_the_first_one_leave(
        self, bound: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(held_projects, bound, 4_000 if bound == "MAX_BYTES" else 20_000)
        plans = [project(object_id=n, current=n + 10) for n in (1, 2)]
        many = [baseline(object_id=n, of=2) for n in (12, 21, 22)]
        large = baseline(*(activity(n, **PLANNED) for n in range(9)), object_id=12, of=2)
        late = [large] if bound == "MAX_BYTES" else many
        reading = read(file(*plans, *late, baseline(object_id=11, of=1)))
        found = [len(rows(each, Table.BASELINES)) for each in reading.projects]
        assert found == [0, len(late)]
        assert skipped(reading) == [(*SKIPPED, 1)]

    def test_the_working_file_is_freed_while_projects_follow(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(held_projects, "WINDOW", 20_000)
        monkeypatch.setattr(held_projects, "_IN_MEMORY", 20_000)
        plans = [project(*map(activity, range(30)), object_id=n) for n in range(200)]
        limits = Limits(spool=Spool().share(200_000))
        reading = read(file(*plans), limits=limits)
        assert reading.fault is None
        assert len(reading.projects) == 200

    def test_rows_on_disk_join_like_those_in_memory(self) -> None:
        plan = project(*(activity(n, Id=f"A{n}") for n in range(300)))
        kept = baseline(*(activity(n, **PLANNED) for n in range(300)))
        small = read(file(plan, kept), limits=Limits(spill_bytes=2000)).projects[0]
        large = read(file(kept, plan)).projects[0]
        assert small.content_hash == large.content_hash
        assert rows(small, Table.BASELINE_TASKS) == rows(large, Table.BASELINE_TASKS)
