"""Large Primavera and Microsoft Project files of tiny projects: 1.9 and 3.9 kB each.

They repeat the small plans of ``tests/data``, so they are the same in every checkout.
"""

from pathlib import Path
from typing import Final

from tests.support.paths import CHECKOUT
from tests.tools.bench.real import repeat_mspdi, repeat_p6

_PLANS: Final = CHECKOUT / "tests" / "data"


def write_p6(path: Path, size: int) -> tuple[Path, int]:
    """Repeat the projects of a small portfolio after its shared objects.

    Args:
        path: to write to.
        size: in bytes, at least.

    Returns:
        The path, and how many projects are in the file.
    """
    return repeat_p6(path, size, (_PLANS / "p6" / "plants.xml").read_bytes())


def write_mspdi(path: Path, size: int) -> tuple[Path, int]:
    """Repeat a small plan inside one root; arguments and result as of ``write_p6``."""
    return repeat_mspdi(path, size, [(_PLANS / "mspdi" / "plan.xml").read_bytes()])
