"""The two formats of the log, and the fields bound to its records."""

import json
import logging
from collections.abc import Iterator
from typing import Final, Literal

import pytest
import structlog

from service.observability.logging import configure_logging


@pytest.fixture(autouse=True)
def _restore_logging() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level, config = root.handlers[:], root.level, structlog.get_config()
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.configure(**config)


def _write_records() -> None:
    with structlog.contextvars.bound_contextvars(request_id="r-1"):
        structlog.get_logger("ours").info("happened", number=1)
        logging.getLogger("theirs").warning("also %s", "this")
        logging.getLogger("theirs").debug("not this")


def test_json_records_contain_the_bound_fields(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("json", "info")
    _write_records()
    ours, theirs = map(json.loads, capsys.readouterr().err.splitlines())
    assert (ours["event"], ours["number"], ours["request_id"]) == ("happened", 1, "r-1")
    assert (theirs["event"], theirs["level"], theirs["logger"]) == (
        "also this",
        "warning",
        "theirs",
    )
    assert theirs["request_id"] == "r-1"


def test_json_records_contain_the_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("json", "error")
    try:
        raise ValueError("broken")
    except ValueError as exc:
        structlog.get_logger("ours").error("failed", exc_info=exc)
    record = json.loads(capsys.readouterr().err)
    assert record["exception"][0]["exc_value"] == "broken"


def test_console_records_are_plain_text(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("console", "warning")
    _write_records()
    (line,) = capsys.readouterr().err.splitlines()
    assert "also this" in line


ACTIVE: Final = "a\x1b[2J\x9b1m\u202e\u2028\x7f\r\nb\ud800"


@pytest.mark.parametrize("log_format", ["console", "json"])
def test_records_show_control_characters_as_escapes(
    log_format: Literal["console", "json"], capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging(log_format, "info")
    log = structlog.get_logger("ours")
    with structlog.contextvars.bound_contextvars(request_id=ACTIVE):
        log.info(ACTIVE, path=ACTIVE, fault=ValueError(ACTIVE), names=[ACTIVE])
        logging.getLogger("theirs").warning("%s", ACTIVE)
    written = capsys.readouterr().err
    assert len(written.splitlines()) == 2
    assert all(each.isprintable() for each in written.splitlines())
    assert written.count("\\x1b") + written.count("\\u001b") == 7


def test_console_tracebacks_show_control_characters_as_escapes(
    capsys: pytest.CaptureFixture[str],
) -> None:
    configure_logging("console", "info")
    try:
        raise ValueError(ACTIVE)
    except ValueError as exc:
        structlog.get_logger("ours").error("failed", exc_info=exc)
    written = capsys.readouterr().err
    assert "ValueError: a\\x1b[2J" in written
    assert all(each.isprintable() for each in written.split("\n"))
    assert "\n    raise ValueError(ACTIVE)\n" in written
