"""Well-behaved clients: they repeat an upload or an undo until a response settles it."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import aiohttp
import orjson

from tests.support.service import token
from tests.tools.chaos.history import Answer, History, Wait, Wish
from tests.tools.chaos.replicas import Replica

_PATIENCE: Final = 120.0
"""Seconds after which a client without a response has found a fault of the service."""
_TIMEOUT: Final = 1.0
"""Seconds after which a client gives up on a stopped replica."""
_PAUSE: Final = 0.1
_PIECES: Final = 8
_BOUNDARY: Final = "chaos-5b0e"
_BEFORE: Final = (
    f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="plans.xml"\r\n'
    "Content-Type: application/xml\r\n\r\n"
).encode()
_AFTER: Final = f"\r\n--{_BOUNDARY}--\r\n".encode()
_RETRY: Final = (0, 408, 429, 503)
_SCOPES: Final = "projects:import projects:read projects:undo projects:delete"
_ROUTES: Final = {
    "upload": ("POST", "projects/bulk?{query}"),
    "undo": ("POST", "imports/{target}/undo"),
    "cancel": ("POST", "imports/{target}/cancel"),
    "archive": ("DELETE", "projects/{target}"),
    "lock": ("PUT", "projects/{target}/lock"),
    "release": ("DELETE", "projects/{target}/lock"),
    "break": ("DELETE", "projects/{target}/lock?reason=chaos"),
}
_MAY_BE: Final = {
    "upload": (207, 409),
    "undo": (207, 409),
    "cancel": (0, 202, 409, 503),
    "archive": (0, 200, 404, 409, 503),
    "lock": (0, 200, 201, 404, 409, 503),
    "release": (0, 204, 404, 409, 503),
    "break": (0, 204, 404, 409, 503),
}
"""Statuses that settle a wish; where 0 and 503 are among them, the client asks only once."""


@dataclass
class Site:
    """The replicas that clients send to.

    Attributes:
        under_way: the replica that each task sends to.
        outages: from when until when no upload could be served.
        generation: of the database; the next one begins where commits may have been lost.
    """

    replicas: Sequence[Replica]
    under_way: dict[object, Replica] = field(default_factory=dict)
    outages: list[tuple[float, float]] = field(default_factory=list)
    generation: int = 0

    async def serving(self, but: Replica | None = None) -> Replica:
        """Return the replica that serves and has the fewest uploads."""
        begun = time.time()
        while True:
            there = [
                replica
                for replica in self.replicas
                if replica is not but and replica.serving.is_set() and not replica.stopped.is_set()
            ]
            if there:
                if time.time() - begun > _PAUSE:
                    self.outages.append((begun, time.time()))
                return min(there, key=[*self.under_way.values()].count)
            await asyncio.sleep(_PAUSE / 10)

    @contextlib.contextmanager
    def sending(self, replica: Replica) -> Iterator[None]:
        task = asyncio.current_task()
        self.under_way[task] = replica
        try:
            yield
        finally:
            del self.under_way[task]

    @contextlib.contextmanager
    def outage(self) -> Iterator[None]:
        """The block is a time in which the database is away."""
        begun = time.time()
        try:
            yield
        finally:
            self.outages.append((begun, time.time()))

    def available(self, start: float, end: float) -> float:
        """Return the seconds between two times that are not in an outage."""
        seconds, reached = end - start, start
        for begun, over in sorted(self.outages):
            seconds -= max(0.0, min(over, end) - max(begun, reached))
            reached = max(reached, min(over, end))
        return seconds


class Client:
    """Sends the wishes of one ``client_id``, and keeps all responses in a history."""

    def __init__(
        self, site: Site, client_id: int, http: aiohttp.ClientSession, history: History
    ) -> None:
        self.id = client_id
        self.site = site
        self.history = history
        self._http = http

    async def deliver(self, wish: Wish, first: Replica | None = None) -> Answer:
        """Send a wish until a response settles it.

        Args:
            first: the replica for the first try.
        """
        begun = time.time()
        while True:
            answer = await self._try(wish, first or await self.site.serving())
            end = time.time()
            late = self.site.available(begun, end) > _PATIENCE
            if self._settles(answer) or late:
                answer = replace(answer, settles=True)
                self.history.answers.append(answer)
                self.history.waits.append(Wait(wish, self.site.available(begun, end)))
                if late:
                    self.history.wrong.append(f"no answer within {_PATIENCE:g} s: {answer}")
                return answer
            self.history.answers.append(answer)
            first = None
            await asyncio.sleep(_PAUSE)

    def _settles(self, answer: Answer) -> bool:
        may_be = _MAY_BE[answer.wish.kind]
        running = answer.status == 409 and answer.body["details"] == "Import in progress"
        if 503 not in may_be and (
            answer.status in _RETRY or (running and answer.wish.key is not None)
        ):
            return False
        lost = answer.status == 404 and self.site.generation > 0
        if answer.status not in may_be and not lost:
            self.history.wrong.append(f"{answer}")
        return True

    async def read(self, path: str, subject: str, accept: str = "application/json") -> Any:
        """Return the JSON of a GET, or None if the response is not a complete 200."""
        replica = await self.site.serving()
        url = path if path.startswith("http") else self._url(replica, path)
        if path.startswith("/"):
            url = f"{replica.base}{path}"
        headers = {"Authorization": f"Bearer {_token(subject)}", "Accept": accept}
        reading = asyncio.create_task(self._ask("GET", url, headers, None))
        status, _, body = await _unless_stuck(reading, replica) or (0, b"", {})
        if status not in (0, 200, 404, 503):
            self.history.wrong.append(f"GET {url}: {status} {body}")
        return body if status == 200 else None

    async def _try(self, wish: Wish, replica: Replica) -> Answer:
        """Try once; the status is 0 if the connection broke or the replica is stuck."""
        method, path = _ROUTES[wish.kind]
        url = self._url(replica, path.format(query=wish.query, target=wish.target))
        scopes = f"{_SCOPES} projects:break-locks" if wish.kind == "break" else _SCOPES
        headers = {
            "Authorization": f"Bearer {_token(wish.subject, scopes)}",
            "X-Request-Id": wish.name,
        }
        data: Any = None
        if wish.key:
            headers["Idempotency-Key"] = wish.key
        if wish.kind == "upload":
            headers["Content-Type"] = f"multipart/form-data; boundary={_BOUNDARY}"
            data = _pieces(wish, wish.pause) if wish.pause is not None else _body(wish)
        elif wish.kind == "lock":
            data = orjson.dumps({"ttl_seconds": 1 + len(wish.name) % 4})
        sent = time.time()
        with self.site.sending(replica):
            asking = asyncio.create_task(self._ask(method, url, headers, data))
            status, raw, body = await _unless_stuck(asking, replica) or (0, b"", {})
        return Answer(wish, sent, time.time(), status, body, raw)

    def _url(self, replica: Replica, path: str) -> str:
        return f"{replica.base}/api/v2/clients/{self.id}/{path}"

    async def _ask(
        self, method: str, url: str, headers: dict[str, str], data: Any
    ) -> tuple[int, bytes, Any]:
        try:
            async with self._http.request(method, url, data=data, headers=headers) as answer:
                raw = (await answer.read()).lstrip()  # keep-alive spaces come first
                return answer.status, raw, orjson.loads(raw) if raw else {}
        except (aiohttp.ClientError, OSError, orjson.JSONDecodeError):
            return 0, b"", {}


async def _unless_stuck(
    asking: "asyncio.Task[tuple[int, bytes, Any]]", replica: Replica
) -> tuple[int, bytes, Any] | None:
    """Await a response, but not for long from a replica that is stopped."""
    stuck = asyncio.create_task(replica.stopped.wait())
    try:
        await asyncio.wait({asking, stuck}, return_when=asyncio.FIRST_COMPLETED)
        await asyncio.wait({asking}, timeout=_TIMEOUT)
    finally:
        stuck.cancel()
        asking.cancel()
        await asyncio.wait({asking, stuck})
    return None if asking.cancelled() else asking.result()


def _token(subject: str, scopes: str = _SCOPES) -> str:
    return token(clients="*", scope=scopes, sub=subject)


def _body(wish: Wish) -> bytes:
    assert wish.file is not None
    return _BEFORE + wish.file.content + _AFTER


async def _pieces(wish: Wish, pause: float) -> AsyncIterator[bytes]:
    assert wish.file is not None
    content = wish.file.content
    step = len(content) // _PIECES + 1
    yield _BEFORE
    for start in range(0, len(content), step):
        yield content[start : start + step]
        await asyncio.sleep(pause)
    yield _AFTER
