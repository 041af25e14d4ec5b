"""Mutate the imports and the storage, and print the share of the mutants that the tests kill.

    python -m tests.tools.mutants [--seed N] [--mutants N] [--jobs N] [FILE ...]

Takes a sample of mutants, or those of the files named. First it runs the tests without a mutant,
to see which functions each enters. Each mutant then runs in a copy of the checkout, against one
PostgreSQL, with the tests that enter its function. The first test that fails twice kills the
mutant; so does a test that hangs. Prints the surviving mutants as diffs. ``equivalents.toml`` lists
mutants that change no behaviour, each with a reason; they do not count. The exit code is 0 if the
share is at least 95 %.
"""

import argparse
import json
import queue
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from tests.support.paths import CHECKOUT
from tests.support.servers import run_migrated_server
from tests.tools.mutants.mutant import Mutant, read_equivalents
from tests.tools.mutants.runs import Copy
from tests.tools.mutants.selection import TESTS, Traces, mutated_files, select_tests

MUTANTS: Final = 100
BAR: Final = 0.95
COSMIC_RAY: Final = "cosmic-ray==8.7.0"
_SPARE: Final = 30
"""Mutants sampled in addition, in case some are equivalent."""


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.tools.mutants", description=__doc__.partition("\n")[0]
    )
    parser.add_argument("--seed", type=int, help="of the sample")
    parser.add_argument("--mutants", type=int, default=MUTANTS)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--traces", type=Path, help="file that keeps which test enters what")
    parser.add_argument("files", nargs="*", help="files to mutate instead of all")
    options = parser.parse_args()
    seed = random.randrange(1, 1_000_000) if options.seed is None else options.seed
    files = options.files or [*mutated_files(CHECKOUT)]
    mutants = sample(seed, options.mutants, files)
    print(f"seed {seed}: {len(mutants)} mutants of {len(files)} files", flush=True)
    with tempfile.TemporaryDirectory(prefix="bulk-import-mutants.") as folder:
        traces = (options.traces or Path(folder) / "traces.jsonl").absolute()
        return judge(mutants, Path(folder), options.jobs, traces)


def sample(seed: int, number: int, files: Sequence[str]) -> list[Mutant]:
    """Take a sample of mutants that are not listed as equivalent."""
    script = Path(__file__).with_name("mutations.py")
    uv = Path(sys.executable).with_name("uv")
    command = [
        str(uv),
        "run",
        "--quiet",
        "--no-project",
        "--with",
        COSMIC_RAY,
        "python",
        str(script),
    ]
    arguments = [str(seed), str(number + _SPARE), *files]
    listed = subprocess.run(
        [*command, *arguments], cwd=CHECKOUT, stdout=subprocess.PIPE, check=True
    )
    equivalents = read_equivalents()
    mutants = [Mutant(**json.loads(line)) for line in listed.stdout.splitlines()]
    for mutant in mutants:
        if (reason := equivalents.find(mutant)) is not None:
            print(f"equivalent: {mutant.title}: {reason}", flush=True)
    return [mutant for mutant in mutants if equivalents.find(mutant) is None][:number]


def judge(mutants: Sequence[Mutant], folder: Path, jobs: int, file: Path) -> int:
    """Run the tests on every mutant, print the results, and return the exit code."""
    started = time.monotonic()
    copies: queue.SimpleQueue[Copy] = queue.SimpleQueue()
    with run_migrated_server(folder / "db", "18") as dsn:
        for number in range(jobs):
            copies.put(Copy.make(folder / f"copy{number}", dsn))
        traces = read_traces(copies, file)
        print(f"{len(traces)} tests pass without a mutant", flush=True)

        def run(mutant: Mutant) -> bool:
            copy = copies.get()
            begun = time.monotonic()
            tests = select_tests(CHECKOUT, mutant.path, mutant.line, traces)
            try:
                with copy.mutated(mutant):
                    failed = copy.find_failure(tests) if tests else None
            finally:
                copies.put(copy)
            took = time.monotonic() - begun
            result = (
                f"killed    {mutant.title}: {failed}" if failed else f"SURVIVED  {mutant.title}"
            )
            print(f"{took:4.0f} s  {result} ({len(tests)} tests)", flush=True)
            return failed is not None

        with ThreadPoolExecutor(jobs) as pool:
            killed = [*pool.map(run, mutants)]
    survivors = [mutant for mutant, dead in zip(mutants, killed, strict=True) if not dead]
    for mutant in survivors:
        print(f"\n{mutant.title}\n{mutant.diff}")
    share = sum(killed) / len(killed) if killed else 1
    minutes = (time.monotonic() - started) / 60
    print(f"\n{sum(killed)} of {len(killed)} mutants killed ({share:.0%}) in {minutes:.0f} min")
    return 0 if share >= BAR else 1


def read_traces(copies: queue.SimpleQueue[Copy], file: Path) -> Traces:
    """Run all tests without a mutant, unless an earlier run kept what they enter."""
    if not file.exists():
        copy = copies.get()
        copy.trace(TESTS, file)
        copies.put(copy)
    lines = map(json.loads, file.read_text().splitlines())
    return {test: (seconds, functions) for test, seconds, functions in lines}


if __name__ == "__main__":
    sys.exit(main())
