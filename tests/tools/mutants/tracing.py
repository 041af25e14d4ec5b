"""A plugin of pytest that records which functions of the service each test enters.

    pytest -p tests.tools.mutants.tracing --traces=FILE --traced=FOLDER

Writes one JSON object to FILE: by test, its duration in seconds and the functions below FOLDER that
it enters, each as ``path:line`` of its first line.
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
_traces: Final[dict[str, tuple[float, list[str]]]] = {}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--traces", required=True, help="file to write")
    parser.addoption("--traced", required=True, help="folder of the functions")


def _trace(frame: FrameType, _event: str, _argument: Any) -> None:
    _entered.add(frame.f_code)  # no line events, because nothing is returned


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
    _traces[item.nodeid] = (time.monotonic() - begun, functions)
    return result


def pytest_sessionfinish(session: pytest.Session) -> None:
    Path(session.config.getoption("--traces")).write_text(json.dumps(_traces))
