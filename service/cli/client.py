"""The HTTP client of all commands that use a service."""

import asyncio
import contextlib
import random
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import aiohttp
import orjson
from yarl import URL

from service.cli.json_stream import IncompleteJson, iter_members
from service.cli.output import CommandError

RETRY_STATUSES: Final = frozenset({408, 429, 502, 503, 504})
"""Statuses after which a later attempt may succeed."""
POLL_INTERVAL: Final = 1.0
"""Seconds between two requests for the state of a running import."""
MAX_PAUSE: Final = 30.0
"""Seconds of a pause between attempts, unless the service asks for a longer one."""
PAGE_SIZE: Final = "1000"


class TemporaryFailure(Exception):
    """A request failed, but a later attempt may succeed: no response, or one of another program."""


@dataclass(frozen=True)
class ApiResponse:
    """A complete response of the API. As text, it has status, message and details."""

    status: int
    body: Mapping[str, Any]
    retry_after: str | None = None

    @property
    def details(self) -> Any:
        return self.body["details"]

    def __str__(self) -> str:
        return f"{self.status} {self.body['message']}: {self.details}"


class ApiClient:
    """The routes of one client of a service.

    Args:
        session: sends the token with every request.
        root: address of the client, with a slash at its end.
    """

    def __init__(self, session: aiohttp.ClientSession, root: str) -> None:
        self._session = session
        self._root = root

    @contextlib.asynccontextmanager
    async def send(
        self, method: str, path: str, **options: Any
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Send a request, and yield the response before its body is read.

        Args:
            path: relative to the client; with a slash at its start, relative to the service.
            options: arguments of aiohttp's ``request``.

        Raises:
            TemporaryFailure: no response came, or the connection broke before the block ended.
            CommandError: the address cannot be used.
        """
        address = URL(self._root).join(URL(path, encoded=True))
        with _connection_errors(self._root):
            async with self._session.request(method, str(address), **options) as response:
                yield response

    async def request(
        self, method: str, path: str, query: Mapping[str, str] | None = None
    ) -> ApiResponse:
        """Send a request, and return the response, whatever its status.

        Raises:
            TemporaryFailure, CommandError: as ``send`` and ``read_response``.
        """
        async with self.send(method, path, params=query) as response:
            return await read_response(response)

    async def get(self, path: str, query: Mapping[str, str] | None = None) -> Any | None:
        """Return the details of a resource, or None if it does not exist or may not be read.

        Raises:
            TemporaryFailure: a later attempt may succeed.
            CommandError: the service refuses the request.
        """
        response = await self.request("GET", path, query)
        if response.status in (403, 404):
            return None
        if response.status in RETRY_STATUSES:
            raise TemporaryFailure(str(response))
        if response.status >= 400:
            raise CommandError(str(response))
        return response.details

    async def change(self, method: str, path: str, query: Mapping[str, str] | None = None) -> None:
        """Change a resource.

        Raises:
            TemporaryFailure: no response came.
            CommandError: the service refuses the request.
        """
        response = await self.request(method, path, query)
        if response.status >= 400:
            raise CommandError(f"{path}: {response}")

    @contextlib.asynccontextmanager
    async def stream(
        self, path: str, query: Mapping[str, str] | None = None, **options: Any
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Yield the response with a resource before its body is read.

        Raises:
            TemporaryFailure: no response came, or the connection broke before the block ended.
            CommandError: the service refuses the request.
        """
        async with self.send("GET", path, params=query, **options) as response:
            if response.status != 200:
                raise CommandError(f"{path}: {await read_response(response)}")
            yield response

    async def list_items(
        self, path: str, query: Mapping[str, str], name: str | None = None
    ) -> AsyncIterator[dict[str, Any]]:
        """Yield the items of all pages of a list.

        Args:
            name: member of ``details`` with the items; by default the path.

        Raises:
            TemporaryFailure: a later attempt may succeed.
            CommandError: the list does not exist, or may not be read.
        """
        page: str | None = path
        parameters: Mapping[str, str] | None = {"limit": PAGE_SIZE, **query}
        while page is not None:
            details = await self.get(page, parameters)
            if details is None:
                raise CommandError(f"{path}: it does not exist, or the token may not read it")
            for item in details[name or path]:
                yield item
            page, parameters = details["next"], None

    async def list_imports(self, query: Mapping[str, str]) -> list[dict[str, Any]]:
        """Return the first page of imports; it is empty if the token may not read them."""
        details = await self.get("imports", query)
        return [] if details is None else list(details["imports"])

    async def find_import(self, key: str) -> dict[str, Any] | None:
        """Return this subject's latest import with an idempotency key, or None."""
        rows = await self.list_imports({"idempotency_key": key, "limit": "1"})
        return rows[0] if rows else None

    async def wait_for_import(
        self, import_id: int, show_progress: Callable[[dict[str, Any]], None]
    ) -> dict[str, Any] | None:
        """Return an import once it has ended, or None if it may not be read.

        Args:
            show_progress: called with the state of the import after each request.
        """
        while True:
            state: dict[str, Any] | None = await self.get(f"imports/{import_id}")
            if state is None:
                return None
            show_progress(state)
            if state["state"] != "running":
                return state
            await asyncio.sleep(POLL_INTERVAL)


async def read_response(response: aiohttp.ClientResponse) -> ApiResponse:
    """Read a response to its end.

    Raises:
        TemporaryFailure: a proxy answered, because it cannot reach the service now.
        CommandError: the response is not one of this service.
    """
    text = await response.read()
    if response.status == 204:
        return ApiResponse(204, {"message": "Done", "details": None})
    try:
        body = orjson.loads(text)
        if body["message"] is not None and "details" in body:
            return ApiResponse(response.status, body, response.headers.get("Retry-After"))
    except (orjson.JSONDecodeError, KeyError, TypeError):
        pass
    answer = f"{response.status} {response.reason}"
    problem = f"{response.url} did not answer as this service does: {answer}"
    if response.status in RETRY_STATUSES or response.status < 300:
        raise TemporaryFailure(problem)
    raise CommandError(problem)


async def read_members(
    response: aiohttp.ClientResponse, on_block: Callable[[], None] = lambda: None
) -> AsyncIterator[tuple[str, Any]]:
    """Yield the members of a streamed response. The items of lists come one by one.

    Args:
        on_block: called for each block of the response.

    Raises:
        TemporaryFailure: the response broke off.
    """

    async def blocks() -> AsyncIterator[bytes]:
        async for block in response.content.iter_any():
            on_block()
            yield block

    complete = False
    try:
        async for name, value in iter_members(blocks()):
            complete = complete or (name == "complete" and value is True)
            yield name, value
    except IncompleteJson as error:
        raise TemporaryFailure(str(error)) from error
    if not complete:
        raise TemporaryFailure("the response broke off")


@contextlib.contextmanager
def _connection_errors(root: str) -> Iterator[None]:
    try:
        yield
    except (aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError, aiohttp.ClientSSLError) as error:
        raise CommandError(f"{root} cannot be used: {error}") from error
    except (aiohttp.ClientError, TimeoutError, ConnectionError) as error:
        reason = str(error) or "no answer"
        raise TemporaryFailure(f"the connection to {root} broke: {reason}") from error


class Backoff:
    """Pauses between attempts: each is about twice the last, with jitter, up to ``MAX_PAUSE``.

    Args:
        name: of the request, for messages.
        seconds: total time of all pauses.
    """

    def __init__(self, name: str, seconds: float) -> None:
        self.name = name
        self._left = seconds
        self._attempts = 0

    async def pause(self, reason: object, retry_after: str | None = None) -> None:
        """Wait before the next attempt.

        Args:
            reason: why the last attempt failed.
            retry_after: the header of the response, which sets the shortest pause.

        Raises:
            CommandError: no time is left for another attempt.
        """
        pause = min(MAX_PAUSE, 2.0**self._attempts) * random.uniform(0.5, 1)
        if retry_after is not None and retry_after.isdecimal():
            pause = int(retry_after) + random.uniform(0, 1)
        self._attempts += 1
        if pause > self._left:
            raise CommandError(
                f"{self.name}: {reason}; giving up, because --retry-for leaves no time for another "
                "attempt: run the same command again to continue"
            )
        self._left -= pause
        print(f"{self.name}: {reason}; trying again in {pause:.0f} s", file=sys.stderr)
        await asyncio.sleep(pause)
