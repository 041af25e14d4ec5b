"""Primavera XML: the file, its projects, and what changes their hashes."""

import pytest

from service.codes import WarningCode
from service.model import FileWarning, Project
from service.tables import Table
from tests.support.p6_files import (
    CALENDAR,
    P6,
    activity,
    attributes,
    file,
    landed,
    project,
    record,
    wbs,
)
from tests.support.reading import project_row, read, read_project, rows

pytestmark = pytest.mark.usefixtures("both_engines")


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
    def test_the_namespace_of_any_version_or_none_is_primavera(self, namespace: str) -> None:
        reading = read(file(CALENDAR, project(activity(1)), namespace=namespace))
        assert (reading.format_name, reading.complete) == ("p6", 1)
        [row] = rows(reading.projects[0], Table.TASKS)
        assert (row["task_id"], attributes(row)) == ("1", {})

    @pytest.mark.parametrize("namespace", ["urn:other", P6 + "/More"])
    def test_another_namespace_is_not_primavera(self, namespace: str) -> None:
        assert read(file(project(), namespace=namespace)).format_name != "p6"

    def test_a_project_list_holds_no_project(self) -> None:
        stub = (
            '<ProjectList><Project ObjectId="1"><Id>P-1</Id><Name>x</Name></Project></ProjectList>'
        )
        reading = read(file(stub, project(), stub))
        assert [one.external_id for one in reading.projects] == ["P-1"]
        assert reading.warnings == []

    def test_loose_baselines_and_records_are_counted_and_left_out(self) -> None:
        baseline = f"<BaselineProject><Id>P-1</Id>{activity(1)}{CALENDAR}</BaselineProject>"
        reading = read(
            file(project(), baseline, activity(5), baseline, wbs(6), record("Risk", X=1))
        )
        assert [one.tasks for one in reading.projects] == [0]
        assert reading.warnings == [
            FileWarning(
                WarningCode.BASELINE_PROJECTS_SKIPPED,
                "Baselines without their project, or far from it in the file, are not imported",
                2,
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
    def test_a_project_of_primavera_fills_its_columns(self) -> None:
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

    def test_the_planned_start_is_the_second_choice(self) -> None:
        row = project_row(landed("<PlannedStartDate>2026-01-01T08:00:00</PlannedStartDate>"))
        assert (row["start"], attributes(row)) == ("2026-01-01T08:00:00", {})

    def test_scalars_between_and_after_the_records_belong_to_the_project(self) -> None:
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

    def test_every_other_structured_child_becomes_a_part(self) -> None:
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
    def test_volatile_fields_do_not_change_the_hash(self, name: str) -> None:
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
    def test_other_fields_change_the_hash(self, name: str) -> None:
        first = landed(f"<{name}>2026-01-01T00:00:00</{name}>")
        second = landed(f"<{name}>2026-01-02T00:00:00</{name}>")
        assert first.content_hash != second.content_hash

    def test_a_changed_shared_object_changes_the_hash_of_its_projects(self) -> None:
        def planned(name: str) -> list[bytes]:
            calendar = CALENDAR.replace("Day", name)
            user = project(activity(1, CalendarObjectId=3))
            reading = read(file(calendar, user, project(activity(1), id="P-2")))
            return [one.content_hash for one in reading.projects]

        (user, other), (changed, same) = planned("Day"), planned("Night")
        assert user != changed
        assert other == same
