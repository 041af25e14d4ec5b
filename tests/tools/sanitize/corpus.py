"""The valid files that the fuzzer starts from."""

from functools import cache
from pathlib import Path
from random import Random
from typing import Final

from service.samples import write_sample
from tests.support import own_format
from tests.support.paths import CHECKOUT, REAL, SHIPPED
from tests.tools.sanitize.tree import Node, parse, split_children

FORMATS: Final = ("mspdi", "p6", "native", "acme")
_GENERATED: Final = 4
"""Generated files of each format."""
_SMALLEST: Final = 200
"""Bytes of markup that are not divided."""
_FIELDS: Final = 60
_PREFIXES: Final = [
    ("xmlns:x", "urn:x"),
    ("xmlns:xsi", "http://www.w3.org/2001/XMLSchema-instance"),
]
"""Declared in every file, because mutations add names with these prefixes."""


class Corpus:
    """Files by format.

    Args:
        real: whether to take the real files beside the checkout. An execution depends on it.
    """

    def __init__(self, *, real: bool) -> None:
        folders = [SHIPPED, REAL] if real else [SHIPPED]
        self._paths = {
            name: [CHECKOUT / "samples" / f"{name}.xml"]
            + [path for folder in folders for path in sorted(folder.glob(f"{name}/*.xml"))]
            for name in FORMATS[:-1]
        }
        self._paths[FORMATS[-1]] = []

    @property
    def files(self) -> int:
        """Return the number of files."""
        return sum(map(len, self._paths.values())) + _GENERATED * len(FORMATS)

    def cut_tree(self, random: Random) -> Node:
        """Return a random part of a random file: some of its elements, in their places."""
        name = random.choice(FORMATS)
        number = random.randrange(len(self._paths[name]) + _GENERATED) - _GENERATED
        markup = _read(self._paths[name][number]) if number >= 0 else _make(name, -number)
        root = _cut(markup, int(10 ** random.uniform(3, 4.7)), random)
        declared = dict(root.attributes)
        root.attributes += [pair for pair in _PREFIXES if pair[0] not in declared]
        return root


def _cut(markup: str, room: int, random: Random) -> Node:
    """Take random children into the room; of one that is too large, some of its children."""
    root, children = split_children(markup)
    chosen: dict[int, list[Node | str]] = {}
    order = random.sample(range(len(children)), len(children))
    if random.random() < 0.8:  # first the fields without which most projects are refused
        order.sort(key=lambda at: at >= _FIELDS or len(children[at]) >= _SMALLEST)
    for at in order:
        if room < _SMALLEST:
            break
        if len(children[at]) <= room:
            chosen[at] = parse(children[at])
            room -= len(children[at])
        else:
            chosen[at] = [_cut(children[at], room, random)]
            room //= 2
    content = [part for at in sorted(chosen) for part in chosen[at]]
    return Node(root.name, root.attributes.copy(), content)


@cache
def _read(path: Path) -> str:
    return path.read_text("utf-8-sig")


@cache
def _make(name: str, number: int) -> str:
    if name == FORMATS[-1]:
        return own_format.repeated_file(10 * number)
    return "".join(write_sample(name, 3, 40 * number, number))
