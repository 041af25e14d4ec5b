"""What a round left to judge: the responses that clients received, and the database's audit."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

from tests.tools.chaos.files import File

LANDED: Final = ("created", "updated", "unchanged")
BOUND: Final = 30.0
"""Seconds that a client may be blocked, beside outages. In these rounds an import is dead after
1.5 s without a heartbeat, a project waits 5 s for a lock, and a request retries the database for
20 s."""
CHANGED: Final = ("created", "updated")


@dataclass(frozen=True)
class Wish:
    """What a client asks for, once or until a response settles it.

    Attributes:
        kind: ``upload``, ``undo``, ``cancel``, ``archive``, ``lock``, ``release`` or ``break``.
        name: its request id, which no other wish of the round has.
        subject: of the token.
        target: the project or the import.
        query: the options.
        key: its ``Idempotency-Key``, if it has one.
        pause: seconds between two pieces of an upload; None sends it at once, with its length.
        twice: two clients ask for it at the same time.
    """

    kind: str
    name: str
    subject: str
    target: int = 0
    file: File | None = field(default=None, repr=False)
    query: str = ""
    key: str | None = None
    pause: float | None = 0.0
    twice: bool = False

    @property
    def atomic(self) -> bool:
        return "atomic" in self.query

    @property
    def dry(self) -> bool:
        return "dry_run" in self.query


@dataclass(frozen=True)
class Answer:
    """One try of a wish; its status is 0 if no complete response came.

    Attributes:
        sent: when, and ``received``, on the clock of the machine.
        settles: the client does not try again.
    """

    wish: Wish
    sent: float
    received: float
    status: int = 0
    body: Mapping[str, Any] = field(default_factory=dict)
    raw: bytes = field(default=b"", repr=False)
    settles: bool = False

    def __str__(self) -> str:
        wish = f"{self.wish.name} {self.wish.query} {self.wish.target or ''}"
        return f"{wish} at {self.received:.3f}: {self.status} {str(self.body)[:300]}"


@dataclass(frozen=True)
class Event:
    """A committed row of the audit.

    Attributes:
        seq: its place; events of one project, and of one import, are in the order of commits.
        transaction: which wrote it.
        at: when, by the database's clock.
    """

    seq: int
    transaction: str
    at: float
    table: str
    operation: str
    row: Mapping[str, Any]


@dataclass(frozen=True)
class Poll:
    """A follower's knowledge after one complete poll.

    Attributes:
        watermark: that the poll returned.
        known: by project, the latest version that the follower has seen.
    """

    follower: str
    watermark: float
    received: float
    known: Mapping[int, int] = field(repr=False)


@dataclass(frozen=True)
class Wait:
    """How long a client was blocked: the time of a wish, without the outages meanwhile."""

    wish: Wish
    seconds: float


@dataclass
class History:
    """All of one client's round.

    Attributes:
        wrong: responses that must not occur, found by clients and readers.
        left: threads, connections, locks and files that should be gone.
        lost_until: commits before this time may be lost: an asynchronous standby was promoted.
        clock: clocks were stepped, so that times do not compare.
        bound: seconds that a client may be blocked.
    """

    answers: list[Answer] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    polls: list[Poll] = field(default_factory=list)
    waits: list[Wait] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    lost_until: float = 0.0
    clock: bool = False
    bound: float = BOUND

    def of(self, table: str, *operations: str) -> list[Event]:
        """Return a table's events, of all operations or of some."""
        return [
            e for e in self._tables.get(table, []) if not operations or e.operation in operations
        ]

    @cached_property
    def _tables(self) -> dict[str, list[Event]]:
        tables: dict[str, list[Event]] = {}
        for event in sorted(self.events, key=lambda event: event.seq):
            tables.setdefault(event.table, []).append(event)
        return tables

    @cached_property
    def imports(self) -> dict[int, Mapping[str, Any]]:
        """The last row of each import."""
        return {e.row["import_id"]: e.row for e in self.of("imports", "INSERT", "UPDATE")}

    @cached_property
    def outcomes(self) -> dict[tuple[int, int], list[Event]]:
        """By import and attempt."""
        found: dict[tuple[int, int], list[Event]] = {}
        for event in self.of("import_results", "INSERT"):
            key = (event.row["import_id"], event.row["attempt"])
            found.setdefault(key, []).append(event)
        return found

    @cached_property
    def versions(self) -> dict[int, dict[int, Event]]:
        """By project and version; the first, if a version was written twice."""
        found: dict[int, dict[int, Event]] = {}
        for event in self.of("project_versions", "INSERT"):
            found.setdefault(event.row["project_id"], {}).setdefault(event.row["version"], event)
        return found

    @cached_property
    def contents(self) -> dict[tuple[int, int], str]:
        """By project and version, the digest of all rows at the commit."""
        return {
            (e.row["project_id"], e.row["version"]): e.row["digest"] for e in self.of("content")
        }

    @property
    def reliable(self) -> list[Answer]:
        """The responses whose commits cannot be lost."""
        return [a for a in self.answers if a.status and a.sent >= self.lost_until]

    def options(self, import_id: int) -> Mapping[str, Any]:
        """An import's options; none if there is no such import, which other claims notice."""
        found: Mapping[str, Any] = self.imports.get(import_id, {}).get("options", {})
        return found
