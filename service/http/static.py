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
from service.http import app_keys
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
    """Answer with the web page, which has the limits of an upload."""
    settings = request.app[app_keys.SETTINGS]
    text = (_WEB / "page" / "index.html").read_text("utf-8")
    text = text.replace("{max_files}", str(settings.max_files))
    return _html(text.replace("{max_upload_bytes}", str(settings.max_upload_bytes)))


async def send_page_file(request: web.Request) -> web.Response:
    """Answer with a file that the web page loads.

    Raises:
        NotFound: the page has no such file.
    """
    return _asset("page/", PAGE, "{folder}/{file}".format_map(request.match_info))


async def send_docs(request: web.Request) -> web.Response:
    """Answer with the page that shows the OpenAPI document."""
    return _html((_WEB / "docs.html").read_text("utf-8"))


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


def _html(text: str) -> web.Response:
    return web.Response(
        text=text, content_type="text/html", headers={"Content-Security-Policy": _POLICY}
    )


def _asset(folder: str, media_types: dict[str, str], name: str) -> web.Response:
    """Answer with a file of a page; ``media_types`` lists all files of the page."""
    if name not in media_types:
        raise NotFound("there is no such file")
    body = (_WEB / (folder + name)).read_bytes()
    return web.Response(body=body, content_type=media_types[name], charset="utf-8")
