"""Which service a command asks: the one it is given, the one that runs, or one of its own."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, Final

import aiohttp
import orjson
from yarl import URL

from service.cli.database import load_settings, opened, require_current_schema
from service.cli.listening import base_url, listening
from service.cli.screen import Failure
from service.cli.tokens import sign, with_key
from service.observability.logging import configure_logging
from service.settings import Settings

LATER: Final = frozenset({408, 429, 502, 503, 504})
"""Statuses after which another try may do."""
PATIENCE: Final = 60.0
"""Seconds in which something must come of an answer."""
_PROBE: Final = aiohttp.ClientTimeout(total=2)
_ASKING: Final = aiohttp.ClientTimeout(total=None, sock_connect=30, sock_read=PATIENCE)


class Unanswered(Exception):
    """No answer came, or none of this service; another try may have one."""


@dataclass(frozen=True)
class Answer:
    """A whole answer."""

    status: int
    body: Mapping[str, Any]
    retry_after: str | None = None

    @property
    def details(self) -> Any:
        return self.body["details"]

    def __str__(self) -> str:
        return f"{self.status} {self.body['message']}: {self.details}"


@dataclass(frozen=True)
class Service:
    """A client's routes at a service.

    Attributes:
        session: with the token.
        root: the address of the client, with a slash at its end.
    """

    session: aiohttp.ClientSession
    root: str

    async def ask(
        self,
        path: str,
        query: Mapping[str, str] | None = None,
        *,
        method: str = "GET",
        json: object = None,
    ) -> Answer:
        """Ask for something small.

        Raises:
            Unanswered: see there.
            Failure: the address is none.
        """
        with reached(self.root):
            async with self.session.request(
                method, self.address(path), params=query, json=json
            ) as response:
                return await whole(response)

    async def get(self, path: str, query: Mapping[str, str] | None = None) -> Any:
        """The details of what there is.

        Raises:
            Failure: it is refused, or no answer came.
        """
        try:
            answer = await self.ask(path, query)
        except Unanswered as error:
            raise Failure(str(error)) from error
        if answer.status >= 400:
            raise Failure(f"{path}: {answer}")
        return answer.details

    def address(self, path: str) -> str:
        """Where a path below the client is; one that begins with a slash is the service's."""
        return str(URL(self.root).join(URL(path, encoded=True)))


async def whole(response: aiohttp.ClientResponse) -> Answer:
    """Read an answer to its end.

    Raises:
        Unanswered: it is none of this service, but of a proxy before it that has no other now.
        Failure: it is none of this service.
    """
    text = await response.read()
    retry_after = response.headers.get("Retry-After")
    if response.status == 204:
        return Answer(204, {"message": "Done", "details": None})
    try:
        body = orjson.loads(text)
        if body["message"] is not None and "details" in body:
            return Answer(response.status, body, retry_after)
    except (orjson.JSONDecodeError, KeyError, TypeError):
        pass
    told = f"{response.url} gave no answer of this service: {response.status} {response.reason}"
    if response.status in LATER or response.status < 300:
        raise Unanswered(told)
    raise Failure(told)


@contextlib.contextmanager
def reached(where: str) -> Iterator[None]:
    """Say that no answer came from ``where``.

    Raises:
        Unanswered, Failure: in the place of aiohttp's own errors.
    """
    try:
        yield
    except (aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError, aiohttp.ClientSSLError) as error:
        raise Failure(f"{where} cannot be used: {error}") from error
    except (aiohttp.ClientError, TimeoutError, ConnectionError) as error:
        raise Unanswered(f"the connection to {where} broke: {error or 'no answer'}") from error


def at_service(
    work: Callable[[Service], Awaitable[int]],
    client: int,
    url: str | None,
    token: str | None,
    *,
    scope: str | None = None,
) -> int:
    """Have some work done at a service.

    Without ``url`` it is the one that answers at the settings' address, or if none does one of our
    own on a free port, for as long as it takes.

    Args:
        work: gives the code to end with.
        token: by default one is made, with ``scope``.

    Raises:
        Failure: there is no service.
    """
    settings = load_settings()
    key = token or sign(settings, [client], scope=scope)
    base = url or asyncio.run(_running(settings))
    if base is not None:
        return asyncio.run(_work_at(base, client, key, work))
    with opened(settings) as dsn:
        require_current_schema(dsn)
        return asyncio.run(_work_at_own(settings, dsn, client, key, work))


async def _running(settings: Settings) -> str | None:
    """The service that answers at the settings' address."""
    if settings.port == 0:
        return None
    base = base_url(settings.host, settings.port)
    async with aiohttp.ClientSession(timeout=_PROBE) as session:
        try:
            async with session.get(f"{base}/healthz") as answer:
                return base if answer.status == 200 else None
        except (aiohttp.ClientError, TimeoutError):
            return None


async def _work_at(
    base: str, client: int, token: str, work: Callable[[Service], Awaitable[int]]
) -> int:
    async with _connected(base, client, token) as service:
        return await work(service)


async def _work_at_own(
    settings: Settings, dsn: str, client: int, token: str, work: Callable[[Service], Awaitable[int]]
) -> int:
    configure_logging(settings.log_format, "error")
    own = with_key(settings).model_copy(update={"host": "127.0.0.1", "port": 0})
    async with listening(own, dsn) as base:
        return await _work_at(base, client, token, work)


@contextlib.asynccontextmanager
async def _connected(base: str, client: int, token: str) -> AsyncIterator[Service]:
    headers = {
        "Authorization": f"Bearer {token}",
        "Accept": "application/json",
        "User-Agent": f"bulk-import/{version('project-bulk-import')}",
    }
    async with aiohttp.ClientSession(headers=headers, timeout=_ASKING) as session:
        yield Service(session, f"{base.rstrip('/')}/api/v2/clients/{client}/")
