"""One execution of the fuzzer: a mutated file, and how it is read."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from service.formats.limits import Limits
from service.model import Refusal
from service.spool.spool import Spool, SpoolFull, TooLarge
from tests.support.items import read_items


@dataclass(frozen=True)
class Execution:
    """A file and the way of reading it.

    Attributes:
        data: the file as it arrives.
        charset: of its part, or None.
        cuts: where it is cut into pieces.
        limits: the limits that are not the defaults.
        spool_bytes: size of its working files.
        steps: the mutations.
    """

    data: bytes
    charset: str | None
    cuts: list[int]
    limits: dict[str, int]
    spool_bytes: int
    steps: list[str]

    def check(self, expected: list[Any] | None) -> str:
        """Read the file with the engine of the process, and return what became of it.

        That is ``items``, ``refusal`` (of a project) or ``fault`` (the file ended early).

        Args:
            expected: what the engine in Python makes of it, or None if that is not known.

        Raises:
            AssertionError: the engines disagree.
        """
        items = self.read()
        if expected is not None and items != expected:
            pairs = zip_longest(items, expected)
            item, other = next(pair for pair in pairs if pair[0] != pair[1])
            raise AssertionError(f"the engines disagree:\n  compiled: {item}\n  Python:   {other}")
        if any(isinstance(item, tuple) and item and isinstance(item[0], str) for item in items):
            return "fault"
        return "refusal" if any(isinstance(item, Refusal) for item in items) else "items"

    def read(self) -> list[Any]:
        """Read the file in another thread, as the service does: libxml2 keeps names by thread."""
        with ThreadPoolExecutor(1) as thread:
            return thread.submit(self._read_here).result()

    def _read_here(self) -> list[Any]:
        limits = Limits(**self.limits, spool=Spool().share(self.spool_bytes))
        try:
            return read_items(self.data, self.charset, self.cuts, limits)
        except (TooLarge, SpoolFull) as fault:
            return [(type(fault).__name__, str(fault))]
