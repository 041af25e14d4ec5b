"""The claims about what people do: lock, archive, cancel, follow, and wait."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from typing import Final

from tests.tools.chaos.history import Event, History

KEEP_VERSIONS: Final = 3


def check_locks(history: History) -> Iterator[str]:
    """While a person holds a lock, no other subject writes the project."""
    held: dict[int, Event] = {}
    events = [*history.of("project_locks"), *history.of("project_versions", "INSERT")]
    for event in sorted(events, key=lambda event: event.seq):
        project = event.row["project_id"]
        if event.table == "project_locks":
            if event.operation == "DELETE":
                held.pop(project, None)
            else:
                held[project] = event
        elif (lock := held.get(project)) is not None:
            writer, holder = event.row["created_by"], lock.row["holder"]
            if writer != holder and event.at < _epoch(lock.row["expires_at"]):
                yield f"{writer} wrote {event}, but {holder} held {lock}"


def check_wishes(history: History) -> Iterator[str]:
    """Each subject of these wishes asks once, so its wish takes effect at most once."""
    archives: defaultdict[str, list[int]] = defaultdict(list)
    for event in history.of("project_versions", "INSERT"):
        if event.row["import_id"] is None:
            archives[event.row["created_by"]].append(event.row["version"])
    breaks: defaultdict[str, list[str]] = defaultdict(list)
    for event in history.of("lock_breaks"):
        breaks[event.row["broken_by"]].append(event.row["holder"])
    asked = {a.wish.subject for a in history.answers if a.wish.kind == "archive"}
    for subject, versions in archives.items():
        if len(versions) > 1 or subject not in asked:
            yield f"{subject} archived the versions {versions}"
    for subject, holders in breaks.items():
        if len(holders) > 1:
            yield f"{subject} broke the locks of {holders}"
    yield from _lost_effects(history, archives)
    if not history.clock:
        yield from _releases(history)


def _lost_effects(history: History, archives: dict[str, list[int]]) -> Iterator[str]:
    versions = history.versions
    for answer in history.reliable:
        if answer.wish.kind == "archive" and answer.status == 200:
            version = answer.body["details"]["version"]
            there = versions.get(answer.wish.target, {}).get(version)
            if there is None or there.row["archived_at"] is None:
                yield f"{answer} reports an archive that is not there"
            elif archives.get(answer.wish.subject, [version]) != [version]:
                yield f"{answer} archived {archives[answer.wish.subject]}"


def _releases(history: History) -> Iterator[str]:
    """A lock ends by its holder's request, by a break of that holder, or by its time."""
    asked = {a.wish.subject: a.sent for a in reversed(history.answers) if a.wish.kind == "release"}
    broken = {
        (e.transaction, e.row["project_id"], e.row["holder"]) for e in history.of("lock_breaks")
    }
    for event in history.of("project_locks", "DELETE"):
        holder = event.row["holder"]
        if event.at >= _epoch(event.row["expires_at"]):
            continue
        if (event.transaction, event.row["project_id"], holder) in broken:
            continue
        if holder not in asked or event.at < asked[holder]:
            yield f"nobody asked for the end of {event}"


def check_cancels(history: History) -> Iterator[str]:
    """After a cancel was accepted, no further attempt of the import begins."""
    accepted: dict[int, float] = {}
    for answer in history.reliable:
        if answer.wish.kind == "cancel" and answer.status == 202:
            first = accepted.get(answer.wish.target, answer.received)
            accepted[answer.wish.target] = min(first, answer.received)
    attempts: dict[int, int] = {}
    if history.clock:
        return
    for event in history.of("imports"):
        import_id, attempt = event.row["import_id"], event.row["attempt"]
        if attempt > attempts.get(import_id, attempt) and event.at > accepted.get(
            import_id, event.at
        ):
            yield f"import {import_id} was cancelled, and went on with attempt {attempt}"
        attempts[import_id] = attempt


def check_followers(history: History) -> Iterator[str]:
    """A follower has seen every version before the watermark, or a later one.

    A project that changed again during the poll is in the next one.
    """
    created = {
        project: [(n, _epoch(e.row["created_at"]), e) for n, e in versions.items()]
        for project, versions in history.versions.items()
    }
    for poll in history.polls:
        if poll.received < history.lost_until or history.clock:
            continue
        for project, versions in created.items():
            due = max((n for n, at, _ in versions if at < poll.watermark), default=0)
            known = poll.known.get(project, 0)
            again = any(at >= poll.watermark and e.at < poll.received for _, at, e in versions)
            if known < due and not again:
                missed = history.versions[project][due]
                yield (
                    f"{poll.follower} at watermark {poll.watermark:.3f} knew version {known} of"
                    f" project {project}, not {due}: {missed}"
                )


def check_pruning(history: History) -> Iterator[str]:
    """Pruning deletes only versions that newer ones superseded."""
    current: dict[int, int] = {}
    events = [*history.of("project_versions")]
    for event in events:
        project, version = event.row["project_id"], event.row["version"]
        if event.operation == "INSERT":
            current[project] = version
        elif version > current.get(project, 0) - KEEP_VERSIONS:
            yield f"{event} was deleted while version {current.get(project)} was current"


def check_waits(history: History) -> Iterator[str]:
    """Nobody is blocked longer than the bound."""
    for wait in history.waits:
        if wait.seconds > history.bound:
            yield f"{wait.wish} took {wait.seconds:.1f} s without the outages"


def _epoch(time: str) -> float:
    return datetime.fromisoformat(time).timestamp()
