"""The checker: what the history of a round must prove, a line of the table for each claim.

Each check takes a history and yields its violations. ``test_chaos_checker.py`` plants a violation
for each of them.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from tests.tools.chaos import checks_people
from tests.tools.chaos.history import CHANGED, LANDED, Answer, Event, History

EXPECTED: Final = {
    "ALREADY_EXISTS",
    "DUPLICATE_PROJECT",
    "LOCKING_CONFLICT",
    "NOT_IMPORTED",
    "UNKNOWN_PROJECT",
    "VALIDATION_ERROR",
    "VERSION_CONFLICT",
}
"""What a project may be refused for in these uploads."""


def check_versions(history: History) -> Iterator[str]:
    """The versions of a project are 1, 2, 3, …, and the pointer moves with each."""
    written: defaultdict[str, set[tuple[int, int]]] = defaultdict(set)
    latest: dict[int, int] = {}
    for event in history.of("project_versions", "INSERT"):
        project, version = event.row["project_id"], event.row["version"]
        if version != latest.get(project, 0) + 1:
            yield f"version {version} of project {project} follows {latest.get(project, 0)}"
        latest[project] = version
        written[event.transaction].add((project, version))
    moved: defaultdict[str, set[tuple[int, int]]] = defaultdict(set)
    for event in history.of("projects"):
        moved[event.transaction].add((event.row["project_id"], event.row["version"]))
    for transaction in {*written, *moved}:
        if written[transaction] != moved[transaction]:
            yield (
                f"transaction {transaction} wrote the versions {written[transaction]}"
                f" and moved the pointers {moved[transaction]}"
            )


def check_outcomes(history: History) -> Iterator[str]:
    """Each version of an import has one outcome, in the same transaction, and the reverse."""
    reported: defaultdict[tuple[int, int, int], list[str]] = defaultdict(list)
    for (import_id, _), events in history.outcomes.items():
        if history.options(import_id).get("dry_run"):
            continue
        for event in events:
            row = event.row
            if row["outcome"] in CHANGED:
                reported[import_id, row["project_id"], row["version"]].append(event.transaction)
            elif row["error"] not in {None, *EXPECTED}:
                yield f"an unexpected outcome: {dict(row)}"
    for event in history.of("project_versions", "INSERT"):
        row = event.row
        if row["import_id"] is None:
            continue
        key = (row["import_id"], row["project_id"], row["version"])
        if reported.pop(key, []) != [event.transaction]:
            yield f"the version (import, project, version) {key} has no outcome, or several"
    for key in reported:
        yield f"the outcome (import, project, version) {key} has no version"


def check_contents(history: History) -> Iterator[str]:
    """Versions with one hash are equal row by row, never change, and have their file's edition."""
    digests: dict[tuple[int, str], str] = {}
    for project, versions in history.versions.items():
        for version, event in versions.items():
            digest = history.contents.get((project, version), "none")
            if digests.setdefault((project, event.row["content_hash"]), digest) != digest:
                yield f"version {version} of project {project} differs from one with its hash"
    for event in history.of("stored"):
        key = (event.row["project_id"], event.row["version"])
        if history.contents.get(key) != event.row["digest"]:
            yield f"the version (project, version) {key} changed after its commit"
    files = {a.wish.name: a.wish.file for a in history.answers if a.wish.file}
    for (import_id, _), events in history.outcomes.items():
        request = history.imports.get(import_id, {}).get("request_id", "")
        file = files.get(request)
        if file is None or history.options(import_id).get("dry_run"):
            continue
        for event in events:
            row = event.row
            if row["outcome"] not in LANDED:
                continue
            there = history.versions.get(row["project_id"], {}).get(row["version"])
            if there is None or not there.row["name"].endswith(file.edition):
                yield f"not as in the file: {dict(row)}"
            elif row["external_id"] not in file.says:
                yield f"not in the file: {dict(row)}"
            elif row["tasks"] != file.says[row["external_id"]].get("tasks", row["tasks"]):
                yield f"not as many tasks as in the file: {dict(row)}"


def check_answers(history: History) -> Iterator[str]:
    """A 207 lists the stored outcomes of its import; a refusal has the counts of an attempt."""
    for answer in history.reliable:
        if "counts" not in answer.body:
            continue
        row = history.imports.get(answer.body["import_id"])
        if row is None:
            yield f"there is no import of {answer}"
        elif answer.status == 207:
            yield from _differences(answer, row, history)
        else:
            attempts = range(1, row["attempt"] + 1)
            counts = [_count(history.outcomes.get((row["import_id"], n), [])) for n in attempts]
            if answer.body["counts"] not in counts:
                yield f"{answer} was reported, but the attempts have {counts}"


def _differences(answer: Answer, row: Mapping[str, Any], history: History) -> Iterator[str]:
    events = history.outcomes.get((row["import_id"], row["attempt"]), [])
    details = answer.body["details"]
    told = Counter(
        (item["index"], item.get("outcome", "failed"), item.get("version"))
        for items in (details["successes"], details["errors"])
        for item in items
    )
    only_errors = "outcomes=errors" in answer.wish.query
    stored = Counter(
        (
            e.row["index"],
            e.row["outcome"],
            None if e.row["outcome"] == "failed" else e.row["version"],
        )
        for e in events
        if not only_errors or e.row["outcome"] == "failed"
    )
    told = Counter({(i, o, None if o == "failed" else v): n for (i, o, v), n in told.items()})
    if told != stored or answer.body.get("complete") is not True:
        yield f"{answer.wish}: the response has {told - stored}, the database {stored - told}"
    failed = answer.wish.atomic and answer.body["counts"]["failed"]
    state = "failed" if failed else "completed"
    if (row["state"], row["counts"]) != (state, answer.body["counts"]):
        yield f"{row['state']} {row['counts']} was reported as {answer.body['counts']}"


def check_states(history: History) -> Iterator[str]:
    """Every import has ended, with the counts of its last attempt; if completed, with all outcomes.

    A completed import has an outcome for each project of its file.
    """
    files = {a.wish.name: a.wish.file for a in history.answers if a.wish.file}
    for import_id, row in history.imports.items():
        events = history.outcomes.get((import_id, row["attempt"]), [])
        file = files.get(row["request_id"])
        if file is not None and row["state"] == "completed":
            missing = file.says.keys() - {event.row["external_id"] for event in events}
            if missing:
                yield f"import {import_id} is completed without outcomes for {missing}"
        counts = _count(events)
        if row["state"] == "running":
            yield f"import {import_id} is still running without an owner"
        elif row["counts"] is not None and row["counts"] != counts:
            yield f"import {import_id} has the counts {row['counts']}, but stored {counts}"


def _count(events: list[Event]) -> dict[str, int]:
    counts = dict.fromkeys((*LANDED, "failed"), 0)
    for event in events:
        counts[event.row["outcome"]] += 1
    return counts


def check_atomic(history: History) -> Iterator[str]:
    """An attempt of an atomic import writes all of its projects in one transaction, or none.

    A further attempt writes again what others changed since the one that was interrupted.
    """
    writers: defaultdict[int, set[str]] = defaultdict(set)
    for event in history.of("project_versions", "INSERT"):
        writers[event.row["import_id"]].add(event.transaction)
    for (import_id, attempt), events in history.outcomes.items():
        if not history.options(import_id).get("atomic"):
            continue
        landed = [e for e in events if e.row["outcome"] in LANDED]
        if len({e.transaction for e in landed}) > 1 or 0 < len(landed) < len(events):
            yield f"attempt {attempt} of the atomic import {import_id} landed in part"
    for import_id, transactions in writers.items():
        atomic = import_id is not None and history.options(import_id).get("atomic")
        if atomic and len(transactions) > history.imports[import_id]["attempt"]:
            yield f"the atomic import {import_id} wrote in {len(transactions)} transactions"


def check_dry_runs(history: History) -> Iterator[str]:
    """A dry run writes no version."""
    for event in history.of("project_versions", "INSERT"):
        import_id = event.row["import_id"]
        if import_id is not None and history.options(import_id).get("dry_run"):
            yield f"the dry run {import_id} wrote {event}"


def check_fences(history: History) -> Iterator[str]:
    """An attempt writes nothing before it begins, or after it ended or lost its lease."""
    state: dict[int, tuple[int, str]] = {}
    writer: dict[int, str] = {}
    events = [*history.of("imports"), *history.of("import_results", "INSERT")]
    for event in sorted(events, key=lambda event: event.seq):
        row = event.row
        if event.table == "imports":
            state[row["import_id"]] = (row["attempt"], row["state"])
            writer[row["import_id"]] = event.transaction
        elif writer.get(row["import_id"]) == event.transaction:
            continue  # one statement began it, wrote its outcomes, and ended it
        elif state.get(row["import_id"]) != (row["attempt"], "running"):
            yield f"attempt {row['attempt']} wrote when {state.get(row['import_id'])}: {dict(row)}"


def check_undos(history: History) -> Iterator[str]:
    """An undo leaves each project row by row as it was before the import."""
    for event in history.of("project_versions", "INSERT"):
        undo, project, version = (
            event.row[name] for name in ("import_id", "project_id", "version")
        )
        undone = None if undo is None else history.options(undo).get("undo")
        if undone is None:
            continue
        earlier = {n: e.row for n, e in history.versions[project].items() if n < version}
        if earlier.get(version - 1, {}).get("import_id") != undone:
            yield f"undo {undo} of {undone} changed project {project} after a later change"
            continue
        others = [n for n, row in earlier.items() if row["import_id"] != undone]
        restored = max(others, default=version - 1)
        archived = not others or earlier[restored]["archived_at"] is not None
        equal = history.contents.get((project, version)) == history.contents.get(
            (project, restored)
        )
        if not equal or (event.row["archived_at"] is not None) is not archived:
            yield f"undo {undo}: version {version} of project {project} is not version {restored}"


def check_keys(history: History) -> Iterator[str]:
    """A key has one import that completed, and always the same response."""
    raw: defaultdict[str, set[bytes]] = defaultdict(set)
    for answer in history.reliable:
        if answer.wish.key and answer.status == 207:
            raw[answer.wish.key].add(answer.raw)
    completed = Counter(
        row["idempotency_key"]
        for row in history.imports.values()
        if row["idempotency_key"] and row["state"] == "completed" and row["key_claimed_at"]
    )
    for key, answers in raw.items():
        if len(answers) > 1:
            yield f"the key {key} got {len(answers)} different responses"
    for key, number in completed.items():
        if number > 1:
            yield f"the key {key} has {number} imports that completed"


def check_wrong(history: History) -> Iterator[str]:
    """No response is missing or must not occur."""
    yield from history.wrong


CHECKS: Final[dict[str, Callable[[History], Iterator[str]]]] = {
    "versions missing, doubled or out of order": check_versions,
    "versions without exactly one outcome, or the reverse": check_outcomes,
    "contents that differ from the file or change": check_contents,
    "responses that differ from what is stored": check_answers,
    "imports with a wrong state or counts": check_states,
    "atomic imports stored in part": check_atomic,
    "dry runs that wrote": check_dry_runs,
    "writes of an attempt without its lease": check_fences,
    "undos that differ from what they restore": check_undos,
    "keys with two imports or two responses": check_keys,
    "writes against a person's lock": checks_people.check_locks,
    "archives, breaks and releases that took effect twice": checks_people.check_wishes,
    "cancelled imports that went on": checks_people.check_cancels,
    "changes that a follower missed": checks_people.check_followers,
    "current versions pruned": checks_people.check_pruning,
    "clients blocked longer than the bound": checks_people.check_waits,
    "responses missing or wrong": check_wrong,
    "threads, connections, locks, files left": lambda history: iter(history.left),
}


def check(history: History) -> dict[str, list[str]]:
    """Return the violations of each claim."""
    return {line: [*checker(history)] for line, checker in CHECKS.items()}
