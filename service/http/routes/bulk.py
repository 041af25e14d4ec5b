"""``POST …/projects/bulk``: import an upload.

Token, headers, idempotency key and free slots are checked before a byte of the body is read. The
upload then runs as a job, and the response waits for its result.
"""

from typing import Final

from aiohttp import hdrs, web
from aiohttp.helpers import parse_mimetype

from service.errors import BadRequest, UnsupportedEncoding, upload_too_large
from service.http import app_keys
from service.http.auth.permissions import authorise
from service.http.upload.content_encoding import ACCEPTED, content_encoding
from service.http.upload.job import UploadJob, parse_request
from service.http.upload.multistatus import respond_to_import
from service.http.upload.options import IDEMPOTENCY_KEY, parse_options

_MAX_BOUNDARY: Final = 70
"""The longest boundary of RFC 2046, section 5.1.1; aiohttp's reader refuses longer ones."""


async def import_projects(request: web.Request) -> web.StreamResponse:
    """Import the projects of the uploaded file."""
    app = request.app
    settings = app[app_keys.SETTINGS]
    caller = await authorise(
        # A key may continue or repeat an import, and neither checks the client again.
        request,
        settings.import_scope,
        checked_again=IDEMPOTENCY_KEY not in request.headers,
    )
    import_request = parse_request(request, caller, parse_options(request.query))
    boundary = _parse_boundary(request)
    _check_encoding(request)
    if (request.content_length or 0) > settings.max_upload_bytes:
        raise upload_too_large(settings.max_upload_bytes)
    return await respond_to_import(
        request, UploadJob(request, boundary, import_request, app[app_keys.MANAGER], settings)
    )


def _parse_boundary(request: web.Request) -> str:
    """Return the boundary of the body's parts.

    Raises:
        BadRequest: the body is not ``multipart/form-data``, or the header names no boundary.
    """
    content_type = parse_mimetype(request.headers.get(hdrs.CONTENT_TYPE, ""))
    if (content_type.type, content_type.subtype) != ("multipart", "form-data"):
        raise BadRequest(
            "the body must be multipart/form-data with the file in a part named `file`"
        )
    boundary = content_type.parameters.get("boundary", "")
    if not boundary:
        raise BadRequest(
            "the Content-Type names no boundary, so the part `file` cannot be found: send the file "
            "as a form part, and do not set the Content-Type yourself, so that your HTTP client "
            "sets the one that fits its body"
        )
    if len(boundary) > _MAX_BOUNDARY or not boundary.isascii():
        raise BadRequest(f"the boundary must be at most {_MAX_BOUNDARY} ASCII characters")
    return boundary


def _check_encoding(request: web.Request) -> None:
    if content_encoding(request) not in ACCEPTED:
        raise UnsupportedEncoding
