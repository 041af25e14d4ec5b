"""The private names of aiohttp that ``service.http.server`` uses, each checked alone.

An upgrade of aiohttp that changes one fails here first and names it. If a test fails, read how the
new version does what the name did, change ``server``, then change the test.
"""

import asyncio
import inspect
from collections import deque
from collections.abc import AsyncIterator
from typing import Any
from unittest.mock import AsyncMock, Mock

import pytest
from aiohttp import HttpVersion10, HttpVersion11, StreamReader, web, web_protocol
from aiohttp.http_parser import RawRequestMessage
from aiohttp.streams import EMPTY_PAYLOAD

from service.http import server

ATTRIBUTES = {
    "_close": False,
    "_current_request": None,
    "_request_count": 0,
    "_request_in_progress": False,
    "_waiter": None,
}
HEAD = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


async def answer(_request: web.BaseRequest) -> web.StreamResponse:
    return web.Response(text="answer")


@pytest.fixture
async def connection() -> AsyncIterator[web.RequestHandler]:
    """A connection of aiohttp's own class, on a transport that takes everything."""
    handler = web.RequestHandler(web.Server(answer), loop=asyncio.get_running_loop())
    transport = Mock(asyncio.Transport)
    transport.get_extra_info.return_value = None
    transport.is_closing.return_value = False
    handler.connection_made(transport)
    yield handler
    handler.connection_lost(None)


async def until(condition: Any) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0)


@pytest.mark.parametrize(("name", "value"), ATTRIBUTES.items(), ids=list(ATTRIBUTES))
async def test_a_new_connection_has_the_attribute(name: str, value: object) -> None:
    handler: Any = web.RequestHandler(web.Server(answer), loop=asyncio.get_running_loop())
    assert getattr(handler, name) == value, f"RequestHandler.{name} is not {value!r} at first"


async def test_messages_is_a_queue_of_messages_and_payloads(
    connection: web.RequestHandler,
) -> None:
    assert isinstance(connection._messages, deque)
    connection.data_received(HEAD)
    ((message, payload),) = connection._messages
    assert isinstance(message, RawRequestMessage)
    assert isinstance(payload, StreamReader)


async def test_the_waiter_is_a_future_while_the_connection_waits_for_a_request(
    connection: web.RequestHandler,
) -> None:
    await until(lambda: connection._waiter is not None)
    assert isinstance(connection._waiter, asyncio.Future)
    assert not connection._messages


async def test_setting_the_result_of_the_waiter_has_queued_messages_answered(
    connection: web.RequestHandler, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused: list[int] = []

    def refuse(_: Any, request: web.BaseRequest, status: int = 500, *_args: Any) -> web.Response:
        refused.append(status)
        return web.Response(status=status)

    monkeypatch.setattr(web.RequestHandler, "handle_error", refuse)
    await until(lambda: connection._waiter is not None)
    assert connection._waiter is not None
    error = web_protocol._ErrInfo(408, TimeoutError(), "")
    connection._messages.append((error, EMPTY_PAYLOAD))
    connection._waiter.set_result(None)
    await until(lambda: refused)
    assert refused == [408]


async def test_request_count_counts_heads(connection: web.RequestHandler) -> None:
    connection.data_received(HEAD[:10])
    assert connection._request_count == 0
    connection.data_received(HEAD[10:])
    assert connection._request_count == 1


async def test_request_in_progress_and_current_request_are_set_while_a_handler_runs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    during: list[tuple[bool, object]] = []

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        during.append((handler._request_in_progress, handler._current_request))
        return web.Response()

    handler = web.RequestHandler(web.Server(handle), loop=asyncio.get_running_loop())
    request = Mock(web.BaseRequest)
    finished = AsyncMock(return_value=(web.Response(), False))
    monkeypatch.setattr(web.RequestHandler, "finish_response", finished)
    await handler._handle_request(request, None, handle)
    assert during == [(True, request)]
    assert (handler._request_in_progress, handler._current_request) == (False, None)


async def test_close_stops_reading(connection: web.RequestHandler) -> None:
    connection._close = True
    connection.data_received(HEAD)
    assert not connection._messages


async def test_manager_is_none_after_the_connection_is_lost(
    connection: web.RequestHandler,
) -> None:
    assert isinstance(connection._manager, web.Server)
    connection.connection_lost(None)
    assert connection._manager is None


async def test_request_handler_is_the_handler_of_the_server(
    connection: web.RequestHandler,
) -> None:
    assert connection._request_handler is answer


async def test_loop_is_the_running_loop(connection: web.RequestHandler) -> None:
    assert connection._loop is asyncio.get_running_loop()
    assert web.Server(answer)._loop is asyncio.get_running_loop()


def test_handle_request_takes_a_request_a_time_and_a_handler() -> None:
    parameters = list(inspect.signature(web.RequestHandler._handle_request).parameters)
    assert parameters == ["self", "request", "start_time", "request_handler"]
    assert inspect.iscoroutinefunction(web.RequestHandler._handle_request)


async def test_make_error_handler_gives_a_handler_that_calls_handle_error(
    connection: web.RequestHandler, monkeypatch: pytest.MonkeyPatch
) -> None:
    handle_error = Mock()
    monkeypatch.setattr(web.RequestHandler, "handle_error", handle_error)
    error, request = ValueError(), Mock(web.BaseRequest)
    await connection._make_error_handler(web_protocol._ErrInfo(400, error, "text"))(request)
    handle_error.assert_called_once_with(request, 400, error, "text")


async def test_the_queue_of_messages_has_a_high_and_a_low_water_mark(
    connection: web.RequestHandler,
) -> None:
    assert connection._max_msg_queue_size >= 2
    assert connection._msg_queue_resume_size == connection._max_msg_queue_size // 2
    connection._max_msg_queue_size = 2
    connection.data_received(HEAD * 2)
    transport: Any = connection.transport
    transport.pause_reading.assert_called_once()


async def test_the_parser_reports_a_malformed_head_as_err_info(
    connection: web.RequestHandler,
) -> None:
    connection.data_received(b"no HTTP\r\n\r\n")
    ((message, payload),) = connection._messages
    assert isinstance(message, web_protocol._ErrInfo)
    assert message.status == 400
    assert payload is EMPTY_PAYLOAD


def test_error_replaces_a_message_that_was_not_parsed_and_is_http_1_0() -> None:
    assert isinstance(web_protocol.ERROR, RawRequestMessage)
    assert web_protocol.ERROR.version == HttpVersion10
    assert web_protocol.ERROR._replace(version=HttpVersion11).version == HttpVersion11


async def test_a_server_makes_connections_from_its_kwargs() -> None:
    plain = web.Server(answer, access_log=None)
    assert plain._kwargs == {"access_log": None}
    assert plain.request_handler is answer
    assert callable(plain.request_factory)


async def test_a_runner_makes_its_server_from_its_kwargs() -> None:
    runner = web.AppRunner(web.Application(), access_log=None, lingering_time=0)
    assert runner._kwargs.items() >= {"access_log": None, "lingering_time": 0}.items()
    assert isinstance(await runner._make_server(), web.Server)


def test_the_slots_of_our_connection_hide_no_attribute_of_aiohttp() -> None:
    inherited = {name for base in web.RequestHandler.__mro__ for name in vars(base)}
    assert not inherited & set(server.Connection.__slots__)
