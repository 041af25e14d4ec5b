"""The web page at ``/``, for whoever has a file in hand. It asks the API as any client does."""

from aiohttp import web

from service.http import static
from service.web import PAGE


async def page(request: web.Request) -> web.Response:
    return static.page("page/index.html")


async def asset(request: web.Request) -> web.Response:
    """What the page is made of.

    Raises:
        NotFound: it is made of no such thing.
    """
    return static.asset("page/", PAGE, request.match_info["file"])
