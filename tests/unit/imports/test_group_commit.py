"""Groups of small imports: which imports they have, and that none waits for ever."""

import asyncio
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from service.imports.fast_path import group_commit
from service.imports.fast_path.group_commit import MAX_GROUP, MAX_GROUP_BYTES, GroupCommit
from service.imports.fast_path.small_file import MAX_LOCKS


class Recorded(GroupCommit):
    """A group commit that records its groups, and waits for the test instead of the database."""

    def __init__(self) -> None:
        super().__init__(None, 2, 1)  # type: ignore[arg-type]
        self.groups: list[list[Any]] = []
        self.answers: list[asyncio.Future[None]] = []

    async def _try(self, group: Sequence[Any]) -> list[Any]:
        self.groups.append([each.small.name for each in group])
        self.answers.append(asyncio.get_running_loop().create_future())
        await self.answers[-1]
        return [each.small.name for each in group]

    def begin(self, name: str, projects: Sequence[int] = (), size: int = 1) -> asyncio.Task[Any]:
        file = SimpleNamespace(batch=SimpleNamespace(size=size))
        small = SimpleNamespace(name=name, file=file, projects=set(projects))
        return asyncio.create_task(self.write(small))  # type: ignore[arg-type]

    async def settled(self) -> None:
        """Let every task run until it waits."""
        for _ in range(10):
            await asyncio.sleep(0)


@pytest.fixture
def commit(monkeypatch: pytest.MonkeyPatch) -> Recorded:
    monkeypatch.setattr(group_commit, "project_keys", lambda small: small.projects)
    return Recorded()


async def end_all(commit: Recorded, *writing: asyncio.Task[Any]) -> None:
    async with asyncio.timeout(10):
        while not all(each.done() for each in writing):
            for answer in commit.answers:
                if not answer.done():
                    answer.set_result(None)
            await commit.settled()


async def test_an_import_that_comes_while_the_writers_end_is_written(commit: Recorded) -> None:
    first = commit.begin("1")
    await commit.settled()
    second = commit.begin("2")
    await commit.settled()
    for answer in commit.answers:  # both answers of the database arrive in one turn of the loop
        answer.set_result(None)
    third = commit.begin("3")
    await commit.settled()
    assert commit.groups == [["1"], ["2"], ["3"]]
    await end_all(commit, first, second, third)


async def test_groups_are_bounded_and_have_each_project_once(commit: Recorded) -> None:
    writing = []
    for busy in ("a", "b"):
        writing.append(commit.begin(busy))
        await commit.settled()
    writing += [commit.begin("1", [1]), commit.begin("2", [2]), commit.begin("again", [1])]
    writing += [commit.begin("large", [3], MAX_GROUP_BYTES), commit.begin("3", [4])]
    writing += [commit.begin("many", range(10, 10 + MAX_LOCKS))]
    writing += [commit.begin(f"small {number}") for number in range(MAX_GROUP)]
    await commit.settled()
    await end_all(commit, *writing)
    assert sorted(name for group in commit.groups for name in group) == sorted(
        task.result() for task in writing
    )
    together = commit.groups[2]
    assert together[:3] == ["1", "2", "3"]
    assert len(together) == MAX_GROUP
    assert "again" not in together
    assert "large" not in together
    assert "many" not in together
