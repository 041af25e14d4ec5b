"""Primavera XML, rule by rule."""

import json

import pytest

from service.model import FileWarning, Project, WarningCode
from service.rows import Table
from tests.reading import Reading, Row, project_row, read, read_project, rows

pytestmark = pytest.mark.usefixtures("both_walks")

P6 = "http://xmlns.oracle.com/Primavera/P6/V25.12/API/BusinessObjects"
CALENDAR = "<Calendar><ObjectId>3</ObjectId><Name>Day</Name></Calendar>"
CREW = (
    "<Resource><ObjectId>7</ObjectId><Name>Crew</Name><ResourceType>Labor</ResourceType>"
    "<EmailAddress>crew@example.org</EmailAddress><CalendarObjectId>3</CalendarObjectId></Resource>"
)


def file(*content: str, namespace: str = P6) -> str:
    xmlns = f' xmlns="{namespace}"' if namespace else ""
    return f"<APIBusinessObjects{xmlns}>{''.join(content)}</APIBusinessObjects>"


def project(*content: str, id: str = "P-1") -> str:
    return f"<Project><Id>{id}</Id><Name>Plant</Name>{''.join(content)}</Project>"


def record(element: str, **fields: object) -> str:
    inside = "".join(f"<{name}>{text}</{name}>" for name, text in fields.items())
    return f"<{element}>{inside}</{element}>"


def wbs(object_id: int, **fields: object) -> str:
    return record("WBS", ObjectId=object_id, **fields)


def activity(object_id: int, **fields: object) -> str:
    return record("Activity", ObjectId=object_id, **fields)


def landed(*content: str, shared: str = "") -> Project:
    return read_project(file(shared, project(*content)))


def task(*content: str) -> Row:
    [row] = rows(landed(*content), Table.TASKS)
    return row


def attributes(row: Row) -> dict[str, object]:
    loaded = json.loads(row["attributes"] or "")
    assert isinstance(loaded, dict)
    return loaded


def told(project: Project) -> list[tuple[WarningCode, str, str | None]]:
    return [(notice.code, notice.element, notice.value) for notice in project.warnings.first]


def shared_ids(reading: Reading) -> list[tuple[str, str | None]]:
    return [(one.element, one.object_id) for item in reading.shared for one in item.objects]


class TestRecognition:
    @pytest.mark.parametrize(
        "namespace",
        [
            "",
            P6,
            "http://xmlns.oracle.com/Primavera/P6Professional/V8.4/API/BusinessObjects",
            "https://xmlns.oracle.com/Primavera/P6/V7.0/API/BusinessObjects",
        ],
    )
    def test_any_version_s_namespace_or_none(self, namespace: str) -> None:
        reading = read(file(CALENDAR, project(activity(1)), namespace=namespace))
        assert (reading.dialect, reading.complete) == ("p6", 1)
        [row] = rows(reading.projects[0], Table.TASKS)
        assert (row["task_id"], attributes(row)) == ("1", {})

    @pytest.mark.parametrize("namespace", ["urn:other", P6 + "/More"])
    def test_another_namespace_is_not_primavera(self, namespace: str) -> None:
        assert read(file(project(), namespace=namespace)).dialect != "p6"

    def test_the_list_of_stubs_holds_no_project(self) -> None:
        stub = (
            '<ProjectList><Project ObjectId="1"><Id>P-1</Id><Name>x</Name></Project></ProjectList>'
        )
        reading = read(file(stub, project(), stub))
        assert [one.external_id for one in reading.projects] == ["P-1"]
        assert reading.warnings == []

    def test_baselines_and_loose_records_are_counted_and_left_out(self) -> None:
        baseline = f"<BaselineProject><Id>P-1</Id>{activity(1)}{CALENDAR}</BaselineProject>"
        reading = read(
            file(project(), baseline, activity(5), baseline, wbs(6), record("Risk", X=1))
        )
        assert [one.tasks for one in reading.projects] == [0]
        assert reading.warnings == [
            FileWarning(
                WarningCode.BASELINE_PROJECTS_SKIPPED, "Baseline projects are not imported", 2
            ),
            FileWarning(
                WarningCode.LOOSE_RECORDS_SKIPPED,
                "Activities and other records outside a project are not imported",
                3,
            ),
        ]

    @pytest.mark.parametrize("missing", ["Id", "Name"])
    def test_a_project_without_id_or_name_is_refused_alone(self, missing: str) -> None:
        bad = project(id="P-0").replace(missing + ">", "Other>")
        reading = read(file(bad, project()))
        [refusal] = reading.refusals
        assert refusal.message == f"{missing} is missing"
        assert [one.external_id for one in reading.projects] == ["P-1"]


class TestProject:
    def test_columns(self) -> None:
        row = project_row(
            landed(
                "<Status>Active</Status><Description>Text</Description>",
                "<StartDate>2026-01-05T08:00:00</StartDate>",
                "<PlannedStartDate>2026-01-01T08:00:00</PlannedStartDate>",
                "<FinishDate>2026-02-05T17:00:00</FinishDate>",
                "<StrategicPriority>500</StrategicPriority><ObjectId>9</ObjectId>",
                "<GUID>{A}</GUID>",
            )
        )
        assert attributes(row) == {
            "GUID": "{A}",
            "ObjectId": "9",
            "PlannedStartDate": "2026-01-01T08:00:00",
        }
        del row["attributes"]
        assert {name: text for name, text in row.items() if text is not None} == {
            "name": "Plant",
            "status": "Active",
            "description": "Text",
            "start": "2026-01-05T08:00:00",
            "finish": "2026-02-05T17:00:00",
            "priority": "500",
            "source": "p6",
        }

    def test_the_planned_start_stands_in(self) -> None:
        row = project_row(landed("<PlannedStartDate>2026-01-01T08:00:00</PlannedStartDate>"))
        assert (row["start"], attributes(row)) == ("2026-01-01T08:00:00", {})

    def test_scalars_between_and_behind_the_records_are_its_own(self) -> None:
        one = landed(
            "<Status>Active</Status>",
            activity(1),
            "<DataDate>2026-01-01T00:00:00</DataDate>",
            activity(2),
            record("ActivityNote", Note="x"),
            "<Description>Late</Description>",
        )
        row = project_row(one)
        assert (row["status"], row["description"]) == ("Active", "Late")
        assert attributes(row) == {"DataDate": "2026-01-01T00:00:00"}
        assert one.tasks == 2

    def test_every_other_structured_child_is_a_part(self) -> None:
        one = landed(
            record("Code", TypeObjectId=1, ValueObjectId=2),
            record("UnheardOf", Deep=record("Deeper", X=1)),
            record("ActivityNote", Note="n"),
            "<Empty><Inside/></Empty>",
        )
        parts = {row["element"]: attributes(row) for row in rows(one, Table.PARTS)}
        assert parts == {
            "ActivityNote": {"Note": "n"},
            "Code": {"TypeObjectId": "1", "ValueObjectId": "2"},
            "UnheardOf": {"Deep": [{"Deeper": [{"X": "1"}]}]},
        }
        assert attributes(project_row(one)) == {}


class TestTasks:
    def test_a_wbs(self) -> None:
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

    def test_a_parent_may_come_behind_its_children_and_the_order_stays(self) -> None:
        one = landed(
            wbs(3, ParentObjectId=2), wbs(2, ParentObjectId=1), wbs(1), activity(4, WBSObjectId=3)
        )
        assert [(row["task_id"], row["parent_id"]) for row in rows(one, Table.TASKS)] == [
            ("3", "2"),
            ("2", "1"),
            ("1", None),
            ("4", "3"),
        ]

    def test_an_activity(self) -> None:
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
        assert row == {
            "ordinal": "0",
            "task_id": "1",
            "kind": "activity",
            "parent_id": None,
            "wbs": "A1000",
            "name": "Dig",
            "start": "2026-01-05T08:00:00",
            "finish": "2026-01-06T17:00:00",
            "duration": "PT12H30M",
            "work": "PT40H",
            "percent_complete": "29",
            "priority": None,
            "milestone": "f",
            "summary": "f",
            "notes": None,
        }

    def test_the_planned_duration_stands_in(self) -> None:
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

    def test_wbs_and_activity_ids_are_apart(self) -> None:
        one = landed(wbs(1), activity(1, WBSObjectId=1))
        assert [row["kind"] for row in rows(one, Table.TASKS)] == ["wbs", "activity"]

    def test_a_bad_value_is_kept_raw_and_told_once(self) -> None:
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

    def test_a_finish_before_the_start_is_told(self) -> None:
        dates = {"StartDate": "2026-01-06T08:00:00", "FinishDate": "2026-01-05T17:00:00"}
        one = landed(activity(1, **dates))
        assert told(one) == [(WarningCode.FINISH_BEFORE_START, "FinishDate", "2026-01-05T17:00:00")]

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            (activity(1) + activity(1), 'Activity "1" has the id of another one'),
            (record("Activity", Name="x"), "ObjectId is missing"),
            (wbs(1) + wbs(1), 'WBS "1" has the id of another one'),
        ],
    )
    def test_tasks_that_cannot_be_told_apart_refuse_the_project(
        self, content: str, message: str
    ) -> None:
        [refusal] = read(file(project(content))).refusals
        assert refusal.message == message


class TestRelationships:
    @pytest.mark.parametrize(
        ("said", "short"),
        [
            ("Finish to Start", "FS"),
            ("Start to Start", "SS"),
            ("Finish to Finish", "FF"),
            ("Start to Finish", "SF"),
        ],
    )
    def test_type_and_lag_in_hours(self, said: str, short: str) -> None:
        link = record(
            "Relationship",
            PredecessorActivityObjectId=1,
            SuccessorActivityObjectId=2,
            Type=said,
            Lag="-4.5",
            ObjectId=8,
        )
        [row] = rows(landed(activity(1), link, activity(2)), Table.DEPENDENCIES)
        assert (row["predecessor_id"], row["successor_id"]) == ("1", "2")
        assert (row["type"], row["lag"], attributes(row)) == (short, "PT-4H-30M", {"ObjectId": "8"})

    def test_an_end_may_be_a_wbs(self) -> None:
        link = record("Relationship", PredecessorActivityObjectId=1, SuccessorActivityObjectId=2)
        [row] = rows(landed(wbs(1), activity(2), link), Table.DEPENDENCIES)
        assert (row["type"], row["lag"]) == ("FS", "PT0S")

    def test_one_with_an_end_elsewhere_becomes_a_part_with_a_warning(self) -> None:
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
    def test_columns_and_the_row_of_its_resource(self) -> None:
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
        assert rows(one, Table.RESOURCES) == [
            {
                "ordinal": "0",
                "resource_id": "7",
                "name": "Crew",
                "type": "work",
                "email": "crew@example.org",
                "attributes": "{}",
            }
        ]
        assert one.warnings.count == 0

    def test_units_of_material_are_no_work(self) -> None:
        assignment = record(
            "ResourceAssignment",
            ActivityObjectId=1,
            AtCompletionUnits="20",
            ResourceType="Material",
        )
        [row] = rows(landed(activity(1), assignment), Table.ASSIGNMENTS)
        assert (row["work"], row["resource_id"]) == (None, None)
        assert attributes(row) == {"AtCompletionUnits": "20", "ResourceType": "Material"}

    def test_a_resource_that_is_not_there_is_told_and_its_id_stays(self) -> None:
        assignment = record("ResourceAssignment", ActivityObjectId=1, ResourceObjectId=8)
        one = landed(activity(1), assignment, shared=CREW)
        [row] = rows(one, Table.ASSIGNMENTS)
        assert row["resource_id"] == "8"
        assert rows(one, Table.RESOURCES) == []
        assert told(one) == [(WarningCode.RESOURCE_MISSING, "ResourceObjectId", "8")]

    @pytest.mark.parametrize("fields", [{"ActivityObjectId": 2, "Role": "x"}, {"Role": "x"}])
    def test_one_to_no_activity_becomes_a_part_with_a_warning(self, fields: dict[str, int]) -> None:
        one = landed(wbs(2), activity(1), record("ResourceAssignment", **fields))
        assert rows(one, Table.ASSIGNMENTS) == []
        [part] = rows(one, Table.PARTS)
        assert part["element"] == "ResourceAssignment"
        assert attributes(part) == {name: str(value) for name, value in fields.items()}
        assert [code for code, _, _ in told(one)] == [WarningCode.ASSIGNMENT_TASK_MISSING]

    def test_a_bad_type_of_a_resource_is_told_to_those_who_name_it(self) -> None:
        assignment = record("ResourceAssignment", ActivityObjectId=1, ResourceObjectId=7)
        one = landed(activity(1), assignment, shared=CREW.replace("Labor", "Robot"))
        [row] = rows(one, Table.RESOURCES)
        assert row["type"] is None
        assert told(one) == [(WarningCode.BAD_VALUE, "ResourceType", "Robot")]


class TestContentHash:
    @pytest.mark.parametrize(
        "name",
        [
            "LastLevelDate",
            "LastPublishedOn",
            "LastScheduleDate",
            "LastSummarizedDate",
            "LastUpdateDate",
            "LastUpdateUser",
        ],
    )
    def test_what_changes_at_every_save_counts_nowhere(self, name: str) -> None:
        def saved(when: str) -> Project:
            stamp = f"<{name}>{when}</{name}>"
            records = (
                activity(1, CalendarObjectId=3),
                record("Risk", X=1),
                record("ResourceAssignment", ActivityObjectId=5),
            )
            content = CALENDAR + project(*records)
            for element in ("Calendar", "Activity", "Risk", "ResourceAssignment", "Project"):
                content = content.replace(f"</{element}>", f"{stamp}</{element}>")
            return read_project(file(content))

        first, second = saved("2026-01-01T00:00:00"), saved("2026-01-02T00:00:00")
        assert first.content_hash == second.content_hash
        assert first.shared == second.shared != ()
        assert (project_row(first)["attributes"] or "").count("2026-01-01") == 1
        for table in (Table.TASKS, Table.PARTS):
            assert all("2026-01-01" in (row["attributes"] or "") for row in rows(first, table))

    @pytest.mark.parametrize("name", ["CreateDate", "CreateUser", "DataDate", "DateAdded"])
    def test_the_rest_counts(self, name: str) -> None:
        first = landed(f"<{name}>2026-01-01T00:00:00</{name}>")
        second = landed(f"<{name}>2026-01-02T00:00:00</{name}>")
        assert first.content_hash != second.content_hash

    def test_a_changed_shared_object_changes_the_project_that_takes_it(self) -> None:
        def planned(name: str) -> list[bytes]:
            calendar = CALENDAR.replace("Day", name)
            user = project(activity(1, CalendarObjectId=3))
            reading = read(file(calendar, user, project(activity(1), id="P-2")))
            return [one.content_hash for one in reading.projects]

        (user, other), (changed, same) = planned("Day"), planned("Night")
        assert user != changed
        assert other == same
