"""The Prometheus metrics of the service.

Each metric's constant has the metric's name without the prefix ``bulk_import``.
"""

import contextlib
import os
import time
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

SHARED_DIR: Final = "PROMETHEUS_MULTIPROC_DIR"
"""Environment variable that names the directory in which the processes of one service share their
counts. It must be set before this module is imported."""

CLIENT_GONE: Final = 499
"""Status under which a request counts whose client is gone: it gets no response."""
UNREADABLE: Final = ("none", "none")
"""Method and route of a request that is refused before it can reach a route."""


class Cause(StrEnum):
    """Who caused the end of an import."""

    NONE = "none"
    CLIENT = "client"
    SERVICE = "service"


PROCESSES: Final = Gauge(
    "bulk_import_processes",
    "Processes that serve, of BULK_IMPORT_PROCESSES",
    multiprocess_mode="livesum",
)
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
UPLOAD_BYTES: Final = Counter("bulk_import_upload_bytes", "Bytes of uploads, as received")
DATABASE_BYTES: Final = Counter(
    "bulk_import_database_bytes", "Bytes of rows sent to the database by COPY"
)
IMPORT_SECONDS: Final = Histogram(
    "bulk_import_import_seconds",
    "Seconds from the start of an import to its end, including the upload",
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 14400),
)
HTTP_ANSWERS: Final = Counter(
    "bulk_import_http_answers",
    "HTTP requests by route and status, including health checks; 499 if the client closed the "
    "connection before it had the response",
    ["method", "route", "status"],
)
HTTP_SECONDS: Final = Counter(
    "bulk_import_http_seconds",
    "Seconds from the head of a request to its response, by route; they include its body",
    ["method", "route"],
)
FAULTS: Final = Counter(
    "bulk_import_faults", "Records of the log with the level error: failures of the service"
)
CONNECTIONS_ENDED: Final = Counter(
    "bulk_import_connections_ended", "Connections closed to make room for new ones"
)
IMPORTS_ENDED: Final = Counter(
    "bulk_import_imports_ended",
    "Imports that ended, by state, and by who caused that: client, service, or none if they "
    "completed",
    ["state", "cause"],
)
IMPORTS_REFUSED: Final = Counter(
    "bulk_import_imports_refused",
    "Imports and undos that could not begin: the client runs too many, or the service is full or "
    "failed",
    ["cause"],
)
ANSWER_SECONDS: Final = Histogram(
    "bulk_import_answer_seconds",
    "Seconds from the last byte of an upload until its import has completed",
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300),
)
OLDEST_IMPORT_SECONDS: Final = Gauge(
    "bulk_import_oldest_import_seconds",
    "Age in seconds of the oldest running import, at the last heartbeat",
    multiprocess_mode="livemax",
)
SPOOL_BYTES: Final = Gauge(
    "bulk_import_spool_bytes",
    "Bytes of working files, of at most BULK_IMPORT_SPOOL_BYTES, at the last heartbeat",
    multiprocess_mode="livesum",
)
SMALL_UPLOADS: Final = Counter(
    "bulk_import_small_uploads",
    "Uploads that were small enough for the fast path, by the path that they took: fast, long",
    ["path"],
)
DATABASE_RETRIES: Final = Counter(
    "bulk_import_database_retries", "Database operations that were repeated"
)
PROJECTS_PUT_OFF: Final = Counter(
    "bulk_import_projects_put_off", "Times that a project waited for another import to write it"
)
HEARTBEATS_MISSED: Final = Counter(
    "bulk_import_heartbeats_missed",
    "Heartbeats that did not reach the database; after BULK_IMPORT_HEARTBEAT_EXPIRY "
    "without one, imports count as interrupted",
)
DATABASE_GIVEN_UP: Final = Counter(
    "bulk_import_database_given_up",
    "Database operations that still failed after their last retry, by class of SQLSTATE",
    ["class"],
)
DATABASE_ERRORS: Final = Counter(
    "bulk_import_database_errors",
    "Database errors, by class of SQLSTATE; 08 includes connections that broke",
    ["class"],
)
LAST_PRUNE: Final = Gauge(
    "bulk_import_last_prune_timestamp_seconds",
    "Time of the last complete round of pruning, by any process; the start of this one if there "
    "was none",
    multiprocess_mode="livemax",
)
KEY_SET_READ: Final = Gauge(
    "bulk_import_key_set_read_timestamp_seconds",
    "Time at which BULK_IMPORT_JWT_JWKS was last read; the start of the process if it never was; 0 "
    "without one",
    multiprocess_mode="livemin",
)
LOCK_SECONDS: Final = Histogram(
    "bulk_import_lock_seconds",
    "Seconds that batches waited for projects, and transactions for their client, by lock",
    ["lock"],
    buckets=(0.01, 0.1, 0.5, 1, 2.5, 5, 10, 25),
)
BATCHES_WAITING: Final = Gauge(
    "bulk_import_batches_waiting",
    "Batches that are parsed and wait for a writer or for a database connection",
    multiprocess_mode="livesum",
)
STAGE_SECONDS: Final = Counter(
    "bulk_import_stage_seconds",
    "Seconds that imports spent, by stage of the pipeline; its rate is the average number "
    "of readers or writers in the stage",
    ["stage"],
)
PARSE_TURN_CPU_SECONDS: Final = Histogram(
    "bulk_import_parse_turn_cpu_seconds",
    "CPU seconds of a reader's turn to parse, after which the readers of other imports come first",
    buckets=(0.005, 0.01, 0.02, 0.03, 0.04, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1, 2.5, 5, 10),
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


# Create the series at start: Prometheus' increase() misses a counter that appears at 1.
IMPORTS_ENDED.labels("completed", Cause.NONE)
IMPORTS_ENDED.labels("cancelled", Cause.CLIENT)
for _cause in (Cause.CLIENT, Cause.SERVICE):
    IMPORTS_ENDED.labels("failed", _cause)
    IMPORTS_ENDED.labels("interrupted", _cause)
    IMPORTS_REFUSED.labels(_cause)
for _path in ("fast", "long"):
    SMALL_UPLOADS.labels(_path)
for _class in ("08", "40", "42", "53", "57"):
    DATABASE_ERRORS.labels(_class)
    DATABASE_GIVEN_UP.labels(_class)
for _lock in ("client", "project"):
    LOCK_SECONDS.labels(_lock)
_COUNTERS: Final = {stage: STAGE_SECONDS.labels(stage) for stage in Stage}

FLUSH_INTERVAL: Final = 1.0
"""Seconds after which a running stopwatch adds to the counters what it has measured."""

_started_at: Final[dict[object, float]] = {}
"""When each running import started, by the monotonic clock."""


def count_answer(method: str, route: str, status: int, seconds: float) -> None:
    """Count a request that was answered, or that can no longer be answered.

    Args:
        method: method of its route; never that of the request, because each value makes a time
            series.
        route: template of its route, such as ``/api/v2/clients/{client_id}/imports``.
        status: status of the response; ``CLIENT_GONE`` if it has none.
        seconds: since the request's head.
    """
    HTTP_ANSWERS.labels(method, route, status).inc()
    HTTP_SECONDS.labels(method, route).inc(seconds)


def count_error(sqlstate: str) -> None:
    """Count an error of the database; an empty ``sqlstate`` counts nothing."""
    if sqlstate:
        DATABASE_ERRORS.labels(sqlstate[:2]).inc()


def count_end(state: str, cause: Cause) -> None:
    """Count the end of an import. Only a client cancels, whatever would have ended it."""
    IMPORTS_ENDED.labels(state, Cause.CLIENT if state == "cancelled" else cause).inc()


def count_projects(counts: Mapping[str, int], client_class: str) -> None:
    """Count the projects of a completed import.

    Args:
        counts: number of projects by outcome.
        client_class: class of the sender's program, such as ``curl``; never a client's id, because
            each value makes a time series.
    """
    for outcome, number in counts.items():
        PROJECTS.labels(outcome, client_class).inc(number)


@contextlib.contextmanager
def measure_import() -> Iterator[None]:
    """Measure one import, from its admission to its end."""
    key = object()
    _started_at[key] = time.monotonic()
    try:
        with IMPORTS_RUNNING.track_inprogress(), IMPORT_SECONDS.time():
            yield
    finally:
        del _started_at[key]


def set_gauges(spool_bytes: int) -> None:
    """Set the gauges that are read at each heartbeat.

    Args:
        spool_bytes: bytes in working files.
    """
    oldest = min(_started_at.values(), default=None)
    OLDEST_IMPORT_SECONDS.set(0 if oldest is None else time.monotonic() - oldest)
    SPOOL_BYTES.set(spool_bytes)


class Stopwatch:
    """Measures the seconds that one reader or writer spends in each stage.

    Use it as a context manager. Switching stages reads the clock and touches no counter; the
    counters are updated at the end and every ``FLUSH_INTERVAL``.

    Args:
        stage: the first stage.
    """

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._since = self._flushed = time.monotonic()
        self._seconds: dict[Stage, float] = {}

    def switch_to(self, stage: Stage) -> None:
        """End the current stage and start another one."""
        now = time.monotonic()
        self._seconds[self._stage] = self._seconds.get(self._stage, 0.0) + now - self._since
        self._stage, self._since = stage, now
        if now - self._flushed >= FLUSH_INTERVAL:
            self._flush()
            self._flushed = now

    def __enter__(self) -> "Stopwatch":
        return self

    def __exit__(self, *_: object) -> None:
        self.switch_to(self._stage)
        self._flush()

    def _flush(self) -> None:
        for stage, seconds in self._seconds.items():
            _COUNTERS[stage].inc(seconds)
        self._seconds.clear()


@contextlib.contextmanager
def measure_write_turn() -> Iterator[None]:
    """Measure the wait of one batch for its turn to write."""
    with BATCHES_WAITING.track_inprogress(), Stopwatch(Stage.WRITE_TURN):
        yield


def observe_project_locks(waiting_since: Mapping[int, float]) -> None:
    """Record how long a batch waited for the locks of its projects.

    Args:
        waiting_since: when each wait started, by the monotonic clock; empty if none was needed.
    """
    if waiting_since:
        LOCK_SECONDS.labels("project").observe(time.monotonic() - min(waiting_since.values()))


def render_metrics() -> bytes:
    """Return all metrics in Prometheus' text format, summed over the processes of the service."""
    if SHARED_DIR not in os.environ:
        return generate_latest()
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry)
