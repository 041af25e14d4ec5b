"""``bulk-import format``: from an example to a draft, and from a format file to what it stores."""

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from openapi_schema_validator import OAS31Validator
from typer.testing import CliRunner

from service.cli.app import app
from tests.support.paths import CHECKOUT

FOLDER = CHECKOUT / "docs/formats"
EXAMPLES = {"ganttproject": "ganttproject.gan", "sap-network": "sap-network.xml"}

FORMAT = """
name = "acme"
root = "plans"
[project]
element = "plan"
columns = { external_id = "@id", name = "@name" }
[[tasks]]
element = "task"
columns = { task_id = "@id", start = "start", duration = { from = "hours", unit = "hours" } }
[[dependencies]]
element = "link"
columns = { predecessor_id = "@from", successor_id = "@to" }
"""
PLAN = """<plans>
<plan id="P" name="Plan">
<task id="1"><start>2026-01-05</start><hours>8</hours></task>
<task id="2"><start>2026-01-06</start><colour>red</colour></task>
{}
</plan>
</plans>
"""


def run(*arguments: object) -> tuple[int, str]:
    """Run a command; return its exit code and output."""
    result = CliRunner().invoke(app, ["format", *map(str, arguments)])
    return result.exit_code, result.output


def check(format_file: Path, example: Path) -> tuple[int, dict[str, Any]]:
    """Return the exit code and the document of ``format check --json``."""
    code, out = run("check", format_file, example, "--json")
    return code, json.loads(out)


def try_plan(folder: Path, lines: str, text: str = FORMAT) -> tuple[int, dict[str, Any]]:
    """Check a plan with further lines, from line 5."""
    (folder / "acme.toml").write_text(text)
    (folder / "plan.xml").write_text(PLAN.format(lines))
    return check(folder / "acme.toml", folder / "plan.xml")


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_draft_stores_what_the_worked_example_stores(name: str, tmp_path: Path) -> None:
    example = FOLDER / EXAMPLES[name]
    written = tmp_path / f"{name}.toml"
    code, out = run("guess", example, "--output", written)
    assert code == 0
    assert f"format check {written}" in out.replace("\n", "")
    assert written.read_text() != run("guess", example)[1]  # the name is another one
    code, found = check(written, example)
    expected = check(FOLDER / f"{name}.toml", example)[1]
    assert code == 0
    for table in ("tasks", "dependencies", "resources", "assignments"):
        ours, theirs = found["tables"].get(table), expected["tables"].get(table)
        assert (ours and ours["columns"]) == (theirs and theirs["columns"])
    assert found["tables"]["projects"]["columns"] == expected["tables"]["projects"]["columns"]


def test_a_draft_turns_links_by_the_dates_of_their_tasks(tmp_path: Path) -> None:
    example = tmp_path / "plan.xml"
    example.write_text(
        '<plan name="A"><task id="1" start="2026-01-05"/>'
        '<task id="2" start="2026-01-06"><depend id="1"/><depend id="3"/></task>'
        '<task id="3" start="2026-01-05"/></plan>'
    )
    assert 'predecessor_id = "@id"' in run("guess", example)[1]


@pytest.mark.parametrize(
    ("lines", "code", "fault"),
    [
        ("", 0, None),
        (
            "<task id='3'><hours>all</hours></task>\n<task id='4'><hours>all</hours></task>",
            1,
            {"code": "BAD_VALUE", "element": "hours", "lines": [5, 6], "values": ["all"]},
        ),
        ("<task id='1'/>", 1, {"fatal": True, "element": "task", "lines": [5], "values": ["1"]}),
        ("<link from='1' to='9'/>", 1, {"code": "LINK_END_MISSING", "lines": [5]}),
    ],
)
def test_check_shows_faults_with_their_lines(
    lines: str, code: int, fault: dict[str, Any] | None, tmp_path: Path
) -> None:
    found, report = try_plan(tmp_path, lines)
    assert (found, report["clean"]) == (code, fault is None)
    if fault is not None:
        (shown,) = report["faults"]
        assert {name: shown[name] for name in fault} == fault
    else:
        tasks = report["tables"]["tasks"]
        assert tasks["columns"]["duration"] == {"count": 1, "examples": ["PT8H"]}
        assert tasks["attributes"] == {"colour": {"count": 1, "examples": ["red"]}}


def test_check_suspects_links_that_run_backwards(tmp_path: Path) -> None:
    code, report = try_plan(tmp_path, "<link from='2' to='1'/>")
    assert (code, report["links_reversed"]) == (1, True)
    assert "predecessor_id" in run("check", tmp_path / "acme.toml", tmp_path / "plan.xml")[1]


def test_check_shows_every_fault_of_a_format_file(tmp_path: Path) -> None:
    text = FORMAT.replace("start =", "begin =").replace('"@to"', '"/to"')
    (tmp_path / "acme.toml").write_text(text)
    code, out = run("check", tmp_path / "acme.toml", FOLDER / "sap-network.xml")
    assert code == 2
    for word in ("acme.toml", "begin", "successor_id"):
        assert word in out


@pytest.mark.parametrize(
    ("text", "code", "word"),
    [
        ("not XML", 2, "neither XML nor XER"),
        ("<other/>", 2, "other"),
        (PLAN.format("").replace("</plans>", "<plan>"), 1, "breaks off"),
    ],
)
def test_check_of_a_broken_example(text: str, code: int, word: str, tmp_path: Path) -> None:
    (tmp_path / "acme.toml").write_text(FORMAT)
    (tmp_path / "plan.xml").write_text(text)
    result = CliRunner().invoke(
        app, ["format", "check", str(tmp_path / "acme.toml"), str(tmp_path / "plan.xml")]
    )
    shown = result.output + str(result.exception)
    assert word in shown
    assert code == (2 if result.exception and not isinstance(result.exception, SystemExit) else 1)


@pytest.mark.parametrize("command", [["check", FOLDER / "ganttproject.toml"], ["guess"]])
def test_an_xer_file_needs_no_format_file(command: list[object]) -> None:
    arguments = ["format", *map(str, command), str(CHECKOUT / "samples" / "p6.xer")]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code != 0
    assert "which is imported without a format file" in str(done.exception) + done.output


def test_the_printed_schema_accepts_the_worked_examples_and_no_unknown_column() -> None:
    code, out = run("schema")
    assert code == 0
    validator = OAS31Validator(json.loads(out))
    for name in EXAMPLES:
        parsed = tomllib.loads((FOLDER / f"{name}.toml").read_text("utf-8"))
        assert list(validator.iter_errors(parsed)) == []
        parsed["tasks"][0]["columns"]["tusk_id"] = "@id"
        assert len(list(validator.iter_errors(parsed))) == 1
