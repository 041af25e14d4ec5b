"""Traces of a ``serve`` process, as a collector receives them by OTLP over HTTP."""

from collections.abc import AsyncIterator
from typing import Final

import pytest
from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from service.observability import tracing
from service.settings import Settings
from service.storage import Pool
from tests.support.databases import ADD_CLIENT
from tests.support.logs import read_records, serve_with_log
from tests.support.native import native
from tests.support.raw_http import form, get, part, upload

TRACE: Final = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT: Final = "00f067aa0ba902b7"
UPLOAD: Final = "POST /api/v2/clients/{client_id}/projects/bulk"


class Collector:
    """What was exported.

    Attributes:
        endpoint: what the service is told.
        bodies: the requests.
    """

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self.bodies: list[ExportTraceServiceRequest] = []

    async def take(self, request: web.Request) -> web.Response:
        assert request.content_type == "application/x-protobuf"
        self.bodies.append(ExportTraceServiceRequest.FromString(await request.read()))
        return web.Response(content_type="application/x-protobuf")

    @property
    def spans(self) -> list[Span]:
        return [
            span
            for body in self.bodies
            for resource in body.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    def named(self, name: str) -> list[Span]:
        return [span for span in self.spans if span.name == name]

    def one(self, name: str) -> Span:
        (span,) = self.named(name)
        return span

    def service(self) -> dict[str, str]:
        attributes = self.bodies[0].resource_spans[0].resource.attributes
        return {each.key: each.value.string_value for each in attributes}


def attributes_of(span: Span) -> dict[str, str | int]:
    """The attributes of a span."""
    return {
        each.key: each.value.int_value
        if each.value.HasField("int_value")
        else each.value.string_value
        for each in span.attributes
    }


@pytest.fixture
async def collector(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Collector]:
    """One on a free port, which services that start from now on send to."""
    app = web.Application()
    runner = web.AppRunner(app)
    found = Collector("")
    app.router.add_post("/v1/traces", found.take)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    found.endpoint = "http://{}:{}".format(*runner.addresses[0])
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", found.endpoint)
    yield found
    await runner.cleanup()


async def test_an_upload_is_traced_from_its_sender_to_its_transactions(
    settings: Settings, dsn: str, pool: Pool, collector: Collector
) -> None:
    await pool.execute(ADD_CLIENT)
    number = tracing.MAX_TRANSACTIONS + 20
    projects = "".join(f'<project id="P-{n}"><name>One</name></project>' for n in range(number))
    xml = native(projects)
    async with serve_with_log(settings, dsn, "json", batch_projects=1) as (service, log):
        given = f"traceparent: 00-{TRACE}-{PARENT}-01"
        answer = await upload(service, form(part("file", xml.encode())), given)
        for path in ("/healthz", "/readyz", "/metrics"):
            assert (await get(service, path)).status == 200
        lines = [each for each in read_records(log) if "import_id" in each]

    request, whole = collector.one(UPLOAD), collector.one("import")
    transactions = collector.named("transaction")
    assert {span.trace_id.hex() for span in collector.spans} == {TRACE}
    assert request.parent_span_id.hex() == PARENT
    assert request.kind == Span.SPAN_KIND_SERVER
    assert attributes_of(request)["http.response.status_code"] == 207
    assert whole.parent_span_id == request.span_id
    assert attributes_of(whole)["bulk_import.import_id"] == answer.json["import_id"]
    assert attributes_of(whole)["bulk_import.created"] == number
    assert "bulk_import.projects" not in attributes_of(whole), (
        "an attribute of a transaction without a span"
    )
    assert len(transactions) == tracing.MAX_TRANSACTIONS
    assert {span.parent_span_id for span in transactions} == {whole.span_id}
    assert {attributes_of(span)["bulk_import.projects"] for span in transactions} == {1}
    assert [each["event"] for each in lines] == ["import.begun", "import.ended", "http.answered"]
    assert {each["trace_id"] for each in lines} == {TRACE}
    assert collector.service()["service.name"] == "bulk-import"


async def test_a_trace_of_the_service_links_to_the_import_and_omits_the_file(
    settings: Settings, dsn: str, pool: Pool, collector: Collector
) -> None:
    await pool.execute(ADD_CLIENT)
    async with serve_with_log(settings, dsn, "json") as (service, _):
        answer = await upload(service, form(part("file", b"<Secret>of the file</Secret>")))
        assert answer.status == 400
    request, whole = collector.one(UPLOAD), collector.one("import")
    stored = await pool.fetchval("SELECT traceparent FROM imports")
    assert stored.split("-")[1:3] == [request.trace_id.hex(), request.span_id.hex()]
    assert attributes_of(request)["http.response.status_code"] == 400
    assert request.status.code == Status.STATUS_CODE_UNSET
    assert whole.status.code == Status.STATUS_CODE_ERROR
    assert attributes_of(whole)["error.type"] == "FileRefused"
    assert "Secret" not in str(collector.bodies)
