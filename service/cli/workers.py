"""``serve`` in several processes: this one listens and watches, its workers accept and serve.

A worker is ``bulk-import worker``, started as this process was, in a session of its own, so that a
terminal's Ctrl-C reaches it through us alone. It says on its standard output where it serves, once
it does, and lives no longer than its standard input, the other end of which is ours.
"""

import asyncio
import contextlib
import os
import signal
import sys
import tempfile
from asyncio.subprocess import PIPE, Process
from typing import Final

import structlog
import typer
from prometheus_client.multiprocess import mark_process_dead

from service.cli.screen import cannot_listen
from service.observability.metrics import SHARED_DIR
from service.settings import Settings

FIRST_PAUSE: Final = 0.5
"""Seconds before a worker that died is replaced; doubled while those that follow do not serve."""

LAST_PAUSE: Final = 30.0

_log = structlog.get_logger()


async def supervise(settings: Settings, number: int) -> int:
    """Serve in ``number`` processes until Ctrl-C or SIGTERM, which they are told as often as we.

    One that dies is replaced.

    Args:
        settings: as the workers find them again in the environment.

    Returns:
        The code to end with: not 0 where no worker could be had, or one died while it shut down.

    Raises:
        Failure: the address cannot be had.
    """
    loop = asyncio.get_running_loop()
    try:
        bound = await loop.create_server(
            asyncio.Protocol, settings.host, settings.port, start_serving=False
        )
    except OSError as error:
        raise cannot_listen(settings.host, settings.port, error) from error
    with tempfile.TemporaryDirectory(prefix="bulk-import-metrics-") as metrics:
        workers = _Workers([each.fileno() for each in bound.sockets], metrics)
        for which in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(which, workers.stop)
        try:
            return await workers.run(number)
        finally:
            bound.close()


class _Workers:
    """The workers on some sockets.

    Args:
        listeners: descriptors of the sockets.
        metrics: the directory where workers count together.
    """

    def __init__(self, listeners: list[int], metrics: str) -> None:
        self._listeners = listeners
        self._metrics = metrics
        self._living: set[Process] = set()
        self._serving: set[Process] = set()
        self._stopping = asyncio.Event()
        self._whole = False
        self._said = ""
        self._code = 0

    def stop(self) -> None:
        """Tell every worker to end; the second time, not to wait."""
        self._stopping.set()
        for process in self._living:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()

    async def run(self, number: int) -> int:
        """Keep ``number`` workers serving until they are stopped; the code to end with."""
        # The first alone, so that what is wrong with the settings is told once.
        first = await self._start()
        others = number - 1 if first in self._serving else 0
        processes = [first, *await asyncio.gather(*(self._start() for _ in range(others)))]
        if len(self._serving) == number:
            self._whole = True
            typer.echo(self._said)
        await asyncio.gather(*map(self._keep, processes))
        return self._code

    async def _start(self) -> Process:
        """A new worker, once it serves or has ended."""
        process = await asyncio.create_subprocess_exec(
            *_ourselves(),
            "worker",
            *map(str, self._listeners),
            stdin=PIPE,
            stdout=PIPE,
            pass_fds=self._listeners,
            env=os.environ | {SHARED_DIR: self._metrics},
            start_new_session=True,
        )
        self._living.add(process)
        if self._stopping.is_set():
            process.terminate()
        assert process.stdout is not None
        if said := await process.stdout.readline():
            self._said = said.decode().rstrip()
            self._serving.add(process)
        return process

    async def _keep(self, process: Process) -> None:
        """Replace a worker whenever it dies, until all are stopped."""
        pause = FIRST_PAUSE
        while True:
            code = await process.wait()
            served = process in self._serving
            self._living.discard(process)
            self._serving.discard(process)
            mark_process_dead(process.pid, self._metrics)  # type: ignore[no-untyped-call]
            if self._stopping.is_set():
                if served and code:
                    self._code = 1
                return
            if served or code <= 0:  # or else it has said why
                _log.error("worker.ended", pid=process.pid, code=code)
            if not served and not (self._whole and self._serving):
                self._code = code if code > 0 else 1
                self.stop()
                return
            pause = FIRST_PAUSE if served else min(2 * pause, LAST_PAUSE)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), pause)
                return
            process = await self._start()


def _ourselves() -> list[str]:
    """The command line that this process was started by, without its arguments."""
    return [sys.executable, *sys.orig_argv[1 : len(sys.orig_argv) - len(sys.argv) + 1]]
