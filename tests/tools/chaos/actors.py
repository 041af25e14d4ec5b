"""What people and programs do in a round, each until the round is over."""

import asyncio
import time
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from typing import Any, Final
from urllib.parse import quote

import aiohttp

from tests.tools.chaos.clients import Client
from tests.tools.chaos.files import tasks_of
from tests.tools.chaos.history import Poll, Wish
from tests.tools.chaos.schedule import Round

_UNDO_OF: Final = 20
"""Imports, the last ones, of which one is undone."""
_START: Final = "2000-01-01T00:00:00Z"


class Actors:
    """All actors of a round.

    Attributes:
        over: set when they begin nothing more.
        followers: programs that follow the changes.
    """

    def __init__(self, round_: Round, client: Client) -> None:
        self.over = asyncio.Event()
        self.followers = [Follower(f"follower {n}", client) for n in range(2)]
        self._round = round_
        self._client = client

    def start(self, group: asyncio.TaskGroup) -> "list[asyncio.Task[None]]":
        """Start all of them."""
        acting = [self._upload(number) for number in range(self._round.course.uploaders)]
        acting += [self._undo(), self._cancel(), self._archive(), self._lock(), self._read()]
        acting += [self._follow(follower) for follower in self.followers]
        return [group.create_task(act) for act in acting]

    async def _upload(self, uploader: int) -> None:
        for wish in self._round.uploads(uploader):
            await asyncio.gather(*(self._client.deliver(wish) for _ in range(1 + wish.twice)))
            if self.over.is_set():
                return

    async def _undo(self) -> None:
        random = self._round.choices("undo")
        for number in count():
            if await self._pause(random.uniform(0.2, 1.5)):
                return
            imports = await self._list("imports?limit=100")
            ended = [
                each["import_id"]
                for each in imports
                if each["state"] == "completed" and not each["options"].get("dry_run")
            ]
            if ended:
                target = random.choice(ended[:_UNDO_OF])
                name = f"{self._round.seed}-undo-{number}"
                await self._client.deliver(Wish("undo", name, "undoer", target, key=name))

    async def _cancel(self) -> None:
        random = self._round.choices("cancel")
        for number in count():
            if await self._pause(random.uniform(0.5, 3.0)):
                return
            running = await self._list("imports?state=running")
            if running:
                target = random.choice(running)["import_id"]
                name = f"{self._round.seed}-cancel-{number}"
                await self._client.deliver(Wish("cancel", name, "canceller", target))

    async def _archive(self) -> None:
        random = self._round.choices("archive")
        for number in count():
            if await self._pause(random.uniform(0.05, 0.5)):
                return
            if projects := await self._list("projects?limit=100", "projects"):
                target = random.choice(projects)["project_id"]
                name = f"{self._round.seed}-archive-{number}"
                await self._client.deliver(Wish("archive", name, name, target))

    async def _lock(self) -> None:
        """Lock a project as one, and release it, let it expire, or break it as another."""
        random = self._round.choices("lock")
        for number in count():
            if await self._pause(random.uniform(0.05, 0.5)):
                return
            projects = await self._list("projects?limit=100", "projects")
            if not projects:
                continue
            target = random.choice(projects)["project_id"]
            name = f"{self._round.seed}-lock-{number}"
            taken = await self._client.deliver(Wish("lock", name, name, target))
            if taken.status == 409:
                await self._client.deliver(Wish("break", f"{name}-b", f"{name}-b", target))
                continue
            await self._pause(random.uniform(0.0, 1.0))
            end = random.choice(("release", "break", None))
            if end:
                subject = name if end == "release" else f"{name}-b"
                await self._client.deliver(Wish(end, f"{name}-{end}", subject, target))

    async def _read(self) -> None:
        """Read projects whole; each must be of one version."""
        random = self._round.choices("read")
        while not await self._pause(random.uniform(0.05, 0.3)):
            projects = await self._list("projects?limit=100&archived=include", "projects")
            if not projects:
                continue
            project = random.choice(projects)
            path = f"projects/{project['project_id']}"
            await self._client.read(f"{path}/versions", "reader")
            body = await self._client.read(path, "reader")
            if body is None:
                continue
            details = body["details"]
            tasks = tasks_of(details["external_id"], details["name"])
            if body.get("complete") is not True or tasks not in (None, len(details["tasks"])):
                found = f"{details['name']!r} with {len(details['tasks'])} tasks"
                self._client.history.wrong.append(f"a reader got {found}")

    async def _follow(self, follower: "Follower") -> None:
        while not self.over.is_set():
            await follower.poll()
            await asyncio.sleep(0.1)

    async def _list(self, path: str, name: str = "imports") -> list[dict[str, Any]]:
        body = await self._client.read(path, "reader")
        found: list[dict[str, Any]] = body["details"][name] if body else []
        return found

    async def _pause(self, seconds: float) -> bool:
        """Wait; return whether the round is over."""
        try:
            async with asyncio.timeout(seconds):
                await self.over.wait()
        except TimeoutError:
            return False
        return True


@dataclass
class Follower:
    """A program that follows changes by ``changed_since``: see docs/reference/api/projects.md."""

    name: str
    client: Client
    _since: str = _START
    _known: dict[int, int] = field(default_factory=dict)
    _generation: int = 0

    async def poll(self) -> None:
        """Read all pages of the changes since the last complete poll, and keep what they show."""
        site = self.client.site
        if self._generation != site.generation:
            self._since, self._known, self._generation = _START, {}, site.generation
        query = f"changed_since={quote(self._since)}&archived=include&limit=20"
        path: str | None = f"projects?{query}"
        seen: dict[int, int] = {}
        watermark = ""
        while path:
            body = await self.client.read(path, self.name)
            if body is None or site.generation != self._generation:
                return
            details = body["details"]
            for project in details["projects"]:
                seen[project["project_id"]] = project["version"]
            watermark, path = details["watermark"], details["next"]
        for project, version in seen.items():
            self._known[project] = max(version, self._known.get(project, 0))
        self._since = watermark
        at = datetime.fromisoformat(watermark).timestamp()
        self.client.history.polls.append(Poll(self.name, at, time.time(), dict(self._known)))


def new_session() -> aiohttp.ClientSession:
    """A session without a limit of connections, which stopped replicas would use up."""
    return aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
