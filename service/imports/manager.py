"""All imports of this process: who is let in, and the heartbeat that shows they are alive."""

import asyncio
import contextlib
import math
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from typing import NoReturn

import structlog

from service.errors import InternalError, TooManyRequests, Unavailable
from service.formats.engine.select import ENGINE
from service.imports.ending import NO_ROOM
from service.imports.idempotency import KeyClaim, KeyTimeouts, claim_import, refuse_running
from service.imports.pipeline.base import Pipeline
from service.imports.pipeline.batch import Lease
from service.imports.pipeline.batcher import limits_from_settings
from service.imports.pipeline.fair_scheduler import FairScheduler
from service.imports.pipeline.upload_pipeline import UploadPipeline
from service.imports.record import ImportRequest
from service.imports.replay import Replay
from service.imports.session import ImportSession
from service.imports.undo import UndoPipeline
from service.observability import metrics
from service.settings import Settings
from service.spool.spool import Spool
from service.storage import Connection, Pool, watchdog
from service.storage.db_errors import sqlstate
from service.storage.queries import Queries
from service.storage.retry import with_retries

_SQL = Queries("imports")
_log = structlog.get_logger()

SPARE_CONNECTIONS = 3
"""Of the pool, kept from the writers: for the heartbeat, and for imports that begin and end."""

PARSERS = 1
"""Imports that parse at once: more threads would contend for the interpreter, which the event loop
needs, and further cores are for further processes."""

IDLE_SHARE = 0.8
"""A transaction may stand still for this share of a heartbeat's expiry."""

UploadSink = ImportSession | Replay
"""What takes an upload."""


class ImportManager:
    """Starts imports and keeps them alive.

    To be entered as an asynchronous context: the heartbeat runs inside it. On leaving, every import
    must have ended.

    Args:
        pool: the connections.
        settings: limits, times and sizes.

    Attributes:
        running: imports that have been started and not ended, by id and attempt.
        spool: the working files of all of them.
    """

    def __init__(self, pool: Pool, settings: Settings) -> None:
        self.running: dict[tuple[int, int], ImportSession] = {}
        self.spool = Spool(
            settings.spool_dir,
            max_bytes=settings.spool_bytes,
            reserved_bytes=settings.spool_reserve_bytes,
        )
        self._pool = pool
        self._settings = settings
        self._times = KeyTimeouts(
            settings.heartbeat_expiry, settings.keep_keys_hours * 3600, settings.lock_timeout
        )
        self._slots: Counter[int] = Counter()
        writers = settings.pool_size - SPARE_CONNECTIONS
        self._writing = FairScheduler(writers, most_each=math.ceil(writers / 2))
        self._parsing = FairScheduler(PARSERS)
        self._heart: asyncio.Task[None] | None = None

    async def __aenter__(self) -> "ImportManager":
        _log.info("import.engine", engine=ENGINE.name)
        self._heart = asyncio.create_task(self._keep_alive(), name="heartbeat")
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._heart is not None:
            self._heart.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._heart

    def drain(self) -> None:
        """The service shuts down: what was sent whole comes first."""
        self._writing.draining = self._parsing.draining = True

    @contextlib.contextmanager
    def admit(self, client_id: int) -> Iterator[None]:
        """One of the import slots, held for the length of the context.

        Raises:
            TooManyRequests: the client has as many imports running as it may have.
            Unavailable: all slots are taken, or the spool has no room for another import.
        """
        if self._slots[client_id] >= self._settings.max_imports_per_client:
            raise TooManyRequests
        self.check_slots()
        try:
            self.check_spool()
        except Unavailable as full:
            _log.error("spool", fault=repr(full.__cause__))
            raise
        self._slots[client_id] += 1
        try:
            yield
        finally:
            self._slots[client_id] -= 1
            if not self._slots[client_id]:
                del self._slots[client_id]

    def check_slots(self) -> None:
        """Raises Unavailable: all slots are taken."""
        if self._slots.total() >= self._settings.max_imports:
            raise Unavailable("As many imports are running as the service takes")

    def check_spool(self) -> None:
        """Raises Unavailable: the spool has no room for another import."""
        try:
            self.spool.check_space(self._settings.import_spool_bytes)
        except OSError as full:
            raise Unavailable(NO_ROOM) from full

    async def refuse_running(self, request: ImportRequest) -> None:
        """Find, before anything of an upload is read, whether its key is at work already.

        Raises:
            InProgress: it is.
            Unavailable: the database cannot be reached.
        """
        if request.key is not None:

            async def look(conn: Connection, _again: bool) -> None:
                await refuse_running(conn, request, self._times)

            await with_retries(self._pool, look, self._settings.connect_timeout)

    @contextlib.asynccontextmanager
    async def start(self, request: ImportRequest) -> AsyncIterator[UploadSink]:
        """Begin an import, or go on with one, or repeat the answer of one, as its key has it.

        An import's row is there, and it is kept alive for the length of the context. One that has
        not ended when the context is left is interrupted.

        Raises:
            InProgress: an import under the same key is running.
            Unavailable: the database cannot be reached, or the client is held alone for too long.
        """

        async def write_row(conn: Connection, again: bool) -> KeyClaim:
            return await claim_import(conn, request, self._times, again)

        # Not left half done: a row that is there says that the import runs, until somebody ends it.
        claiming = asyncio.create_task(
            with_retries(self._pool, write_row, self._settings.connect_timeout)
        )
        try:
            claimed = await asyncio.shield(claiming)
        except asyncio.CancelledError:
            with contextlib.suppress(Exception):
                async with self._running(request, await claiming):
                    pass
            raise
        async with self._running(request, claimed) as taken:
            yield taken

    @contextlib.asynccontextmanager
    async def _running(
        self, request: ImportRequest, claimed: KeyClaim
    ) -> AsyncIterator[UploadSink]:
        settings = self._settings
        owner = Lease(
            request.client_id,
            claimed.import_id,
            claimed.attempt,
            request.subject,
            settings.lock_timeout,
            settings.heartbeat_expiry * IDLE_SHARE,
            request.options,
            keyed=request.key is not None,
        )
        if claimed.fingerprint is not None:
            limits = limits_from_settings(settings, self.spool.share())
            replay = Replay(owner, claimed.fingerprint, self._pool, limits, settings)
            try:
                yield replay
            finally:
                await replay.close()
            return
        _log.info(
            "import.begun",
            import_id=owner.import_id,
            client_id=owner.client_id,
            attempt=owner.attempt,
        )
        started = ImportSession(owner, self._pool, self._stages(owner), settings)
        self.running[owner.import_id, owner.attempt] = started
        try:
            yield started
        finally:
            await started.interrupt(InternalError("The import was left by its upload"))
            del self.running[owner.import_id, owner.attempt]

    def _stages(self, owner: Lease) -> Pipeline:
        settings = self._settings
        writing = self._writing.seat(owner.client_id)
        if owner.options.undo is None:
            parsing = self._parsing.seat(owner.client_id)
            return UploadPipeline(
                owner,
                pool=self._pool,
                writing=writing,
                parsing=parsing,
                spool=self.spool,
                settings=settings,
            )
        return UndoPipeline(
            owner, pool=self._pool, writing=writing, spool=self.spool, settings=settings
        )

    async def _keep_alive(self) -> None:
        while True:
            try:
                async with self._pool.acquire() as conn:
                    try:
                        await self._beat_on(conn)
                    finally:  # to give it back would wait for a database that no longer answers
                        watchdog.terminate(conn)
            except Exception as exc:
                metrics.HEARTBEATS_MISSED.inc()
                metrics.count_error(sqlstate(exc))
                _log.warning("heartbeat missed", fault=repr(exc))
            await asyncio.sleep(self._settings.heartbeat_every)

    async def _beat_on(self, conn: Connection) -> NoReturn:
        while True:
            metrics.set_gauges(self.spool.used_bytes)
            with watchdog.terminate_after(conn, self._settings.heartbeat_expiry / 2):
                await self._beat(conn)
            await asyncio.sleep(self._settings.heartbeat_every)

    async def _beat(self, conn: Connection) -> None:
        """Beat for every import of this process, and drop those that are no longer ours."""
        beating = sorted(self.running.values(), key=lambda one: (one.owner.client_id, one.id))
        if not beating:
            return
        rows = await conn.fetch(
            _SQL.beat,
            [one.owner.client_id for one in beating],
            [one.id for one in beating],
            [one.owner.attempt for one in beating],
            [one.bytes_read for one in beating],
            [one.projects_done for one in beating],
        )
        ours = {(row["import_id"], row["attempt"]): row for row in rows}
        for one in beating:
            row = ours.get((one.id, one.owner.attempt))
            if row is None:
                one.disown()
            elif row["cancel_requested"]:
                one.cancel(row["cancelled_by"])
