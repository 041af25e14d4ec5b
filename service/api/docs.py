"""The OpenAPI document, and a page that shows it without any other host."""

from importlib.resources import files
from typing import Final

from aiohttp import web

from service.api.envelope import JSON
from service.api.openapi import document
from service.errors import NotFound
from service.web import ASSETS

_WEB: Final = files("service.web")
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Nothing from another host, and nothing that stands in the page itself is run."""


async def openapi_json(request: web.Request) -> web.Response:
    return web.Response(body=document.served(), content_type=JSON)


async def page(request: web.Request) -> web.Response:
    headers = {"Content-Security-Policy": _POLICY}
    return _file("docs.html", "text/html", headers)


async def asset(request: web.Request) -> web.Response:
    """What the page is made of.

    Raises:
        NotFound: it is made of no such thing.
    """
    name = request.match_info["asset"]
    if name not in ASSETS:
        raise NotFound
    return _file(name, ASSETS[name])


def _file(name: str, kind: str, headers: dict[str, str] | None = None) -> web.Response:
    body = (_WEB / name).read_bytes()
    return web.Response(body=body, content_type=kind, charset="utf-8", headers=headers)
