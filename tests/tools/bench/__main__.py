"""Measure every target of the benchmark in one run; see ``make bench``.

python -m tests.tools.bench [--quick]
"""

import sys
from functools import partial
from typing import Final

from tests.tools.bench import everyday, fairness, imports, memory, native, real
from tests.tools.bench.runs import PROJECTS, Bench, run

_REAL_BYTES: Final = 100_000_000


async def _measure(bench: Bench, *, quick: bool) -> None:
    """All measurements, in their order; one that fails does not take the others with it."""
    directory, report = bench.directory, bench.report
    file = native.write(directory / "native.xml", PROJECTS)
    await report.attempt("native", imports.native_file(bench, file))
    file.unlink()
    for name, write in (("p6", real.write_p6), ("mspdi", real.write_mspdi)):
        file, projects = write(directory / f"{name}.xml", _REAL_BYTES // (3 if quick else 1))
        await report.attempt(name, imports.dialect(bench, name, file, projects))
        file.unlink()
    projects = PROJECTS // 10 if quick else PROJECTS
    await report.attempt("usual_way", imports.against_usual_way(bench, projects))
    projects = PROJECTS // 10 if quick else PROJECTS // 4
    await report.attempt("16x", memory.many(bench, projects))
    if not quick:
        await report.attempt("1GiB", memory.gibibyte(bench))
        await report.attempt("aged", everyday.aged(bench))
        await report.attempt("loaded", everyday.loaded(bench))
        await report.attempt("fairness", fairness.measure(bench))


if __name__ == "__main__":
    sys.exit(run(partial(_measure, quick="--quick" in sys.argv[1:]), json=True))
