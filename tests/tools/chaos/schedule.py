"""What happens in a round, made from its seed alone: the same seed, the same round."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from random import Random
from typing import Final

from tests.tools.chaos.files import mixed, small
from tests.tools.chaos.history import Wish

_OPTIONS: Final = ("atomic=true", "atomic=true", "dry_run=true", "mode=create", "outcomes=errors")


class Place(Enum):
    """What stands between the service and its data."""

    PLAIN = "one PostgreSQL"
    POOLER = "PgBouncer"
    SYNCHRONOUS = "a synchronous standby"
    ASYNCHRONOUS = "an asynchronous standby"
    SMALL_DISKS = "small disks"
    CLOCK = "a clock that steps"
    CITUS = "a coordinator and two workers of Citus"


class Blow(Enum):
    """What befalls the service or its database."""

    END = "backends ended (pg_terminate_backend)"
    CANCEL = "statements cancelled (pg_cancel_backend)"
    CUT = "connections cut at any time"
    BEFORE_COMMIT = "connections cut before COMMIT"
    DURING_COMMIT = "connections cut during COMMIT"
    LATE_COMMIT = "connections cut, COMMIT a second later"
    AFTER_COMMIT = "connections cut after COMMIT"
    KILL = "SIGKILL of the service"
    STOP = "SIGSTOP of the service for seconds"
    FREEZE = "SIGSTOP of the service past every time-out"
    CRASH = "SIGKILL of PostgreSQL"
    POOLER = "SIGKILL of PgBouncer"
    STANDBY = "standbys away and back"
    FAIL_OVER = "fail-overs to a synchronous standby"
    LOSS = "fail-overs to an asynchronous standby"
    DISK_FULL = "full disks of PostgreSQL"
    SPOOL_FULL = "full disks of working files"
    CLOCK = "steps of the database's and the service's clock"
    RESTART = "shutdowns of the coordinator"
    WORKER_KILL = "SIGKILL of a worker"
    WORKER_RESTART = "shutdowns of a worker, for seconds"
    WORKER_STALL = "SIGSTOP of a worker for seconds"
    PHASE = "connections to a worker cut at PREPARE or COMMIT PREPARED"


CHEAP: Final = (
    *(Blow.END,) * 4,
    *(Blow.CUT,) * 2,
    Blow.CANCEL,
    *(Blow.BEFORE_COMMIT,) * 2,
    *(Blow.DURING_COMMIT,) * 3,
    *(Blow.AFTER_COMMIT,) * 3,
    Blow.LATE_COMMIT,
)


AIMED: Final = (
    *(Blow.END,) * 6,
    Blow.CUT,
    *(Blow.BEFORE_COMMIT,) * 2,
    *(Blow.DURING_COMMIT,) * 4,
    *(Blow.AFTER_COMMIT,) * 4,
    Blow.LATE_COMMIT,
)
"""The cheap faults of rounds with small uploads."""


@dataclass(frozen=True)
class Course:
    """A kind of round: where, how many cheap faults a second, and the heavy ones.

    Attributes:
        small: all uploads are small, and the faults aim at the transactions that write them.
    """

    place: Place
    rate: float
    heavy: tuple[Blow, ...] = ()
    small: bool = False

    @property
    def uploaders(self) -> int:
        """Clients that upload at a time."""
        return 8 if self.small else 3


COURSES: Final = (
    Course(Place.PLAIN, 40, (Blow.KILL, Blow.CRASH)),
    Course(Place.SYNCHRONOUS, 4, (Blow.STANDBY, Blow.FAIL_OVER, Blow.KILL, Blow.FAIL_OVER)),
    Course(Place.PLAIN, 4, (Blow.STOP,) * 5 + (Blow.KILL,) * 2),
    Course(Place.POOLER, 12, (Blow.POOLER,) * 3 + (Blow.KILL, Blow.STOP)),
    Course(Place.ASYNCHRONOUS, 4, (Blow.LOSS, Blow.KILL, Blow.LOSS)),
    Course(Place.PLAIN, 60),
    Course(Place.PLAIN, 6, (Blow.KILL,) * 6 + (Blow.CRASH,) * 2 + (Blow.STOP,) * 2),
    Course(Place.SMALL_DISKS, 6, (Blow.DISK_FULL, Blow.SPOOL_FULL) * 2),
    Course(Place.PLAIN, 8, (Blow.FREEZE,)),
    Course(Place.CLOCK, 6, (Blow.CLOCK,) * 4 + (Blow.KILL,)),
    Course(Place.PLAIN, 14, (Blow.KILL,) * 7, small=True),
)
SMALL: Final = len(COURSES) - 1
"""Seeds with this remainder have rounds of small uploads."""
CITUS_COURSES: Final = (
    Course(Place.CITUS, 20, (Blow.WORKER_KILL, Blow.CRASH, Blow.KILL)),
    Course(Place.CITUS, 4, (Blow.WORKER_RESTART,) * 2 + (Blow.WORKER_STALL,) * 2),
    Course(Place.CITUS, 6, (Blow.RESTART, Blow.CRASH, Blow.KILL, Blow.STOP)),
    Course(Place.CITUS, 40),
    Course(Place.CITUS, 6, (Blow.WORKER_KILL,) * 3 + (Blow.WORKER_STALL, Blow.KILL)),
    Course(Place.CITUS, 8, (Blow.FREEZE,)),
    Course(Place.CITUS, 10, (Blow.KILL,) * 3 + (Blow.WORKER_KILL, Blow.CRASH), small=True),
)
CITUS_SMALL: Final = len(CITUS_COURSES) - 1


def blows(courses: Sequence[Course]) -> list[Blow]:
    """Return the faults that rounds of some courses have, in the order of the table."""
    there = {*CHEAP, *(blow for course in courses for blow in course.heavy)}
    if courses is CITUS_COURSES:
        there.add(Blow.PHASE)
    return [blow for blow in Blow if blow in there]


@dataclass(frozen=True)
class Strike:
    """A heavy blow.

    Attributes:
        after: seconds after the one before.
        lasts: seconds, where that matters.
        which: chooses a victim, between 0 and 1.
    """

    blow: Blow
    after: float
    lasts: float
    which: float


@dataclass(frozen=True)
class Round:
    """The wishes of the clients, and the faults.

    Attributes:
        seconds: for which it storms.
        courses: of which the seed chooses one.
    """

    seed: int
    seconds: float = 20.0
    courses: Sequence[Course] = COURSES

    @property
    def course(self) -> Course:
        return self.courses[self.seed % len(self.courses)]

    def strikes(self) -> list[Strike]:
        """The heavy faults, in the order in which they come."""
        random = Random(f"{self.seed} strikes")
        heavy = [*self.course.heavy]
        random.shuffle(heavy)
        pause = self.seconds / (len(heavy) + 1)
        return [
            Strike(
                blow,
                random.uniform(0.3, 1.0) * pause,
                random.choice((0.3, 1.0, 2.5, 4.0)),
                random.random(),
            )
            for blow in heavy
        ]

    def cheap(self) -> Iterator[Strike]:
        """The cheap faults, without end."""
        random = Random(f"{self.seed} cheap")
        choice = [*(AIMED if self.course.small else CHEAP)]
        if self.course.place is Place.SYNCHRONOUS:
            # PostgreSQL reports a COMMIT as done if it is cancelled while it waits for a standby.
            choice.remove(Blow.CANCEL)
        if self.course.place is Place.CITUS:
            choice += [Blow.PHASE] * 6
        while True:
            after = random.expovariate(self.course.rate)
            yield Strike(random.choice(choice), after, 0.0, random.random())

    def uploads(self, uploader: int) -> Iterator[Wish]:
        """The uploads of one client, one after the other."""
        random = Random(f"{self.seed} uploader {uploader}")
        upload = self._small_upload if self.course.small else self._upload
        number = 0
        while True:
            number += 1
            yield upload(random, f"{self.seed}-upload-{uploader}-{number}", f"uploader-{uploader}")

    def _upload(self, random: Random, name: str, subject: str) -> Wish:
        return Wish(
            "upload",
            name,
            subject,
            file=mixed(random, 0.06 if self.course.rate < 10 else 0.0),
            query=random.choice(_OPTIONS) if random.random() < 0.5 else "",
            key=name if random.random() < 0.6 else None,
            pause=random.choice((0.0, 0.0, 0.02, 0.1)),
        )

    def _small_upload(self, random: Random, name: str, subject: str) -> Wish:
        keyed = random.random() < 0.5
        query = random.choice(_OPTIONS) if random.random() < 0.2 else ""
        # An atomic import that fails releases its key, so that the second one runs too.
        twice = keyed and "atomic" not in query and random.random() < 0.1
        return Wish(
            "upload",
            name,
            subject,
            file=small(random),
            query=query,
            key=name if keyed else None,
            pause=random.choice((None, None, None, 0.0, 0.01)),
            twice=twice,
        )

    def choices(self, actor: str) -> Random:
        """The random choices of another actor."""
        return Random(f"{self.seed} {actor}")
