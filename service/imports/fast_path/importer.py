"""Imports small uploads on the fast path; what cannot be decided there takes the long way.

    the upload is complete ─▶ parse_small_file ─▶ GroupCommit ─▶ write_group

Nothing of an upload is stored before the one transaction that stores all of it. So until then the
upload can take the long way, as if it had just arrived.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace

import structlog

from service.formats.parser_set import ParserCache
from service.imports.fast_path.group_commit import TIMEOUT, GroupCommit
from service.imports.fast_path.held_upload import HeldUpload
from service.imports.fast_path.small_file import NotSmall, parse_small_file
from service.imports.fast_path.transaction import (
    ONE_FILE,
    CommitUnknown,
    SmallImport,
    StoredImport,
)
from service.imports.idempotency import FIRST_ATTEMPT
from service.imports.outcomes import count_outcomes
from service.imports.record import ImportRequest
from service.model import FileWarning
from service.observability import metrics
from service.settings import Settings
from service.spool.spool import Spool
from service.storage import Connection, Pool
from service.storage.advisory_locks import claim_key, lock_work
from service.storage.queries import Queries
from service.storage.retry import with_retries

_SQL = Queries("fast_path")
_log = structlog.get_logger(__name__)


class FastPath:
    """The fast path of a process.

    Args:
        pool: the connections.
        spool: the working files of all imports.
        settings: limits and times.
        connections: of the pool that it may use at the same time.
    """

    def __init__(self, pool: Pool, spool: Spool, settings: Settings, connections: int) -> None:
        self._pool = pool
        self._spool = spool
        self._settings = settings
        self._parsers = ParserCache()  # of the event loop's thread
        self._group_commit = GroupCommit(
            pool, connections, settings.connect_timeout, notifies=settings.notify
        )

    async def run(
        self,
        request: ImportRequest,
        upload: HeldUpload,
        *,
        notes: str | None,
        warnings: Sequence[FileWarning],
        started: float,
    ) -> StoredImport | None:
        """Import a complete upload. A cancellation has no effect if it is stored all the same.

        Args:
            request: who asks for the import, and with which options.
            upload: its only file.
            notes: the uploader's notes.
            warnings: about the upload beside the file.
            started: when the import was admitted, by the monotonic clock.

        Returns:
            What is stored, or None if nothing is stored and the upload takes the long way.

        Raises:
            Unavailable: the database did not answer; whether the import is stored is unknown.
        """
        try:
            file = parse_small_file(
                upload.part,
                upload.chunks,
                digest=request.key is not None,
                parsers=self._parsers,
                spool=self._spool,
                settings=self._settings,
            )
        except NotSmall:
            metrics.SMALL_UPLOADS.labels("long").inc()
            return None
        noted = [warning.as_dict() for warning in (*warnings, *file.warnings)]
        seconds = time.monotonic() - started
        small = SmallImport(request, file, notes, noted, seconds)
        writing = asyncio.create_task(self._write(small))
        try:
            stored = await asyncio.shield(writing)
        except asyncio.CancelledError:
            stored = await writing
            if stored is None:
                raise
        metrics.SMALL_UPLOADS.labels("long" if stored is None else "fast").inc()
        if stored is not None:
            metrics.count_end("completed", metrics.Cause.NONE)
            _log.info(
                "import.ended",
                import_id=stored.import_id,
                client_id=request.client_id,
                state="completed",
                bytes=file.bytes_read,
                **stored.tally.counts,
            )
        return stored

    async def _write(self, small: SmallImport) -> StoredImport | None:
        try:
            return await self._group_commit.write(small)
        except CommitUnknown:
            return await self._find_stored(small)
        finally:
            small.file.batch.close()

    async def _find_stored(self, small: SmallImport) -> StoredImport | None:
        """Return the import if its commit succeeded, once the backend of that commit has ended."""
        request, settings = small.request, self._settings

        async def find(conn: Connection, _again: bool) -> StoredImport | None:
            async with conn.transaction(isolation="read_committed"):
                await lock_work(conn, claim_key(request.nonce), settings.lock_timeout)
                key = request.client_id, request.nonce
                import_id: int | None = await conn.fetchval(_SQL.find_stored, *key)
            if import_id is None:
                return None
            tally = await count_outcomes(conn, request.client_id, import_id, FIRST_ATTEMPT)
            return StoredImport(
                import_id, replace(tally, warnings=small.warnings, files=ONE_FILE), None
            )

        within = min(settings.retry_timeout, TIMEOUT)
        return await with_retries(self._pool, find, within)
