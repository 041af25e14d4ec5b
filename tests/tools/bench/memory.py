"""Memory and time where files are large or many."""

import asyncio
from typing import Final

from tests.tools.bench import native, xer
from tests.tools.bench.measure import figure, ratio
from tests.tools.bench.runs import Bench
from tests.tools.bench.upload import upload

GIB: Final = 1 << 30
_UPLOADS: Final = 16
_SMALL: Final = 10_000_000


async def many(bench: Bench, projects: int) -> None:
    """Sixteen clients upload at the same time; memory is reported for each of them."""
    file = native.write(bench.directory / "each.xml", projects)
    peaks: list[float] = []
    seconds: list[float] = []
    for run in range(bench.runs):
        bench.progress("16 uploads at a time", run)
        async with bench.fresh() as (server, idle):
            await bench.database.empty()
            server.forget_peak()
            clients = range(1, _UPLOADS + 1)
            answers = await asyncio.gather(
                *(upload(server.bulk(client), bench.token, file) for client in clients)
            )
            peaks.append((server.peak() - idle) / _UPLOADS)
            seconds.append(max(answer.expect(created=projects).seconds for answer in answers))
    note = f"{file.stat().st_size / 1e6:.0f} MB each"
    file.unlink()
    bench.report.bar("peak_mib.16x", figure(peaks), most=64, note=note)
    bench.report.tell("  16 uploads: all answered", figure(seconds), "s")


async def gibibyte(bench: Bench) -> None:
    """One file of 1 GiB, and what a megabyte of it costs against one of a file of 10 MB.

    Also how long the answer takes after its last byte was sent, when all is committed.
    """
    projects = GIB // native.PROJECT_BYTES
    small_projects = _SMALL // native.PROJECT_BYTES
    large = native.write(bench.directory / "large.xml", projects)
    small = native.write(bench.directory / "small.xml", small_projects)
    megabytes = {file: file.stat().st_size / 1e6 for file in (large, small)}
    peaks: list[float] = []
    settling: list[float] = []
    costs: dict[str, list[float]] = {"large": [], "small": []}
    for run in range(bench.runs):
        bench.progress("10 MB and 1 GiB", run)
        async with bench.fresh() as (server, idle):
            each = []
            for _ in range(bench.runs):
                await bench.database.empty()
                answer = await bench.send(server, small)
                each.append(answer.expect(created=small_projects).seconds / megabytes[small])
            costs["small"].append(figure(each).median)
            await bench.database.empty()
            server.forget_peak()
            answer = await bench.send(server, large)
            costs["large"].append(answer.expect(created=projects).seconds / megabytes[large])
            settling.append(answer.settling)
            peaks.append(server.peak() - idle)
    report = bench.report
    report.bar("peak_mib.1GiB", figure(peaks), most=64)
    if (other := report.measured.get("peak_mib.80MB")) is not None:
        apart = [max(peak, other) / min(peak, other) for peak in peaks]
        report.bar("  peak_mib: 80MB and 1GiB apart", figure(apart), most=1.1)
    report.bar("last_byte", figure(settling), most=1.0, note="seconds")
    report.bar("growth", ratio(costs["large"], costs["small"]), most=1.15)
    for name, cost in costs.items():
        report.tell(f"  a megabyte of the {name} file", figure([c * 1e3 for c in cost]), "ms")
    large.unlink()
    small.unlink()


async def gibibyte_of_xer(bench: Bench) -> None:
    """A file of 1 GiB whose projects are known only once it has been read."""
    file, projects = xer.write(bench.directory / "large.xer", GIB)
    peaks: list[float] = []
    seconds: list[float] = []
    for run in range(bench.runs):
        bench.progress("1 GiB of XER", run)
        async with bench.fresh() as (server, idle):
            await bench.database.empty()
            server.forget_peak()
            answer = await bench.send(server, file)
            seconds.append(answer.expect(created=projects).seconds)
            peaks.append(server.peak() - idle)
    file.unlink()
    bench.report.bar("peak_mib.xer.1GiB", figure(peaks), most=64, note=f"{projects} projects")
    bench.report.tell("  1 GiB of XER: answered", figure(seconds), "s")
