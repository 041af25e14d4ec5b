"""What a hostile server sends does nothing to the terminal: every command shows it as text."""

import json
import os
import pty
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import pytest

from service.cli.app import app
from service.projects.comparison.summary import SORTS
from tests.support.commands import RunHere
from tests.support.hostile_server import (
    ACTIVE,
    COMMANDS,
    Request,
    envelope,
    head,
    import_row,
    outcomes,
    serve_hostile,
)

LOCAL: Final = {"serve", "worker", "migrate", "psql", "prune", "token", "sample"}
"""Commands that send nothing to a server."""
IDS: Final = dict.fromkeys(("predecessor_id", "successor_id", "task_id"), ACTIVE)
AS_JSON: Final = ("imports", "projects", "compare", "checks", "watch", "undo", "upload")


def answer_with_active_text(request: Request) -> Iterator[bytes]:
    """Answer as the service does, with active characters in every text."""
    text = ACTIVE + "\ud800"
    found = outcomes(text)
    change = {"change": text, "name": text, "fields": {text: {"from": text, "to": 1}}}
    results = [*found["successes"], *found["errors"]]
    if request.method == "POST" and not request.resource.endswith("cancel"):
        counts = {"created": 1, "failed": 1}
        yield envelope(found, 207, import_id=1, counts=counts, complete=True)
    elif request.resource == "imports/1":
        yield envelope(import_row(ACTIVE))
    elif request.resource == "imports/1/results":
        yield envelope({"results": results, "next": None})
    elif request.resource == "imports":
        yield envelope({"imports": [import_row(text)], "next": None})
    elif request.resource == "projects":
        names = ("external_id", "version", "name", "source", "updated_at")
        lock = {"holder": text, "expires_at": text}
        project = {"project_id": 1, "lock": lock} | dict.fromkeys(names, text)
        yield envelope({"projects": [project], "next": None})
    elif request.resource == "projects/1/versions/2":
        dates = {"from": text, "to": text, "days": 1}
        sorts = {key: {"count": 20, "items": [{**change, "type": text, **IDS}]} for key in SORTS}
        summary = {"data_date": dates, "finish": dates, **sorts}
        yield envelope({"summary": summary, "tasks": [change]}, complete=True)
    elif request.resource == "projects/1/checks":
        numbers = ("point", "findings", "count", "total", "percentage", "threshold")
        check = {"name": text, "passed": True, "not_computed": None, **dict.fromkeys(numbers, 1)}
        yield envelope({"checks": [check]}, complete=True)
    else:
        yield envelope(ACTIVE)


def answer_with_active_files(request: Request) -> Iterator[bytes]:
    """Answer an upload of two files: only their names, and the errors of files, are active."""
    broken: dict[str, Any] = {
        "kind": "file",
        "external_id": None,
        "name": None,
        "line": None,
        "retryable": False,
    }
    names = ("b.xml", ACTIVE, f"b.xml/{ACTIVE}", None)
    errors = [
        broken | {"index": index, "file": name, "error": "MALFORMED_XML", "message": ACTIVE}
        for index, name in enumerate(names)
    ]
    if request.method == "POST":
        found = {"successes": [], "errors": errors, "warnings": []}
        yield envelope(found, 207, import_id=1, counts={"failed": 0}, complete=True)
    else:
        yield envelope({"imports": [], "next": None})


def find_active(printed: str) -> str:
    """Return the characters that a terminal may obey, apart from line breaks."""
    return ascii("".join(sorted({each for each in printed if not each.isprintable()} - {"\n"})))


def test_all_commands_that_use_a_server_are_tested() -> None:
    names = {
        each.name or each.callback.__name__ for each in app.registered_commands if each.callback
    }
    assert names == {*COMMANDS, *LOCAL}


@pytest.mark.parametrize(
    ("name", "options"),
    [*((name, ()) for name in COMMANDS), *((name, ("--json",)) for name in AS_JSON)],
)
def test_text_of_answers_is_printed_without_active_characters(
    run: RunHere, name: str, options: Sequence[str]
) -> None:
    with serve_hostile(answer_with_active_text) as server:
        done = run(name, *options, base=server.base)
    assert find_active(done.out + done.err) == "''"
    if options:
        assert all(isinstance(json.loads(line), dict) for line in done.out.splitlines())
    elif name == "export":  # a document as data
        assert r"\u001b]0;x\u0007" in done.out
    elif name not in ("cancel", "unlock", "label"):  # they print nothing of the answer
        assert r"\x1b]0;x\x07\x1b[2J\x9b1m" in done.out + done.err


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_names_of_files_are_printed_without_active_characters(
    run: RunHere, tmp_path: Path, options: Sequence[str]
) -> None:
    other = tmp_path / "b.xml"
    other.write_text("<projects/>")
    with serve_hostile(answer_with_active_files) as server:
        done = run("upload", str(other), *options, base=server.base)
    assert done.code == 2
    assert find_active(done.out + done.err) == "''"
    assert r"\x1b]0;x" in done.out or options


@pytest.mark.parametrize("name", COMMANDS)
def test_text_of_errors_is_printed_without_active_characters(run: RunHere, name: str) -> None:
    def answer(_: Request) -> Iterator[bytes]:
        yield envelope(ACTIVE, 400, message=ACTIVE)

    with serve_hostile(answer) as server:
        done = run(name, base=server.base)
    assert done.code == 2
    assert find_active(done.out + done.err) == "''"
    assert r"\x1b]0;x\x07" in done.out + done.err


def test_an_export_to_a_terminal_is_printed_without_active_characters() -> None:
    document = "<a>\n\tb\x1b[2J\x9b\u202e</a>\n"
    with serve_hostile(lambda _: [head(200), document.encode()]) as server:
        outer, inner = pty.openpty()
        with os.fdopen(outer, "rb", buffering=0) as terminal:
            command = [sys.executable, "-m", "service", "export", "1", "--client", "1"]
            subprocess.run(
                [*command, "--url", server.base, "--token", "x"], stdout=inner, check=True
            )
            os.close(inner)
            shown = terminal.read(10_000).decode()
    assert shown.replace("\r\n", "\n") == "<a>\n\tb\\x1b[2J\\x9b\\u202e</a>\n"


@pytest.mark.parametrize(
    ("notes", "character"), [("\x1b[2J", "U+001B"), ("\0", "U+0000"), ("a\udcff", "U+DCFF")]
)
def test_notes_with_control_characters_are_not_sent(
    run: RunHere, notes: str, character: str
) -> None:
    with serve_hostile(answer_with_active_text) as server:
        done = run("upload", "--notes", notes, base=server.base)
    assert server.requests == []
    assert done.code == 2
    assert f"--notes has the control character {character}" in done.err


def test_failures_with_lone_surrogates_are_written_as_csv(run: RunHere, tmp_path: Path) -> None:
    table = tmp_path / "failures.csv"
    with serve_hostile(answer_with_active_text) as server:
        done = run("upload", "--csv", str(table), base=server.base)
    assert done.code == 1, done.err
    assert r"\ud800" in table.read_text("utf-8")


def test_options_are_shown_without_active_characters(run: RunHere) -> None:
    done = run("cancel", f"--{ACTIVE}", base="http://127.0.0.1:1")
    assert done.code == 2
    assert find_active(done.err) == "''"
    assert "No such option" in done.err
