"""Reads mutated files with the compiled engine under sanitizers, and counts their reports.

    python -m tests.tools.sanitize [--seconds N] [--seed N]

The engine is built with AddressSanitizer and UndefinedBehaviorSanitizer; leaks count too. Each
execution mutates a part of a real or generated file, cuts it into pieces, sets limits, and reads
it. The engine in Python reads some of them too, and must find the same. A hundred executions then
run under valgrind. The seed decides everything in an execution; ``--seed`` repeats one. The exit
code is 1 if anything failed.
"""

import argparse
import asyncio
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from os import sched_getaffinity
from pathlib import Path
from typing import Final

from tests.tools.sanitize.build import FOLDER, build_engine, environment
from tests.tools.sanitize.corpus import Corpus
from tests.tools.sanitize.execution import Execution
from tests.tools.sanitize.maker import make_execution
from tests.tools.sanitize.planted import check_planted_faults
from tests.tools.sanitize.processes import WORKER, Event, run_pair
from tests.tools.sanitize.valgrind import run_valgrind

_MOST_FAILURES: Final = 20
_PROGRESS_SECONDS: Final = 30
_VALGRIND_EXECUTIONS: Final = 100
_JOBS: Final = len(sched_getaffinity(0))


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.tools.sanitize", description=__doc__.partition("\n")[0]
    )
    parser.add_argument("--seconds", type=float, default=600, help="without those of valgrind")
    parser.add_argument("--seed", type=int, help="repeat one execution")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with tempfile.TemporaryDirectory(prefix="bulk-import-sanitize.") as folder:
        try:
            run = Run(Path(folder))
            if options.seed is not None:
                asyncio.run(run.repeat(options.seed))
            else:
                asyncio.run(run.fuzz(random.randrange(10**8), options.seconds))
        except KeyboardInterrupt:
            print("interrupted")
            return 130
    return 1 if run.failures else 0


class Run:
    """A run of the fuzzer.

    Args:
        folder: of temporary files.

    Attributes:
        failures: number of failures.
    """

    def __init__(self, folder: Path) -> None:
        self.failures = 0
        self._results: Counter[str] = Counter()
        self._folder = folder
        self._corpus = Corpus(real=True)
        self._engine = build_engine()
        self._environment = environment()

    async def fuzz(self, seed: int, seconds: float) -> None:
        """Run executions on all processors for some time, then some under valgrind."""
        print(f"{check_planted_faults()} planted faults are reported")
        print(f"{self._corpus.files} files, seeds from {seed}", flush=True)
        began = time.monotonic()
        async with asyncio.TaskGroup() as group:
            progress = group.create_task(self._print_progress(began))
            async with asyncio.TaskGroup() as jobs:
                for job in range(_JOBS):
                    jobs.create_task(self._run_job(seed + job, began + seconds))
            progress.cancel()
        self._print_results("sanitizers", began)
        self._results.clear()
        began = time.monotonic()
        async with asyncio.TaskGroup() as jobs:
            for first in range(seed, seed + _JOBS):
                number = len(range(first, seed + _VALGRIND_EXECUTIONS, _JOBS))
                jobs.create_task(run_valgrind(first, _JOBS, number, self._folder, self._handle))
        self._print_results("valgrind", began)

    async def repeat(self, seed: int) -> None:
        """Run one execution."""
        print(_describe(make_execution(seed, self._corpus)), flush=True)
        await self._run_executions(str(seed), "1", "--executions=1", "--compare")
        self._print_results("sanitizers", time.monotonic())

    async def _run_job(self, first: int, end: float) -> None:
        """Run executions until the end; if the worker dies, start again after that seed."""
        dead: int | None = first - _JOBS
        while dead is not None and self.failures < _MOST_FAILURES:
            seconds = max(end - time.monotonic(), 0)
            dead = await self._run_executions(
                str(dead + _JOBS), str(_JOBS), f"--seconds={seconds:.0f}"
            )

    async def _run_executions(self, first: str, *maker: str) -> int | None:
        worker = [sys.executable, "-m", WORKER, f"--engine={self._engine}"]
        errors = self._folder / f"{first}.txt"
        return await run_pair([first, *maker], worker, self._environment, errors, self._handle)

    def _handle(self, event: Event) -> None:
        """Count an execution; print and save a failure."""
        if event.result is not None:
            self._results[event.result] += 1
            return
        self.failures += 1
        print(f"FAILED: {event.text}")
        if event.seed is not None:
            folder = FOLDER / "failures"
            folder.mkdir(exist_ok=True)
            execution = make_execution(event.seed, self._corpus)
            (folder / f"{event.seed}.txt").write_text(f"{_describe(execution)}\n{event.text}")
            (folder / f"{event.seed}.xml").write_bytes(execution.data)
            print(
                f"saved in {folder}/{event.seed}.*; to repeat it: make sanitize SEED={event.seed}"
            )

    async def _print_progress(self, began: float) -> None:
        while True:
            await asyncio.sleep(_PROGRESS_SECONDS)
            self._print_results("running", began)

    def _print_results(self, name: str, began: float) -> None:
        total = self._results.total()
        shares = ", ".join(
            f"{self._results[result] / max(total, 1):.0%} {result}"
            for result in ("items", "refusal", "fault")
        )
        seconds = time.monotonic() - began
        print(
            f"{name}: {total:,} executions ({shares}) in {seconds:.0f} s, {self.failures} failures",
            flush=True,
        )


def _describe(execution: Execution) -> str:
    return (
        f"{len(execution.data)} bytes, charset {execution.charset}, {len(execution.cuts)} cuts,"
        f" limits {execution.limits}, {execution.spool_bytes} bytes of working files:"
        f" {', '.join(execution.steps)}"
    )


if __name__ == "__main__":
    sys.exit(main())
