"""Make every alert fire by a real event, and prove that none fires under ordinary load.

    python -m tests.tools.alerts [namespace ...]

Runs the service with PostgreSQL once for each kind of event, all at the same time, and a Prometheus
that scrapes them. Its rules are those of the manifests, with shorter windows. Requires prometheus
(Debian package), and root for the limit of the memory. Prints each alert with its event. The exit
code is 0 if all fire and none fires in the quiet service, else 1."""

import asyncio
import contextlib
import sys
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Final

from tests.support.servers import run_migrated_server
from tests.tools.alerts.events import EVENTS, memory_file
from tests.tools.alerts.place import Place, place
from tests.tools.alerts.prometheus import SPEED, Prometheus, scraping
from tests.tools.bench.process import ends_all_on_sigterm
from tests.tools.k8s.expressions import ALERTS

QUIET: Final = "quiet"
Causes = dict[str, tuple[str, str]]
"""The namespace and the event that is to fire an alert, by alert."""
_PATIENCE: Final = 120.0
"""Seconds in which the alerts of an event must fire."""


async def run(server: str, folder: Path, names: Sequence[str]) -> int:
    """Run the events with these names; return the exit code."""
    async with contextlib.AsyncExitStack() as stack:
        places = {}
        for name in names:
            event = EVENTS[name]
            limit = None if event.memory is None else memory_file(folder, event.memory)
            running = place(server, name, event.before, limit, **event.settings)
            places[name] = await stack.enter_async_context(running)
        targets = {name: each.target for name, each in places.items()}
        (folder / "prometheus").mkdir()
        prometheus = await stack.enter_async_context(scraping(folder / "prometheus", targets))
        await prometheus.has_scraped(len(places))
        causes: Causes = {}
        faults = await run_events(prometheus, places, causes)
        return report(prometheus, causes, faults)


async def run_events(
    prometheus: Prometheus, places: dict[str, Place], causes: Causes
) -> dict[str, str]:
    """Run the events; return the faults of those that failed.

    Args:
        prometheus: scrapes the services.
        places: the services by namespace.
        causes: takes the events.
    """

    async def until(name: str, event: str, *alerts: str) -> None:
        causes.update(dict.fromkeys(alerts, (name, event)))
        async with asyncio.timeout(_PATIENCE):
            await prometheus.wait(name, alerts)

    tasks: dict[str, asyncio.Task[None]] = {}
    for name, each in places.items():
        tasks[name] = asyncio.create_task(EVENTS[name].run(each, partial(until, name)))
    await asyncio.wait([task for name, task in tasks.items() if name != QUIET])
    if QUIET in tasks:
        tasks[QUIET].cancel()
        await asyncio.wait([tasks[QUIET]])
    return {
        name: repr(fault)
        for name, task in tasks.items()
        if not task.cancelled() and (fault := task.exception()) is not None
    }


def report(prometheus: Prometheus, causes: Causes, faults: dict[str, str]) -> int:
    """Print which event fired which alert; return the exit code."""
    print(f"{'alert':<32} {'seconds':>7}  event")
    silent = 0
    for alert in ALERTS:
        name, event = causes.get(alert, ("", ""))
        seconds = prometheus.fired.get((name, alert))
        silent += seconds is None
        result = f"{seconds:>7.0f}  {event}" if seconds is not None else "  did not fire"
        print(f"{alert:<32} {result}")
    false = [alert for name, alert in prometheus.fired if name == QUIET]
    for name, fault in faults.items():
        print(f"{name}: {fault}")
    print(f"in the quiet service: {', '.join(false) or 'none fired'}")
    print(f"{len(ALERTS) - silent} of {len(ALERTS)} alerts fired, at {SPEED} times the speed")
    return int(bool(silent or false or faults))


def main() -> int:
    ends_all_on_sigterm()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        with run_migrated_server(folder / "database", "18") as server:
            return asyncio.run(run(server, folder, sys.argv[1:] or [*EVENTS]))


if __name__ == "__main__":
    sys.exit(main())
