"""Sample files in every dialect."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

from service.samples import mspdi, native, p6
from service.samples.plan import Plan

WRITERS: Final[Mapping[str, Callable[[Iterable[Plan]], Iterator[str]]]] = {
    "native": native.write,
    "mspdi": mspdi.write,
    "p6": p6.write,
}


def write(dialect: str, projects: int, tasks: int, seed: int) -> Iterator[str]:
    """A file, piece by piece, in the memory of a few tasks.

    Args:
        dialect: a name in ``WRITERS``.
        projects: how many.
        tasks: of each project.
        seed: the same one gives the same file.
    """
    return WRITERS[dialect](Plan(seed, number, tasks) for number in range(1, projects + 1))
