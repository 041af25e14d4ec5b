"""The causes of failures, and what to do about each."""

from typing import Any

import pytest

from service.codes import ErrorCode
from service.imports.cause_groups import CauseGroups, Subject
from service.imports.failure_causes import Cause, iter_causes, suggest_remedy

ONE_OF = "is not one of activity, wbs"
ENDS = "the file ends"
BAD = "not well-formed XML"


def violation(message: str, element: str, value: str | None, line: int = 5) -> dict[str, Any]:
    return {"line": line, "element": element, "value": value, "message": message}


def test_each_violation_of_a_project_is_a_cause() -> None:
    listed = [
        violation(f'kind "banana" {ONE_OF}', "kind", "banana"),
        violation(f'kind "a "b" c" {ONE_OF}', "kind", 'a "b" c', 7),
        violation("name is missing", "name", None),
    ]
    failure = {"error": "VALIDATION_ERROR", "violations": listed, "violation_count": 25, "line": 5}
    first, second, third, rest = iter_causes(failure | {"message": "one (and 24 more)"})
    assert first.cause == second.cause == Cause("VALIDATION_ERROR", "kind", ONE_OF)
    assert (second.line, second.value) == (7, 'a "b" c')
    assert third.cause.describe() == "name is missing"
    assert (rest.cause.element, rest.times) == (None, 22)


@pytest.mark.parametrize(
    ("failure", "reason"),
    [
        (
            ("file", f"{ENDS} in the middle of project A: 1;"),
            f"{ENDS} in the middle of a project",
        ),
        (("file", f"{ENDS} in or after Tasks, after 2 projects"), f"{ENDS} too early"),
        (("file", f"{ENDS} too early, after 2 projects"), f"{ENDS} too early"),
        (("file", f"{BAD} in project A: <a> closes <b>"), f"{BAD}: <a> closes <b>"),
        (("file", "plain text, not XML; export it as XML"), "plain text, not XML"),
        (("project", "the rows are over 5 bytes"), "the rows are over 5 bytes"),
    ],
)
def test_a_reason_names_no_place_and_no_value(failure: tuple[str, str], reason: str) -> None:
    kind, message = failure
    (found,) = iter_causes({"kind": kind, "error": "E", "message": message, "line": 3})
    assert (found.cause, found.line) == (("E", None, reason), 3)


def test_the_holder_of_a_lock_is_a_part_of_the_reason() -> None:
    locked = {"error": "LOCKING_CONFLICT", "locked_by": "ann", "message": "until 8:00"}
    (found,) = iter_causes(locked)
    assert found.cause.reason == "the project is locked by ann"


@pytest.mark.parametrize(("file", "place"), [("a.xml", "a.xml, line 3"), (None, "line 3")])
def test_duplicates_have_one_cause_and_the_place_of_the_first(file: str | None, place: str) -> None:
    failure = {"error": "DUPLICATE_PROJECT", "first_file": file, "first_line": 3}
    (found,) = iter_causes(failure)
    assert found.cause.reason == "an earlier project of the upload has the same id"
    assert found.value == place
    assert f"is in {place}." in suggest_remedy(found.cause, found.value)


@pytest.mark.parametrize(
    ("cause", "value", "remedy"),
    [
        (Cause("V", "kind", ONE_OF), "x", 'In kind, write one of activity, wbs instead of "x".'),
        (Cause("V", "day", "is no day, such as 2026"), "x", 'Write day like 2026 instead of "x".'),
        (Cause("V", "name", "is missing"), None, "Add name."),
        (Cause("V", "cost", "is not a number"), "x", 'Correct cost; the first wrong value is "x".'),
        (
            Cause("V", "task", "has the id of an earlier record"),
            "T1",
            'Give each task another id: "T1" occurs more than once.',
        ),
        (
            Cause("V", "predecessor", "is not a task of this project"),
            "T9",
            'Refer to a task of this project in predecessor instead of "T9".',
        ),
        (Cause("NEW_CODE", None, "new"), None, ""),
    ],
)
def test_a_remedy_names_the_element_and_the_value(cause: Cause, value: str, remedy: str) -> None:
    assert suggest_remedy(cause, value) == remedy


def test_the_message_can_have_the_remedy() -> None:
    cause = Cause("UNSUPPORTED_FILE", None, "the file is plain text")
    remedy = suggest_remedy(cause, message="the file is plain text; export the plan as XML")
    assert remedy == "Export the plan as XML."


@pytest.mark.parametrize("code", ErrorCode)
def test_each_code_has_a_remedy_in_plain_words(code: ErrorCode) -> None:
    remedy = suggest_remedy(Cause(code, None, "reason"))
    assert remedy
    assert "`" not in remedy


def test_a_warning_of_a_later_release_is_a_group() -> None:
    groups = CauseGroups(Subject.WARNINGS)
    place = {"index": 0, "external_id": "P", "name": None, "file": None, "line": 1}
    first = {"code": "NEW_CODE", "element": "finish", "line": 2, "value": None}
    groups.add({**place, "warnings": {"count": 1, "first": [first]}})
    [group] = groups.as_dict()["causes"]
    assert (group["warning"], group["projects"], group["remedy"]) == ("NEW_CODE", 1, "")
