"""The HTTP server's own classes, where aiohttp answers without asking the application.

A request that its parser refuses never reaches a route: aiohttp would answer as HTTP/1.0 in plain
text and echo what it could not read, an ``Authorization`` header included. And it bounds neither
how long the head of a request takes, nor how many connections there are.
"""

import asyncio
import contextlib
import socket
from typing import Any, Final

import structlog
from aiohttp import HttpVersion10, HttpVersion11, hdrs, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http_exceptions import LineTooLong
from aiohttp.http_parser import RawRequestMessage
from aiohttp.streams import EMPTY_PAYLOAD, StreamReader
from aiohttp.web_protocol import ERROR, _ErrInfo

from service.errors import BadRequest, InternalError, RequestTimeout, ServiceError
from service.http.app_keys import BODY_DRAIN, MANAGER, SETTINGS
from service.http.middleware import REQUEST_ID_HEADER, new_request_id
from service.http.responses import add_security_headers, error_response
from service.http.upload.job import JOBS
from service.observability import metrics
from service.settings import Settings

MAX_HEAD: Final = 64 * 1024
"""Bytes that are kept of a head whose end has not come; aiohttp bounds its lines one by one."""
MAX_WAITING: Final = 4
"""Requests that wait on a connection for the one before them, before no more are read."""
LINGER: Final = 2.0
"""Seconds in which the client of a malformed request can take its answer."""

_MALFORMED: Final = "the request is not well-formed HTTP/1.1"
_TOO_LONG: Final = "the request line or a header is too long"

log = structlog.get_logger(__name__)


class _Protocol(web.RequestHandler):
    """One connection.

    Args:
        settings: ``header_timeout`` and ``send_timeout``.
    """

    __slots__ = ("_head_due", "_head_size", "_lost", "_settings")

    def __init__(self, manager: web.Server, settings: Settings, **kwargs: Any) -> None:
        super().__init__(manager, **kwargs)
        self._settings = settings
        self._head_due: asyncio.TimerHandle | None = None
        self._head_size = 0
        self._lost = asyncio.Event()
        self._max_msg_queue_size = MAX_WAITING
        self._msg_queue_resume_size = MAX_WAITING // 2

    @property
    def asked(self) -> bool:
        """Whether a whole head has ever come."""
        return self._request_count > 0

    @property
    def idle(self) -> bool:
        """Whether it waits for a request, or for the rest of one's head."""
        waiting = self._waiter is not None or not self.asked
        return waiting and not self._messages and not self._request_in_progress

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Have the kernel end it where the client takes nothing of an answer."""
        connection = transport.get_extra_info("socket")
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            most = int(self._settings.send_timeout * 1000)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, most)
        super().connection_made(transport)

    def connection_lost(self, exc: BaseException | None) -> None:
        self._forget_head()
        self._lost.set()
        super().connection_lost(exc)

    async def start(self) -> None:
        """Serve, unless the connection has ended already, which aiohttp takes for a fault."""
        if self._manager is not None:
            await super().start()

    def data_received(self, data: bytes) -> None:
        if self.idle and data:
            data = self._take_head(data)
        super().data_received(data)
        if self._current_request is not None:
            self._tell_broken(self._current_request)

    def _take_head(self, data: bytes) -> bytes:
        """Read on in a head, as far as one may be long; what is left of the data."""
        room = MAX_HEAD - self._head_size
        super().data_received(data[:room])
        if not self.idle:
            self._forget_head()
        elif len(data) > room:
            self._end_head(BadRequest.status, LineTooLong(b"", MAX_HEAD))
        else:
            self._head_size += len(data)
            if self._head_due is None:
                late = (RequestTimeout.status, TimeoutError())
                after = self._settings.header_timeout
                self._head_due = self._loop.call_later(after, self._end_head, *late)
        return data[room:]

    async def _handle_request(
        self, request: web.BaseRequest, start_time: float | None, request_handler: Any
    ) -> tuple[web.StreamResponse, bool]:
        if request_handler is self._request_handler and not _plain(request):
            request_handler = self._make_error_handler(_ErrInfo(400, ValueError(), ""))
        self._tell_broken(request)
        answered = await super()._handle_request(request, start_time, request_handler)
        if request_handler is not self._request_handler or self._broken(request):
            await self._linger()
        return answered

    def _broken(self, request: web.BaseRequest) -> bool:
        """Whether the framing of its body is broken, so that its end will not come."""
        if request.content.is_eof() or not self._messages:
            return False
        message, _ = self._messages[-1]
        return isinstance(message, _ErrInfo)

    def _tell_broken(self, request: web.BaseRequest) -> None:
        """Wake whoever reads a body whose framing is broken: aiohttp would let them wait."""
        if self._broken(request):
            error = web.RequestPayloadError("broken framing")
            request.content.set_exception(error)
            # Who was woken by bytes just before waits anew without having looked at it.
            self._loop.call_soon(request.content.set_exception, error)

    async def _linger(self) -> None:
        """After an answer behind which no request is found, take what still comes for a while.

        A connection that is closed on unread bytes is reset, which takes the answer with it.
        """
        self._close = True
        if self.transport is not None and self.transport.can_write_eof():
            self.transport.write_eof()
            self.transport.resume_reading()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._lost.wait(), LINGER)

    def _forget_head(self) -> None:
        self._head_size = 0
        if self._head_due is not None:
            self._head_due.cancel()
            self._head_due = None

    def _end_head(self, status: int, exc: Exception) -> None:
        """Answer without the rest of it, which is not read any more."""
        self._forget_head()
        if self.idle:
            self._close = True
            self._messages.append((_ErrInfo(status, exc, ""), EMPTY_PAYLOAD))
            if self._waiter is not None and not self._waiter.done():
                self._waiter.set_result(None)

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
        elif status == RequestTimeout.status:
            error = RequestTimeout(
                f"No whole request came within {self._settings.header_timeout:g} seconds"
            )
        else:
            error = InternalError()
        request_id = new_request_id()
        log.info("http.refused", status=error.status, reason=type(exc).__name__, id=request_id)
        response = error_response(error)
        response.headers[REQUEST_ID_HEADER] = request_id
        add_security_headers(response)
        response.force_close()
        metrics.HTTP_ANSWERS.labels(error.status).inc()
        return response


def _plain(request: web.BaseRequest) -> bool:
    """Whether it is HTTP/1.0 or 1.1 with a body that every server ends at the same place.

    RFC 9112 section 6.1: no transfer coding in HTTP/1.0, and none that is not known.
    """
    codings = request.headers.getall(hdrs.TRANSFER_ENCODING, [])
    if request.version < HttpVersion11:
        return request.version == HttpVersion10 and not codings
    return [each.lower() for each in codings] in ([], ["chunked"])


class _Server(web.Server):
    """All connections.

    Past ``max_connections`` one that waits for a request makes room for the next, so that health
    checks are answered however many connections are opened; where none waits, the new one is ended.

    Args:
        settings: the bounds.
    """

    def __init__(self, handler: Any, settings: Settings, **kwargs: Any) -> None:
        super().__init__(handler, **kwargs)
        self._settings = settings
        self._open: dict[_Protocol, None] = {}

    def __call__(self) -> web.RequestHandler:
        return _Protocol(self, self._settings, loop=self._loop, **self._kwargs)

    def connection_made(self, handler: web.RequestHandler, transport: asyncio.Transport) -> None:
        super().connection_made(handler, transport)
        assert isinstance(handler, _Protocol)
        if len(self._open) >= self._settings.max_connections:
            ended = self._idle() or handler
            self._open.pop(ended, None)
            ended.force_close()
            metrics.CONNECTIONS_ENDED.inc()
            if ended is handler:
                return
        self._open[handler] = None

    def connection_lost(
        self, handler: web.RequestHandler, exc: BaseException | None = None
    ) -> None:
        assert isinstance(handler, _Protocol)
        self._open.pop(handler, None)
        super().connection_lost(handler, exc)

    def _idle(self) -> _Protocol | None:
        """The oldest that has never asked for anything, or else the oldest that waits."""
        idle = (each for each in self._open if each.idle)
        oldest = next(idle, None)
        if oldest is None or not oldest.asked:
            return oldest
        return next((each for each in idle if not each.asked), oldest)


class Runner(web.AppRunner):
    """Runs an application of ``create_app`` with this module's protocol.

    ``cleanup`` first lets uploads end: aiohttp's own takes no more bytes of any body.

    Args:
        app: from ``service.app.create_app``.
    """

    def __init__(self, app: web.Application) -> None:
        # Bodies are read away by ``lingering``, with bounds of its own, and inflated by nobody.
        super().__init__(
            app,
            access_log=None,
            lingering_time=0,
            auto_decompress=False,
            keepalive_timeout=app[SETTINGS].keepalive_timeout,
        )

    async def _make_server(self) -> web.Server:
        plain = await super()._make_server()
        return _Server(
            plain.request_handler,
            self.app[SETTINGS],
            request_factory=_factory(plain.request_factory),
            **self._kwargs,
        )

    async def cleanup(self) -> None:
        """Let running imports end, or interrupt them, then stop serving."""
        try:
            if self.server is not None:
                self.app[MANAGER].drain()
                await self.app[JOBS].drain()
        finally:
            self.app[BODY_DRAIN].hurry()
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
