"""The HTTP server: our subclasses of aiohttp's classes, for what no application can change.

A request that aiohttp's parser refuses never reaches a route. aiohttp would answer it as HTTP/1.0,
in plain text, and echo the unreadable bytes, which may include an ``Authorization`` header. It also
limits neither the time that the head of a request takes nor the number of connections.

This is the only module that uses private names of aiohttp; ``tests/unit/http/
test_aiohttp_contract.py`` tests each of them. To make them unnecessary, aiohttp would have to
publish: time-out and size of a request's head (now ``_messages``, ``_waiter``, ``_request_count``
and ``_request_in_progress`` show whether a head is unfinished); the number of pipelined requests
(``_max_msg_queue_size``, ``_msg_queue_resume_size``); a hook that answers refused requests,
including by our own rules (``_ErrInfo``, ``ERROR``, ``_make_error_handler``, ``_handle_request``,
``_request_handler``); an error on the payload if the framing of a body breaks (``_messages``,
``_current_request``); a half-close after such an answer (``_close``); and a factory for connections
on ``Server`` and ``AppRunner`` (``_kwargs``, ``_make_server``, ``_loop``, ``_manager``).
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

from service.errors import BadRequest, InternalError, NotFound, RequestTimeout, ServiceError
from service.http.answer_pace import AnswerPace
from service.http.app_keys import ANSWER_PACE, BODY_DRAIN, SETTINGS
from service.http.middleware import REQUEST_ID_HEADER, new_request_id
from service.http.responses import NO_PATH, add_security_headers, error_response
from service.observability import metrics
from service.settings import Settings

MAX_HEAD: Final = 64 * 1024
"""Largest unfinished head, in bytes; aiohttp limits each line."""
MAX_SEGMENTS: Final = 32
"""Segments of a path; the time that aiohttp's router takes is quadratic in them."""
MAX_WAITING: Final = 4
"""Pipelined requests that wait on a connection; beyond them reading pauses."""
LINGER: Final = 2.0
"""Seconds in which the client of a malformed request can read its answer."""

_MALFORMED: Final = "the request is not well-formed HTTP/1.1"
_TOO_LONG: Final = "the request line or a header is too long"

log = structlog.get_logger(__name__)


class Connection(web.RequestHandler):
    """One connection.

    Args:
        manager: the server.
        settings: ``header_timeout`` and ``send_timeout``.
        pace: of the answers to refused requests.
    """

    __slots__ = ("_head_due", "_head_size", "_lost", "_pace", "_settings")

    def __init__(
        self, manager: web.Server, settings: Settings, pace: AnswerPace, **kwargs: Any
    ) -> None:
        super().__init__(manager, **kwargs)
        self._settings = settings
        self._pace = pace
        self._head_due: asyncio.TimerHandle | None = None
        self._head_size = 0
        self._lost = asyncio.Event()
        self._max_msg_queue_size = MAX_WAITING
        self._msg_queue_resume_size = MAX_WAITING // 2

    @property
    def has_requested(self) -> bool:
        """Whether the connection has ever sent a complete head."""
        return self._request_count > 0

    @property
    def idle(self) -> bool:
        """Whether the connection waits for a request, or for the rest of its head."""
        waiting = self._waiter is not None or not self.has_requested
        return waiting and not self._messages and not self._request_in_progress

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Have the kernel close the connection if the client stops reading an answer."""
        connection = transport.get_extra_info("socket")
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            milliseconds = int(self._settings.send_timeout * 1000)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, milliseconds)
        super().connection_made(transport)

    def connection_lost(self, exc: BaseException | None) -> None:
        self._forget_head()
        self._lost.set()
        super().connection_lost(exc)

    async def start(self) -> None:
        """Serve, unless the connection has already ended: aiohttp would log an error."""
        if self._manager is not None:
            await super().start()

    def data_received(self, data: bytes) -> None:
        if self.idle and data:
            data = self._feed_head(data)
        super().data_received(data)
        if self._current_request is not None:
            self._fail_broken_body(self._current_request)

    def _feed_head(self, data: bytes) -> bytes:
        """Feed the parser a head, up to ``MAX_HEAD`` bytes, and return the remaining data."""
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
        if request_handler is self._request_handler:
            if not _has_clear_framing(request):
                request_handler = self._make_error_handler(_ErrInfo(400, ValueError(), ""))
            elif request.rel_url.raw_path.count("/") > MAX_SEGMENTS:
                request_handler = self._make_error_handler(_ErrInfo(404, ValueError(), ""))
        if request_handler is not self._request_handler:
            await self._pace.wait(self._lost.is_set)
        self._fail_broken_body(request)
        answered = await super()._handle_request(request, start_time, request_handler)
        if request_handler is not self._request_handler or self._is_broken(request):
            await self._linger()
        return answered

    def _is_broken(self, request: web.BaseRequest) -> bool:
        """Whether the framing of the body is broken, so that its end cannot arrive."""
        if request.content.is_eof() or not self._messages:
            return False
        message, _ = self._messages[-1]
        return isinstance(message, _ErrInfo)

    def _fail_broken_body(self, request: web.BaseRequest) -> None:
        """Raise in the reader of a body whose framing is broken; aiohttp lets it wait."""
        if self._is_broken(request):
            error = web.RequestPayloadError("broken framing")
            request.content.set_exception(error)
            # A reader that new bytes have just woken waits again and does not see the exception.
            self._loop.call_soon(request.content.set_exception, error)

    async def _linger(self) -> None:
        """After the last answer of a connection, discard incoming bytes for ``LINGER`` seconds.

        Closing a connection with unread bytes resets it, and the client loses the answer.
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
        """Answer an unfinished head and read no more of it."""
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
        """Answer an error that arose outside the application with the usual envelope.

        Raises:
            ConnectionError: an answer has begun or the client is gone, so the connection can only
                be closed. The middleware has counted the request.
        """
        if isinstance(exc, ConnectionError):
            raise exc
        if request.writer.output_size > 0:
            log.error("http.failed", exc_info=exc)
            raise ConnectionError("an answer has begun")
        error: ServiceError
        if status == BadRequest.status:
            error = BadRequest(_TOO_LONG if isinstance(exc, LineTooLong) else _MALFORMED)
        elif status == NotFound.status:
            error = NotFound(NO_PATH)
        elif status == RequestTimeout.status:
            error = RequestTimeout(
                f"No complete request arrived within {self._settings.header_timeout:g} seconds"
            )
        else:
            error = InternalError()
        request_id = new_request_id()
        if isinstance(error, InternalError):
            log.error("http.failed", exc_info=exc, request_id=request_id)
        else:
            reason = type(exc).__name__
            log.info("http.refused", status=error.status, reason=reason, request_id=request_id)
        response = error_response(error)
        response.headers[REQUEST_ID_HEADER] = request_id
        add_security_headers(response)
        response.force_close()
        metrics.count_answer(*metrics.UNREADABLE, error.status, 0)
        return response


def _has_clear_framing(request: web.BaseRequest) -> bool:
    """Whether every HTTP/1 server would find the end of the body at the same place.

    RFC 9112 section 6.1: no transfer coding in HTTP/1.0, and none but ``chunked`` in HTTP/1.1.
    """
    codings = request.headers.getall(hdrs.TRANSFER_ENCODING, [])
    if request.version < HttpVersion11:
        return request.version == HttpVersion10 and not codings
    return [each.lower() for each in codings] in ([], ["chunked"])


class _Server(web.Server):
    """All connections.

    A connection beyond ``max_connections`` replaces an idle one, so that health checks are answered
    however many connections are open. If none is idle, the new one is closed.

    Args:
        app: its settings limit each connection.
        max_connections: open connections.
    """

    def __init__(
        self, handler: Any, app: web.Application, max_connections: int, **kwargs: Any
    ) -> None:
        super().__init__(handler, **kwargs)
        self._limits = app[SETTINGS], app[ANSWER_PACE]
        self._max_connections = max_connections
        self._open: dict[Connection, None] = {}

    def __call__(self) -> web.RequestHandler:
        return Connection(self, *self._limits, loop=self._loop, **self._kwargs)

    def connection_made(self, handler: web.RequestHandler, transport: asyncio.Transport) -> None:
        super().connection_made(handler, transport)
        assert isinstance(handler, Connection)
        if len(self._open) >= self._max_connections:
            ended = self._find_idle() or handler
            self._open.pop(ended, None)
            ended.force_close()
            metrics.CONNECTIONS_ENDED.inc()
            if ended is handler:
                return
        self._open[handler] = None

    def connection_lost(
        self, handler: web.RequestHandler, exc: BaseException | None = None
    ) -> None:
        assert isinstance(handler, Connection)
        self._open.pop(handler, None)
        super().connection_lost(handler, exc)

    def _find_idle(self) -> Connection | None:
        """Return the oldest connection that has sent no request, else the oldest idle one."""
        idle = (each for each in self._open if each.idle)
        oldest = next(idle, None)
        if oldest is None or not oldest.has_requested:
            return oldest
        return next((each for each in idle if not each.has_requested), oldest)


class Runner(web.AppRunner):
    """Runs an application with this module's connections.

    Args:
        app: from ``service.app``.
        max_connections: open connections.
    """

    def __init__(self, app: web.Application, max_connections: int) -> None:
        # ``body_drain`` discards unread bodies within its own limits; ``upload`` inflates gzip.
        super().__init__(
            app,
            access_log=None,
            lingering_time=0,
            auto_decompress=False,
            keepalive_timeout=app[SETTINGS].keepalive_timeout,
        )
        self._max_connections = max_connections

    async def _make_server(self) -> web.Server:
        plain = await super()._make_server()
        return _Server(
            plain.request_handler,
            self.app,
            self._max_connections,
            request_factory=_answer_as_http_1_1(plain.request_factory),
            **self._kwargs,
        )

    async def cleanup(self) -> None:
        """Stop serving; do not wait long for the bodies of refused requests."""
        self.app[BODY_DRAIN].hurry()
        await super().cleanup()


def _answer_as_http_1_1(make: Any) -> Any:
    """Wrap aiohttp's request factory so that unreadable requests are answered as HTTP/1.1."""

    def make_request(
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

    return make_request
