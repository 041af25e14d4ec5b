"""A maker and a worker, connected by a pipe."""

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

WORKER: Final = "tests.tools.sanitize.worker"
_MAKER: Final = "tests.tools.sanitize.maker"
_LONGEST_LINE: Final = 64 * 1024 * 1024


class Event(NamedTuple):
    """The end of an execution.

    Attributes:
        seed: of the execution; None if a process ended between two.
        result: what became of the file; None if the execution failed.
        text: the report of a failure.
    """

    seed: int | None
    result: str | None
    text: str = ""


async def run_pair(
    maker: Sequence[str],
    worker: Sequence[str],
    environment: Mapping[str, str],
    errors: Path,
    handle: Callable[[Event], None],
) -> int | None:
    """Run executions until the maker has no more, or the worker dies.

    Return the seed of the execution at which it died, or None.

    Args:
        maker: arguments of the maker.
        worker: command of the worker.
        environment: of the worker.
        errors: file for what the worker writes to its standard error.
        handle: receives the events.
    """
    reading, writing = os.pipe()
    processes: list[asyncio.subprocess.Process] = []
    try:
        # Ctrl-C reaches only this process, which kills the others.
        processes.append(
            await asyncio.create_subprocess_exec(
                sys.executable, "-m", _MAKER, *maker, stdout=writing, process_group=0
            )
        )
        os.close(writing)
        with errors.open("wb") as file:
            processes.append(
                await asyncio.create_subprocess_exec(
                    *worker,
                    env=environment,
                    stdin=reading,
                    stdout=asyncio.subprocess.PIPE,
                    stderr=file,
                    process_group=0,
                    limit=_LONGEST_LINE,
                )
            )
        os.close(reading)
        seed = await _handle_events(processes[1], handle)
        if code := await processes[1].wait():
            handle(Event(seed, None, f"the worker ended with code {code}\n{_read(errors)}"))
        elif code := await processes[0].wait():
            handle(Event(None, None, f"the maker ended with code {code}"))
        return seed
    finally:
        for process in processes:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()


async def _handle_events(
    worker: asyncio.subprocess.Process, handle: Callable[[Event], None]
) -> int | None:
    """Handle the events until the worker ends; return the seed of an execution without an end."""
    seed: int | None = None
    assert worker.stdout is not None
    async for line in worker.stdout:
        word, _, rest = line.decode().strip().partition(" ")
        if word == "begin":
            seed = int(rest)
        else:
            handle(Event(seed, rest) if word == "end" else Event(seed, None, json.loads(rest)))
            seed = None
    return seed


def _read(errors: Path) -> str:
    return errors.read_text(errors="replace")
