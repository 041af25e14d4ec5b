"""A plugin of pytest that records which functions of the service each test enters.

    pytest -p tests.tools.mutants.tracing --traces=FILE --traced=FOLDER

After each test that passes, appends a line of JSON to FILE: the test, its duration in seconds, and
the functions below FOLDER that it enters, each as ``path:line`` of its first line.
"""

import json
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, Final

import pytest

_entered: Final[set[CodeType]] = set()
_failed: Final[set[str]] = set()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--traces", required=True, help="file to write")
    parser.addoption("--traced", required=True, help="folder of the functions")


def _trace(frame: FrameType, _event: str, _argument: Any) -> None:
    _entered.add(frame.f_code)  # no line events, because nothing is returned


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if not report.passed:
        _failed.add(report.nodeid)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    _entered.clear()
    begun = time.monotonic()
    sys.settrace(_trace)
    threading.settrace(_trace)
    result = yield
    threading.settrace(None)
    sys.settrace(None)
    root = f"{Path(item.config.getoption('--traced')).absolute()}/"
    functions = sorted(
        f"{code.co_filename.removeprefix(root)}:{code.co_firstlineno}"
        for code in _entered
        if code.co_filename.startswith(root)
    )
    if item.nodeid not in _failed:
        with Path(item.config.getoption("--traces")).open("a") as file:
            print(json.dumps([item.nodeid, time.monotonic() - begun, functions]), file=file)
    return result
