"""Responses of the service: complete ones, and streams of outcomes."""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import aiohttp

from service.cli.json_stream import IncompleteJson, OversizedJson, iter_members, read_json
from service.cli.output import CommandError, shorten

RETRY_STATUSES: Final = frozenset({408, 429, 502, 503, 504})
"""Statuses after which a later attempt may succeed."""
ANSWER_TIMEOUT: Final = 300.0
"""Seconds for an answer that is not streamed, and for the head of one that is."""
MALFORMED: Final = (LookupError, TypeError, ValueError, AttributeError, RecursionError)
"""What an answer causes that has other members than those of this service."""
_GENERAL: Final = re.compile(r"^(The requested resource was not found|Validation error): ")
MAX_TEXT: Final = 1000
"""Largest number of characters of an error that are printed."""


class NotReadable(CommandError):
    """A resource does not exist, or the token may not read it."""


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
        details = _GENERAL.sub("", str(self.details))  # the message says as much
        return shorten(f"{self.status} {self.body['message']}: {details}", MAX_TEXT)


async def read_response(response: aiohttp.ClientResponse) -> ApiResponse:
    """Read a response to its end.

    Raises:
        TemporaryFailure: a proxy answered, because it cannot reach the service now.
        CommandError: the response is not one of this service.
    """
    if response.status == 204:
        return ApiResponse(204, {"message": "Done", "details": None})
    with contextlib.suppress(IncompleteJson, KeyError, TypeError):
        with _size_errors(response):
            async with asyncio.timeout(ANSWER_TIMEOUT):
                body = await read_json(response.content.iter_any())
        if body["message"] is not None and "details" in body:
            return ApiResponse(response.status, body, response.headers.get("Retry-After"))
    answer = f"{response.status} {response.reason}"
    problem = f"{response.url} did not answer as this service does: {answer}"
    if response.status in RETRY_STATUSES or response.status < 300:
        raise TemporaryFailure(problem)
    raise CommandError(problem)


@contextlib.contextmanager
def _size_errors(response: aiohttp.ClientResponse) -> Iterator[None]:
    try:
        yield
    except OversizedJson as error:
        raise CommandError(f"{response.url} sent {error}: no answer of this service") from error


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
    async for name, value in iter_response(response, blocks()):
        complete = complete or (name == "complete" and value is True)
        yield name, value
    if not complete:
        raise TemporaryFailure("the response broke off")


async def iter_response(
    response: aiohttp.ClientResponse, blocks: AsyncIterator[bytes] | None = None
) -> AsyncIterator[tuple[str, Any]]:
    """Yield the members of a response, and the items of its lists, as ``iter_members``.

    Raises:
        TemporaryFailure: the response broke off.
        CommandError: a value is too large.
    """
    with _size_errors(response):
        try:
            async for member in iter_members(blocks or response.content.iter_any()):
                yield member
        except IncompleteJson as error:
            raise TemporaryFailure(f"{response.url}: {error}") from error
