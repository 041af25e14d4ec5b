"""Measure every target of the benchmark in one run; see ``make bench``.

python -m tests.tools.bench [--quick] [--runs N] [NAME …]

Names select measurements, such as ``small``.
"""

import argparse
import sys
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

from tests.tools.bench import (
    archive,
    everyday,
    fairness,
    imports,
    memory,
    native,
    own,
    reader,
    real,
    small,
    tiny,
    xer,
)
from tests.tools.bench.runs import PROJECTS, Bench, run

_REAL_BYTES: Final = 100_000_000
_TINY_BYTES: Final = 33_400_000
_QUICK_SHARE: Final = 3
_QUICK_SECONDS: Final = 6.0

_TINY: Final = {"p6": tiny.write_p6, "mspdi": tiny.write_mspdi}
_REAL: Final = {"p6": real.write_p6, "mspdi": real.write_mspdi}

Measurement = Callable[[Bench, bool], Awaitable[None]]


async def _small(bench: Bench, quick: bool) -> None:
    await small.measure(bench, _QUICK_SECONDS if quick else small.SECONDS)


async def _tiny(name: str, bench: Bench, quick: bool) -> None:
    size = _TINY_BYTES // (_QUICK_SHARE if quick else 1)
    file, projects = _TINY[name](bench.directory / f"tiny-{name}.xml", size)
    await imports.tiny(bench, name, file, projects)
    file.unlink()


async def _native(bench: Bench, _quick: bool) -> None:
    file = native.write(bench.directory / "native.xml", PROJECTS)
    await reader.measure(bench, "native", file)
    await own.measure(bench, file)
    await imports.native_file(bench, file)
    file.unlink()


async def _real(name: str, bench: Bench, quick: bool) -> None:
    size = _REAL_BYTES // (_QUICK_SHARE if quick else 1)
    file, projects = _REAL[name](bench.directory / f"{name}.xml", size)
    await reader.measure(bench, name, file)
    await imports.plans(bench, name, file, projects)
    file.unlink()


async def _xer(bench: Bench, quick: bool) -> None:
    size = _REAL_BYTES // (_QUICK_SHARE if quick else 1)
    file, projects = xer.write(bench.directory / "plans.xer", size)
    await imports.plans(bench, "xer", file, projects)
    file.unlink()


async def _usual_way(bench: Bench, quick: bool) -> None:
    await imports.against_usual_way(bench, PROJECTS // 10 if quick else PROJECTS)


async def _zip(bench: Bench, quick: bool) -> None:
    await archive.measure(bench, archive.FILES // (5 if quick else 1))


async def _many(bench: Bench, quick: bool) -> None:
    await memory.many(bench, PROJECTS // 10 if quick else PROJECTS // 4)


_QUICK: Final[dict[str, Measurement]] = {
    "small": _small,
    "tiny.p6": partial(_tiny, "p6"),
    "tiny.mspdi": partial(_tiny, "mspdi"),
    "native": _native,
    "p6": partial(_real, "p6"),
    "mspdi": partial(_real, "mspdi"),
    "xer": _xer,
    "usual_way": _usual_way,
    "zip": _zip,
    "16x": _many,
}
_FULL: Final[dict[str, Callable[[Bench], Awaitable[None]]]] = {
    "1GiB": memory.gibibyte,
    "xer.1GiB": memory.gibibyte_of_xer,
    "aged": everyday.aged,
    "loaded": everyday.loaded,
    "fairness": fairness.measure,
}


async def _measure(bench: Bench, *, quick: bool, names: list[str]) -> None:
    """All measurements, in their order; one that fails does not take the others with it."""
    for name, measure in _QUICK.items():
        if not names or name in names:
            await bench.report.attempt(name, measure(bench, quick))
    for name, measure_full in _FULL.items():
        if name in names or (not names and not quick):
            await bench.report.attempt(name, measure_full(bench))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        prog="python -m tests.tools.bench", description=__doc__.partition("\n")[0]
    )
    parser.add_argument("--quick", action="store_true", help="fewer measurements")
    parser.add_argument("--runs", type=int, default=3, help="of each (default %(default)s)")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join([*_QUICK, *_FULL]))
    asked = parser.parse_args()
    measure = partial(_measure, quick=asked.quick, names=asked.names)
    sys.exit(run(measure, json=True, runs=asked.runs))
