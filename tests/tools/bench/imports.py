"""First, unchanged and updated imports against the floor, and the native file the usual way."""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.tools.bench import floor, native
from tests.tools.bench.measure import figure, ratio, timed
from tests.tools.bench.process import usual_way
from tests.tools.bench.runs import PROJECTS, Bench
from tests.tools.bench.upload import upload

FLOOR: Final = {"native": 0.7, "p6": 0.8, "mspdi": 0.7, "xer": 1.5}
TINY: Final = 1.5


@dataclass
class _Times:
    """Seconds of each run, and MiB of memory.

    Attributes:
        note: about the file.
        megabytes: of its rows.
    """

    note: str
    projects: int
    megabytes: float = 0.0
    parse: list[float] = field(default_factory=list)
    copy: list[float] = field(default_factory=list)
    first: list[float] = field(default_factory=list)
    unchanged: list[float] = field(default_factory=list)
    updated: list[float] = field(default_factory=list)
    peak: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)

    @property
    def floor(self) -> list[float]:
        return [parse + copy for parse, copy in zip(self.parse, self.copy, strict=True)]


async def plans(bench: Bench, name: str, file: Path, projects: int) -> None:
    """Measure a file of plans in a dialect against its floor, side by side in every run."""
    times = await _measure(bench, name, file, projects)
    _tell(bench, f"floor.{name}", times, FLOOR[name])


async def tiny(bench: Bench, name: str, file: Path, projects: int) -> None:
    """The same for a file of tiny projects."""
    times = await _measure(bench, name, file, projects)
    _tell(bench, f"tiny.{name}", times, TINY)


async def native_file(bench: Bench, file: Path) -> None:
    """Measure the native file: floor, again unchanged, again with every project changed, memory."""
    changed = native.write(bench.directory / "changed.xml", PROJECTS, lambda _number: 1)
    times = await _measure(bench, "native", file, PROJECTS, changed)
    changed.unlink()
    _tell(bench, "floor.native", times, FLOOR["native"])
    report = bench.report
    report.bar("unchanged", ratio(times.unchanged, times.floor), most=0.5)
    report.tell("  the same file again", figure(times.unchanged), "s")
    report.bar("updated", ratio(times.updated, times.first), most=1.3)
    report.tell("  every project changed", figure(times.updated), "s")
    report.bar("peak_mib.80MB", figure(times.peak), most=64)


async def _measure(
    bench: Bench, name: str, file: Path, projects: int, changed: Path | None = None
) -> _Times:
    size = os.path.getsize(file) / 1e6  # noqa: ASYNC240
    times = _Times(f"{size:.0f} MB, {projects} projects", projects)
    database = bench.database
    parse = floor.bare(name, file)
    for run in range(bench.runs):
        bench.progress(f"{name}: import, bare parse, bare COPY", run)
        async with bench.fresh() as (server, idle):
            await database.empty()
            server.forget_peak()
            used = server.cpu()
            answer = await bench.send(server, file)
            times.cpu.append(server.cpu() - used)
            times.first.append(answer.expect(created=projects, failed=0).seconds)
            times.peak.append(server.peak() - idle)
            rows = await database.dump()
            if changed is not None:
                answer = await bench.send(server, file)
                times.unchanged.append(answer.expect(unchanged=projects).seconds)
                answer = await bench.send(server, changed)
                times.updated.append(answer.expect(updated=projects).seconds)
        times.parse.append(timed(parse))
        times.copy.append(await floor.copy(database, rows))
    times.megabytes = sum(len(piece) for pieces in rows.values() for piece in pieces) / 1e6
    return times


def _tell(bench: Bench, bar: str, times: _Times, most: float) -> None:
    report = bench.report
    report.bar(bar, ratio(times.first, times.floor), most=most, note=times.note)
    report.tell("  first import", figure(times.first), "s")
    each = figure(times.cpu).median / times.projects * 1e3
    report.tell("  of that, the service's CPU", figure(times.cpu), "s", f"{each:.3f} ms a project")
    report.tell("  bare parse", figure(times.parse), "s")
    report.tell("  bare COPY", figure(times.copy), "s", f"{times.megabytes:.0f} MB of rows")


async def against_usual_way(bench: Bench, projects: int) -> None:
    """Measure the same file both ways, one after the other in every run."""
    file = native.write(bench.directory / "usual.xml", projects)
    ours: list[float] = []
    theirs: list[float] = []
    memory: list[float] = []
    for run in range(bench.runs):
        bench.progress("the usual way", run)
        async with bench.fresh() as (server, _idle):
            await bench.database.empty()
            answer = await bench.send(server, file)
            ours.append(answer.expect(created=projects).seconds)
        await bench.database.empty()
        async with usual_way(bench.database) as server:
            idle = server.memory()
            # As with ours: nothing is imported or connected for the first time while it counts.
            (await upload(server.bulk(2), "", native.single(0))).expect(created=1)
            server.forget_peak()
            answer = await bench.send(server, file)
            theirs.append(answer.expect(created=projects, failed=0).seconds)
            memory.append(server.peak() - idle)
    file.unlink()
    report = bench.report
    report.bar("usual_way", ratio(theirs, ours), least=25, note=f"{projects} projects")
    report.tell("  the usual way", figure(theirs), "s")
    report.tell("  import of the same file", figure(ours), "s")
    report.tell("  the usual way: peak over idle", figure(memory), "MiB")
