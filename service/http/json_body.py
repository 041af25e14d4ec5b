"""Reads the small JSON body of a request that changes something."""

import asyncio
from typing import Any

import orjson
from aiohttp import web

from service.errors import BadRequest, RequestTimeout
from service.http import app_keys
from service.http.middleware import send_continue


async def read_member(request: web.Request, name: str, example: object) -> Any:
    """Return the only member of the object in the body.

    Args:
        name: the member that the object must have.
        example: a value of it, for the error.

    Raises:
        BadRequest: the body is not such an object.
        RequestTimeout: the body did not arrive in time.
    """
    await send_continue(request)
    try:
        async with asyncio.timeout(request.app[app_keys.SETTINGS].idle_timeout):
            body = await request.read()
    except TimeoutError:
        raise RequestTimeout("The request body did not arrive in time") from None
    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError:
        content = None
    if not isinstance(content, dict) or set(content) != {name}:
        shown = orjson.dumps({name: example}).decode().replace(":", ": ", 1)
        raise BadRequest(f"the body must be JSON such as {shown}")
    return content[name]
