"""The OpenAPI document, and a page that shows it without any other host."""

from aiohttp import web

from service.api import files
from service.api.envelope import JSON
from service.api.openapi import document
from service.web import ASSETS


async def openapi_json(request: web.Request) -> web.Response:
    return web.Response(body=document.served(), content_type=JSON)


async def page(request: web.Request) -> web.Response:
    return files.page("docs.html")


async def asset(request: web.Request) -> web.Response:
    """What the page is made of.

    Raises:
        NotFound: it is made of no such thing.
    """
    return files.asset("", ASSETS, request.match_info["asset"])
