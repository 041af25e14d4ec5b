"""Odd values in every query, header and body are refused or answered, and never cause a 500.

The routes come from the application, so a new route is tested without an edit here.
"""

import json
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Final

import pytest
from aiohttp import ClientSession, FormData
from yarl import URL

from service.app import create_app
from service.settings import Settings
from tests.support.raw_http import XML
from tests.support.service import Service, token

NAMES: Final = ("limit", "cursor", "text", "state", "source", "archived", "outcome", "missing_from",
    "changed_since", "changed_until", "idempotency_key", "compare", "reason", "mode", "atomic",
    "dry_run", "outcomes", "sort", "start_from", "finish_until")  # fmt: skip
"""Parameters of queries; a route answers 400 to those that are not its own."""

VALUES: Final = ("", "%00", "a%00b", "%ED%A0%80", "%FF", "9" * 19, "9" * 30, "-1", "%D9%A1", "1e9",
    "NaN", "infinity", "2026-13-45", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59-14:00",
    "2026-01-01T00:00:00%2B99:99", "%25_%5C", "%27%3B--", "a" * 6000, "MQ", "bnVsbA", "WzEsMl0",
    "WyJcdTAwMDAiLDFd", "OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5")  # fmt: skip

METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE")
HEADERS: Final = (
    ("Accept", "," * 7000),
    ("Accept", "a/b;q=0.1," * 700),
    ("Accept", "*/*;q=" + "9" * 5000),
    ("Accept", "\N{SNOWMAN}/x"),
    ("Idempotency-Key", '"' * 5000),
    ("Idempotency-Key", '"a\\"'),
    ("traceparent", "00-" + "0" * 5000),
    ("Cookie", "a=b; " * 1500),
    ("Content-Type", "multipart/form-data" + ";a=b" * 1500),
    ("Range", "bytes=0-0,1-1"),
)

BODIES: Final = (
    b"",
    b"null",
    b"[]",
    b"{",
    b"\xff",
    b"[" * 100_000,
    *(
        b'{"ttl_seconds": %b}' % value
        for value in (b"1e400", b"-1", b'"x"', b"NaN", b"true", b"9" * 30, b"[]", b"1.5")
    ),
    b'{"ttl_seconds": 1, "ttl_seconds": 2}',
    json.dumps({"ttl_seconds": 5, "reason": "\0\ud800" + "x" * 100_000}).encode(),
)


@pytest.fixture
async def session(service: Service) -> AsyncIterator[ClientSession]:
    """A session of client 1 with every scope, after its first import."""
    scopes = [value for name, value in service.settings if name.endswith("_scope")]
    said = {"Authorization": f"Bearer {token(scope=' '.join(scopes))}"}
    async with ClientSession(service.base, headers=said) as session:
        form = FormData()
        form.add_field("file", XML, filename="x.xml", content_type="application/xml")
        async with session.post("/api/v2/clients/1/projects/bulk", data=form) as answer:
            assert answer.status == 207
        yield session


def routes(settings: Settings) -> Iterator[tuple[str, str]]:
    """Yield each method and path below a client, with 1 for every parameter."""
    for route in create_app(settings, "").router.routes():
        resource = route.resource
        if route.method in METHODS and resource is not None and "client_id" in resource.canonical:
            yield route.method, re.sub(r"{\w+}", "1", resource.canonical)


async def request(
    session: ClientSession,
    method: str,
    path: str,
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
) -> tuple[int, bytes]:
    url = URL(path, encoded=True)
    async with session.request(method, url, data=body or None, headers=headers) as answer:
        return answer.status, await answer.read()


async def test_odd_values_of_parameters_never_cause_a_500(
    session: ClientSession, settings: Settings, subtests: pytest.Subtests
) -> None:
    for method, path in routes(settings):
        for name in NAMES:
            for value in VALUES:
                with subtests.test(method=method, path=path, name=name, value=value[:40]):
                    status, said = await request(session, method, f"{path}?{name}={value}")
                    assert status < 500
                if b"not known" in said:
                    break


async def test_odd_headers_never_cause_a_500(
    session: ClientSession, settings: Settings, subtests: pytest.Subtests
) -> None:
    for method, path in routes(settings):
        for name, value in HEADERS:
            with subtests.test(method=method, path=path, name=name, value=value[:40]):
                status, _ = await request(session, method, path, headers={name: value})
                assert status < 500


async def test_odd_bodies_never_cause_a_500(
    session: ClientSession, settings: Settings, subtests: pytest.Subtests
) -> None:
    json_type = {"Content-Type": "application/json"}
    for method, path in routes(settings):
        for body in BODIES:
            with subtests.test(method=method, path=path, body=body[:40]):
                status, _ = await request(session, method, path, body, json_type)
                assert status < 500
