"""``python -m tests.bench [--quick]``: measure every bar in one run; see ``make bench``."""

import asyncio
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
    """All measurements, in their order."""
    file = native.write(bench.directory / "native.xml", PROJECTS)
    await imports.native_file(bench, file)
    file.unlink()
    for name, write in (("p6", real.write_p6), ("mspdi", real.write_mspdi)):
        file, projects = write(bench.directory / f"{name}.xml", _REAL_BYTES)
        await imports.dialect(bench, name, file, projects)
        file.unlink()
    if quick:
        await imports.against_usual_way(bench, PROJECTS // 10, bench.runs)
        await memory.many(bench, PROJECTS // 10)
        return
    await imports.against_usual_way(bench, PROJECTS, 2)
    await memory.many(bench, PROJECTS // 4)
    await memory.gibibyte(bench)
    await everyday.aged(bench)
    await everyday.loaded(bench)
    await fairness.measure(bench)


async def _bench(*, quick: bool) -> None:
    report = Report()
    report.progress("starting PostgreSQL")
    with tempfile.TemporaryDirectory(prefix="bulk-import-bench-") as name:
        directory = Path(name)
        async with server(directory / "db") as database:
            await prepare(database)
            await add_clients(database)
            bench = Bench(database, await sign(database), directory, report)
            await _run(bench, quick=quick)
    report.print()


def main() -> int:
    """Run it; a SIGTERM ends it as Ctrl-C does: with everything that it started."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        asyncio.run(_bench(quick="--quick" in sys.argv[1:]))
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return _INTERRUPTED
    return 0


if __name__ == "__main__":
    sys.exit(main())
