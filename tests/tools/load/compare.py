"""Compare uploads of one project with the usual implementation under the same load.

    python -m tests.tools.load.compare

The same users send to one service and then to the other, without pauses. Each service is fresh and
has empty tables on the same PostgreSQL. The clients take the same share of the machine from both.
"""

import argparse
import asyncio
import contextlib
import os
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from tests.tools.bench import native
from tests.tools.bench.database import Database, add_clients, server
from tests.tools.bench.measure import figure, ratio
from tests.tools.bench.process import Server, ends_all_on_sigterm, prepare, serving, sign, usual_way
from tests.tools.bench.runs import WARM_UP_CLIENT
from tests.tools.bench.upload import upload
from tests.tools.load.__main__ import add_options, summary, tell, users

Serving = Callable[[], contextlib.AbstractAsyncContextManager[Server]]

RUNS: Final = 3
KIND: Final = "one project"
_WRITERS: Final = "SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint"
"""Grows by one for each transaction that writes, and waits for the disk."""
_WRITTEN: Final = "SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint"


async def measure(asked: argparse.Namespace) -> int:
    """Run them alternately and print both; 1 where any answer was not as it should be."""
    figures: dict[str, defaultdict[str, list[float]]] = {}
    code = 0
    # Not /tmp, which may be memory: there fsync costs nothing.
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR", "/var/tmp")) as name:
        async with server(Path(name) / "db") as database:
            await prepare(database)
            await add_clients(database)
            token = await sign(database)
            both: dict[str, Serving] = {
                "here": lambda: serving(database, token),
                "the usual way": lambda: usual_way(database),
            }
            for number in range(RUNS):
                for what, begin in both.items():
                    print(f"{what}, {number + 1}/{RUNS}", file=sys.stderr)
                    await database.empty()
                    async with begin() as service:
                        ended, found = await run(asked, database, service, token)
                    code = code or ended
                    for quantity, value in found.items():
                        figures.setdefault(what, defaultdict(list))[quantity].append(value)
    show(figures["here"], figures["the usual way"])
    return code


async def run(
    asked: argparse.Namespace, database: Database, service: Server, token: str
) -> tuple[int, dict[str, float]]:
    """Locust's exit code, and by quantity what was measured."""
    await upload(service.bulk(WARM_UP_CLIENT), token, native.single(0))
    cpu = service.cpu()
    writers, written = await database.value(_WRITERS), await database.value(_WRITTEN)
    time = f"--run-time={asked.seconds}s"
    async with users(asked, service.base, token, "OneProject", time) as locust:
        code = await locust.wait()
    counted = summary()
    tell(counted)
    found = counted["kinds"][KIND]
    requests = found["requests"]
    cpu = service.cpu() - cpu
    writers = await database.value(_WRITERS) - writers
    written = await database.value(_WRITTEN) - written
    return code, {
        "requests/s": requests / counted["seconds"],
        **{f"p{p}, ms": found[f"p{p}_ms"] for p in (50, 95, 99)},
        "CPU of the service, ms": 1000 * cpu / requests,
        "transactions that write": writers / requests,
        "WAL, kB": written / 1000 / requests,
    }


def show(here: Mapping[str, list[float]], usual: Mapping[str, list[float]]) -> None:
    """Print medians side by side, and between which values their ratio lay.

    Times, transactions and WAL are those of one request.
    """
    print(f"{'':34}{'here':>10}{'usual way':>12}{'ratio':>8}  of the runs")
    for quantity, values in here.items():
        parts = ratio(values, usual[quantity])
        print(
            f"{quantity:34}{figure(values).median:10.4g}{figure(usual[quantity]).median:12.4g}"
            f"{parts.median:8.2f}  {parts.spread}"
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        prog="python -m tests.tools.load.compare", description=__doc__.partition("\n")[0]
    )
    parser.add_argument("--seconds", type=int, default=20, help="of a run (default %(default)s)")
    add_options(parser)
    parser.set_defaults(users=8)  # within the imports at a time that one client and all may have
    ends_all_on_sigterm()
    sys.exit(asyncio.run(measure(parser.parse_args())))
