"""Real Primavera files, where they are at hand, and always a small one made after them."""

from functools import cache
from pathlib import Path

from tests.support.paths import REAL, SHIPPED
from tests.support.reading import Reading, read

FILES = sorted([*SHIPPED.glob("p6/*.xml"), *REAL.glob("p6/*.xml")])


@cache
def reading(file: Path) -> Reading:
    """What the reader made of a file."""
    return read(file.read_bytes())
