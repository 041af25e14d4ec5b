"""The requests of the check: a service process, and its clients."""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Mapping
from typing import Any, Final

import aiohttp
import orjson

from tests.support.paths import CHECKOUT
from tests.support.service import SECRET, token
from tests.tools.bench.database import Database
from tests.tools.bench.process import serving

QUIET: Final = 1
BUSY: Final = 2
SMALL: Final = 3
CLIENTS: Final = (QUIET, BUSY, SMALL)
_SETTINGS: Final[dict[str, object]] = {
    "jwt_secret": SECRET,
    "formats_dir": CHECKOUT / "docs" / "formats",
    "heartbeat_every": 0.2,
    "heartbeat_expiry": 3,
    "batch_projects": 20,
}
_SCOPES: Final = "projects:import projects:read projects:delete projects:undo"
_BOUNDARY: Final = "restore-check"
_PIECES: Final = 200
_BOUND: Final = 60.0
_WATERMARK: Final = re.compile(rb'"watermark": ?"[^"]*"')


class Api:
    """A service, as its clients see it.

    Args:
        http: without a base.
        base: address of the service.
    """

    def __init__(self, http: aiohttp.ClientSession, base: str) -> None:
        self._http = http
        self.base = base

    async def ask(
        self,
        client: int,
        path: str,
        method: str = "GET",
        *,
        json: object = None,
        accept: str = "application/json",
    ) -> tuple[int, bytes]:
        """Request a path below a client, and return the status and the body."""
        address = f"{self.base}/api/v2/clients/{client}/{path}"
        headers = _headers() | {"Accept": accept}
        async with self._http.request(method, address, headers=headers, json=json) as answer:
            return answer.status, await answer.read()

    async def details(self, client: int, path: str, method: str = "GET", **more: Any) -> Any:
        """Return ``details`` of an answer, or the whole of one without.

        Raises:
            AssertionError: the answer is an error.
        """
        status, body = await self.ask(client, path, method, **more)
        assert status < 300, (method, path, status, body[:500])
        found = orjson.loads(body) if body else {}
        return found.get("details", found)

    async def upload(
        self, client: int, content: bytes, key: str, until: asyncio.Event | None = None
    ) -> dict[str, Any]:
        """Import a file, and return the body of the 207.

        Args:
            client: id of the client.
            content: the file.
            key: ``Idempotency-Key``.
            until: holds the second half of the file back until it is set.

        Raises:
            AssertionError: the status is another one.
        """
        body = _body(content, until)
        headers = _headers() | {
            "Content-Type": f"multipart/form-data; boundary={_BOUNDARY}",
            "Idempotency-Key": key,
        }
        address = f"{self.base}/api/v2/clients/{client}/projects/bulk"
        async with self._http.post(address, data=body, headers=headers) as answer:
            assert answer.status == 207, (answer.status, await answer.text())
            found: dict[str, Any] = await answer.json()
            return found


def _headers() -> dict[str, str]:
    return {"Authorization": f"Bearer {token(clients=CLIENTS, scope=_SCOPES)}"}


async def _body(content: bytes, until: asyncio.Event | None) -> AsyncIterator[bytes]:
    head = 'Content-Disposition: form-data; name="file"; filename="plans.xml"'
    yield f"--{_BOUNDARY}\r\n{head}\r\n\r\n".encode()
    half = len(content) // 2
    yield content[:half]
    while until is not None and not until.is_set() and half < len(content) - _PIECES:
        with contextlib.suppress(TimeoutError):  # a few bytes now and then: it is not silent
            await asyncio.wait_for(until.wait(), 1)
        yield content[half : half + 1]
        half += 1
    yield content[half:]
    yield f"\r\n--{_BOUNDARY}--\r\n".encode()


@contextlib.asynccontextmanager
async def serve(dsn: str, variables: Mapping[str, str] | None = None) -> AsyncIterator[Api]:
    """Run ``bulk-import serve`` on a database until the block ends."""
    timeout = aiohttp.ClientTimeout(total=None, sock_read=_BOUND)
    async with (
        serving(Database(dsn), "", None, variables, **_SETTINGS) as server,
        aiohttp.ClientSession(timeout=timeout) as http,
    ):
        yield Api(http, server.base)


async def read_all(api: Api, client: int) -> dict[str, tuple[int, bytes]]:
    """Return the answers to all reading requests of a client, by path and type.

    The watermark of a list is a time of now, and is left out.
    """
    listed = "projects?limit=1000&archived=include"
    projects = (await api.details(client, listed))["projects"]
    imports = (await api.details(client, "imports?limit=1000"))["imports"]
    paths = [listed, "imports?limit=1000", f"projects?missing_from={imports[0]['import_id']}"]
    exports = []
    for each in imports:
        path = f"imports/{each['import_id']}"
        paths += [path, f"{path}/results"]
    for each in projects:
        path = f"projects/{each['project_id']}"
        exports.append(path)
        paths += [path, *(f"{path}/{name}" for name in ("versions", "lock", "checks"))]
        paths += [f"{path}/versions/{number}" for number in range(1, each["version"] + 1)]
    found = {}
    for accept, some in (("application/json", paths), ("application/xml", exports)):
        for path in some:
            status, body = await api.ask(client, path, accept=accept)
            found[f"{path} {accept}"] = status, _WATERMARK.sub(b"", body)
    return found
