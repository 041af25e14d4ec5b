"""The report of a file that was sent in pieces."""

from array import array

import pytest

from service.cli.upload.report import KEPT, FileReport
from service.cli.upload.sinks import PieceReport
from service.cli.upload.splitting.pieces import Piece, Slice
from service.model import Place, format_duplicate

PIECE = Piece(
    [Slice(0, 10, 1, 3), Slice(90, 100, 40, 45)], indexes=array("Q", [7, 9]), next_index=11
)


@pytest.mark.parametrize(("line", "in_file"), [(1, 1), (2, 2), (3, 40), (4, 41), (8, 45)])
def test_a_line_of_a_piece_is_converted_to_the_line_of_the_file(line: int, in_file: int) -> None:
    assert PIECE.line_in_file(line) == in_file


def test_all_indexes_and_lines_of_an_outcome_are_those_of_the_file() -> None:
    report = FileReport("plans.xml")
    warning = {"code": "BAD_VALUE", "line": 4, "element": "e", "value": None}
    item = {"external_id": None, "index": 1, "line": 3, "name": "n", "error": "E"}
    into = PieceReport(report, PIECE)
    into.add_failure(item | {"message": "a value of line 4", "violations": [{"line": 5}]})
    into.add_failure(item | {"index": 2, "line": None, "message": "the rest"})
    into.add_success(item | {"index": 0, "warnings": {"count": 12, "first": [warning]}})
    first, rest = report.failures
    assert (first["index"], first["line"], first["violations"]) == (9, 40, [{"line": 42}])
    assert first["message"] == "a value of line 4"
    assert (rest["index"], rest["line"]) == (11, None)
    assert report.warnings == [(41, None, "BAD_VALUE", "e", None)]
    assert report.warning_count == 12


def test_a_duplicate_within_a_piece_names_the_first_line_of_the_file() -> None:
    report = FileReport("plans.xml")
    duplicate = {"index": 1, "line": 4, "error": "DUPLICATE_PROJECT", "file": "plans.xml"}
    first = {"first_file": "plans.xml", "first_line": 3, "message": "at line 3"}
    PieceReport(report, PIECE).add_failure(duplicate | first)
    (failure,) = report.failures
    assert (failure["line"], failure["first_line"]) == (41, 40)
    assert failure["message"] == format_duplicate(Place("plans.xml", 40), "plans.xml")


def test_an_outcome_that_is_read_twice_counts_once() -> None:
    report = FileReport("plans.xml")
    into = PieceReport(report)
    for index in (0, 1, 0, 1, 2):
        into.add_failure({"index": index, "error": "E"})
        warnings = {"count": 1, "first": []}
        into.add_success({"index": index, "external_id": "A", "warnings": warnings})
    assert (len(report.failures), report.warning_count) == (3, 3)


def test_a_warning_about_a_piece_names_the_line_of_the_file() -> None:
    report = FileReport("plans.xer")
    warning = {"code": "ROWS_IRREGULAR", "message": "the first one is line 4", "count": 2}
    PieceReport(report, PIECE).add_file_warning(warning)
    (given,) = report.file_warnings.values()
    assert given == {**warning, "message": "the first one is line 41"}


def test_unused_shared_objects_of_a_piece_are_no_warning_about_the_file() -> None:
    report = FileReport("plans.xml")
    unused = {"code": "SHARED_OBJECTS_UNUSED", "message": "unused", "count": 2}
    loose = {"code": "LOOSE_RECORDS_SKIPPED", "message": "loose", "count": 2}
    for warning in (unused, loose, loose):
        PieceReport(report, PIECE).add_file_warning(warning)
    PieceReport(report).add_file_warning(unused)
    assert {name: each["count"] for (name, _), each in report.file_warnings.items()} == {
        "LOOSE_RECORDS_SKIPPED": 4,
        "SHARED_OBJECTS_UNUSED": 2,
    }


def test_a_report_keeps_the_first_failures_and_counts_the_others() -> None:
    report = FileReport("plans.xml")
    for index in range(3 * KEPT):
        report.add_failure({"index": index, "error": "E"})
    report.counts["failed"] = 3 * KEPT
    assert len(report.failures) == KEPT
    assert report.to_json()["failures_omitted"] == 2 * KEPT
