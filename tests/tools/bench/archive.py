"""A ZIP of many small plans against the same plans as one file."""

import zipfile
from pathlib import Path
from typing import Final

from tests.tools.bench import native
from tests.tools.bench.measure import figure, ratio
from tests.tools.bench.runs import Bench

FILES: Final = 10_000


def write(path: Path, files: int) -> Path:
    """Write a ZIP of that many native files of one project each."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(files):
            archive.writestr(f"plans/{number % 100}/{number}.xml", native.single(number))
    return path


async def measure(bench: Bench, files: int) -> None:
    """Import both, one after the other in every run; the order changes from run to run."""
    plain = native.write(bench.directory / "wrapped.xml", files)
    archive = write(bench.directory / "plans.zip", files)
    seconds: dict[Path, list[float]] = {plain: [], archive: []}
    cpu: dict[Path, list[float]] = {plain: [], archive: []}
    peaks: list[float] = []
    for run in range(bench.runs):
        bench.progress(f"a ZIP of {files} plans", run)
        for file in (plain, archive)[:: 1 if run % 2 else -1]:
            async with bench.fresh() as (server, idle):
                await bench.database.empty()
                server.forget_peak()
                used = server.cpu()
                answer = await bench.send(server, file)
                cpu[file].append(server.cpu() - used)
                seconds[file].append(answer.expect(created=files, failed=0).seconds)
                if file is archive:
                    peaks.append(server.peak() - idle)
    report = bench.report
    note = f"{plain.stat().st_size / 1e6:.0f} MB of XML"
    report.bar("zip", ratio(seconds[archive], seconds[plain]), most=1.3, note=note)
    report.bar("peak_mib.zip", figure(peaks), most=64)
    report.tell("  the ZIP", figure(seconds[archive]), "s")
    report.tell("  the same as one file", figure(seconds[plain]), "s")
    report.tell("  CPU of the service, ratio", ratio(cpu[archive], cpu[plain]), "")
    plain.unlink()
    archive.unlink()
