"""Runs executions under valgrind, which unlike the sanitizers also finds uninitialised values.

Valgrind sees all code of the process: the engine of ``.venv``, and libxml2 too.
"""

import os
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import Final

from tests.tools.sanitize.processes import WORKER, Event, run_pair

_COMMAND: Final = (
    "valgrind",
    "--quiet",
    "--xml=yes",
    "--leak-check=full",
    "--show-leak-kinds=definite",
    "--num-callers=40",
    "--error-limit=no",
)
_ENGINE: Final = "/_fast/compiled."
_LXML: Final = "/lxml/etree."
_C_LIBRARY: Final = ("/libc.so", "/vgpreload", "/ld-linux")


async def run_valgrind(
    first: int, step: int, executions: int, folder: Path, handle: Callable[[Event], None]
) -> None:
    """Run executions, and handle their ends and the errors of the engine as events."""
    report = folder / f"valgrind-{first}.xml"
    await run_pair(
        [str(first), str(step), f"--executions={executions}"],
        [*_COMMAND, f"--xml-file={report}", sys.executable, "-m", WORKER],
        os.environ | {"PYTHONMALLOC": "malloc"},
        folder / f"valgrind-{first}.txt",
        handle,
    )
    for error in ET.parse(report).getroot().iter("error"):
        if _is_ours(error):
            handle(Event(None, None, _describe(error)))


def _is_ours(error: ET.Element) -> bool:
    """Whether an error is one of the engine, or of what the engine calls.

    Python uses values that valgrind takes for uninitialised, such as the digit of a zero. So of
    these errors only those count where the engine or libxml2 use the value, except as a reference.
    """
    frames = [
        (frame.findtext("obj") or "", frame.findtext("fn") or "") for frame in error.iter("frame")
    ]
    if not any(_ENGINE in module for module, _ in frames):
        return False
    if not (error.findtext("kind") or "").startswith("Uninit"):
        return True
    users = [frame for frame in frames if not any(name in frame[0] for name in _C_LIBRARY)]
    module, function = users[0]
    return (_ENGINE in module or _LXML in module) and not function.startswith("Py_")


def _describe(error: ET.Element) -> str:
    what = error.findtext("what") or error.findtext("xwhat/text") or ""
    frames = [
        f"    {frame.findtext('fn') or frame.findtext('ip')} ({frame.findtext('file') or ''}"
        f":{frame.findtext('line') or ''})"
        for frame in error.iter("frame")
    ]
    return "\n".join([what, *frames])
