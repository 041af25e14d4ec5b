"""Which harvest there is: the compiled one where it could be built, else the one in Python."""

from collections.abc import Callable
from typing import Protocol

from service.formats.engine.record_collector import RecordCollector, Records
from service.formats.file_context import FileContext
from service.formats.format import Format
from service.formats.project_builder import ProjectBuilder


class Collector(Protocol):
    """Takes every complete record of a project; see ``harvest.Harvest``."""

    def __call__(self, plan: ProjectBuilder, *, closed: bool) -> None: ...


def interpreted(_file: FileContext, _dialect: Format, records: Records) -> Collector:
    """The harvest in Python."""
    return RecordCollector(records)


collector_for: Callable[[FileContext, Format, Records], Collector]
try:
    from service.formats.engine._fast import compiled

    collector_for = compiled.Harvest if compiled.find_parser() else interpreted
except ImportError:
    collector_for = interpreted
