"""What the service says of itself: a structured log and Prometheus metrics."""

import contextlib
import logging
import os
import sys
import time
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Final, Literal

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from structlog.tracebacks import ExceptionDictTransformer

SHARED_DIR: Final = "PROMETHEUS_MULTIPROC_DIR"
"""Variable that names the directory where the processes of one service count together; it must be
set before this module is imported."""

IMPORTS_RUNNING: Final = Gauge(
    "bulk_import_imports_running",
    "Imports that are running, of at most BULK_IMPORT_MAX_IMPORTS",
    multiprocess_mode="livesum",
)
PROJECTS: Final = Counter(
    "bulk_import_projects",
    "Projects of completed uploads, by outcome and kind of client program",
    ["outcome", "client_class"],
)
BYTES: Final = Counter("bulk_import_upload_bytes", "Bytes of uploads, as received")
ROWS: Final = Counter("bulk_import_database_bytes", "Bytes of rows sent to the database by COPY")
SECONDS: Final = Histogram(
    "bulk_import_import_seconds",
    "Seconds from the start of an import to its end, including the upload",
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 14400),
)
ANSWERS: Final = Counter(
    "bulk_import_http_answers",
    "HTTP responses by status, including those to health checks",
    ["status"],
)
ENDED: Final = Counter(
    "bulk_import_connections_ended", "Connections closed to make room for new ones"
)
ENDINGS: Final = Counter(
    "bulk_import_imports_ended",
    "Imports that ended, by state: completed, failed, interrupted or cancelled",
    ["state"],
)
OLDEST: Final = Gauge(
    "bulk_import_oldest_import_seconds",
    "Age in seconds of the oldest running import, at the last heartbeat",
    multiprocess_mode="livemax",
)
SPOOL: Final = Gauge(
    "bulk_import_spool_bytes",
    "Bytes of working files, of at most BULK_IMPORT_SPOOL_BYTES, at the last heartbeat",
    multiprocess_mode="livesum",
)
RETRIES: Final = Counter("bulk_import_database_retries", "Database operations that were repeated")
PUT_OFF: Final = Counter(
    "bulk_import_projects_put_off", "Times that a project waited for another import to write it"
)
MISSED: Final = Counter(
    "bulk_import_heartbeats_missed",
    "Heartbeats that did not reach the database; after BULK_IMPORT_HEARTBEAT_EXPIRY "
    "without one, imports count as interrupted",
)
ERRORS: Final = Counter(
    "bulk_import_database_errors",
    "Database errors, by class of SQLSTATE; 08 includes connections that broke",
    ["class"],
)
LOCKS: Final = Histogram(
    "bulk_import_lock_seconds",
    "Seconds that batches waited for projects, and transactions for their client, by lock",
    ["lock"],
    buckets=(0.01, 0.1, 0.5, 1, 2.5, 5, 10, 25),
)
WAITING: Final = Gauge(
    "bulk_import_batches_waiting",
    "Batches that are parsed and wait for a writer or for a database connection",
    multiprocess_mode="livesum",
)
STAGES: Final = Counter(
    "bulk_import_stage_seconds",
    "Seconds that imports spent, by stage of the pipeline; its rate is the average number "
    "of readers or writers in the stage",
    ["stage"],
)


class Stage(StrEnum):
    """What the reader or a writer of an import does or waits for.

    Attributes:
        worker: which of the two; it is published, as is ``hint``.
        hint: what a large share of this stage means.
    """

    worker: str
    hint: str

    def __new__(cls, value: str, worker: str, hint: str) -> "Stage":
        stage = str.__new__(cls, value)
        stage._value_ = value
        stage.worker = worker
        stage.hint = hint
        return stage

    RECEIVE = "receive", "reader", "Clients or the network are slow."
    PARSE_TURN = (
        "parse_turn",
        "reader",
        "Other imports of the process are parsing. Add processes or pods.",
    )
    PARSE = "parse", "reader", "The CPU limits the import."
    HAND_ON = "hand_on", "reader", "The writers are busy. See their stages."
    WRITE_TURN = (
        "write_turn",
        "writer",
        "Other batches use the connections. Raise BULK_IMPORT_POOL_SIZE if the database allows it.",
    )
    LOCK = "lock", "writer", "An atomic import of the client is committing, or an import is ending."
    COMPARE = "compare", "writer", "The database is slow to read the stored projects."
    WRITE = "write", "writer", "The database is slow to take rows."
    COMMIT = "commit", "writer", "The database's disk or its synchronous standby is slow."


# There from the start: what begins with its first fault shows no increase by it.
for _state in ("completed", "failed", "interrupted", "cancelled"):
    ENDINGS.labels(_state)
for _status in (500, 503):
    ANSWERS.labels(_status)
for _class in ("08", "40", "42", "53", "57"):
    ERRORS.labels(_class)
for _lock in ("client", "project"):
    LOCKS.labels(_lock)
_STAGES: Final = {stage: STAGES.labels(stage) for stage in Stage}

TELL_EVERY: Final = 1.0
"""Seconds after which a stopwatch counts what it has, though it goes on."""

_under_way: Final[dict[object, float]] = {}
"""When each import began, by the monotonic clock."""


def configure(
    log_format: Literal["console", "json"], level: Literal["debug", "info", "warning", "error"]
) -> None:
    """Send structlog's and the standard library's records to standard error, in one format.

    What is bound to the context (``request_id``, …) stands in every record. Tracebacks are without
    local variables: among them are the settings, and pieces of what was uploaded.
    """
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    last: list[structlog.typing.Processor] = (
        [
            structlog.processors.ExceptionRenderer(ExceptionDictTransformer(show_locals=False)),
            structlog.processors.JSONRenderer(),
        ]
        if log_format == "json"
        else [
            structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
            )
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
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
        )
    )
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)


def count_error(sqlstate: str) -> None:
    """Count an error of the database; an empty ``sqlstate`` is none."""
    if sqlstate:
        ERRORS.labels(sqlstate[:2]).inc()


@contextlib.contextmanager
def importing() -> Iterator[None]:
    """Measure one import, from its admission to its end."""
    mark = object()
    _under_way[mark] = time.monotonic()
    try:
        with IMPORTS_RUNNING.track_inprogress(), SECONDS.time():
            yield
    finally:
        del _under_way[mark]


def observe(spool_bytes: int) -> None:
    """What is told as it stands, not counted: looked at with each heartbeat.

    Args:
        spool_bytes: held by working files.
    """
    oldest = min(_under_way.values(), default=None)
    OLDEST.set(0 if oldest is None else time.monotonic() - oldest)
    SPOOL.set(spool_bytes)


def count_projects(counts: Mapping[str, int], client_class: str) -> None:
    """Count the projects of an import that is completed.

    Args:
        counts: by outcome.
        client_class: one of a few words for who sends, such as ``curl``; never a client's id.
    """
    for outcome, number in counts.items():
        PROJECTS.labels(outcome, client_class).inc(number)


class Stopwatch:
    """Adds up the seconds that one reader or writer spends, one stage after another.

    To be entered as a context. A reading costs the clock alone: they are counted at the end, or
    ``TELL_EVERY``.

    Args:
        stage: what is done from now on.
    """

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._since = self._told = time.monotonic()
        self._spent: dict[Stage, float] = {}

    def turn_to(self, stage: Stage) -> None:
        """Another stage begins."""
        now = time.monotonic()
        self._spent[self._stage] = self._spent.get(self._stage, 0.0) + now - self._since
        self._stage, self._since = stage, now
        if now - self._told >= TELL_EVERY:
            self._tell()
            self._told = now

    def __enter__(self) -> "Stopwatch":
        return self

    def __exit__(self, *_: object) -> None:
        self.turn_to(self._stage)
        self._tell()

    def _tell(self) -> None:
        for stage, seconds in self._spent.items():
            _STAGES[stage].inc(seconds)
        self._spent.clear()


@contextlib.contextmanager
def waiting() -> Iterator[None]:
    """A batch waits for its turn at the database."""
    with WAITING.track_inprogress(), Stopwatch(Stage.WRITE_TURN):
        yield


def waited_for_projects(since: Mapping[int, float]) -> None:
    """A batch has the locks of its projects, or has given up on some.

    Args:
        since: when each wait began, by the monotonic clock; empty where there was none.
    """
    if since:
        LOCKS.labels("project").observe(time.monotonic() - min(since.values()))


def exposition() -> bytes:
    """All metrics in Prometheus' text format: of this process, or of all that count together."""
    if SHARED_DIR not in os.environ:
        return generate_latest()
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry)
