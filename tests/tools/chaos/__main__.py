"""Strike the service and PostgreSQL in every way, and prove from an audit that nothing was lost.

    python -m tests.tools.chaos

A round is a function of its seed: clients, faults and their times. Each round has its own servers.
Prints each violation, then a table. The exit code is 0 if no claim is broken, else 1."""

import argparse
import asyncio
import contextlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from tests.support import citus
from tests.support.faults.cluster import prepare
from tests.support.paths import CHECKOUT
from tests.tools.chaos.rounds import Tally, play
from tests.tools.chaos.schedule import (
    CITUS_COURSES,
    CITUS_SMALL,
    COURSES,
    SMALL,
    Blow,
    Course,
    Round,
    blows,
)

ROUNDS: Final = 3
"""Of each course."""
QUICK_ROUNDS: Final = 5
SMALL_ROUNDS: Final = 10
QUICK_SMALL_ROUNDS: Final = 2
_SMALL_SECONDS: Final = 30.0
_QUICK_SECONDS: Final = 12.0
_INTERRUPTED: Final = 130


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.tools.chaos", description=__doc__.partition("\n")[0]
    )
    parser.add_argument("--seed", type=int, help="of the first round; the next has the next")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--hours", type=float, help="begin rounds until this time is over")
    parser.add_argument("--quick", action="store_true", help="a part of it")
    parser.add_argument("--small", action="store_true", help="only rounds with small uploads")
    parser.add_argument("--citus", action="store_true", help="on a coordinator and two workers")
    parser.add_argument("--logs", type=Path, help="directory for the logs of rounds that fail")
    options = parser.parse_args()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background ignores it
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    courses, small = (CITUS_COURSES, CITUS_SMALL) if options.citus else (COURSES, SMALL)
    number = len(courses)
    seed = random.randrange(1, 100_000) * number if options.seed is None else options.seed
    step = 1
    if options.small:
        seed, step = seed - seed % number + small, number
    rounds, seconds = _extent(options.small, options.quick, courses)
    rounds = options.rounds or rounds
    try:
        how = {"hours": options.hours, "seconds": seconds, "step": step, "logs": options.logs}
        if options.citus:
            prepare(citus.VERSION)
        return asyncio.run(chaos(seed, rounds, courses=courses, **how))
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return _INTERRUPTED


async def chaos(
    seed: int,
    rounds: int,
    *,
    courses: Sequence[Course] = COURSES,
    hours: float | None = None,
    seconds: float = 20.0,
    step: int = 1,
    logs: Path | None = None,
) -> int:
    """Run rounds from a seed on, print the results, and return the exit code.

    Args:
        courses: of which the seed of each round chooses one.
        hours: begin rounds for that long, instead of a number of them.
        seconds: for which each round storms.
        step: from the seed of a round to the next.
        logs: gets the logs of the replicas of rounds that fail.
    """
    commit = _commit()
    begun = time.monotonic()
    print(f"rounds from seed {seed} on, at commit {commit}", flush=True)
    there = blows(courses)
    if courses is CITUS_COURSES:
        out = "; ".join(blow.value for blow in blows(COURSES) if blow not in there)
        print(f"does not apply to Citus, left out: {out}", flush=True)
    tally = Tally()
    number = seed
    while _goes_on((number - seed) // step, rounds, hours, time.monotonic() - begun):
        with _directory() as directory:
            await play(Round(number, seconds, courses), directory, tally, _say)
            if logs is not None and number in tally.failed:
                shutil.copytree(directory, logs / str(number), ignore=_but_logs, dirs_exist_ok=True)
        number += step
    _table(tally, there, time.monotonic() - begun)
    verdict = f"FAILED: SEED={tally.failed} ROUNDS=1" if tally.failed else "Every claim holds"
    print(f"{verdict} (seeds {tally.seeds[0]} to {tally.seeds[-1]}, commit {commit})")
    return 1 if tally.failed else 0


def _extent(small: bool, quick: bool, courses: Sequence[Course]) -> tuple[int, float]:
    """The number of rounds, and their seconds."""
    if small:
        return (QUICK_SMALL_ROUNDS, _QUICK_SECONDS) if quick else (SMALL_ROUNDS, _SMALL_SECONDS)
    return (QUICK_ROUNDS, _QUICK_SECONDS) if quick else (ROUNDS * len(courses), 20.0)


def _goes_on(played: int, rounds: int, hours: float | None, seconds: float) -> bool:
    return played < rounds if hours is None else seconds < hours * 3600


@contextlib.contextmanager
def _directory() -> Iterator[Path]:
    """A directory that PostgreSQL's account can pass through."""
    with tempfile.TemporaryDirectory(prefix="bulk-import-chaos-") as name:
        directory = Path(name)
        directory.chmod(0o711)
        yield directory


def _but_logs(_: str, names: list[str]) -> list[str]:
    return [name for name in names if not name.endswith(".log")]


def _table(tally: Tally, there: Sequence[Blow], seconds: float) -> None:
    rows: dict[str, object] = {blow.value: tally.struck[blow] for blow in there}
    rows["faults in total"] = tally.struck.total()
    rows |= {
        "uploads, settled": tally.done["upload"],
        "undos, settled": tally.done["undo"],
        "cancels": tally.done["cancel"],
        "archives": tally.done["archive"],
        "locks taken, released, broken": sum(
            tally.done[kind] for kind in ("lock", "release", "break")
        ),
        "polls of followers": tally.done["polls"],
        "imports": tally.done["imports"],
        "of them in one transaction": tally.done["at once"],
        "outcomes": tally.done["outcomes"],
        "versions written": tally.done["versions"],
        "versions pruned": tally.done["pruned"],
    }
    rows |= {f"= 0: {line}": len(found) for line, found in tally.found.items()}
    blocked = f"longest time that a client was blocked, s (bound {tally.bound:g})"
    rows[blocked] = f"{tally.longest:.1f}"
    rows["seconds in total"] = f"{seconds:.0f}"
    print()
    for what, figure in rows.items():
        print(f"{what:<62}{figure!s:>10}")
    print()


def _say(line: str) -> None:
    print(line, flush=True)


def _commit() -> str:
    """Return the tested commit, marked if it was changed, or ``unknown`` outside a checkout."""
    command = ["git", "describe", "--always", "--dirty", "--exclude=*"]
    described = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True)
    return described.stdout.strip() or "unknown"


if __name__ == "__main__":
    sys.exit(main())
