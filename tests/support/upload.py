"""Files over HTTP, as clients send them."""

import json
from typing import Any

import aiohttp

from tests.support.service import Service


async def upload(
    http: aiohttp.ClientSession, service: Service, content: bytes, name: str = "plans.xml"
) -> dict[str, Any]:
    """Upload one file that must give a 207, and return the answer."""
    form = aiohttp.FormData()
    form.add_field("file", content, filename=name, content_type="application/xml")
    async with http.post(service.bulk, data=form, headers=service.headers()) as answer:
        text = await answer.text()
        assert answer.status == 207, text
        told: dict[str, Any] = json.loads(text)
    assert told["complete"] is True
    return told
