"""``serve`` in several processes: this one binds the sockets and supervises; its workers serve.

A worker runs ``bulk-import worker``. It has its own session, so that a terminal's Ctrl-C reaches it
only through this process. A worker prints its address on standard output once it serves. It ends
when its standard input ends; this process keeps that open.
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
from prometheus_client.multiprocess import mark_process_dead

from service.cli.output import print_line
from service.cli.serve.address import ADMIN_PORT, ALL, PORT, bind_dual_stack, cannot_listen
from service.observability.metrics import SHARED_DIR
from service.settings import Settings

FIRST_PAUSE: Final = 0.5
"""Seconds before a dead worker is replaced; doubled while its replacements do not serve."""
MAX_PAUSE: Final = 30.0

_log = structlog.get_logger()


async def supervise(settings: Settings, number: int) -> int:
    """Serve in ``number`` processes until Ctrl-C or SIGTERM, and replace workers that die.

    The supervisor forwards every signal to all workers.

    Args:
        settings: as the workers read them from the environment.

    Returns:
        The exit code: 0, unless no worker could start, or a worker died during the shutdown.

    Raises:
        CommandError: the address is not available.
    """
    loop = asyncio.get_running_loop()
    with contextlib.ExitStack() as stack:
        listeners = await _bind(stack, settings.host, settings.port, PORT)
        admin = []
        if settings.admin_port is not None:
            admin = await _bind(stack, settings.host, settings.admin_port, ADMIN_PORT)
        metrics_dir = stack.enter_context(
            tempfile.TemporaryDirectory(prefix="bulk-import-metrics-")
        )
        supervisor = _Supervisor(listeners, admin, metrics_dir)
        for signal_number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(signal_number, supervisor.stop)
        return await supervisor.run(number)


async def _bind(stack: contextlib.ExitStack, host: str, port: int, setting: str) -> list[int]:
    """Return descriptors of sockets on an address, which the stack closes.

    Raises:
        CommandError: the address is not available.
    """
    loop = asyncio.get_running_loop()
    try:
        if host == ALL:
            listener = stack.enter_context(bind_dual_stack(port))
            return [listener.fileno()]
        server = await loop.create_server(asyncio.Protocol, host, port, start_serving=False)
    except OSError as error:
        raise cannot_listen(host, port, error, setting) from error
    stack.callback(server.close)
    return [each.fileno() for each in server.sockets]


class _Supervisor:
    """Keeps workers running on some sockets.

    Args:
        listeners: descriptors of the sockets.
        admin_listeners: those of the admin port.
        metrics_dir: the directory in which the workers combine their metrics.
    """

    def __init__(self, listeners: list[int], admin_listeners: list[int], metrics_dir: str) -> None:
        self._arguments = [*map(str, listeners), *(f"--admin={each}" for each in admin_listeners)]
        self._listeners = [*listeners, *admin_listeners]
        self._metrics_dir = metrics_dir
        self._running: set[Process] = set()
        self._serving: set[Process] = set()
        self._stopping = asyncio.Event()
        self._started = False
        self._announcement = ""
        self._exit_code = 0

    def stop(self) -> None:
        """Terminate every worker. After a second call, they cancel running imports."""
        self._stopping.set()
        for process in self._running:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()

    async def run(self, number: int) -> int:
        """Keep ``number`` workers serving until they are stopped; return the exit code."""
        # Start the first worker alone, so that a bad setting is reported once.
        first = await self._start()
        others = number - 1 if first in self._serving else 0
        processes = [first, *await asyncio.gather(*(self._start() for _ in range(others)))]
        if len(self._serving) == number:
            self._started = True
            print_line(self._announcement)
        await asyncio.gather(*map(self._keep, processes))
        return self._exit_code

    async def _start(self, *, replaces_dead: bool = False) -> Process:
        """Return a new worker, once it serves or has ended; it counts the fault of a dead one."""
        process = await asyncio.create_subprocess_exec(
            *_own_command_line(),
            "worker",
            *self._arguments,
            *(["--replaces-dead"] if replaces_dead else []),
            stdin=PIPE,
            stdout=PIPE,
            pass_fds=self._listeners,
            env=os.environ | {SHARED_DIR: self._metrics_dir},
            start_new_session=True,
        )
        self._running.add(process)
        if self._stopping.is_set():
            process.terminate()
        assert process.stdout is not None
        if line := await process.stdout.readline():
            self._announcement = line.decode().rstrip()
            self._serving.add(process)
        return process

    async def _keep(self, process: Process) -> None:
        """Replace a worker whenever it dies, until all are stopped."""
        pause = FIRST_PAUSE
        while True:
            code = await process.wait()
            served = process in self._serving
            self._running.discard(process)
            self._serving.discard(process)
            mark_process_dead(process.pid, self._metrics_dir)  # type: ignore[no-untyped-call]
            if self._stopping.is_set():
                if served and code:
                    self._exit_code = 1
                return
            died = served or code <= 0  # otherwise the worker has printed the reason
            if died:
                _log.error("worker.ended", pid=process.pid, code=code)
            if not served and not (self._started and self._serving):
                self._exit_code = code if code > 0 else 1
                self.stop()
                return
            pause = FIRST_PAUSE if served else min(2 * pause, MAX_PAUSE)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), pause)
                return
            process = await self._start(replaces_dead=died)


def _own_command_line() -> list[str]:
    """Return the command line that started this process, without its arguments."""
    return [sys.executable, *sys.orig_argv[1 : len(sys.orig_argv) - len(sys.argv) + 1]]
