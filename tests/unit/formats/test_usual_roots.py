"""Roots that a pattern reads: the parser reads the same."""

import io
import random
from typing import Final

import pytest

from service.formats import encoding
from service.formats.usual_root import match_root

URIS: Final = (
    "",
    "urn:x",
    "http://schemas.microsoft.com/project",
    "http://www.w3.org/2001/XMLSchema-instance",
    "http://www.w3.org/XML/1998/namespace",
    "http://www.w3.org/2000/xmlns/",
    "urn:{x}",
)
NAMES: Final = ("xmlns", "xmlns:xsi", "xmlns:p", "xmlns:xml", "xmlns:xmlns", "xmlns:1", "a", "b")
NAMES_APART: Final = ("xsi:a", "xsi:schemaLocation", "p:a", "xml:id", "a:b:c", "xsi:", ":a")
STARTS: Final = (
    "",
    "\ufeff",
    '<?xml version="1.0"?>',
    '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n',
    '<?xml version="3.0"?>',
    "<!-- a - comment -->\n",
    "<!-- a -- comment -->",
    "<?i n?>",
    "\n ",
)


def make_head(choice: random.Random) -> bytes:
    """Return a start of a file, most often a usual one."""
    attributes = "".join(
        f"{choice.choice((' ', '  ', chr(10)))}{name}{choice.choice(('=', ' = '))}'{value}'"
        for name, value in (
            (choice.choice(choice.choice((NAMES, NAMES, NAMES_APART))), choice.choice(URIS))
            for _ in range(choice.randrange(5))
        )
    )
    start = "".join(choice.choice(STARTS) for _ in range(choice.randrange(3)))
    name = choice.choice(("Project", "projects", "p:Project", "html", "_a.b-c", "1"))
    return f"{start}<{name}{attributes}{choice.choice(('', ' ', '/'))}>".encode()


@pytest.mark.parametrize("seed", range(4))
def test_a_pattern_reads_a_usual_root_as_the_parser_does(seed: int) -> None:
    choice = random.Random(seed)
    matched = 0
    for _ in range(2000):
        head = make_head(choice)
        if (root := match_root(head)) is not None:
            matched += 1
            read = encoding._read_root(head, io.BytesIO(), "UTF-8")
            assert (read.namespace, read.name) == root, head
    assert matched > 100


@pytest.mark.parametrize("repeated", [b"-a", b" ", b" a='1'", b"<!---->", b"- "])
def test_an_unusual_start_is_given_up_quickly(repeated: bytes) -> None:
    for before in (b"", b"<!--", b"<a", b"<?xml "):
        assert match_root(before + repeated * 30_000) is None
