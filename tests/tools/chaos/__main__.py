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
    asked = parser.parse_args()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background ignores it
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    seed = random.randrange(1, 1_000_000) if asked.seed is None else asked.seed
    rounds = asked.rounds or (QUICK_ROUNDS if asked.quick else ROUNDS)
    try:
        return asyncio.run(chaos(seed, rounds, saturated=10 if asked.quick else 60))
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return _INTERRUPTED


async def chaos(
    seed: int, rounds: int, *, saturated: float, kills: int = KILLS, oldest: float = 2 * BEAT
) -> int:
    """Play rounds from a seed on, print what came of them, and give the code to end with.

    Args:
        kills: of the service in each round.
        saturated: seconds for which eight writers are kept writing, after the rounds.
        oldest: seconds that a heartbeat may be old beside them.
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
                    await _whole_again(replicas)
                writing = await _saturated(site, database, replicas[0], saturated)
                for replica in replicas:
                    if code := await replica.end():
                        tally.seen.left.append(f"replica {replica.name} ended with {code}")
                tally.seen.left += await left_behind(database, replicas)
    _table(tally, writing, time.monotonic() - begun)
    seen = tally.seen
    late = writing.faults(oldest)
    wrong = [*seen.lost, *seen.half, *seen.lied, *seen.left, *tally.wrong, *late]
    for fault in [*seen.left, *late]:
        print(f"FAULT: {fault}")
    print(f"{'FAILED' if wrong else 'All that was told is true'} (seed {seed}, commit {commit})")
    return 1 if wrong else 0


async def _whole_again(replicas: list[Replica]) -> None:
    """After a round that failed, what it has left stopped or dead is started anew."""
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
        "SIGKILL of PostgreSQL, whole": struck.crashes,
        "uploads answered": tally.answers,
        "imports": seen.imports,
        "projects reported as landed": seen.projects,
        "projects lost": len(seen.lost),
        "projects half-written": len(seen.half),
        "imports whose state lied": len(seen.lied),
        "threads, connections, locks, files left": len(seen.left),
        "answers missing or wrong": len(tally.wrong),
        f"oldest heartbeat beside {WRITERS} writers, s (every {BEAT:g} s)": f"{writing.oldest:.2f}",
        "atomic imports beside them": len(writing.turns),
        "… seconds, at most": f"{max(writing.turns, default=0.0):.1f}",
        "seconds in all": f"{seconds:.0f}",
    }
    print()
    for what, figure in rows.items():
        print(f"{what:<56}{figure:>10}")
    print()


def _say(line: str) -> None:
    print(line, flush=True)


def _commit() -> str:
    """The commit that is tested, and whether it was changed; empty outside a checkout."""
    command = ["git", "describe", "--always", "--dirty", "--exclude=*"]
    told = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True)
    return told.stdout.strip() or "unknown"


if __name__ == "__main__":
    sys.exit(main())
