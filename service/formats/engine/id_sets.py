"""Which set of names there is: the compiled one where it could be built, else the one in Python."""

from collections.abc import Callable
from typing import Protocol

from service.spool.disk_set import DiskSet


class IdSet(Protocol):
    """The names of one project's records; see ``DiskSet``."""

    def add(self, key: bytes, /) -> int | None: ...
    def get(self, key: bytes, /) -> int | None: ...
    def close(self) -> None: ...


def interpreted(larger: Callable[[], DiskSet]) -> IdSet:
    """The set in Python."""
    return larger()


id_set_for: Callable[[Callable[[], DiskSet]], IdSet]
try:
    from service.formats.engine._fast.compiled import Names as id_set_for
except ImportError:
    id_set_for = interpreted
