"""The OpenAPI document, and a page that shows it without any other host."""

from aiohttp import web

from service.http import static
from service.http.openapi import document
from service.http.responses import JSON
from service.web import ASSETS


async def openapi_json(request: web.Request) -> web.Response:
    return web.Response(body=document.document_json(), content_type=JSON)


async def page(request: web.Request) -> web.Response:
    return static.page("docs.html")


async def asset(request: web.Request) -> web.Response:
    """What the page is made of.

    Raises:
        NotFound: it is made of no such thing.
    """
    return static.asset("", ASSETS, request.match_info["asset"])
