"""Traces by OpenTelemetry: on where one of its own variables names an endpoint, else nothing.

    request ─ import ─┬─ transaction
                      ├─ transaction     the first ``MOST_TRANSACTIONS`` of an import
                      └─ …

Sampling, headers, the service's name and the like are OpenTelemetry's own variables too. No span
holds an exception's text: what was uploaded may stand in it.
"""

import contextlib
import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from contextvars import ContextVar
from importlib.metadata import version
from itertools import count
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer

Value = str | int

ENDPOINTS: Final = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
"""Variables of which one turns traces on."""

MOST_TRANSACTIONS: Final = 100
"""Spans of an import's transactions; a file of gigabytes has thousands."""

PATIENCE: Final = 3.0
"""Seconds that the last spans have at the end, if nobody takes them."""

_NOTHING: Final = nullcontext()
_tracer: "Tracer | None" = None
_transactions: ContextVar[Iterator[int]] = ContextVar("transactions")


class TracingError(Exception):
    """Traces are wanted and cannot be had; the text is one line for whoever started us."""


@contextlib.contextmanager
def exported() -> Iterator[None]:
    """Send spans by OTLP over HTTP until the block ends, where an endpoint is set.

    Raises:
        TracingError: it is set, and what is needed is not installed.
    """
    global _tracer
    if not any(os.environ.get(name) for name in ENDPOINTS):
        yield
        return
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import OTELResourceDetector, Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        raise TracingError(
            "no traces: unset OTEL_EXPORTER_OTLP_ENDPOINT, or install what sends them with "
            "pip install 'project-bulk-import[traces]'"
        ) from None
    of_release = version("project-bulk-import")
    named = Resource({"service.name": "bulk-import", "service.version": of_release})
    provider = TracerProvider(
        resource=Resource.create().merge(named).merge(OTELResourceDetector().detect()),
        shutdown_on_exit=False,
    )
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    _tracer = provider.get_tracer("bulk-import", of_release)
    try:
        yield
    finally:
        _tracer = None
        ending = threading.Thread(target=provider.shutdown, daemon=True)
        ending.start()
        ending.join(PATIENCE)


def request(method: str, route: str, headers: Mapping[str, str]) -> AbstractContextManager[None]:
    """The span of a request, in the trace that its headers name.

    Args:
        route: as it is registered, such as ``/api/v2/clients/{client_id}/imports``.
    """
    if _tracer is None:
        return _NOTHING
    from opentelemetry.propagate import extract
    from opentelemetry.trace import SpanKind

    said = {"http.request.method": method, "http.route": route}
    return _span(f"{method} {route}", said, kind=SpanKind.SERVER, context=extract(headers))


def importing(import_id: int, client_id: int) -> AbstractContextManager[None]:
    """The span of an import, which may outlive its request's."""
    if _tracer is None:
        return _NOTHING
    _transactions.set(count(1))
    said = {"bulk_import.import_id": import_id, "bulk_import.client_id": client_id}
    return _span("import", said)


def transaction(projects: int | None) -> AbstractContextManager[None]:
    """The span of one of an import's transactions; nothing after the first few.

    Args:
        projects: that it is about, if it is about some.
    """
    if _tracer is None:
        return _NOTHING
    if next(_transactions.get(count(1))) > MOST_TRANSACTIONS:
        return _NOTHING
    return _span("transaction", {} if projects is None else {"bulk_import.projects": projects})


def note(**said: Value) -> None:
    """Add to the innermost span, where there is one.

    Args:
        said: by name, in our own namespace ``bulk_import``.
    """
    if _tracer is not None:
        from opentelemetry.trace import get_current_span

        get_current_span().set_attributes({f"bulk_import.{k}": v for k, v in said.items()})


def answered(status: int) -> None:
    """Say in the request's span how it was answered."""
    if _tracer is not None:
        from opentelemetry.trace import StatusCode, get_current_span

        span = get_current_span()
        span.set_attribute("http.response.status_code", status)
        if status >= 500:
            span.set_status(StatusCode.ERROR)


def current() -> dict[str, str]:
    """What logs say of the innermost span: its ``trace_id``; empty where there is none."""
    if _tracer is None:
        return {}
    from opentelemetry.trace import format_trace_id, get_current_span

    context = get_current_span().get_span_context()
    return {"trace_id": format_trace_id(context.trace_id)} if context.is_valid else {}


def traceparent() -> str | None:
    """The innermost span as W3C trace context, for what is to be found from it."""
    if _tracer is None:
        return None
    from opentelemetry.propagate import inject

    carrier: dict[str, str] = {}
    inject(carrier)
    return carrier.get("traceparent")


@contextlib.contextmanager
def _span(name: str, said: Mapping[str, Value], **how: Any) -> Iterator[None]:
    from opentelemetry.trace import StatusCode

    assert _tracer is not None
    with _tracer.start_as_current_span(
        name, attributes=said, record_exception=False, set_status_on_exception=False, **how
    ) as span:
        try:
            yield
        except BaseException as exc:
            span.set_attribute("error.type", type(exc).__name__)
            span.set_status(StatusCode.ERROR)
            raise
