"""The web page at ``/``, for whoever has a file in hand. It asks the API as any client does."""

from aiohttp import web

from service.api import files
from service.web import PAGE


async def page(request: web.Request) -> web.Response:
    return files.page("page/index.html")


async def asset(request: web.Request) -> web.Response:
    """What the page is made of.

    Raises:
        NotFound: it is made of no such thing.
    """
    return files.asset("page/", PAGE, request.match_info["file"])
