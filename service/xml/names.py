"""Which set of names there is: the compiled one where it could be built, else the one in Python."""

from collections.abc import Callable
from typing import Protocol

from service.hashset import HashSet


class NameSet(Protocol):
    """The names of one project's records; see ``HashSet``."""

    def add(self, key: bytes, /) -> int | None: ...
    def get(self, key: bytes, /) -> int | None: ...
    def close(self) -> None: ...


def interpreted(larger: Callable[[], HashSet]) -> NameSet:
    """The set in Python."""
    return larger()


names_of: Callable[[Callable[[], HashSet]], NameSet]
try:
    from service.xml.compiled import Names as names_of
except ImportError:
    names_of = interpreted
