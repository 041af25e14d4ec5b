"""``bulk-import serve`` that counts what it does; ``profile.py`` runs it.

    python -m tests.tools.bench.counted serve

``COUNTED_SOCKET`` names a Unix socket: each connection gets the counts so far as JSON.
``COUNTED`` is ``calls``, ``samples``, or empty for neither.
"""

import json
import os
import signal
import socket
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from types import FrameType
from typing import Any, Final

import uvloop

from service.cli.main import main
from tests.support.paths import CHECKOUT

_INTERVAL: Final = 0.001
"""Seconds of CPU between two samples; the kernel's own interval may be longer."""
_SERVICE: Final = f"{CHECKOUT / 'service'}/"
_LIBRARIES: Final = (
    "/site-packages/",
    f"/python{sys.version_info.major}.{sys.version_info.minor}/",
)

counts: Final[Counter[str]] = Counter()
_parts: Final[dict[str, str]] = {}


def part_of(file: str) -> str:
    """The part of the program that a source file belongs to."""
    if file not in _parts:
        _parts[file] = _find_part(file)
    return _parts[file]


def _find_part(file: str) -> str:
    if file == __file__:
        return "uvloop, or another thread"
    if file.startswith(_SERVICE):
        head, _, rest = file.removeprefix(_SERVICE).partition("/")
        return f"service/{head}" if rest else "service"
    for folder in _LIBRARIES:
        _, found, rest = file.partition(folder)
        if found:
            return rest.partition("/")[0].removesuffix(".py")
    return "generated code"


def _count_call(frame: FrameType, event: str, _: Any) -> None:
    if event == "call":
        counts["calls"] += 1
        counts[f"calls {part_of(frame.f_code.co_filename)}"] += 1
    elif event == "c_call":
        counts["C calls"] += 1


def _take_sample(_: int, frame: FrameType | None) -> None:
    counts["samples"] += 1
    if frame is not None:
        file = frame.f_code.co_filename
        # The loop runs in C, below the frame that started it.
        runs_loop = frame.f_code.co_name in ("run", "run_until_complete") and "asyncio" in file
        counts[f"samples {part_of(__file__ if runs_loop else file)}"] += 1


def _count_tasks_and_threads() -> None:
    create_task, start = uvloop.Loop.create_task, threading.Thread.start

    def counted_task(self: Any, *arguments: Any, **options: Any) -> Any:
        counts["tasks"] += 1
        return create_task(self, *arguments, **options)

    def counted_start(self: threading.Thread) -> None:
        counts["threads"] += 1
        start(self)

    uvloop.Loop.create_task = counted_task  # type: ignore[method-assign]
    threading.Thread.start = counted_start  # type: ignore[method-assign]


def _answer(listening: socket.socket, clock: int) -> None:
    while True:
        connection, _ = listening.accept()
        with connection:
            usage = {
                **counts,
                "cpu": time.process_time(),
                "cpu of the loop's thread": time.clock_gettime(clock),
            }
            connection.sendall(json.dumps(usage).encode())


def _serve() -> None:
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(os.environ["COUNTED_SOCKET"])
    listening.listen()
    clock = time.pthread_getcpuclockid(threading.get_ident())
    threading.Thread(target=_answer, args=(listening, clock), daemon=True).start()
    _count_tasks_and_threads()
    match os.environ["COUNTED"]:
        case "calls":
            threading.setprofile(_count_call)
            sys.setprofile(_count_call)
        case "samples":
            signal.signal(signal.SIGPROF, _take_sample)
            signal.setitimer(signal.ITIMER_PROF, _INTERVAL, _INTERVAL)
    main()


if __name__ == "__main__":
    Path(os.environ["COUNTED_SOCKET"]).unlink(missing_ok=True)
    _serve()
