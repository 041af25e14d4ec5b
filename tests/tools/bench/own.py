"""The reader of an own format, against that of the native one, for the same elements."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Final

from service.formats.custom.language import PROJECT_FIELDS
from service.formats.custom.loader import parse_format
from service.formats.format import Format
from service.formats.limits import Limits
from service.formats.native import mapping
from service.formats.reader import Reader
from service.formats.record_rules import RecordRule
from service.formats.registry import FORMATS
from tests.tools.bench.measure import figure, ratio, timed
from tests.tools.bench.runs import Bench

BAR: Final = 1.15
_NAMESPACE: Final = "urn:own"
_RECORDS: Final = {
    "tasks": ("tasks/task", mapping.TASK),
    "dependencies": ("dependencies/dependency", mapping.DEPENDENCY),
    "resources": ("resources/resource", mapping.RESOURCE),
    "assignments": ("assignments/assignment", mapping.ASSIGNMENT),
}


async def measure(bench: Bench, file: Path) -> None:
    """Compare both in CPU seconds of a thread, one after the other in every run.

    Args:
        bench: the run.
        file: native XML. Its elements are described as an own format, in another namespace.
    """
    own_file = _rename(file)
    own_format = parse_format("\n".join(_describe()), "own.toml")
    native: list[float] = []
    own: list[float] = []
    for run in range(bench.runs):
        bench.progress("an own format, the native one", run)
        for path, formats, seconds in ((own_file, (own_format,), own), (file, FORMATS, native)):
            with ThreadPoolExecutor(1) as thread:
                work = partial(_read, path, formats)
                seconds.append(thread.submit(timed, work, time.thread_time).result())
    own_file.unlink()
    bench.report.bar("reader.own", ratio(own, native), most=BAR, note="the same elements")
    bench.report.tell("  CPU of the reader of an own format", figure(own), "s")
    bench.report.tell("  CPU of the reader of native XML", figure(native), "s")


def _rename(file: Path) -> Path:
    """Write a native file in the namespace of the own format, and return its path."""
    renamed = file.with_suffix(".own.xml")
    text = file.read_text("utf-8").replace(mapping.NAMESPACE, _NAMESPACE)
    renamed.write_text(text, "utf-8")
    return renamed


def _describe() -> Iterator[str]:
    """Yield the lines of a format file for the elements of native XML."""
    yield f'name = "own"\nnamespace = "{_NAMESPACE}"\n[project]\nelement = "project"'
    yield from _columns("project", mapping.PROJECT, {each.name for each in PROJECT_FIELDS})
    for section, (element, rule) in _RECORDS.items():
        yield f'[[{section}]]\nelement = "{element}"'
        yield from _columns(section, rule, set(rule.columns))


def _columns(section: str, rule: RecordRule, columns: set[str]) -> Iterator[str]:
    yield f"[{section}.columns]"
    yield from (
        f'{each.column} = "{each.source}"' for each in rule.fields if each.column in columns
    )


def _read(file: Path, formats: tuple[Format, ...]) -> None:
    with file.open("rb") as opened:
        for _ in Reader(opened, Limits(), formats=formats):
            pass
