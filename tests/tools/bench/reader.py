"""The reader alone, from the file's bytes to complete projects, against a bare parse."""

import os
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Final

from service.formats.reader import Limits, Reader
from tests.support.inflating import FirstFile
from tests.tools.bench import floor
from tests.tools.bench.measure import figure, ratio, timed
from tests.tools.bench.runs import Bench

BAR: Final = 0.6


async def measure(bench: Bench, name: str, file: Path) -> None:
    """Compare both in CPU seconds of a thread, one after the other in every run."""
    parse = floor.bare(name, file)
    bare: list[float] = []
    ours: list[float] = []
    for run in range(bench.runs):
        bench.progress(f"{name}: the reader alone, bare parse", run)
        # Threads that end, as in the service: the parser keeps every name that a thread has read.
        with ThreadPoolExecutor(1) as thread:
            ours.append(thread.submit(timed, partial(_read, file), time.thread_time).result())
        with ThreadPoolExecutor(1) as thread:
            bare.append(thread.submit(timed, parse, time.thread_time).result())
    note = f"{os.path.getsize(file) / 1e6:.0f} MB"  # noqa: ASYNC240
    bench.report.bar(f"reader.{name}", ratio(ours, bare), most=BAR, note=note)
    bench.report.tell("  CPU of the reader", figure(ours), "s")
    bench.report.tell("  CPU of the bare parse", figure(bare), "s")


def _read(file: Path) -> None:
    limits = Limits()
    with file.open("rb") as opened:
        for _ in Reader(FirstFile(opened, limits), limits):
            pass
