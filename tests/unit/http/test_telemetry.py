"""The log's two formats, and what is bound to its records."""

import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from service.observability import metrics


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def _log() -> None:
    with structlog.contextvars.bound_contextvars(request_id="r-1"):
        structlog.get_logger("ours").info("happened", number=1)
        logging.getLogger("theirs").warning("also %s", "this")
        logging.getLogger("theirs").debug("not this")


def test_json_records_carry_what_is_bound(capsys: pytest.CaptureFixture[str]) -> None:
    metrics.configure("json", "info")
    _log()
    ours, theirs = map(json.loads, capsys.readouterr().err.splitlines())
    assert (ours["event"], ours["number"], ours["request_id"]) == ("happened", 1, "r-1")
    assert (theirs["event"], theirs["level"], theirs["logger"]) == (
        "also this",
        "warning",
        "theirs",
    )
    assert theirs["request_id"] == "r-1"


def test_a_fault_is_told_with_its_place(capsys: pytest.CaptureFixture[str]) -> None:
    metrics.configure("json", "error")
    try:
        raise ValueError("broken")
    except ValueError as exc:
        structlog.get_logger("ours").error("failed", exc_info=exc)
    record = json.loads(capsys.readouterr().err)
    assert record["exception"][0]["exc_value"] == "broken"


def test_the_console_is_read_by_people(capsys: pytest.CaptureFixture[str]) -> None:
    metrics.configure("console", "warning")
    _log()
    (line,) = capsys.readouterr().err.splitlines()
    assert "also this" in line
