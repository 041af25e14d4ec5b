"""Kill and stop replicas and PostgreSQL, and check that no reported outcome is lost.

    python -m tests.tools.chaos

Prints each fault, then a table. The exit code is 0 if there is no fault, else 1. It takes about
twelve minutes on two cores, two with ``--quick``. A round longer than three minutes is a fault."""

import argparse
import asyncio
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

import aiohttp

from tests.support.paths import CHECKOUT
from tests.tools.bench.database import CLIENTS, add_clients
from tests.tools.bench.process import sign
from tests.tools.chaos.clients import Client, Site
from tests.tools.chaos.database import Killable, killable
from tests.tools.chaos.inspection import left_behind
from tests.tools.chaos.replicas import Replica, two_replicas
from tests.tools.chaos.rounds import Tally, play
from tests.tools.chaos.saturation import BEAT, SETTINGS, WRITERS, Saturated, saturate
from tests.tools.chaos.schedule import KILLS, Round

ROUNDS: Final = 34
"""Enough for 200 kills and 20 stops of the service and 50 of PostgreSQL."""
QUICK_ROUNDS: Final = 5
_INTERRUPTED: Final = 130


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.tools.chaos", description=__doc__.partition("\n")[0]
    )
    parser.add_argument("--seed", type=int, help="of the first round; the next has the next")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--quick", action="store_true", help="a part of it")
    options = parser.parse_args()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background ignores it
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    seed = random.randrange(1, 1_000_000) if options.seed is None else options.seed
    rounds = options.rounds or (QUICK_ROUNDS if options.quick else ROUNDS)
    try:
        return asyncio.run(chaos(seed, rounds, saturated=10 if options.quick else 60))
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return _INTERRUPTED


async def chaos(
    seed: int, rounds: int, *, saturated: float, kills: int = KILLS, oldest: float = 2 * BEAT
) -> int:
    """Run rounds from a seed on, print the results, and return the exit code.

    Args:
        kills: of the service in each round.
        saturated: seconds for which eight writers are kept busy after the rounds.
        oldest: maximum age of a heartbeat meanwhile, in seconds.
    """
    commit = _commit()
    begun = time.monotonic()
    print(f"{rounds} rounds from seed {seed} on, at commit {commit}", flush=True)
    # Not /tmp, which may be memory: there fsync costs nothing.
    with tempfile.TemporaryDirectory(
        prefix="bulk-import-chaos-", dir=os.environ.get("TMPDIR", "/var/tmp")
    ) as name:
        directory = Path(name)
        async with killable(directory / "db") as database:
            await add_clients(database.database)
            token = await sign(database.database)
            async with two_replicas(database.database, directory) as replicas:
                site = Site(replicas, token)
                tally = Tally()
                for number in range(seed, seed + rounds):
                    for fault in await play(Round(number, kills), site, database, tally, _say):
                        _say(f"make chaos SEED={number} ROUNDS=1  # at {commit}: {fault}")
                    await _restart_replicas(replicas)
                writing = await _saturated(site, database, replicas[0], saturated)
                for replica in replicas:
                    if code := await replica.end():
                        tally.seen.left.append(f"replica {replica.name} ended with {code}")
                tally.seen.left += await left_behind(database, replicas)
    _table(tally, writing, time.monotonic() - begun)
    seen = tally.seen
    late = writing.faults(oldest)
    wrong = [*seen.lost, *seen.partial, *seen.wrong_state, *seen.left, *tally.wrong, *late]
    for fault in [*seen.left, *late]:
        print(f"FAULT: {fault}")
    verdict = "FAILED" if wrong else "Every reported outcome is stored"
    print(f"{verdict} (seed {seed}, commit {commit})")
    return 1 if wrong else 0


async def _restart_replicas(replicas: list[Replica]) -> None:
    """Restart the replicas that a failed round left stopped or dead."""
    for replica in replicas:
        if replica.stopped.is_set() or not replica.serving.is_set():
            await replica.kill()
            await replica.start()


async def _saturated(site: Site, database: Killable, replica: Replica, seconds: float) -> Saturated:
    _say(f"{WRITERS} writers for {seconds:g} s")
    await replica.kill()
    await replica.start(**SETTINGS)
    async with aiohttp.ClientSession() as http:
        return await saturate(Client(site, CLIENTS, http), database, replica, seconds)


def _table(tally: Tally, writing: Saturated, seconds: float) -> None:
    struck, seen = tally.struck, tally.seen
    takeovers = struck.takeovers or [0.0]
    rows = {
        "SIGKILL of the service during imports": struck.kills,
        "SIGSTOP in the middle of a COPY": struck.copying,
        "SIGSTOP between two statements": struck.between,
        "… taken over after, seconds, at most": f"{max(takeovers):.1f}",
        "SIGKILL of all processes of PostgreSQL": struck.crashes,
        "uploads with a response": tally.answers,
        "imports": seen.imports,
        "projects reported as landed": seen.projects,
        "projects lost": len(seen.lost),
        "projects half-written": len(seen.partial),
        "imports with a wrong state": len(seen.wrong_state),
        "threads, connections, locks, files leaked": len(seen.left),
        "responses missing or wrong": len(tally.wrong),
        f"oldest heartbeat beside {WRITERS} writers, s (every {BEAT:g} s)": f"{writing.oldest:.2f}",
        "atomic imports beside them": len(writing.turns),
        "… seconds, at most": f"{max(writing.turns, default=0.0):.1f}",
        "seconds in total": f"{seconds:.0f}",
    }
    print()
    for what, figure in rows.items():
        print(f"{what:<56}{figure:>10}")
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
