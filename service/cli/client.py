"""The HTTP client of all commands that use a service."""

import asyncio
import contextlib
import os
import random
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Mapping
from typing import Any, Final

import aiohttp
from yarl import URL

from service.cli.output import CommandError, print_error, shorten
from service.cli.response import (
    ANSWER_TIMEOUT,
    MAX_TEXT,
    RETRY_STATUSES,
    ApiResponse,
    NotReadable,
    TemporaryFailure,
    iter_response,
    read_response,
)

POLL_INTERVAL: Final = 1.0
"""Seconds between two requests for the state of a running import."""
MAX_PAUSE: Final = 30.0
"""Seconds of a pause between attempts, unless the service asks for a longer one."""
MAX_EMPTY_PAGES: Final = 100
"""Empty pages in a row. A filtered page examines 20,000 imports, and can be empty without being the
last one."""
PAGE_SIZE: Final = 1000
"""Items of a page of a list."""


class ApiClient:
    """The routes of one client of a service.

    Args:
        session: sends the token with every request.
        root: address of the client, with a slash at its end.
    """

    def __init__(self, session: aiohttp.ClientSession, root: str) -> None:
        self._session = session
        self._root = URL(root)

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
            CommandError: the address cannot be used, or is not one of the service.
        """
        address = self._resolve(path)
        options["allow_redirects"] = False
        with _connection_errors(self._root):
            async with self._session.request(method, address, **options) as response:
                if 300 <= response.status < 400:
                    target = response.headers.get("Location", "nowhere")
                    raise CommandError(
                        f"{address} redirects to {shorten(target, MAX_TEXT)}, and the command "
                        "sends its token only to --url: give the right address with it"
                    )
                yield response

    def _resolve(self, path: str) -> str:
        """Return the address of a path, which may come from an answer.

        Raises:
            CommandError: it is not an address of the service, which alone may get the token.
        """
        try:
            address = self._root.join(URL(path, encoded=True))
            is_own = address.origin() == self._root.origin() and address.user is None
        except ValueError as error:
            raise CommandError(f"{self._root} cannot be used: {error}") from error
        if not is_own:
            link = shorten(path, MAX_TEXT)
            raise CommandError(f"{self._root.origin()} links to another server: {link}")
        return str(address)

    async def request(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, str] | None = None,
    ) -> ApiResponse:
        """Send a request, with a body in JSON if given; return the response, whatever its status.

        Raises:
            TemporaryFailure, CommandError: as ``send`` and ``read_response``.
        """
        with _connection_errors(self._root):
            async with (
                asyncio.timeout(ANSWER_TIMEOUT),
                self.send(method, path, params=query, json=body) as response,
            ):
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

    async def change(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, str] | None = None,
    ) -> None:
        """Change a resource.

        Raises:
            TemporaryFailure: no response came.
            CommandError: the service refuses the request.
        """
        response = await self.request(method, path, query, body)
        if response.status >= 400:
            raise CommandError(f"{path}: {response}")

    @contextlib.asynccontextmanager
    async def stream(
        self, path: str, query: Mapping[str, str] | None = None, **options: Any
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Yield the response with a resource before its body is read.

        Raises:
            TemporaryFailure: no response came, or the connection broke before the block ended.
            NotReadable: the resource does not exist, or may not be read.
            CommandError: the service refuses the request.
        """
        with _connection_errors(self._root):
            async with (
                asyncio.timeout(ANSWER_TIMEOUT) as limit,
                self.send("GET", path, params=query, **options) as response,
            ):
                if response.status != 200:
                    answer = await read_response(response)
                    if answer.status in RETRY_STATUSES:
                        raise TemporaryFailure(str(answer))
                    kind = NotReadable if answer.status in (403, 404) else CommandError
                    raise kind(f"{path}: {answer}")
                limit.reschedule(None)
                yield response

    async def list_items(
        self, path: str, query: Mapping[str, str], name: str | None = None
    ) -> AsyncGenerator[dict[str, Any], None]:
        """Yield the items of all pages of a list, while they arrive.

        Args:
            name: member of ``details`` with the items; by default the path.

        Raises:
            TemporaryFailure: a later attempt may succeed.
            CommandError: the list does not exist, or may not be read.
        """
        page: str | None = path
        parameters: Mapping[str, str] | None = {"limit": str(PAGE_SIZE), **query}
        empty_pages = 0
        while page is not None:
            details: dict[str, Any] = {}
            empty_pages += 1
            async for member, value in self._read_page(page, parameters):
                if member == (name or path):
                    empty_pages = 0
                    yield value
                elif member == "next":
                    details[member] = value
            page, parameters = details["next"], None
            if empty_pages > MAX_EMPTY_PAGES:
                raise CommandError(f"{path}: the service sent {empty_pages} empty pages")

    async def _read_page(
        self, path: str, query: Mapping[str, str] | None
    ) -> AsyncIterator[tuple[str, Any]]:
        """Yield the members of one page of a list; its items come one by one."""
        async with self.stream(path, query) as response:
            async for member in iter_response(response):
                yield member

    async def list_imports(
        self, query: Mapping[str, str], limit: int = PAGE_SIZE
    ) -> AsyncIterator[dict[str, Any]]:
        """Yield the latest imports; none if the token may not read them."""
        count = 0
        with contextlib.suppress(NotReadable):
            page = self._read_page("imports", {**query, "limit": str(limit)})
            async for member, item in page:
                if member == "imports":
                    count += 1
                    if count > limit:
                        raise CommandError(f"the service sent more than {limit} imports")
                    yield item

    async def find_import(self, key: str) -> dict[str, Any] | None:
        """Return this subject's latest import with an idempotency key, or None."""
        rows = [row async for row in self.list_imports({"idempotency_key": key}, 1)]
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


@contextlib.contextmanager
def _connection_errors(root: URL) -> Iterator[None]:
    try:
        yield
    except (aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError) as error:
        raise CommandError(f"{root} cannot be used: {error}; write http://HOST:PORT") from error
    except aiohttp.ClientSSLError as error:
        problem = str(error)
        if "WRONG_VERSION_NUMBER" in problem:
            problem = "it answers without TLS; begin the address with http://"
        raise CommandError(f"{root.origin()} cannot be used: {problem}") from error
    except aiohttp.ClientConnectorError as error:
        number = error.os_error.errno
        reason = os.strerror(number) if number and number > 0 else error.os_error.strerror
        raise TemporaryFailure(
            f"no service answers at {root.origin()}: {reason}; is it running, and --url right?"
        ) from error
    except BrokenPipeError:  # of standard output: aiohttp has its own classes
        raise
    except (aiohttp.ClientError, TimeoutError, ConnectionError) as error:
        reason = str(error) or "no answer"
        raise TemporaryFailure(f"the connection to {root} broke: {reason}") from error


def _attempts(number: int) -> str:
    return "1 attempt" if number == 1 else f"{number} attempts"


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
        if retry_after is not None and retry_after.isdecimal() and len(retry_after) < 10:
            pause = int(retry_after) + random.uniform(0, 1)
        self._attempts += 1
        if pause > self._left:
            raise CommandError(
                f"{self.name}: {reason}; gave up after {_attempts(self._attempts)}, as "
                "--retry-for says: run the same command again to continue"
            )
        self._left -= pause
        print_error(f"{self.name}: {reason}; trying again in {pause:.0f} s")
        await asyncio.sleep(pause)
