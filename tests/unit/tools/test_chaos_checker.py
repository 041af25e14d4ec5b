"""Each claim of ``make chaos`` finds a violation that is planted in a sound history."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.tools.chaos.checks import CHECKS, check
from tests.tools.chaos.files import File
from tests.tools.chaos.history import Answer, Event, History, Poll, Wait, Wish

FILE = File(b"", "e0")
FILE.__dict__["says"] = {"P1": {"tasks": 3}}


def iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()


class Story:
    """Builds a history, event by event; each is one second after the one before."""

    def __init__(self) -> None:
        self.history = History()
        self.seconds = 1000.0

    def event(self, transaction: str, table: str, operation: str = "INSERT", **row: Any) -> Event:
        self.seconds += 1
        seq = len(self.history.events) + 1
        event = Event(seq, transaction, self.seconds, table, operation, row)
        self.history.events.append(event)
        return event

    def state(self, import_id: int, state: str, attempt: int = 1, **row: Any) -> None:
        counts = None
        if state != "running":
            counts = dict.fromkeys(("created", "updated", "unchanged", "failed"), 0)
            for event in self.history.events:
                if event.table == "import_results" and event.row["import_id"] == import_id:
                    counts[event.row["outcome"]] += 1
        key, options = row.pop("key", None), row.pop("options", {})
        facts = {"idempotency_key": key, "key_claimed_at": key and iso(0), "options": options}
        facts |= {"request_id": f"import {import_id}", "counts": counts, "state": state}
        operation = "INSERT" if state == "running" and attempt == 1 else "UPDATE"
        self.event("", "imports", operation, import_id=import_id, attempt=attempt, **facts)

    def version(
        self, transaction: str, project: int, version: int, import_id: int | None, **row: Any
    ) -> None:
        """A version with its content and its pointer, and with its outcome if it has an import."""
        by = row.get("by", "uploader")
        digest = row.get("digest", "d0")
        ids: dict[str, Any] = {"project_id": project, "version": version}
        facts: dict[str, Any] = {
            "import_id": import_id,
            "created_by": by,
            "content_hash": digest,
            "name": "P e0",
        }
        facts |= {"created_at": iso(self.seconds), "archived_at": row.get("archived")}
        self.event(transaction, "projects", "UPDATE", **ids)
        self.event(transaction, "project_versions", **ids, **facts)
        self.event(transaction, "content", **ids, digest=digest)
        if import_id is not None:
            outcome = "created" if version == 1 else "updated"
            self.outcome(transaction, import_id, outcome, index=project, **ids)

    def outcome(self, transaction: str, import_id: int, outcome: str, **row: Any) -> None:
        facts: dict[str, Any] = {
            "external_id": f"P{row['project_id']}",
            "tasks": 3,
            "error": None,
            "attempt": 1,
        }
        self.event(
            transaction, "import_results", import_id=import_id, outcome=outcome, **(facts | row)
        )

    def answer(self, kind: str, name: str, status: int, target: int = 0, **body: Any) -> None:
        key = "key" if name == "import 1" else None
        file = FILE if kind == "upload" else None
        wish = Wish(kind, name, name, target, file=file, key=key)
        answer = Answer(wish, self.seconds, self.seconds, status, body, b"raw", settles=True)
        self.history.answers.append(answer)


def sound() -> History:
    story = Story()
    story.state(1, "running", key="key")
    story.version("t1", 1, 1, 1)
    story.state(1, "completed", key="key")
    listed = [{"index": 1, "outcome": "created", "version": 1}]
    story.answer(
        "upload",
        "import 1",
        207,
        import_id=1,
        counts={"created": 1, "updated": 0, "unchanged": 0, "failed": 0},
        details={"successes": listed, "errors": []},
        complete=True,
    )
    story.state(2, "running", options={"atomic": True})
    story.version("t2", 1, 2, 2, digest="d1")
    story.version("t2", 2, 1, 2, digest="d1")
    story.state(2, "completed", options={"atomic": True})
    story.state(3, "running", options={"undo": 2})
    story.version("t3", 1, 3, 3)
    story.version("t3", 2, 2, 3, digest="d1", archived=iso(0))
    story.state(3, "completed", options={"undo": 2})
    story.state(4, "running", options={"dry_run": True})
    story.outcome("t4", 4, "updated", index=1, project_id=1, version=4)
    story.state(4, "completed", options={"dry_run": True})
    lock: dict[str, Any] = {"project_id": 1, "holder": "holder", "expires_at": iso(9000)}
    story.event("t5", "project_locks", **lock)
    story.answer("release", "holder", 204, 1)
    story.event("t6", "project_locks", "DELETE", **lock)
    story.answer("archive", "archiver", 200, 1, details={"version": 4})
    story.version("t7", 1, 4, None, by="archiver", archived=iso(0))
    story.event("t8", "lock_breaks", project_id=1, broken_by="breaker", holder="holder")
    story.event("", "project_versions", "DELETE", project_id=1, version=1)
    story.state(5, "running")
    story.answer("cancel", "canceller", 202, 5)
    story.state(5, "cancelled")
    story.history.polls.append(Poll("follower", 2000.0, 2001.0, {1: 4, 2: 2}))
    story.history.waits.append(Wait(Wish("upload", "w", "w"), 3.0))
    return story.history


def change(history: History, table: str, place: int, **row: Any) -> None:
    """Change the fields of one event of a table."""
    event = [event for event in history.events if event.table == table][place]
    transaction = row.pop("transaction", event.transaction)
    changed = replace(event, row={**event.row, **row}, transaction=transaction)
    history.events[history.events.index(event)] = changed


def copy(history: History, table: str, place: int, **row: Any) -> None:
    """Add an event at the end, as another one of its table but for some fields."""
    event = [event for event in history.events if event.table == table][place]
    transaction = row.pop("transaction", "later")
    later = replace(
        event,
        seq=len(history.events) + 1,
        at=history.events[-1].at + 1,
        transaction=transaction,
        row={**event.row, **row},
    )
    history.events.append(later)


def remove(history: History, table: str, **row: Any) -> None:
    """Remove the events of a table that have these fields."""
    history.events[:] = [
        event
        for event in history.events
        if event.table != table or any(event.row[name] != row[name] for name in row)
    ]


def answer_differently(history: History) -> None:
    answer = history.answers[0]
    history.answers.append(replace(answer, raw=b"other"))


def report(history: History, outcome: str) -> None:
    answer = history.answers[0]
    successes = [{"index": 1, "outcome": outcome, "version": 1}]
    details = {"successes": successes, "errors": []}
    history.answers[0] = replace(answer, body={**answer.body, "details": details})


def write_under_a_lock(history: History) -> None:
    expires = iso(history.events[-1].at + 100)
    copy(history, "project_locks", 0, project_id=2, holder="person", expires_at=expires)
    copy(history, "project_versions", 0, project_id=2, version=3)


PLANTED: dict[str, list[Callable[[History], None]]] = {
    "versions missing, doubled or out of order": [
        lambda h: change(h, "project_versions", 1, version=5),
        lambda h: copy(h, "project_versions", 0),
        lambda h: change(h, "projects", 1, version=7),
    ],
    "versions without exactly one outcome, or the reverse": [
        lambda h: copy(h, "import_results", 0),
        lambda h: change(h, "import_results", 0, transaction="other"),
        lambda h: copy(h, "import_results", 0, version=9),
        lambda h: remove(h, "import_results", import_id=1),
        lambda h: change(h, "import_results", 0, outcome="failed", error="INTERNAL_ERROR"),
    ],
    "contents that differ from the file or change": [
        lambda h: change(h, "content", 3, digest="d9"),
        lambda h: change(h, "project_versions", 0, name="P e2"),
        lambda h: change(h, "import_results", 0, tasks=2),
        lambda h: h.events.append(
            Event(999, "", 0, "stored", "", {"project_id": 1, "version": 2, "digest": "d9"})
        ),
    ],
    "responses that differ from what is stored": [
        lambda h: report(h, "updated"),
        lambda h: change(h, "imports", 1, state="interrupted"),
        lambda h: remove(h, "imports", import_id=1),
    ],
    "imports with a wrong state or counts": [
        lambda h: change(h, "imports", 1, state="running"),
        lambda h: change(h, "imports", 3, counts={"created": 7}),
        lambda h: change(h, "import_results", 0, external_id="P9"),
    ],
    "atomic imports stored in part": [
        lambda h: change(h, "import_results", 2, transaction="other"),
        lambda h: change(h, "import_results", 2, outcome="failed"),
        lambda h: change(h, "project_versions", 2, transaction="other"),
    ],
    "dry runs that wrote": [lambda h: copy(h, "project_versions", 0, import_id=4)],
    "writes of an attempt without its lease": [
        lambda h: copy(h, "import_results", 0),
        lambda h: change(h, "import_results", 0, attempt=2),
    ],
    "undos that differ from what they restore": [
        lambda h: change(h, "content", 3, digest="d1"),
        lambda h: change(h, "project_versions", 4, archived_at=None),
        lambda h: change(h, "project_versions", 1, import_id=1),
    ],
    "keys with two imports or two responses": [
        answer_differently,
        lambda h: copy(h, "imports", 1, import_id=9),
    ],
    "writes against a person's lock": [write_under_a_lock],
    "archives, breaks and releases that took effect twice": [
        lambda h: copy(h, "project_versions", 5, version=5),
        lambda h: copy(h, "lock_breaks", 0),
        lambda h: change(h, "project_versions", 5, archived_at=None),
        lambda h: change(h, "project_versions", 5, created_by="nobody"),
        lambda h: change(h, "project_locks", 1, holder="another"),
    ],
    "cancelled imports that went on": [
        lambda h: copy(h, "imports", -1, attempt=2, state="running"),
    ],
    "changes that a follower missed": [
        lambda h: h.polls.append(Poll("late", 2000.0, 2001.0, {1: 3, 2: 2})),
        lambda h: h.polls.append(Poll("blind", 2000.0, 2001.0, {1: 4})),
    ],
    "current versions pruned": [lambda h: copy(h, "project_versions", 6, version=2)],
    "clients blocked longer than the bound": [
        lambda h: h.waits.append(Wait(Wish("upload", "w", "w"), 99.0))
    ],
    "responses missing or wrong": [lambda h: h.wrong.append("500")],
    "threads, connections, locks, files left": [lambda h: h.left.append("1 thread")],
}


def test_a_sound_history_has_no_violation() -> None:
    assert {line: found for line, found in check(sound()).items() if found} == {}


@pytest.mark.parametrize("attempts", [1, 2])
def test_a_further_attempt_of_an_atomic_import_may_write_again(attempts: int) -> None:
    history = sound()
    copy(history, "project_versions", 2, version=9)
    change(history, "imports", 3, attempt=attempts)
    assert bool(check(history)["atomic imports stored in part"]) is (attempts == 1)


def test_every_claim_has_a_planted_violation() -> None:
    assert PLANTED.keys() == CHECKS.keys()


@pytest.mark.parametrize(
    ("claim", "plant"),
    [(claim, plant) for claim, plants in PLANTED.items() for plant in plants],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_planted_violation_is_found(claim: str, plant: Callable[[History], None]) -> None:
    history = sound()
    plant(history)
    assert check(history)[claim], "the checker misses it"
