"""``bulk-import serve``, and the command by which it starts further processes."""

import asyncio
import contextlib
import gc
import os
import shutil
import signal
import socket
import sys
from collections.abc import Iterator, Sequence
from typing import Annotated, Final

import typer

from service.cli.database import load_settings, opened, require_current_schema
from service.cli.tokens import with_key
from service.observability import tracing
from service.observability.logging import configure_logging
from service.observability.metrics import SHARED_DIR
from service.settings import MAX_PROCESSES, Settings

SWITCH_INTERVAL: Final = 0.001
"""Seconds that the event loop waits for the interpreter while a file is parsed. A small import
wakes it some thirty times, and at Python's 5 ms took almost twice as long beside a large one."""


def serve(
    processes: Annotated[
        int | None,
        typer.Option(
            min=1, max=MAX_PROCESSES, help="Processes on the one port; by default the setting's."
        ),
    ] = None,
) -> None:
    """Serve until Ctrl-C or SIGTERM; a second one does not wait for running imports."""
    with _prepared() as (settings, dsn):
        number = processes or settings.processes
        if number == 1:
            _run(settings, dsn)
            return
        from service.cli import workers

        raise typer.Exit(asyncio.run(workers.supervise(settings, number)))


def worker(listeners: Annotated[list[int], typer.Argument(min=0)]) -> None:
    """Serve on sockets that were inherited; to be started by `serve --processes` alone."""
    with _prepared() as (settings, dsn):
        _run(settings, dsn, [socket.socket(fileno=each) for each in listeners])


@contextlib.contextmanager
def _prepared() -> Iterator[tuple[Settings, str]]:
    """The settings with a key, and a database with the schema that we work with."""
    settings = load_settings()
    configure_logging(settings.log_format, settings.log_level)
    settings = with_key(settings)
    with opened(settings) as dsn:
        require_current_schema(dsn)
        yield settings, dsn


def _run(settings: Settings, dsn: str, shared: Sequence[socket.socket] = ()) -> None:
    import uvloop

    sys.setswitchinterval(SWITCH_INTERVAL)
    with tracing.export_traces(), contextlib.suppress(asyncio.CancelledError):  # by a second signal
        uvloop.run(_serve(settings, dsn, shared))


async def _serve(settings: Settings, dsn: str, shared: Sequence[socket.socket]) -> None:
    from service.cli.listening import listening

    stop = asyncio.Event()
    main = asyncio.current_task()
    assert main is not None
    _on_signals(stop, main)
    if shared:
        _on_parents_end(stop, main)
    async with listening(settings, dsn, shared) as base:
        # What the start has made stays, and need not be looked at by every collection.
        gc.collect()
        gc.freeze()
        typer.echo(f"Serving on {base} (Ctrl-C stops)")
        await stop.wait()


def _on_signals(stop: asyncio.Event, main: asyncio.Task[None]) -> None:
    """Have Ctrl-C and SIGTERM stop the service, and the second of them not wait for imports."""
    loop = asyncio.get_running_loop()

    def came() -> None:
        if stop.is_set():
            loop.call_soon(main.cancel)  # once it is past its wait for ``stop``
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, came)


def _on_parents_end(stop: asyncio.Event, main: asyncio.Task[None]) -> None:
    """Have a worker stop, without waiting for imports, once its standard input is at its end."""
    loop = asyncio.get_running_loop()

    def ended() -> None:
        loop.remove_reader(sys.stdin)
        shutil.rmtree(os.environ[SHARED_DIR], ignore_errors=True)  # nobody else does
        stop.set()
        loop.call_soon(main.cancel)

    loop.add_reader(sys.stdin, ended)
