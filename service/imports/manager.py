"""All imports of this process: admission, start and end."""

import asyncio
import contextlib
import math
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from typing import NoReturn, TypeVar

import structlog

from service.errors import InternalError, TooManyRequests, Unavailable
from service.formats.engine.select import ENGINE
from service.imports.ending import NO_ROOM, SHUTTING_DOWN, log_spool_fault
from service.imports.fast_path.importer import FastPath
from service.imports.idempotency import KeyClaim, KeyTimeouts, claim_import, find_key_holder
from service.imports.lease import Heartbeat, Lease
from service.imports.pipeline.batcher import limits_from_settings
from service.imports.pipeline.fair_scheduler import FairScheduler
from service.imports.reaper import reap_periodically
from service.imports.record import ImportRequest
from service.imports.replay import Replay
from service.imports.session import ImportSession
from service.imports.undo import UndoSession
from service.imports.upload import UploadSession
from service.observability import metrics
from service.observability.process_metrics import set_memory
from service.settings import Settings
from service.spool.spool import Spool
from service.storage import Connection, Pool
from service.storage.retry import with_retries

_log = structlog.get_logger()

LARGE_POOL = 10
"""Connections from which on two groups of small imports are written at the same time, and three
connections are spare; else one, and two. The spare ones serve heartbeats, reads, and the rows of
imports."""

PARSERS = 1
"""Imports that parse at the same time. More threads would compete with the event loop for the
interpreter; further processes use further cores."""

IDLE_SHARE = 0.8
"""The longest idle time of a transaction, as a share of the heartbeat's expiry: the server ends an
idle transaction before the import counts as dead."""

S = TypeVar("S", bound=ImportSession)


def divide_pool(size: int) -> tuple[int, int]:
    """Return how many connections of a pool write batches, and how many groups of small imports."""
    groups, spare = (2, 3) if size >= LARGE_POOL else (1, 2)
    return size - groups - spare, groups


class ImportManager:
    """Admits imports, starts them and keeps their leases.

    Enter it as an asynchronous context; the heartbeat and the reaper run inside. All imports must
    have ended before the context is left.

    Args:
        pool: the connections.
        settings: limits, times and sizes.
        distributed: the tables are distributed by Citus.

    Attributes:
        running: the running imports.
        draining: whether the service is shutting down.
        spool: the working files of all imports.
        fast_path: imports small uploads; None on Citus, which plans each part of its statement and
            commits in two phases, so that it would cost more than the long way.
    """

    def __init__(self, pool: Pool, settings: Settings, *, distributed: bool = False) -> None:
        self.running: set[ImportSession] = set()
        self.spool = Spool(
            settings.spool_dir,
            max_bytes=settings.spool_bytes,
            reserved_bytes=settings.spool_reserve_bytes,
        )
        self._pool = pool
        self._settings = settings
        self._times = KeyTimeouts(settings.keep_keys_hours * 3600, settings.lock_timeout)
        self.draining = False
        self._distributed = distributed
        self._slots: Counter[int] = Counter()
        writers, groups = divide_pool(settings.pool_size)
        self._writing = FairScheduler(writers, per_client=math.ceil(writers / 2))
        self._parsing = FairScheduler(PARSERS)
        self.fast_path = None if distributed else FastPath(pool, self.spool, settings, groups)
        self._background: list[asyncio.Task[NoReturn]] = []

    async def __aenter__(self) -> "ImportManager":
        _log.info("import.engine", engine=ENGINE.name)
        # A reserve above what the disk has refuses every import: say so before the first one.
        with contextlib.suppress(Unavailable):
            self._require_spool()
        heartbeat = Heartbeat(
            self._pool,
            self.running,
            interval=self._settings.heartbeat_every,
            expiry=self._settings.heartbeat_expiry,
            before_each=self._set_gauges,
        )
        self._background = [
            asyncio.create_task(heartbeat.run(), name="heartbeat"),
            asyncio.create_task(self._reap(), name="reaper"),
        ]
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._background:
            task.cancel()
        if self._background:
            await asyncio.wait(self._background)

    def _set_gauges(self) -> None:
        metrics.set_gauges(self.spool.used_bytes)
        set_memory()

    async def _reap(self) -> NoReturn:
        settings = self._settings
        await reap_periodically(
            self._pool,
            interval=settings.heartbeat_every,
            expiry=settings.heartbeat_expiry,
            notifies=settings.notify,
            distributed=self._distributed,
        )

    def drain(self) -> None:
        """Admit no more imports, and give slots first to imports whose upload is complete."""
        self.draining = self._writing.draining = self._parsing.draining = True

    @contextlib.asynccontextmanager
    async def admitted(self, request: ImportRequest) -> AsyncIterator[None]:
        """Hold one of the import slots for an import.

        Raises:
            KeyConflict: no slot is free, and an import holds the key.
            TooManyRequests: the client has as many running imports as it may have.
            Unavailable: the service shuts down, all slots are taken, or the spool has no room.
        """
        with contextlib.ExitStack() as stack:
            try:
                stack.enter_context(self.admit(request.client_id))
            except (TooManyRequests, Unavailable):
                await self.refuse_running(request)
                raise
            stack.enter_context(metrics.measure_import())
            yield

    @contextlib.asynccontextmanager
    async def open(self, request: ImportRequest) -> AsyncIterator[UploadSession | Replay]:
        """Begin, continue or repeat the import of an admitted upload, depending on its key.

        The import's row exists and its lease is renewed until the context is left. An import that
        has not ended then is interrupted.

        Raises:
            KeyConflict: an import holds the key, and the upload cannot continue or repeat it.
            Unavailable: the database cannot be reached, or the client's lock was not free in time.
        """
        async with self._open(request, self._make_upload) as sink:
            yield sink

    @contextlib.asynccontextmanager
    async def open_undo(self, request: ImportRequest) -> AsyncIterator[UndoSession | Replay]:
        """Begin the undo that ``request.options.undo`` asks for; otherwise as ``open``."""
        async with self._open(request, self._make_undo) as session:
            yield session

    @contextlib.asynccontextmanager
    async def _open(
        self, request: ImportRequest, make: Callable[[Lease], S]
    ) -> AsyncIterator[S | Replay]:
        claim_task = asyncio.create_task(self._claim(request))
        try:
            claim = await asyncio.shield(claim_task)
        except asyncio.CancelledError:
            # The row may exist already, and would stay "running" until its lease expires.
            with contextlib.suppress(Exception):
                async with self._run(request, await claim_task, make):
                    pass
            raise
        async with self._run(request, claim, make) as session:
            yield session

    async def refuse_running(self, request: ImportRequest) -> None:
        """Refuse a request whose key is held; this precedes its body, and a lack of free slots.

        Raises:
            KeyConflict: an import holds the key, and the upload cannot continue or repeat it.
        """
        if request.key is not None:

            async def find(conn: Connection, _again: bool) -> None:
                await find_key_holder(conn, request, self._times)

            await with_retries(self._pool, find, self._settings.connect_timeout)

    @contextlib.contextmanager
    def admit(self, client_id: int) -> Iterator[None]:
        """Hold one of the import slots; raises as ``admitted``, but ``KeyConflict``."""
        if self.draining:
            raise Unavailable(SHUTTING_DOWN)
        if self._slots[client_id] >= self._settings.max_imports_per_client:
            raise TooManyRequests
        self.check_slots()
        self._require_spool()
        self._slots[client_id] += 1
        try:
            yield
        finally:
            self._slots[client_id] -= 1
            if not self._slots[client_id]:
                del self._slots[client_id]

    def check_slots(self) -> None:
        """Raise Unavailable if all slots are taken."""
        if self._slots.total() >= self._settings.max_imports:
            raise Unavailable("All import slots are in use")

    def check_spool(self) -> None:
        """Raise Unavailable if the spool has no room for another import."""
        try:
            self.spool.check_space(self._settings.import_spool_bytes)
        except OSError as exc:
            raise Unavailable(NO_ROOM) from exc

    def _require_spool(self) -> None:
        """Do the same as ``check_spool``, and log the reason."""
        try:
            self.check_spool()
        except Unavailable as exc:
            log_spool_fault(exc.__cause__)
            raise

    async def _claim(self, request: ImportRequest) -> KeyClaim:
        async def claim(conn: Connection, again: bool) -> KeyClaim:
            return await claim_import(conn, request, self._times, again)

        settings = self._settings
        return await with_retries(
            self._pool, claim, settings.connect_timeout, lost_within=settings.retry_timeout
        )

    @contextlib.asynccontextmanager
    async def _run(
        self, request: ImportRequest, claim: KeyClaim, make: Callable[[Lease], S]
    ) -> AsyncIterator[S | Replay]:
        settings = self._settings
        lease = self.lease(request, claim)
        if claim.fingerprint is not None:
            limits = limits_from_settings(settings, self.spool.share())
            replay = Replay(lease, claim.fingerprint, self._pool, limits, settings)
            try:
                yield replay
            finally:
                await replay.close()
            return
        _log.info(
            "import.begun",
            import_id=lease.import_id,
            client_id=lease.client_id,
            attempt=lease.attempt,
        )
        session = make(lease)
        self.running.add(session)
        try:
            yield session
        finally:
            try:
                await session.interrupt(InternalError("The upload ended before the import did"))
            finally:  # or the heartbeat would renew the lease for ever
                self.running.remove(session)

    def lease(self, request: ImportRequest, claim: KeyClaim) -> Lease:
        """Return the lease of an import."""
        settings = self._settings
        return Lease(
            request.client_id,
            claim.import_id,
            claim.attempt,
            request.nonce,
            request.subject,
            settings.lock_timeout,
            settings.heartbeat_expiry * IDLE_SHARE,
            request.options,
            keyed=request.key is not None,
            notifies=settings.notify,
        )

    def _make_upload(self, lease: Lease) -> UploadSession:
        return UploadSession(
            lease,
            self._pool,
            writing=self._writing.queue(lease.client_id),
            parsing=self._parsing.queue(lease.client_id),
            spool=self.spool,
            settings=self._settings,
        )

    def _make_undo(self, lease: Lease) -> UndoSession:
        return UndoSession(
            lease,
            self._pool,
            writing=self._writing.queue(lease.client_id),
            spool=self.spool,
            settings=self._settings,
        )
