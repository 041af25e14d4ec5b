"""The configuration of the log: structlog and the standard library, in one format.

The level ``error`` is for failures of the service only: each such record counts as a fault, and an
alert reports it. What a client or a full disk causes is a ``warning`` or an ``info``.
"""

import io
import logging
import sys
from typing import Literal, TextIO

import structlog
from structlog.tracebacks import ExceptionDictTransformer

from service.control_characters import make_visible
from service.observability import metrics


def configure_logging(
    log_format: Literal["console", "json"], level: Literal["debug", "info", "warning", "error"]
) -> None:
    """Send structlog's and the standard library's records to standard error, in one format.

    Every record contains the fields bound to the context (``request_id``, …). Tracebacks omit local
    variables, because those include the settings and parts of uploaded files.

    Args:
        log_format: ``console`` for people, ``json`` for one JSON object a line.
        level: the lowest level that is written.
    """
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderers: list[structlog.typing.Processor] = (
        [
            structlog.processors.ExceptionRenderer(ExceptionDictTransformer(show_locals=False)),
            structlog.processors.JSONRenderer(),
        ]
        if log_format == "json"
        else [
            _make_texts_visible,
            structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty(), exception_formatter=_write_traceback
            ),
        ]
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderers],
        )
    )
    logging.basicConfig(handlers=[handler, FaultCounter()], level=level.upper(), force=True)


class FaultCounter(logging.Handler):
    """Counts the records of errors, also those of libraries, which no caller could count."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)

    def emit(self, record: logging.LogRecord) -> None:
        metrics.FAULTS.inc()


def _make_texts_visible(
    logger: object, method: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """Escape the control characters of texts; the renderer prints all other values by ``repr``."""
    return {
        name: make_visible(value) if isinstance(value, str) else value
        for name, value in event.items()
    }


def _write_traceback(out: TextIO, exc_info: structlog.typing.ExcInfo) -> None:
    text = io.StringIO()
    structlog.dev.plain_traceback(text, exc_info)
    out.write("\n".join(map(make_visible, text.getvalue().split("\n"))))
