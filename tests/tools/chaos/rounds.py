"""One round: uploads, blows at them, and a look at what came of it."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import aiohttp

from tests.tools.chaos.clients import Client, Site
from tests.tools.chaos.database import Killable
from tests.tools.chaos.faults import Striker, Struck
from tests.tools.chaos.inspection import Seen, look_at
from tests.tools.chaos.schedule import SENDERS, Round

LONGEST: Final = 180.0
"""Seconds after which a round has met a fault of ours."""


@dataclass
class Tally:
    """What has happened and what was found, over all rounds."""

    rounds: int = 0
    struck: Struck = field(default_factory=Struck)
    seen: Seen = field(default_factory=Seen)
    answers: int = 0
    wrong: list[str] = field(default_factory=list)

    def add(self, seen: Seen) -> None:
        self.seen.imports += seen.imports
        self.seen.projects += seen.projects
        for name in ("lost", "partial", "wrong_state", "left"):
            getattr(self.seen, name).extend(getattr(seen, name))


async def play(
    round_: Round, site: Site, database: Killable, tally: Tally, say: Callable[[str], None]
) -> list[str]:
    """Play a round; what was wrong in it."""
    begun = time.monotonic()
    try:
        async with asyncio.timeout(LONGEST), aiohttp.ClientSession() as http:
            client = Client(site, round_.client_id, http)
            await _storm(round_, site, database, client, tally.struck)
            tally.answers += len(client.settled)
            seen = await look_at(site, database, client, http)
    except Exception as fault:
        faults = [repr(each) for each in _leaves(fault)]
        tally.wrong += faults
        return faults
    tally.rounds += 1
    tally.add(seen)
    seconds = time.monotonic() - begun
    say(f"round {round_.seed}: {seen.imports} imports, {seen.projects} projects, {seconds:.1f} s")
    return [*seen.lost, *seen.partial, *seen.wrong_state, *seen.left]


async def _storm(
    round_: Round, site: Site, database: Killable, client: Client, struck: Struck
) -> None:
    over = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        striker = Striker(site, database, struck, group)
        for sender in range(SENDERS):
            group.create_task(client.keep_sending(round_.uploads(sender), over))
        for strike in round_.strikes():
            await striker.strike(strike, round_, client)
        over.set()


def _leaves(fault: Exception) -> list[Exception]:
    if not isinstance(fault, ExceptionGroup):
        return [fault]
    return [leaf for each in fault.exceptions for leaf in _leaves(each)]
