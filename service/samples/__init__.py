"""Sample files in every format."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

from service.samples import mspdi, native, p6, xer
from service.samples.plan import Plan

WRITERS: Final[Mapping[str, Callable[[Iterable[Plan]], Iterator[str]]]] = {
    "native": native.write,
    "mspdi": mspdi.write,
    "p6": p6.write,
    "xer": xer.write,
}


def write_sample(
    format_name: str,
    projects: int,
    tasks: int,
    seed: int,
    *,
    on_project: Callable[[int], None] = lambda number: None,
) -> Iterator[str]:
    """Yield a file in pieces, with a few tasks in memory at a time.

    Args:
        format_name: a name in ``WRITERS``.
        projects: number of projects.
        tasks: number of tasks of each project.
        seed: the same seed gives the same file.
        on_project: called with the number of each project, from 1, before it is written; in an
            XER file, before each of its tables.
    """

    class Plans:
        def __iter__(self) -> Iterator[Plan]:
            for number in range(1, projects + 1):
                on_project(number)
                yield Plan(seed, number, tasks)

    return WRITERS[format_name](Plans())
