"""Files that the service delivers as they are: the web page, the API's documentation, the schemas.

Pages load and run nothing from another host. They use the API as any other client does.
"""

from collections.abc import Mapping
from functools import cache
from html import escape
from importlib.resources import files
from types import MappingProxyType
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
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src {hosts}; "
    "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Content-Security-Policy of a page: no inline script or style, and no other host but that from
which users who sign in get their tokens."""


async def send_page(request: web.Request) -> web.Response:
    """Answer with the web page, which has the limits of an upload."""
    settings = request.app[app_keys.SETTINGS]
    limits = {
        "max_files": str(settings.max_files),
        "max_upload_bytes": str(settings.max_upload_bytes),
    }
    return _html(request, "page", limits)


async def send_page_file(request: web.Request) -> web.Response:
    """Answer with a file that the web page loads.

    Raises:
        NotFound: the page has no such file.
    """
    return _asset("page/", PAGE, "{folder}/{file}".format_map(request.match_info))


async def send_docs(request: web.Request) -> web.Response:
    """Answer with the page that shows the OpenAPI document."""
    return _html(request, "docs")


async def send_docs_file(request: web.Request) -> web.Response:
    """Answer with a file that the page of the documentation loads.

    Raises:
        NotFound: the page has no such file.
    """
    return _asset("docs/", ASSETS, request.match_info["asset"])


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


def _html(
    request: web.Request, folder: str, values: Mapping[str, str] = MappingProxyType({})
) -> web.Response:
    """Answer with a page, in which each name in braces becomes its value."""
    sign_in = request.app[app_keys.SIGN_IN]
    text = (_WEB / folder / "index.html").read_text("utf-8")
    for name, value in {"session": sign_in.configuration(), **values}.items():
        text = text.replace(f"{{{name}}}", escape(value))
    policy = _POLICY.format(hosts=" ".join(filter(None, ["'self'", sign_in.token_origin])))
    return web.Response(
        text=text, content_type="text/html", headers={"Content-Security-Policy": policy}
    )


def _asset(folder: str, media_types: dict[str, str], name: str) -> web.Response:
    """Answer with a file of a page; ``media_types`` lists all files of the page."""
    if name not in media_types:
        raise NotFound("there is no such file")
    body = (_WEB / (folder + name)).read_bytes()
    return web.Response(body=body, content_type=media_types[name], charset="utf-8")
