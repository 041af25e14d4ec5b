"""Which harvest there is: the compiled one where it could be built, else the one in Python."""

from collections.abc import Callable
from typing import Protocol

from service.xml.dialect import Dialect
from service.xml.file import File
from service.xml.harvest import Harvest, Records
from service.xml.plan import Plan


class Harvesting(Protocol):
    """Takes every complete record of a project; see ``harvest.Harvest``."""

    def __call__(self, plan: Plan, *, closed: bool) -> None: ...


def interpreted(_file: File, _dialect: Dialect, records: Records) -> Harvesting:
    """The harvest in Python."""
    return Harvest(records)


harvest_of: Callable[[File, Dialect, Records], Harvesting]
try:
    from service.xml import compiled

    harvest_of = compiled.Harvest if compiled.find_parser() else interpreted
except ImportError:
    harvest_of = interpreted
