"""Compare uploads of one project with the usual implementation under the same load.

    python -m tests.tools.load.compare

It prints more of what ``make bench`` measures as ``small``.
"""

import argparse
import asyncio
import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from tests.tools.bench import small
from tests.tools.bench.database import add_clients, server
from tests.tools.bench.measure import figure, ratio
from tests.tools.bench.process import ends_all_on_sigterm, prepare, sign

RUNS = 3


async def measure(asked: argparse.Namespace) -> None:
    """Measure both, and print them."""
    # Not /tmp, which may be memory: there fsync costs nothing.
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR", "/var/tmp")) as name:
        async with server(Path(name) / "db") as database:
            await prepare(database)
            await add_clients(database)
            token = await sign(database)
            both = await small.compare(
                database, token, _progress, RUNS, seconds=asked.seconds, users=asked.users
            )
    show(both.here, both.usual)


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


def _progress(what: str, run: int) -> None:
    print(f"{what}, {run + 1}/{RUNS}", file=sys.stderr)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        prog="python -m tests.tools.load.compare", description=__doc__.partition("\n")[0]
    )
    parser.add_argument("--seconds", type=int, default=20, help="of a run (default %(default)s)")
    parser.add_argument(
        "--users", type=int, default=small.USERS, help="at a time (default %(default)s)"
    )
    ends_all_on_sigterm()
    asyncio.run(measure(parser.parse_args()))
