"""One round: a place, its replicas, the actors and the faults, and the judgement of its history."""

import asyncio
import os
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from service.storage.watchdog import TRANSACTION_TIMEOUT
from tests.tools.bench.database import Database
from tests.tools.chaos.actors import Actors, new_session
from tests.tools.chaos.checks import CHECKS, check
from tests.tools.chaos.clients import Client, Site
from tests.tools.chaos.faults import LONGEST_STEP, Striker
from tests.tools.chaos.history import BOUND, History
from tests.tools.chaos.place import ADMIN, CLIENT, Servers, open_servers
from tests.tools.chaos.replicas import EXPIRY, Replica, two_replicas
from tests.tools.chaos.schedule import Blow, Place, Round

LONGEST: Final = 300.0
"""Seconds after which a round has met a fault of the service."""
_AGAIN: Final = 8
_SMALL_AGAIN: Final = 100
"""Uploads of a round that are repeated under their keys."""
_SETTLED: Final = 15.0 + EXPIRY
"""Seconds within which dead imports are found, and everything is put away."""
_SETTINGS: Final[dict[str, object]] = {
    "log_level": "warning",
    "prune": True,
    "prune_every": 0.7,
    "keep_versions": 3,
    "keep_days": 0,
    "keep_months": 0,
    "keep_superseded": 1.0,
}
_RUNNING: Final = "SELECT count(*) FROM imports WHERE state = 'running'"
_AT_WORK: Final = """
SELECT concat_ws(', ', a.state, now() - a.xact_start, l.locks, a.query) AS backend
  FROM pg_stat_activity a
  LEFT JOIN (SELECT pid, count(*) || ' advisory locks' AS locks
               FROM pg_locks
              WHERE locktype = 'advisory'
              GROUP BY pid) AS l USING (pid)
 WHERE a.backend_type = 'client backend' AND a.application_name <> $1
   AND (a.state <> 'idle' OR l.locks IS NOT NULL)
"""


@dataclass
class Tally:
    """What has happened and what was found, over all rounds.

    Attributes:
        found: violations, by the claim that they break.
        failed: seeds of rounds with a violation.
        longest: seconds that a client was blocked, at most.
        bound: the largest bound of a round.
    """

    seeds: list[int] = field(default_factory=list)
    failed: list[int] = field(default_factory=list)
    struck: Counter[Blow] = field(default_factory=Counter)
    done: Counter[str] = field(default_factory=Counter)
    found: dict[str, list[str]] = field(default_factory=lambda: {line: [] for line in CHECKS})
    longest: float = 0.0
    bound: float = BOUND


async def play(round_: Round, directory: Path, tally: Tally, say: Callable[[str], None]) -> None:
    """Play a round, and judge it."""
    begun = time.monotonic()
    history = History()
    struck: Counter[Blow] = Counter()
    tally.seeds.append(round_.seed)
    try:
        async with asyncio.timeout(LONGEST + round_.seconds):
            await _play(round_, directory, history, struck)
    except Exception as fault:
        history.wrong += [f"{each!r}"[-600:] for each in _leaves(fault)]
    found = check(history) if history.events else {"responses missing or wrong": history.wrong}
    tally.struck += struck
    tally.longest = max([tally.longest, *(wait.seconds for wait in history.waits)])
    tally.bound = max(tally.bound, history.bound)
    for line, violations in found.items():
        tally.found[line] += violations
        for violation in violations[:5]:
            say(f"SEED={round_.seed}: {line}: {violation[:500]}")
    if any(found.values()):
        tally.failed.append(round_.seed)
    done = _count(history)
    tally.done += done
    say(
        f"round {round_.seed} ({round_.course.place.value}): {done['imports']} imports,"
        f" {done['versions']} versions, {struck.total()} faults, {time.monotonic() - begun:.0f} s"
    )


async def _play(round_: Round, directory: Path, history: History, struck: Counter[Blow]) -> None:
    place = round_.course.place
    async with open_servers(place, directory) as servers:
        small: dict[str, object] = {}
        if place is Place.SMALL_DISKS:
            small = {"spool_reserve_bytes": 1_000_000}
        database = Database(servers.way.dsn)
        settings = _SETTINGS | small
        async with (
            two_replicas(database, directory, servers.service_variables, **settings) as replicas,
            new_session() as http,
        ):
            if place is Place.CLOCK:
                history.clock = True
                history.bound += LONGEST_STEP
            if place is Place.CITUS:
                # A statement whose node was cut off can hang until the service gives it up, and
                # so can the next one.
                history.bound += 2 * TRANSACTION_TIMEOUT
            client = Client(Site(replicas), CLIENT, http, history)
            await _storm(round_, servers, client, struck)
            await _repeat(client, _SMALL_AGAIN if round_.course.small else _AGAIN)
            await _settle(servers, client, replicas)
            history.events += await servers.audit()


async def _storm(round_: Round, servers: Servers, client: Client, struck: Counter[Blow]) -> None:
    actors = Actors(round_, client)
    async with asyncio.TaskGroup() as group:
        acting = actors.start(group)
        striker = Striker(client.site, servers, client, group)
        await striker.storm(round_)
        struck.update(striker.struck)
        actors.over.set()
        await asyncio.wait(acting)
    await asyncio.sleep(1.5)  # the watermark passes the last change
    for follower in actors.followers:
        before = len(client.history.polls)
        async with asyncio.timeout(_SETTLED):
            while len(client.history.polls) == before:
                await follower.poll()


async def _repeat(client: Client, number: int) -> None:
    """Repeat uploads under their keys; ``check_keys`` compares the responses."""
    settled = [a for a in client.history.reliable if a.status == 207 and a.wish.key]
    for answer in settled[-number:]:
        if not answer.body["counts"]["failed"] or not answer.wish.atomic:
            await client.deliver(replace(answer.wish, pause=0.0))


async def _settle(servers: Servers, client: Client, replicas: list[Replica]) -> None:
    """Wait until dead imports are found, and everything is put away."""
    deadline = time.monotonic() + _SETTLED
    while True:
        await client.read("imports", "reader")
        async with servers.connected() as connection:
            left = {"imports running": await connection.fetchval(_RUNNING)}
            at_work = [row["backend"] for row in await connection.fetch(_AT_WORK, ADMIN)]
        if servers.nodes is not None:
            left["prepared transactions"] = await servers.nodes.prepared(ADMIN)
        for replica in replicas:
            left[f"threads of {replica.name}"] = replica.threads() - replica.threads_at_start
            left[f"working files of {replica.name}"] = replica.working_files()
            left[f"names in the spool of {replica.name}"] = len(os.listdir(replica.spool))
        found = [*at_work, *(f"{number} {what}" for what, number in left.items() if number > 0)]
        if not found or time.monotonic() > deadline:
            client.history.left += found
            return
        await asyncio.sleep(0.1)


def _count(history: History) -> Counter[str]:
    counts: Counter[str] = Counter(answer.wish.kind for answer in history.answers if answer.settles)
    counts["imports"] = len(history.imports)
    began_ended = [e for e in history.of("imports", "INSERT") if e.row["state"] != "running"]
    counts["at once"] = len(began_ended)
    counts["versions"] = len(history.of("project_versions", "INSERT"))
    counts["pruned"] = len(history.of("project_versions", "DELETE"))
    counts["outcomes"] = len(history.of("import_results"))
    counts["polls"] = len(history.polls)
    return counts


def _leaves(fault: Exception) -> list[Exception]:
    if not isinstance(fault, ExceptionGroup):
        return [fault]
    return [leaf for each in fault.exceptions for leaf in _leaves(each)]
