"""A small model of what imports do to projects, beside which the service is run.

State     what there is of each project: the contents of its versions, oldest first
Step      an import, or a lock taken or given back
apply     the state after a step, and the outcomes that the step reports
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from hypothesis import strategies as st

IDS: Final = "PQR"
SUBJECTS: Final = ("alice", "bob")
CONFLICTS: Final = {"LOCKING_CONFLICT", "VERSION_CONFLICT"}


@dataclass(frozen=True)
class Entry:
    """One project of a file: its content, the version that was read, and whether it is valid."""

    id: str
    content: int
    read_at: int | None = None
    valid: bool = True


@dataclass(frozen=True)
class Upload:
    """One import."""

    entries: tuple[Entry, ...]
    subject: str = "alice"
    mode: str = "upsert"
    atomic: bool = False
    dry_run: bool = False


@dataclass(frozen=True)
class Lock:
    """A lock on a project taken by a subject, or given back where that is None."""

    id: str
    holder: str | None


@dataclass(frozen=True)
class State:
    """What there is: by project, the contents of its versions; and who holds its lock."""

    versions: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    holders: Mapping[str, str] = field(default_factory=dict)


Outcome = tuple[str, str, int | None]
"""A project's id, its outcome or error, and its version where it has landed."""


def apply(state: State, upload: Upload) -> tuple[list[Outcome], State]:
    """The outcomes of an import, in the file's order, and the state after it."""
    versions = dict(state.versions)
    told: list[Outcome] = []
    seen: set[str] = set()
    for entry in upload.entries:
        kind = _decided(state, upload, entry, twice=entry.id in seen)
        seen.add(entry.id)
        if kind in ("created", "updated"):
            versions[entry.id] = (*versions.get(entry.id, ()), entry.content)
        landed = kind in ("created", "updated", "unchanged")
        told.append((entry.id, kind, len(versions[entry.id]) if landed else None))
    if upload.atomic and any(version is None for _, _, version in told):
        told = [one if one[2] is None else (one[0], "NOT_IMPORTED", None) for one in told]
        return told, state
    return told, state if upload.dry_run else State(versions, state.holders)


def _decided(state: State, upload: Upload, entry: Entry, *, twice: bool) -> str:
    there = state.versions.get(entry.id, ())
    other = state.holders.get(entry.id, upload.subject) != upload.subject
    if twice:
        return "DUPLICATE_PROJECT"
    if not entry.valid:
        return "VALIDATION_ERROR"
    if there and other:
        return "LOCKING_CONFLICT"
    if there and there[-1] == entry.content:
        return "unchanged"
    if there and upload.mode == "create":
        return "ALREADY_EXISTS"
    if not there and upload.mode == "update":
        return "UNKNOWN_PROJECT"
    if entry.read_at is not None and entry.read_at != len(there):
        return "VERSION_CONFLICT"
    return "updated" if there else "created"


def locked(state: State, lock: Lock) -> State:
    """The state after a change of locks; only an existing project can be locked."""
    holders = {one: holder for one, holder in state.holders.items() if one != lock.id}
    if lock.holder is not None and lock.id in state.versions:
        holders[lock.id] = lock.holder
    return State(state.versions, holders)


ENTRIES: Final = st.builds(
    Entry,
    st.sampled_from(IDS),
    st.integers(0, 2),
    st.sampled_from([None, None, None, 1, 2]),
    st.sampled_from([True] * 9 + [False]),
)
UPLOADS: Final = st.builds(
    Upload,
    st.lists(ENTRIES, min_size=1, max_size=4).map(tuple),
    st.sampled_from(SUBJECTS),
    st.sampled_from(["upsert"] * 3 + ["create", "update"]),
    st.sampled_from([False, False, True]),
    st.sampled_from([False, False, False, True]),
)
LOCKS: Final = st.builds(Lock, st.sampled_from(IDS), st.sampled_from([None, *SUBJECTS]))
STEPS: Final = st.one_of(UPLOADS, UPLOADS, UPLOADS, LOCKS)
