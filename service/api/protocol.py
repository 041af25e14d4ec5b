"""The HTTP server's own classes, where aiohttp answers without asking the application.

A request that its parser refuses never reaches a route: aiohttp would answer as HTTP/1.0 in plain
text and echo what it could not read, an ``Authorization`` header included.
"""

from typing import Any, Final

import structlog
from aiohttp import HttpVersion11, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http_exceptions import LineTooLong
from aiohttp.http_parser import RawRequestMessage
from aiohttp.streams import StreamReader
from aiohttp.web_protocol import ERROR, _ErrInfo

from service import telemetry
from service.api.envelope import refusal
from service.api.keys import LINGERING
from service.api.requests import REQUEST_ID_HEADER, new_request_id
from service.api.uploads import UPLOADS
from service.errors import BadRequest, InternalError, ServiceError

_MALFORMED: Final = "the request is not well-formed HTTP/1.1"
_TOO_LONG: Final = "the request line or a header is too long"

log = structlog.get_logger(__name__)


class _Protocol(web.RequestHandler):
    __slots__ = ()

    def data_received(self, data: bytes) -> None:
        """Wake whoever reads a body whose framing is broken: aiohttp would let them wait."""
        super().data_received(data)
        request = self._current_request
        if request is None or request.content.is_eof() or not self._messages:
            return
        message, _ = self._messages[-1]
        if isinstance(message, _ErrInfo):
            request.content.set_exception(web.RequestPayloadError("broken framing"))

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """The envelope, in fixed words, for what was refused or went wrong outside the application.

        Raises:
            ConnectionError: an answer has begun; the connection can only be ended.
        """
        if request.writer.output_size > 0:
            raise ConnectionError("an answer has begun")
        error: ServiceError
        if status == BadRequest.status:
            error = BadRequest(_TOO_LONG if isinstance(exc, LineTooLong) else _MALFORMED)
        else:
            error = InternalError()
        request_id = new_request_id()
        log.info("http.refused", status=error.status, reason=type(exc).__name__, id=request_id)
        response = refusal(error)
        response.headers[REQUEST_ID_HEADER] = request_id
        response.force_close()
        telemetry.ANSWERS.labels(error.status).inc()
        return response


class _Server(web.Server):
    def __call__(self) -> web.RequestHandler:
        return _Protocol(self, loop=self._loop, **self._kwargs)


class Runner(web.AppRunner):
    """Runs an application of ``create_app`` with this module's protocol.

    ``cleanup`` first lets uploads end: aiohttp's own takes no more bytes of any body.

    Args:
        app: from ``service.app.create_app``.
    """

    def __init__(self, app: web.Application) -> None:
        # Bodies are read away by ``lingering``, with bounds of its own, and inflated by nobody.
        super().__init__(app, access_log=None, lingering_time=0, auto_decompress=False)

    async def _make_server(self) -> web.Server:
        plain = await super()._make_server()
        return _Server(
            plain.request_handler, request_factory=_factory(plain.request_factory), **self._kwargs
        )

    async def cleanup(self) -> None:
        """Let running imports end, or interrupt them, then stop serving."""
        try:
            if self.server is not None:
                await self.app[UPLOADS].drain()
        finally:
            self.app[LINGERING].hurry()
            await super().cleanup()


def _factory(make: Any) -> Any:
    """Have the parser's stand-in for a request it could not read answered as HTTP/1.1."""

    def made(
        message: RawRequestMessage,
        payload: StreamReader,
        protocol: web.RequestHandler,
        writer: AbstractStreamWriter,
        task: Any,
    ) -> web.BaseRequest:
        if message is ERROR:
            message = message._replace(version=HttpVersion11)
        request: web.BaseRequest = make(message, payload, protocol, writer, task)
        return request

    return made
