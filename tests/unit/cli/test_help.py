"""The help and the errors of arguments, for every command."""

import re

import pytest
from typer.main import get_command

from service.cli.app import app
from service.cli.connection import complete_address
from service.cli.help import _AFTER_CTRL_C, _EXAMPLES
from service.cli.output import CommandError
from tests.support.commands import RunHere

NAMES = {name for name, command in get_command(app).commands.items() if not command.hidden}  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", _EXAMPLES)
def test_help_has_words_sentences_and_examples(
    name: str, run_plain: RunHere, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    done = run_plain(*name.split(), "--help")
    assert done.code == 0
    assert not re.search(r"<|INTEGER|x>=|\brange\b", done.out)
    usage, options = done.out.partition("\n")[0], done.out.partition("Options:\n")[2]
    assert usage.startswith(f"Usage: bulk-import {name}")
    assert "Example" in done.out
    rows = re.split(r"\n  (?=-)", options.partition("\nExample")[0].rstrip())
    assert all(row.endswith(".") for row in rows)
    assert max(map(len, done.out.splitlines())) <= 80


def test_every_command_has_examples() -> None:
    listed = {name.partition(" ")[0] for name in _EXAMPLES}
    assert listed == NAMES
    assert _AFTER_CTRL_C.keys() < _EXAMPLES.keys()


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("uplod",), "Did you mean 'upload'?"),
        (("upload", "--clint", "1", "x"), "--client"),
        (("upload", "--client", "1"), "Missing argument 'FILE'"),
        (("compare", "x", "1", "--client", "1"), "'PROJECT_ID': write a whole number"),
        (("upload", "x", "--client", "1", "--retry-for", "soon"), "write a number"),
        (("sample", "x", "--dialect", "mpp"), "'--dialect': 'mpp' is not one of 'native'"),
    ],
)
def test_a_wrong_argument_is_three_lines(
    arguments: tuple[str, ...], problem: str, run_plain: RunHere
) -> None:
    done = run_plain(*arguments)
    first, usage, advice = done.err.splitlines()
    assert done.code == 2
    assert first.startswith("bulk-import: ")
    assert problem in first
    assert usage.startswith("Usage: bulk-import")
    assert "--help`" in advice


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("localhost", "http://localhost"),
        ("[::1]:8080", "http://[::1]:8080"),
        ("import.example.com", "https://import.example.com"),
        ("10.0.0.7:8080", "https://10.0.0.7:8080"),
        ("http://10.0.0.7:8080", "http://10.0.0.7:8080"),
    ],
)
def test_a_token_leaves_this_computer_encrypted_unless_http_is_given(
    url: str, address: str
) -> None:
    assert complete_address(url) == address


@pytest.mark.parametrize("url", ["here and there", "[", "host:port", ":8080"])
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(CommandError, match="write it as http://HOST:PORT"):
        complete_address(url)
