"""``python -m tests.bench [--quick]``: measure every bar in one run; see ``make bench``."""

import asyncio
import os
import signal
import sys
import tempfile
from pathlib import Path
from typing import Final

from tests.bench import everyday, fairness, imports, memory, native, real
from tests.bench.database import add_clients, server
from tests.bench.process import prepare, sign
from tests.bench.report import Report
from tests.bench.runs import PROJECTS, Bench

_REAL_BYTES: Final = 100_000_000
_INTERRUPTED: Final = 130


async def _run(bench: Bench, *, quick: bool) -> None:
    """All measurements, in their order; one that fails does not take the others with it."""
    directory, report = bench.directory, bench.report
    file = native.write(directory / "native.xml", PROJECTS)
    await report.attempt("native", imports.native_file(bench, file))
    file.unlink()
    for name, write in (("p6", real.write_p6), ("mspdi", real.write_mspdi)):
        file, projects = write(directory / f"{name}.xml", _REAL_BYTES)
        await report.attempt(name, imports.dialect(bench, name, file, projects))
        file.unlink()
    projects, runs = (PROJECTS // 10, bench.runs) if quick else (PROJECTS, 2)
    await report.attempt("usual_way", imports.against_usual_way(bench, projects, runs))
    projects = PROJECTS // 10 if quick else PROJECTS // 4
    await report.attempt("16x", memory.many(bench, projects))
    if not quick:
        await report.attempt("1GiB", memory.gibibyte(bench))
        await report.attempt("aged", everyday.aged(bench))
        await report.attempt("loaded", everyday.loaded(bench))
        await report.attempt("fairness", fairness.measure(bench))


async def _bench(*, quick: bool) -> int:
    report = Report()
    report.progress("starting PostgreSQL")
    # Not /tmp, which may be memory: there fsync costs nothing.
    with tempfile.TemporaryDirectory(
        prefix="bulk-import-bench-", dir=os.environ.get("TMPDIR", "/var/tmp")
    ) as name:
        directory = Path(name)
        async with server(directory / "db") as database:
            await prepare(database)
            await add_clients(database)
            bench = Bench(database, await sign(database), directory, report)
            await _run(bench, quick=quick)
    report.print()
    return 1 if report.failures else 0


def main() -> int:
    """Run it; a SIGTERM ends it as Ctrl-C does: with everything that it started."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        return asyncio.run(_bench(quick="--quick" in sys.argv[1:]))
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return _INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
