"""Project files: small ones that are shipped, and real ones, for whoever has them."""

from pathlib import Path
from typing import NamedTuple

from tests.support.paths import REAL, SHIPPED


class File(NamedTuple):
    """One file: ``mspdi``, ``p6`` or ``xer``, its name, and where it is."""

    dialect: str
    name: str
    path: Path

    @property
    def content(self) -> bytes:
        return self.path.read_bytes()

    @property
    def expected(self) -> Path:
        """What an independent reader found in it: one line of JSON for each project."""
        folder = self.path.parents[1] / "expected"
        return folder / f"{self.dialect}-{self.name}.jsonl"

    @property
    def planning(self) -> Path:
        """What an independent reader found of progress, float, costs and calendars in it."""
        folder = self.path.parents[1] / "expected2"
        return folder / f"{self.dialect}-{self.name}.jsonl"


def _files(suffix: str) -> list[File]:
    return [
        File(path.parent.name, path.name, path)
        for folder in (SHIPPED, REAL)
        for path in sorted(folder.glob(f"*/*{suffix}"))
    ]


FILES = _files(".xml")
"""XML of Microsoft Project and Primavera. The real files are beside the checkout, not in it."""

XER_FILES = _files(".xer")
"""Primavera's text exports."""
