"""Pages of our own, and what they are made of."""

from importlib.resources import files
from typing import Final

from aiohttp import web

from service.errors import NotFound

_WEB: Final = files("service.web")
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Nothing from another host, and nothing that stands in a page itself is run."""


def page(path: str) -> web.Response:
    """A page of HTML, by its path below ``service/web``; it runs and loads nothing but ours."""
    return _served(path, "text/html", {"Content-Security-Policy": _POLICY})


def asset(folder: str, known: dict[str, str], name: str) -> web.Response:
    """What a page is made of.

    Args:
        folder: below ``service/web``, such as ``page/``.
        known: the types of what there is, by name.
        name: what is asked for.

    Raises:
        NotFound: the page is made of no such thing.
    """
    if name not in known:
        raise NotFound
    return _served(folder + name, known[name])


def _served(path: str, kind: str, headers: dict[str, str] | None = None) -> web.Response:
    body = (_WEB / path).read_bytes()
    return web.Response(body=body, content_type=kind, charset="utf-8", headers=headers)
