"""OpenTelemetry traces, exported if one of OpenTelemetry's own variables names an endpoint.

    request ─ import ─┬─ transaction
                      ├─ transaction     the first ``MAX_TRANSACTIONS`` of an import
                      └─ …

Without an endpoint every span is the API's no-op. Sampling, headers and the service's name are set
by OpenTelemetry's variables too. No span contains the text of an exception, because that text may
quote the uploaded file.
"""

import contextlib
import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from contextvars import ContextVar
from importlib.metadata import version
from itertools import count
from typing import Any, Final

from opentelemetry.trace import (
    NoOpTracer,
    SpanKind,
    StatusCode,
    Tracer,
    format_trace_id,
    get_current_span,
)
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

Value = str | int

ENDPOINT_VARIABLES: Final = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
"""Environment variables that turn on the export; either is enough."""

MAX_TRANSACTIONS: Final = 100
"""Transactions of one import that get a span; a file of gigabytes has thousands."""

SHUTDOWN_TIMEOUT: Final = 3.0
"""Seconds that the collector has to accept the last spans when the service stops."""

_NO_OP: Final = NoOpTracer()
_PROPAGATOR: Final = TraceContextTextMapPropagator()
_tracer: Tracer = _NO_OP
_transactions: ContextVar[Iterator[int]] = ContextVar("transactions")


class TracingError(Exception):
    """Traces cannot be exported although an endpoint is set; the text is one line for the user."""


@contextlib.contextmanager
def export_traces() -> Iterator[None]:
    """Export spans by OTLP over HTTP until the block ends, if an endpoint is set.

    Raises:
        TracingError: an endpoint is set, but the extra ``traces`` is not installed.
    """
    global _tracer
    if not any(os.environ.get(name) for name in ENDPOINT_VARIABLES):
        yield
        return
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import OTELResourceDetector, Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        raise TracingError(
            "cannot export traces: install the exporter with "
            "pip install 'project-bulk-import[traces]', or unset OTEL_EXPORTER_OTLP_ENDPOINT"
        ) from None
    release = version("project-bulk-import")
    service = Resource({"service.name": "bulk-import", "service.version": release})
    provider = TracerProvider(
        resource=Resource.create().merge(service).merge(OTELResourceDetector().detect()),
        shutdown_on_exit=False,
    )
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    _tracer = provider.get_tracer("bulk-import", release)
    try:
        yield
    finally:
        _tracer = _NO_OP
        shutdown = threading.Thread(target=provider.shutdown, daemon=True)
        shutdown.start()
        shutdown.join(SHUTDOWN_TIMEOUT)


def request_span(
    method: str, route: str, headers: Mapping[str, str]
) -> AbstractContextManager[None]:
    """Open the span of a request, in the trace that the request's ``traceparent`` names.

    Args:
        method: HTTP method.
        route: the registered path, such as ``/api/v2/clients/{client_id}/imports``.
        headers: the request's headers.
    """
    # The no-op tracer would carry the caller's trace id into our log, where it leads to no span.
    context = None if _tracer is _NO_OP else _PROPAGATOR.extract(headers)
    attributes = {"http.request.method": method, "http.route": route}
    return _span(f"{method} {route}", attributes, kind=SpanKind.SERVER, context=context)


def import_span(import_id: int, client_id: int) -> AbstractContextManager[None]:
    """Open the span of an import, which may outlive the span of its request."""
    _transactions.set(count(1))
    attributes = {"bulk_import.import_id": import_id, "bulk_import.client_id": client_id}
    return _span("import", attributes)


def transaction_span(projects: int | None) -> AbstractContextManager[None]:
    """Open the span of one transaction of an import, up to ``MAX_TRANSACTIONS`` of them.

    Args:
        projects: projects that the transaction writes, or None if it writes none.
    """
    if next(_transactions.get(count(1))) > MAX_TRANSACTIONS:
        return nullcontext()
    return _span("transaction", {} if projects is None else {"bulk_import.projects": projects})


def add_attributes(**attributes: Value) -> None:
    """Add attributes to the innermost span, in our namespace ``bulk_import``."""
    get_current_span().set_attributes({f"bulk_import.{k}": v for k, v in attributes.items()})


def record_status(status: int) -> None:
    """Record the HTTP status of the response in the request's span."""
    span = get_current_span()
    span.set_attribute("http.response.status_code", status)
    if status >= 500:
        span.set_status(StatusCode.ERROR)


def log_fields() -> dict[str, str]:
    """Return what the log records about the innermost span: ``trace_id``, or nothing."""
    context = get_current_span().get_span_context()
    return {"trace_id": format_trace_id(context.trace_id)} if context.is_valid else {}


def traceparent() -> str | None:
    """Return the innermost span as a W3C ``traceparent``, or None outside any span."""
    carrier: dict[str, str] = {}
    _PROPAGATOR.inject(carrier)
    return carrier.get("traceparent")


@contextlib.contextmanager
def _span(name: str, attributes: Mapping[str, Value], **options: Any) -> Iterator[None]:
    with _tracer.start_as_current_span(
        name,
        attributes=attributes,
        record_exception=False,
        set_status_on_exception=False,
        **options,
    ) as span:
        try:
            yield
        except BaseException as exc:
            span.set_attribute("error.type", type(exc).__name__)
            span.set_status(StatusCode.ERROR)
            raise
