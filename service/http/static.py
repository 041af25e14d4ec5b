"""Files that the service delivers as they are: the web page, the API's documentation, the schemas.

Pages load and run nothing from another host. They use the API as any other client does.
"""

from functools import cache
from importlib.resources import files
from typing import Final

import orjson
from aiohttp import web

from service.errors import NotFound
from service.formats.custom.language import json_schema
from service.http.openapi import document
from service.http.responses import JSON
from service.web import ASSETS, PAGE

_WEB: Final = files("service.web")
_NATIVE_SCHEMA: Final = files("service.formats.native") / "schema.xsd"
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Content-Security-Policy of a page: no other host, and no inline script or style."""


async def send_page(request: web.Request) -> web.Response:
    """Answer with the web page."""
    return _html("page/index.html")


async def send_page_file(request: web.Request) -> web.Response:
    """Answer with a file that the web page loads.

    Raises:
        NotFound: the page has no such file.
    """
    return _asset("page/", PAGE, request.match_info["file"])


async def send_docs(request: web.Request) -> web.Response:
    """Answer with the page that shows the OpenAPI document."""
    return _html("docs.html")


async def send_docs_file(request: web.Request) -> web.Response:
    """Answer with a file that the page of the documentation loads.

    Raises:
        NotFound: the page has no such file.
    """
    return _asset("", ASSETS, request.match_info["asset"])


async def send_openapi(request: web.Request) -> web.Response:
    """Answer with the OpenAPI document."""
    return web.Response(body=document.document_json(), content_type=JSON)


async def send_native_schema(request: web.Request) -> web.Response:
    """Answer with the XSD of the native format."""
    return web.Response(body=_NATIVE_SCHEMA.read_bytes(), content_type="application/xml")


async def send_format_schema(request: web.Request) -> web.Response:
    """Answer with the JSON Schema of a format file."""
    return web.Response(body=_format_schema(), content_type="application/schema+json")


@cache
def _format_schema() -> bytes:
    """Return the schema, which takes 30 ms to compute."""
    return orjson.dumps(json_schema(), option=orjson.OPT_INDENT_2)


def _html(path: str) -> web.Response:
    return _file(path, "text/html", {"Content-Security-Policy": _POLICY})


def _asset(folder: str, media_types: dict[str, str], name: str) -> web.Response:
    """Answer with a file of a page; ``media_types`` lists all files of the page."""
    if name not in media_types:
        raise NotFound
    return _file(folder + name, media_types[name])


def _file(path: str, media_type: str, headers: dict[str, str] | None = None) -> web.Response:
    body = (_WEB / path).read_bytes()
    return web.Response(body=body, content_type=media_type, charset="utf-8", headers=headers)
