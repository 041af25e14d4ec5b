"""Histories of imports match a small model: consecutive imports exactly, and concurrent imports in
some order for each project."""

import asyncio
import itertools
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from service.storage import Pool
from tests.support.fuzzing import examples
from tests.support.histories import (
    CONFLICTS,
    STEPS,
    UPLOADS,
    Entry,
    Lock,
    Outcome,
    State,
    Upload,
    apply,
    locked,
)
from tests.support.native import native
from tests.support.raw_http import form, part, upload
from tests.support.service import Service, token

_numbers = itertools.count()
_WRITTEN = """
SELECT p.external_id, p.version AS current, v.version, v.name,
       (SELECT array_agg(t.name ORDER BY t.ordinal) FROM tasks t
         WHERE t.client_id = 1 AND t.project_id = p.project_id AND t.version = v.version) AS tasks
  FROM projects p
  JOIN project_versions v USING (client_id, project_id)
 WHERE p.client_id = 1 AND p.external_id LIKE $1 || '%'
 ORDER BY p.external_id, v.version
"""
_LOCK = """
INSERT INTO project_locks (client_id, project_id, holder, expires_at)
SELECT 1, project_id, $2, clock_timestamp() + interval '1 day'
  FROM projects WHERE client_id = 1 AND external_id = $1
"""
_UNLOCK = """
DELETE FROM project_locks WHERE client_id = 1 AND project_id IN (
    SELECT project_id FROM projects WHERE client_id = 1 AND external_id = $1)
"""
_ORPHANS = """
SELECT count(*) FROM tasks t LEFT JOIN project_versions v USING (client_id, project_id, version)
 WHERE v.project_id IS NULL
"""


@examples(40)
@given(steps=st.lists(STEPS, min_size=1, max_size=10), repeated=st.booleans())
async def test_consecutive_imports_match_the_model(
    service: Service, pool: Pool, steps: list[Upload | Lock], repeated: bool
) -> None:
    prefix = f"{next(_numbers)}-"
    state = State()
    for number, step in enumerate(steps):
        if isinstance(step, Lock):
            state = locked(state, step)
            await _lock(pool, prefix, step)
            continue
        expected, state = apply(state, step)
        key = f"{prefix}{number}" if repeated else None
        answer = await _send(service, prefix, step, key)
        assert _outcomes(answer, prefix) == expected
        conflicting = all(kind in CONFLICTS | {"NOT_IMPORTED"} for _, kind, _ in expected)
        assert answer["code"] == (409 if conflicting else 207)
        rolled_back = step.atomic and any(version is None for _, _, version in expected)
        if key and not conflicting and not rolled_back:
            assert await _send(service, prefix, step, key) == answer
        assert await _written(pool, prefix) == _as_written(state)
    assert await pool.fetchval(_ORPHANS) == 0


@examples(40)
@given(before=st.lists(STEPS, max_size=4), one=UPLOADS, other=UPLOADS)
async def test_concurrent_imports_match_the_model_in_some_order(
    service: Service, pool: Pool, before: list[Upload | Lock], one: Upload, other: Upload
) -> None:
    prefix = f"{next(_numbers)}-"
    state = State()
    for step in before:
        if isinstance(step, Lock):
            state = locked(state, step)
            await _lock(pool, prefix, step)
        else:
            _, state = apply(state, step)
            await _send(service, prefix, step)
    answers = await asyncio.gather(
        *(_send(service, prefix, each) for each in (one, other)), return_exceptions=False
    )
    reported = [_outcomes(answer, prefix) for answer in answers]
    written = await _written(pool, prefix)

    orders = []
    for first, second in ((one, other), (other, one)):
        first_told, between = apply(state, first)
        second_told, after = apply(between, second)
        both = [first_told, second_told] if first is one else [second_told, first_told]
        orders.append((both, _as_written(after)))
    if one.atomic or other.atomic:
        assert (reported, written) in orders
        return
    for id in {entry.id for entry in (*one.entries, *other.entries)}:
        found = ([_of(id, outcomes) for outcomes in reported], written.get(id))
        assert found in [([_of(id, each) for each in both], end.get(id)) for both, end in orders]


async def _send(
    service: Service, prefix: str, spec: Upload, key: str | None = None
) -> dict[str, Any]:
    projects = "".join(_project(prefix, entry) for entry in spec.entries)
    file = native(projects)
    flags = f"atomic={spec.atomic}&dry_run={spec.dry_run}".lower()
    answer = await upload(
        service,
        form(part("file", file.encode())),
        *([f"Idempotency-Key: {key}"] if key else []),
        path=f"/api/v2/clients/1/projects/bulk?mode={spec.mode}&{flags}",
        token=token(sub=spec.subject),
    )
    body: dict[str, Any] = answer.json
    return body


def _project(prefix: str, entry: Entry) -> str:
    read_at = "" if entry.read_at is None else f' version="{entry.read_at}"'
    odd = "" if entry.valid else "<odd/>"
    tasks = "".join(
        f'<task id="{name}"><name>{name}</name></task>' for name in _tasks(entry.content)
    )
    return (
        f'<project id="{prefix}{entry.id}"{read_at}><name>{entry.content}</name>{odd}'
        f"<tasks>{tasks}</tasks></project>"
    )


def _tasks(content: int) -> list[str]:
    return [f"{content}.{number}" for number in range(content + 1)]


def _outcomes(answer: dict[str, Any], prefix: str) -> list[Outcome]:
    details = answer["details"]
    items = details["successes"] + details["errors"] if answer["code"] == 207 else answer["errors"]
    return [
        (
            item["external_id"].removeprefix(prefix),
            item.get("outcome") or item["error"],
            item.get("version"),
        )
        for item in sorted(items, key=lambda item: int(item["index"]))
    ]


def _of(id: str, outcomes: list[Outcome]) -> list[Outcome]:
    return [outcome for outcome in outcomes if outcome[0] == id]


async def _written(pool: Pool, prefix: str) -> dict[str, list[tuple[int, int, str, list[str]]]]:
    """By project, its versions as they are: the current one, its own number, name and tasks."""
    written: dict[str, list[tuple[int, int, str, list[str]]]] = {}
    for row in await pool.fetch(_WRITTEN, prefix):
        versions = written.setdefault(row["external_id"].removeprefix(prefix), [])
        versions.append((row["current"], row["version"], row["name"], row["tasks"]))
    return written


def _as_written(state: State) -> dict[str, list[tuple[int, int, str, list[str]]]]:
    return {
        id: [
            (len(contents), number, str(content), _tasks(content))
            for number, content in enumerate(contents, 1)
        ]
        for id, contents in sorted(state.versions.items())
    }


async def _lock(pool: Pool, prefix: str, lock: Lock) -> None:
    await pool.execute(_UNLOCK, prefix + lock.id)
    if lock.holder is not None:
        await pool.execute(_LOCK, prefix + lock.id, lock.holder)
