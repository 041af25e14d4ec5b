"""What the load sends: parts of a few catalogues of projects, so that uploads overlap."""

import random
from collections.abc import Iterator
from typing import Final

from tests.tools.bench import native

BOUNDARY: Final = "----load7d1c"
CATALOGUE: Final = 20_000
"""Projects that a client has; an upload has some of them, each at one of three editions."""
EDITIONS: Final = 3
_BLOCK: Final = 100


def form(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """A request's body with one file in it."""
    yield (
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="plans.xml"\r\n'
        "Content-Type: application/xml\r\n\r\n"
    ).encode()
    yield from blocks
    yield f"\r\n--{BOUNDARY}--\r\n".encode()


def projects(number: int) -> Iterator[bytes]:
    """A file of neighbours in the catalogue, in pieces."""
    first = random.randrange(CATALOGUE)
    edition = random.randrange(EDITIONS)
    yield native.HEAD.encode()
    for start in range(first, first + number, _BLOCK):
        end = min(start + _BLOCK, first + number)
        yield "".join(native.project(each, edition) for each in range(start, end)).encode()
    yield native.TAIL.encode()
