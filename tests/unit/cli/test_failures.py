"""What is told of a file that was sent in pieces."""

from array import array

import pytest

from service.cli.failures import Piecewise, Report
from service.cli.splitting import Piece, Slice, uncut

PIECE = Piece(
    [Slice(0, 10, 1, 3), Slice(90, 100, 40, 45)], indexes=array("Q", [7, 9]), following=11
)


@pytest.mark.parametrize(("inside", "line"), [(1, 1), (2, 2), (3, 40), (4, 41), (8, 45)])
def test_lines_are_those_of_the_file(inside: int, line: int) -> None:
    assert PIECE.line(inside) == line


def test_every_place_in_an_outcome_is_that_of_the_file() -> None:
    report = Report("plans.xml")
    warning = {"code": "BAD_VALUE", "line": 4, "element": "e", "value": None}
    item = {"external_id": None, "index": 1, "line": 3, "name": "n", "error": "E"}
    into = Piecewise(report, PIECE)
    into.fail(item | {"message": "broken, line 4, column 2", "violations": [{"line": 5}]})
    into.fail(item | {"index": 2, "line": None, "message": "the rest"})
    into.land(item | {"index": 0, "warnings": {"count": 12, "first": [warning]}})
    first, rest = report.failures
    assert (first["index"], first["line"], first["violations"]) == (9, 40, [{"line": 42}])
    assert first["message"] == "broken, line 41, column 2"
    assert (rest["index"], rest["line"]) == (11, None)
    assert report.warnings == [(41, None, "BAD_VALUE", "e", None)]
    assert report.warned == 12


def test_what_is_told_twice_counts_once() -> None:
    report = Report("plans.xml")
    into = Piecewise(report, uncut(100))
    for index in (0, 1, 0, 1, 2):
        into.fail({"index": index, "error": "E"})
        into.land({"index": index, "external_id": "A", "warnings": {"count": 1, "first": []}})
    assert (len(report.failures), report.warned) == (3, 3)


def test_what_a_piece_carries_too_much_of_is_no_warning_about_the_file() -> None:
    report = Report("plans.xml")
    unused = {"code": "SHARED_OBJECTS_UNUSED", "message": "unused", "count": 2}
    loose = {"code": "LOOSE_RECORDS_SKIPPED", "message": "loose", "count": 2}
    for warning in (unused, loose, loose):
        Piecewise(report, PIECE).warn(warning)
    Piecewise(report, uncut(100)).warn(unused)
    assert {name: each["count"] for name, each in report.of_file.items()} == {
        "LOOSE_RECORDS_SKIPPED": 4,
        "SHARED_OBJECTS_UNUSED": 2,
    }


def test_failures_kept_are_bounded() -> None:
    report = Report("plans.xml")
    for index in range(3000):
        report.fail({"index": index, "error": "E"})
    report.counts["failed"] = 3000
    assert len(report.failures) == 1000
    assert '"failures_omitted":2000' in report.as_json()
