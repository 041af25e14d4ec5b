"""The XSD of the native dialect."""

from importlib.resources import files

from aiohttp import web

_XSD = files("service.formats.native") / "schema.xsd"


async def native_schema(request: web.Request) -> web.Response:
    return web.Response(body=_XSD.read_bytes(), content_type="application/xml")
