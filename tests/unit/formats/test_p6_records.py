"""Primavera XML: the records of a project."""

import pytest

from service.codes import WarningCode
from service.tables import Table
from tests.support.p6_files import (
    CREW,
    activity,
    attributes,
    file,
    landed,
    project,
    record,
    task,
    told,
    wbs,
)
from tests.support.reading import read, rows

pytestmark = pytest.mark.usefixtures("both_engines")


class TestTasks:
    def test_a_wbs_element_becomes_a_task(self) -> None:
        root, child = rows(
            landed(
                wbs(1, Name="Root", Code="PU", ParentObjectId=99, SequenceNumber=5),
                wbs(2, Name="Child", Code="A", ParentObjectId=1),
            ),
            Table.TASKS,
        )
        assert (root["kind"], root["summary"], root["milestone"]) == ("wbs", "t", "f")
        assert (root["task_id"], root["wbs"], root["name"]) == ("1", "PU", "Root")
        assert (root["parent_id"], child["parent_id"]) == (None, "1")
        assert attributes(root) == {"ParentObjectId": "99", "SequenceNumber": "5"}
        assert attributes(child) == {}

    def test_a_wbs_parent_may_come_after_its_children(self) -> None:
        one = landed(
            wbs(3, ParentObjectId=2), wbs(2, ParentObjectId=1), wbs(1), activity(4, WBSObjectId=3)
        )
        assert [(row["task_id"], row["parent_id"]) for row in rows(one, Table.TASKS)] == [
            ("3", "2"),
            ("2", "1"),
            ("1", None),
            ("4", "3"),
        ]

    def test_an_activity_becomes_a_task(self) -> None:
        row = task(
            activity(
                1,
                Id="A1000",
                Name="Dig",
                StartDate="2026-01-05T08:00:00",
                FinishDate="2026-01-06T17:00:00",
                AtCompletionDuration="12.5",
                PlannedDuration="16",
                AtCompletionLaborUnits="40",
                PercentComplete="0.29",
                Type="Task Dependent",
            )
        )
        assert attributes(row) == {"PlannedDuration": "16", "Type": "Task Dependent"}
        del row["attributes"]
        assert {name: text for name, text in row.items() if text is not None} == {
            "ordinal": "0",
            "task_id": "1",
            "kind": "activity",
            "code": "A1000",
            "name": "Dig",
            "start": "2026-01-05T08:00:00",
            "finish": "2026-01-06T17:00:00",
            "duration": "PT12H30M",
            "work": "PT40H",
            "percent_complete": "29",
            "milestone": "f",
            "summary": "f",
        }

    def test_planning_values_fill_columns_and_stay_in_attributes(self) -> None:
        elements = {
            "GUID": "{CB08F0A6-2FEA-4E32-810E-BC088B58A1A8}",
            "Status": "In Progress",
            "ActualStartDate": "2026-01-05T08:00:00",
            "ActualDuration": "20",
            "RemainingDuration": "12.5",
            "ActualLaborUnits": "16",
            "RemainingLaborUnits": "24",
            "PrimaryConstraintType": "Start On or After",
            "PrimaryConstraintDate": "2026-01-05T00:00:00",
            "TotalFloat": "-16",
            "FreeFloat": "0",
            "IsCritical": "1",
            "CalendarObjectId": "10",
            "PhysicalPercentComplete": "0.4",
            "AtCompletionTotalCost": "1200.50",
            "ActualTotalCost": "800",
            "RemainingTotalCost": "400.50",
        }
        row = task(activity(1, **elements))
        assert attributes(row) == elements
        columns = ("guid", "status", "actual_start", "actual_duration", "remaining_duration")
        assert [row[name] for name in columns] == [
            "cb08f0a6-2fea-4e32-810e-bc088b58a1a8",
            "In Progress",
            "2026-01-05T08:00:00",
            "PT20H",
            "PT12H30M",
        ]
        assert (row["actual_work"], row["remaining_work"]) == ("PT16H", "PT24H")
        assert row["constraint_type"] == "start_no_earlier_than"
        assert row["constraint_date"] == "2026-01-05T00:00:00"
        assert (row["total_float"], row["free_float"], row["critical"]) == ("PT-16H", "PT0S", "t")
        assert (row["calendar_id"], row["physical_percent_complete"]) == ("10", "40")
        assert [row[name] for name in ("cost", "actual_cost", "remaining_cost")] == [
            "1200.5",
            "800",
            "400.5",
        ]

    def test_dates_of_the_remaining_work_come_before_those_of_the_activity(self) -> None:
        early = {"EarlyStartDate": "2026-01-05T08:00:00", "LateStartDate": "2026-01-06T08:00:00"}
        row = task(activity(1, **early, RemainingEarlyStartDate="2026-01-07T08:00:00"))
        assert row["early_start"] == "2026-01-07T08:00:00"
        assert row["late_start"] == "2026-01-06T08:00:00"
        assert attributes(row)["EarlyStartDate"] == "2026-01-05T08:00:00"

    def test_the_planned_duration_is_the_second_choice(self) -> None:
        row = task(activity(1, PlannedDuration="16"))
        assert (row["duration"], attributes(row)) == ("PT16H", {})

    @pytest.mark.parametrize(
        ("kind", "milestone"),
        [("Start Milestone", "t"), ("Finish Milestone", "t"), ("Level of Effort", "f")],
    )
    def test_milestones_keep_their_type(self, kind: str, milestone: str) -> None:
        row = task(activity(1, Type=kind))
        assert (row["milestone"], attributes(row)) == (milestone, {"Type": kind})

    def test_an_activity_of_an_unknown_wbs_keeps_the_raw_id(self) -> None:
        row = task(activity(1, WBSObjectId=5, StartDate="never"))
        assert row["parent_id"] is None
        assert attributes(row) == {"StartDate": "never", "WBSObjectId": "5"}

    def test_wbs_and_activity_may_have_the_same_id(self) -> None:
        one = landed(wbs(1), activity(1, WBSObjectId=1))
        assert [row["kind"] for row in rows(one, Table.TASKS)] == ["wbs", "activity"]

    def test_a_bad_value_is_kept_and_reported_once(self) -> None:
        one = landed(
            wbs(1),
            activity(1, WBSObjectId=9, PercentComplete="1.5", StartDate="2008-12-04T17:-0:00"),
        )
        _, row = rows(one, Table.TASKS)
        assert (row["start"], row["percent_complete"]) == (None, None)
        assert attributes(row) == {
            "PercentComplete": "1.5",
            "StartDate": "2008-12-04T17:-0:00",
            "WBSObjectId": "9",
        }
        assert told(one) == [
            (WarningCode.BAD_VALUE, "PercentComplete", "1.5"),
            (WarningCode.BAD_VALUE, "StartDate", "2008-12-04T17:-0:00"),
        ]

    def test_a_finish_before_the_start_is_a_warning(self) -> None:
        dates = {"StartDate": "2026-01-06T08:00:00", "FinishDate": "2026-01-05T17:00:00"}
        one = landed(activity(1, **dates))
        assert told(one) == [(WarningCode.FINISH_BEFORE_START, "FinishDate", "2026-01-05T17:00:00")]

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            (activity(1) + activity(1), 'Activity "1" has the id of an earlier record'),
            (record("Activity", Name="x"), "ObjectId is missing"),
            (wbs(1) + wbs(1), 'WBS "1" has the id of an earlier record'),
        ],
    )
    def test_tasks_without_id_or_with_a_repeated_id_refuse_the_project(
        self, content: str, message: str
    ) -> None:
        [refusal] = read(file(project(content))).refusals
        assert refusal.message == message


class TestRelationships:
    @pytest.mark.parametrize(
        ("text", "short"),
        [
            ("Finish to Start", "FS"),
            ("Start to Start", "SS"),
            ("Finish to Finish", "FF"),
            ("Start to Finish", "SF"),
        ],
    )
    def test_a_relationship_has_type_and_lag_in_hours(self, text: str, short: str) -> None:
        link = record(
            "Relationship",
            PredecessorActivityObjectId=1,
            SuccessorActivityObjectId=2,
            Type=text,
            Lag="-4.5",
            ObjectId=8,
        )
        [row] = rows(landed(activity(1), link, activity(2)), Table.DEPENDENCIES)
        assert (row["predecessor_id"], row["successor_id"]) == ("1", "2")
        assert (row["type"], row["lag"], attributes(row)) == (short, "PT-4H-30M", {"ObjectId": "8"})

    def test_an_end_of_a_relationship_may_be_a_wbs(self) -> None:
        link = record("Relationship", PredecessorActivityObjectId=1, SuccessorActivityObjectId=2)
        [row] = rows(landed(wbs(1), activity(2), link), Table.DEPENDENCIES)
        assert (row["type"], row["lag"]) == ("FS", "PT0S")

    def test_a_relationship_with_a_missing_end_becomes_a_part_with_a_warning(self) -> None:
        link = record("Relationship", PredecessorActivityObjectId=1, SuccessorActivityObjectId=5)
        one = landed(activity(1), link, record("Relationship", PredecessorActivityObjectId=1))
        assert rows(one, Table.DEPENDENCIES) == []
        assert [(row["element"], attributes(row)) for row in rows(one, Table.PARTS)] == [
            (
                "Relationship",
                {"PredecessorActivityObjectId": "1", "SuccessorActivityObjectId": "5"},
            ),
            ("Relationship", {"PredecessorActivityObjectId": "1"}),
        ]
        assert told(one) == [
            (WarningCode.LINK_END_MISSING, "Relationship", "1 -> 5"),
            (WarningCode.LINK_END_MISSING, "Relationship", "1 -> ?"),
        ]


class TestAssignments:
    def test_an_assignment_fills_its_columns_and_adds_a_row_of_its_resource(self) -> None:
        one = landed(
            activity(1),
            record(
                "ResourceAssignment",
                ActivityObjectId=1,
                ResourceObjectId=7,
                PlannedUnitsPerTime="0.5",
                AtCompletionUnits="20",
                ResourceType="Labor",
                ObjectId=4,
            )
            * 2,
            shared=CREW,
        )
        first, second = rows(one, Table.ASSIGNMENTS)
        assert attributes(first) == attributes(second) == {"ObjectId": "4", "ResourceType": "Labor"}
        assert (first["task_id"], first["resource_id"]) == ("1", "7")
        assert (first["units"], first["work"]) == ("0.5", "PT20H")
        [crew] = rows(one, Table.RESOURCES)
        assert {name: text for name, text in crew.items() if text is not None} == {
            "ordinal": "0",
            "resource_id": "7",
            "name": "Crew",
            "type": "work",
            "email": "crew@example.org",
            "calendar_id": "3",
            "attributes": "{}",
        }
        assert one.warnings.count == 0

    def test_units_of_material_are_not_work(self) -> None:
        assignment = record(
            "ResourceAssignment",
            ActivityObjectId=1,
            AtCompletionUnits="20",
            ActualUnits="5",
            ActualCost="99.90",
            ResourceType="Material",
        )
        [row] = rows(landed(activity(1), assignment), Table.ASSIGNMENTS)
        assert (row["work"], row["actual_work"], row["resource_id"]) == (None, None, None)
        assert row["actual_cost"] == "99.9"
        assert attributes(row) == {
            "AtCompletionUnits": "20",
            "ActualUnits": "5",
            "ActualCost": "99.90",
            "ResourceType": "Material",
        }

    def test_dates_and_progress_of_an_assignment_fill_columns(self) -> None:
        elements = {
            "StartDate": "2026-01-05T08:00:00",
            "FinishDate": "2026-01-09T17:00:00",
            "ActualUnits": "5",
            "RemainingUnits": "7.5",
            "AtCompletionCost": "99.90",
            "RoleObjectId": "3",
        }
        assignment = record("ResourceAssignment", ActivityObjectId=1, **elements)
        [row] = rows(landed(activity(1), assignment), Table.ASSIGNMENTS)
        assert attributes(row) == elements
        assert [row[name] for name in ("start", "finish", "role_id", "cost")] == [
            "2026-01-05T08:00:00",
            "2026-01-09T17:00:00",
            "3",
            "99.9",
        ]
        assert (row["actual_work"], row["remaining_work"]) == ("PT5H", "PT7H30M")

    def test_a_missing_resource_is_a_warning_and_its_id_stays(self) -> None:
        assignment = record("ResourceAssignment", ActivityObjectId=1, ResourceObjectId=8)
        one = landed(activity(1), assignment, shared=CREW)
        [row] = rows(one, Table.ASSIGNMENTS)
        assert row["resource_id"] == "8"
        assert rows(one, Table.RESOURCES) == []
        assert told(one) == [(WarningCode.RESOURCE_MISSING, "ResourceObjectId", "8")]

    @pytest.mark.parametrize("fields", [{"ActivityObjectId": 2, "Role": "x"}, {"Role": "x"}])
    def test_an_assignment_to_a_missing_activity_becomes_a_part(
        self, fields: dict[str, int]
    ) -> None:
        one = landed(wbs(2), activity(1), record("ResourceAssignment", **fields))
        assert rows(one, Table.ASSIGNMENTS) == []
        [part] = rows(one, Table.PARTS)
        assert part["element"] == "ResourceAssignment"
        assert attributes(part) == {name: str(value) for name, value in fields.items()}
        assert [code for code, _, _ in told(one)] == [WarningCode.ASSIGNMENT_TASK_MISSING]

    def test_a_bad_type_of_a_resource_warns_the_projects_that_use_it(self) -> None:
        assignment = record("ResourceAssignment", ActivityObjectId=1, ResourceObjectId=7)
        one = landed(activity(1), assignment, shared=CREW.replace("Labor", "Robot"))
        [row] = rows(one, Table.RESOURCES)
        assert row["type"] is None
        assert told(one) == [(WarningCode.BAD_VALUE, "ResourceType", "Robot")]
