"""What happens in a round, made from its seed alone: the same seed, the same round."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from random import Random
from typing import Final

from tests.tools.chaos.files import File, large, mixed

KILLS: Final = 6
"""Of the service, in a round. In every second round PostgreSQL is killed twice, else once; in two
rounds of three the service is stopped too."""
SENDERS: Final = 3
_OPTIONS: Final = ("atomic=true", "dry_run=true", "mode=create", "mode=update", "outcomes=errors")


class Blow(Enum):
    """What befalls the service or its database."""

    KILL = "SIGKILL of the service"
    STOP = "SIGSTOP of the service"
    CRASH = "SIGKILL of PostgreSQL"


@dataclass(frozen=True)
class Strike:
    """A blow.

    Attributes:
        after: seconds for which uploads have been under way.
        copying: of a stop: in the middle of a COPY, or else between two statements.
        early: of a stop: woken while the import runs elsewhere, or else once it has ended.
    """

    blow: Blow
    after: float
    copying: bool = False
    early: bool = False


@dataclass(frozen=True)
class Upload:
    """What a client wants to land.

    Attributes:
        name: tells it from all others of its round.
        query: its options.
        key: its ``Idempotency-Key``, if it has one.
        pause: seconds between two pieces of its body.
    """

    name: str
    file: File = field(repr=False)
    query: str = ""
    key: str | None = None
    pause: float = 0.0

    @property
    def atomic(self) -> bool:
        return "atomic" in self.query

    @property
    def dry(self) -> bool:
        return "dry_run" in self.query


@dataclass(frozen=True)
class Round:
    """A client of its own, its uploads and what befalls them."""

    seed: int
    kills: int = KILLS

    @property
    def client_id(self) -> int:
        """One of the 400 that there are; no other round of a run has it."""
        return self.seed % 400 + 1

    def strikes(self) -> list[Strike]:
        """In the order in which they come."""
        random = Random(f"{self.seed} strikes")
        crashes, stops = 1 + self.seed % 2, self.seed % 3 > 0
        blows = [*[Blow.KILL] * self.kills, *[Blow.CRASH] * crashes, *[Blow.STOP] * stops]
        random.shuffle(blows)
        return [
            Strike(blow, random.uniform(0, 0.8), random.random() < 0.6, random.random() < 0.5)
            for blow in blows
        ]

    def uploads(self, sender: int) -> Iterator[Upload]:
        """What one of the senders uploads, one after the other, for as long as blows come."""
        random = Random(f"{self.seed} sender {sender}")
        number = 0
        while True:
            number += 1
            name = f"{self.seed}-{sender}-{number}"
            yield Upload(
                name,
                mixed(random),
                random.choice(_OPTIONS) if random.random() < 0.5 else "",
                name if random.random() < 0.6 else None,
                random.choice((0.0, 0.0, 0.02, 0.1)),
            )

    def stopped_upload(self, copying: bool, number: int) -> Upload:
        """What is under way when the service is stopped; with a key, to be taken over by."""
        random = Random(f"{self.seed} stopped {number}")
        name = f"{self.seed}-stopped-{number}"
        return Upload(name, large(random) if copying else mixed(random), "", name, 0.1)
