"""Tables that fit the window, and failures by cause."""

import os
import time

import pytest

from service.cli import tables
from service.cli.tables import Column, fixed, format_counts, format_time, number, print_table
from service.cli.upload.failures import MAX_CAUSES, SHOWN_CAUSES, FailureGroups
from service.cli.upload.report import FileReport
from service.cli.upload.summary import RunResults

COLUMNS = (number("import"), fixed("state"), Column("name"), Column("by"))
ROWS = [(7, "completed", "Łódź 鉄橋 " * 9, "cli"), (12, "failed", "A", None)]


@pytest.mark.parametrize("width", [20, 40, 80, 200])
def test_a_table_is_as_wide_as_the_window(
    width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    print_table("", COLUMNS, ROWS)
    lines = capsys.readouterr().out.splitlines()
    assert all(tables._width(line) <= max(width, 25) for line in lines)
    assert [line.split()[:2] for line in lines] == [
        ["import", "state"],
        ["7", "completed"],
        ["12", "failed"],
    ]
    assert ("…" in lines[1]) == (25 < width < 100)
    assert lines[0].startswith("import  state")
    assert lines[1].startswith("     7  completed")


def test_empty_columns_are_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    print_table("", ("a", "b", "c"), [(1, None, 2), (3, "", 4)], total=5)
    assert capsys.readouterr().out == "a  c\n1  2\n3  4\nand 3 more\n"


def test_times_are_local_to_the_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        assert format_time("2026-11-29T23:59:59.5Z") == "2026-11-30 08:59"
        assert (format_time("soon"), format_time(None)) == ("soon", "")
    finally:
        os.environ.pop("TZ")
        time.tzset()


def test_failures_come_first_in_counts() -> None:
    assert format_counts({"created": 0, "unchanged": 9, "failed": 2}) == "2 failed, 9 unchanged"
    assert format_counts(None) == ""


def failure(index: int, element: str) -> dict[str, object]:
    value = f"v{index}"
    message = f'{element} "{value}" is not a number'
    violation = {"line": index, "element": element, "value": value, "message": message}
    return {
        "index": index,
        "kind": "project",
        "external_id": f"P-{index}",
        "error": "VALIDATION_ERROR",
        "line": index,
        "message": message,
        "violations": [violation],
        "violation_count": 1,
    }


def test_5000_failures_are_one_screen(capsys: pytest.CaptureFixture[str]) -> None:
    results = RunResults(as_json=False, is_single=True)
    report = FileReport("plan.xml", results.failures)
    for index in range(5000):
        report.count("failed")
        report.add_failure(failure(index, f"e{index % 7}"))
    results.add([report])
    results.print()
    out = capsys.readouterr().out.splitlines()
    assert len(out) < 40
    assert "    715 × VALIDATION_ERROR: e0 is not a number" in out
    assert '          Correct e0; the first wrong value is "v0".' in out
    assert "          plan.xml:0 (P-0), plan.xml:7 (P-7), plan.xml:14 (P-14) and 712 more" in out


def test_causes_without_end_are_counted(capsys: pytest.CaptureFixture[str]) -> None:
    groups = FailureGroups()
    number = MAX_CAUSES + 100
    for index in range(number):
        groups.write("plan.xml", failure(index, f"e{index}"))
    groups.print()
    out = capsys.readouterr().out.splitlines()
    assert f"    290 with {MAX_CAUSES - SHOWN_CAUSES}+ further causes" in out[-1]
    assert len(groups._groups) == MAX_CAUSES


def test_a_run_of_which_nothing_ended_has_no_total(capsys: pytest.CaptureFixture[str]) -> None:
    RunResults(as_json=False, is_single=False).print()
    assert not capsys.readouterr().out


def test_a_run_that_sent_nothing_has_no_rate(capsys: pytest.CaptureFixture[str]) -> None:
    results = RunResults(as_json=False, is_single=False)
    report = FileReport("plan.xml", results.failures, name="plan.xml")
    report.refusals.append("400 Invalid request: the file is empty")
    report.bytes = 2_000_000
    results.add([report])
    results.print()
    assert capsys.readouterr().out.splitlines()[-1] == "1 file: 1 refused"
