"""Requests to a service, by client 1 unless a test names another."""

from dataclasses import dataclass
from typing import Any, Final

import aiohttp

from tests.support.answer import Answer
from tests.support.service import Service, token
from tests.support.upload import upload

XML: Final = "application/xml"


@dataclass(frozen=True)
class Client:
    """A client of the service."""

    http: aiohttp.ClientSession
    service: Service

    async def ask(
        self,
        path: str,
        method: str = "GET",
        *,
        accept: str | None = None,
        tenant: int = 1,
        json: Any = None,
        data: bytes | None = None,
        **claims: Any,
    ) -> Answer:
        """Request a path below the client (``projects/1``), or any path from ``/`` on."""
        url = self.service.base + path if path.startswith("/") else ""
        headers = {"Authorization": f"Bearer {token(**claims)}"}
        if accept is not None:
            headers["Accept"] = accept
        async with self.http.request(
            method,
            url or self.service.url(path, client=tenant),
            headers=headers,
            json=json,
            data=data,
            skip_auto_headers=["Accept"],
        ) as answer:
            named = {name.lower(): value for name, value in answer.headers.items()}
            return Answer(answer.status, named, await answer.read())

    async def land(self, content: bytes | str) -> list[dict[str, Any]]:
        """Import a file, assert that every project was imported, and return their outcomes."""
        file = content.encode() if isinstance(content, str) else content
        details = (await upload(self.http, self.service, file))["details"]
        assert details["errors"] == []
        landed: list[dict[str, Any]] = details["successes"]
        return landed

    async def post(self, content: bytes) -> Answer:
        """Import a file, and return the response unchecked."""
        form = aiohttp.FormData()
        form.add_field("file", content, filename="plans.xml", content_type=XML)
        url, headers = self.service.bulk, self.service.headers()
        async with self.http.post(url, data=form, headers=headers) as answer:
            return Answer(answer.status, {}, await answer.read())

    async def export(self, project_id: int) -> bytes:
        """A project as native XML."""
        answer = await self.ask(f"projects/{project_id}", accept=XML)
        assert answer.status == 200, answer.body
        return answer.body
