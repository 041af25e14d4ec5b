"""Well-behaved clients: they repeat an upload until a response settles it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import aiohttp
import orjson

from tests.tools.chaos.replicas import Replica
from tests.tools.chaos.schedule import Upload

_PATIENCE: Final = 60.0
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
_RETRY: Final = (408, 429, 503)


class Wrong(Exception):
    """A response must not occur, or is missing."""


@dataclass(frozen=True)
class Answer:
    """The complete response to an upload."""

    upload: Upload
    status: int
    body: dict[str, Any]
    raw: bytes = field(repr=False)


@dataclass
class Site:
    """The replicas that clients send to.

    Attributes:
        token: valid for every client.
        under_way: the replica that each task sends to.
        busy: set while any upload is under way.
    """

    replicas: Sequence[Replica]
    token: str
    under_way: dict[object, Replica] = field(default_factory=dict)
    busy: asyncio.Event = field(default_factory=asyncio.Event)

    async def serving(self, but: Replica | None = None) -> Replica:
        """Return the replica that serves and has the fewest uploads."""
        while True:
            there = [
                replica
                for replica in self.replicas
                if replica is not but and replica.serving.is_set() and not replica.stopped.is_set()
            ]
            if there:
                return min(there, key=[*self.under_way.values()].count)
            await asyncio.sleep(_PAUSE / 10)

    @contextlib.contextmanager
    def sending(self, replica: Replica) -> Iterator[None]:
        task = asyncio.current_task()
        self.under_way[task] = replica
        self.busy.set()
        try:
            yield
        finally:
            del self.under_way[task]
            if not self.under_way:
                self.busy.clear()


class Client:
    """One client and the responses that it received.

    Attributes:
        id: its ``client_id``.
        settled: responses that settled an upload, in the order of arrival.
        refused: responses after which the client had to retry.
    """

    def __init__(self, site: Site, client_id: int, http: aiohttp.ClientSession) -> None:
        self.id = client_id
        self.settled: list[Answer] = []
        self.refused: list[Answer] = []
        self._site = site
        self._http = http

    async def keep_sending(self, uploads: Iterator[Upload], over: asyncio.Event) -> None:
        """Deliver one upload after the other until ``over`` is set."""
        while not over.is_set():
            await self.deliver(next(uploads))

    async def deliver(self, upload: Upload, first: Replica | None = None) -> Answer:
        """Send an upload until a response settles it.

        Args:
            first: the replica for the first try.

        Raises:
            Wrong: a response must not occur, or none came in time.
        """
        try:
            async with asyncio.timeout(_PATIENCE):
                while True:
                    answer = await self._try(upload, first or await self._site.serving())
                    if answer is not None and self._settles(answer):
                        self.settled.append(answer)
                        return answer
                    first = None
                    await asyncio.sleep(_PAUSE)
        except TimeoutError:
            raise Wrong(f"no answer to {upload} within {_PATIENCE:g} s") from None

    def _settles(self, answer: Answer) -> bool:
        running = answer.status == 409 and answer.body["details"] == "Import in progress"
        if answer.status in _RETRY or (running and answer.upload.key):
            self.refused.append(answer)
            return False
        if answer.status == 207 or (answer.status == 409 and "errors" in answer.body):
            return True
        raise Wrong(f"{answer}")

    async def _try(self, upload: Upload, replica: Replica) -> Answer | None:
        """Try once; return None if the connection broke or the replica is stuck."""
        with self._site.sending(replica):
            asking = asyncio.create_task(self._ask(upload, replica))
            stuck = asyncio.create_task(replica.stopped.wait())
            try:
                await asyncio.wait({asking, stuck}, return_when=asyncio.FIRST_COMPLETED)
                await asyncio.wait({asking}, timeout=_TIMEOUT)
            finally:
                stuck.cancel()
                asking.cancel()
                await asyncio.wait({asking, stuck})
        return None if asking.cancelled() else asking.result()

    async def _ask(self, upload: Upload, replica: Replica) -> Answer | None:
        headers = {
            "Authorization": f"Bearer {self._site.token}",
            "Content-Type": f"multipart/form-data; boundary={_BOUNDARY}",
            "X-Request-Id": upload.name,
        }
        if upload.key:
            headers["Idempotency-Key"] = upload.key
        url = f"{replica.base}/api/v2/clients/{self.id}/projects/bulk?{upload.query}"
        try:
            async with self._http.post(url, data=_body(upload), headers=headers) as answer:
                raw = (await answer.read()).lstrip()  # keep-alive spaces come first
                return Answer(upload, answer.status, orjson.loads(raw), raw)
        except (aiohttp.ClientError, OSError):
            return None


async def _body(upload: Upload) -> AsyncIterator[bytes]:
    content = upload.file.content
    step = len(content) // _PIECES + 1
    yield _BEFORE
    for start in range(0, len(content), step):
        yield content[start : start + step]
        await asyncio.sleep(upload.pause)
    yield _AFTER
