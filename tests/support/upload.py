"""Uploads of one file by aiohttp."""

from typing import Any

import aiohttp
import orjson

from tests.support.service import Service


async def send_file(
    http: aiohttp.ClientSession,
    service: Service,
    content: bytes,
    name: str = "plans.xml",
    *,
    query: str = "",
    **headers: str,
) -> tuple[int, dict[str, Any]]:
    """Upload one file, and return the status and the body of the response.

    Args:
        name: file name that the form sends.
        query: options of the import, such as ``?atomic=true``.
        headers: further headers, with ``_`` for ``-`` in their names.
    """
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    form = aiohttp.FormData()
    form.add_field("file", content, filename=name, content_type="application/xml")
    address, allowed = service.bulk + query, service.headers() | named
    async with http.post(address, data=form, headers=allowed) as answer:
        return answer.status, orjson.loads(await answer.read())


async def upload(
    http: aiohttp.ClientSession, service: Service, content: bytes, name: str = "plans.xml"
) -> dict[str, Any]:
    """Upload one file, assert that the response is a complete 207, and return its body."""
    status, body = await send_file(http, service, content, name)
    assert status == 207, body
    assert body["complete"] is True
    return body
