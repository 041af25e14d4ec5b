"""``bulk-import serve``, and the hidden command ``worker`` that starts its further processes."""

import asyncio
import contextlib
import gc
import os
import shutil
import signal
import socket
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Final

import typer

from service.cli.credentials import with_key
from service.cli.database import (
    await_database,
    load_settings,
    open_database,
    refuse_missing,
)
from service.cli.output import CommandError, print_line

if TYPE_CHECKING:
    from service.settings import Settings

SWITCH_INTERVAL: Final = 0.001
"""Seconds that the event loop waits for the interpreter while a file is parsed. A small import
wakes the loop some thirty times. With Python's default of 5 ms, it took almost twice as long while
a large import ran."""


def serve(
    processes: Annotated[
        int | None,
        typer.Option(
            min=1, help="Number of processes on the port; by default BULK_IMPORT_PROCESSES."
        ),
    ] = None,
) -> None:
    """Serve the HTTP API until Ctrl-C or SIGTERM; a second signal does not wait for imports."""
    from service.settings import MAX_PROCESSES

    if processes is not None and processes > MAX_PROCESSES:
        raise CommandError(f"--processes is at most {MAX_PROCESSES}")
    with _prepare() as (settings, dsn):
        number = processes or settings.processes
        if number == 1:
            _run(settings, dsn)
            return
        from service.cli.serve.supervisor import supervise

        raise typer.Exit(asyncio.run(supervise(settings, number)))


def worker(
    listeners: Annotated[list[int], typer.Argument(min=0)],
    admin: Annotated[list[int] | None, typer.Option(min=0)] = None,
    replaces_dead: Annotated[bool, typer.Option()] = False,
) -> None:
    """Serve on inherited sockets; only `serve --processes` runs this command."""
    from service.observability import metrics

    if replaces_dead:  # the supervisor has logged it, but has no metrics
        metrics.FAULTS.inc()
    with _prepare() as (settings, dsn):
        _run(settings, dsn, _open_sockets(listeners), _open_sockets(admin or []))


def _open_sockets(descriptors: list[int]) -> list[socket.socket]:
    return [socket.socket(fileno=each) for each in descriptors]


@contextlib.contextmanager
def _prepare() -> Iterator[tuple["Settings", str]]:
    """Yield settings with a key, and the DSN of a database that has the current schema."""
    from service.observability.logging import configure_logging

    settings = load_settings()
    configure_logging(settings.log_format, settings.log_level)
    settings = with_key(settings)
    _check_formats(settings)
    with open_database(settings) as dsn:
        if settings.database_url is not None:
            _await_database(settings, dsn)
        yield settings, dsn


def _await_database(settings: "Settings", dsn: str) -> None:
    """Wait for a database that is being restarted; refuse one that lacks migrations."""
    import structlog

    log = structlog.get_logger()

    def report(reason: str, left: float) -> None:
        log.warning("the database is awaited", fault=reason, seconds_left=round(left))

    refuse_missing(await_database(settings, dsn, within=settings.retry_timeout, report=report))


def _check_formats(settings: "Settings") -> None:
    """Read the own formats before a database or a further process is started.

    Raises:
        CommandError: a format cannot be used.
    """
    from service.formats.custom.loader import FormatFault
    from service.formats.registry import formats_in

    try:
        formats_in(settings.formats_dir)
    except FormatFault as fault:
        raise CommandError("; ".join(fault.faults)) from fault


def _run(settings: "Settings", dsn: str, *listeners: Sequence[socket.socket]) -> None:
    import uvloop

    from service.imports.pipeline.memory import limit_kept_memory
    from service.observability.tracing import TracingError, export_traces

    sys.setswitchinterval(SWITCH_INTERVAL)
    limit_kept_memory()
    try:
        # A second signal cancels the main task.
        with export_traces(), contextlib.suppress(asyncio.CancelledError):
            uvloop.run(_serve(settings, dsn, *listeners))
    except TracingError as error:
        raise CommandError(str(error)) from error


async def _serve(settings: "Settings", dsn: str, *listeners: Sequence[socket.socket]) -> None:
    from service.cli.serve.site import serve_at

    stop = asyncio.Event()
    main = asyncio.current_task()
    assert main is not None
    _stop_on_signals(stop, main)
    if listeners:
        _stop_with_parent(stop, main)
    async with serve_at(settings, dsn, *listeners) as addresses:
        # Objects created so far live as long as the process: garbage collections can skip them.
        gc.collect()
        gc.freeze()
        probes = "" if addresses.admin is None else f" and probes on {addresses.admin}"
        print_line(f"Serving on {addresses.base}{probes} (Ctrl-C stops)")
        await stop.wait()


def _stop_on_signals(stop: asyncio.Event, main: asyncio.Task[None]) -> None:
    """Stop on Ctrl-C or SIGTERM; a second signal cancels the wait for running imports."""
    loop = asyncio.get_running_loop()

    def on_signal() -> None:
        if stop.is_set():
            loop.call_soon(main.cancel)  # after its wait for ``stop``
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, on_signal)


def _stop_with_parent(stop: asyncio.Event, main: asyncio.Task[None]) -> None:
    """Stop at once, without waiting for imports, when standard input ends: the parent is gone."""
    from service.observability.metrics import SHARED_DIR

    loop = asyncio.get_running_loop()

    def on_end() -> None:
        loop.remove_reader(sys.stdin)
        shutil.rmtree(os.environ[SHARED_DIR], ignore_errors=True)  # the parent no longer can
        stop.set()
        loop.call_soon(main.cancel)

    loop.add_reader(sys.stdin, on_end)
