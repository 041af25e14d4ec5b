"""Small files that cost much: names under a long namespace, and repetition just below the ratio."""

import random
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import chain
from typing import Final

from tests.tools.attacks.attack import Attack
from tests.tools.attacks.files.archives import gzipped, streamed
from tests.tools.attacks.files.xmlfiles import (
    FORMATS,
    GOOD,
    MSPDI,
    NATIVE,
    NATIVE_END,
    Opened,
    attack,
    joined,
    numbered,
    times,
)

_MB: Final = 1_000_000
_REFUSED: Final = r"(207 .*; )?(413 |FILE_TOO_LARGE at |MALFORMED_XML at ).*"
_BOUNDED: Final = r"(207|400|413) .*"
_TASK: Final = MSPDI + b"<Tasks><Task><UID>1</UID>"
_TASK_END: Final = b"</Task></Tasks></Project>"


def _named(size: int, names: int) -> Iterable[bytes]:
    """A task with names under a prefix, whose URI has so many bytes."""
    inner = numbered(b"<a:n%d>x</a:n%d>", names)
    return chain([_TASK, *_extended(size), b">"], inner, [b"</x>", _TASK_END])


def _extended(size: int) -> Iterator[bytes]:
    yield from (b'<x xmlns:a="', b"u" * size, b'"')


def _under_long_uri(opened: Opened, size: int, unit: bytes, count: int) -> Iterator[bytes]:
    """A unit again and again in a project, under a prefix ``a`` with a URI of so many bytes."""
    wrapped = chain([*_extended(size), b">"], times(unit, count * len(unit)), [b"</x>"])
    return joined(opened.start, wrapped, opened.end)


def _each(name: str, make: Callable[[Opened], Iterable[bytes]], expected: str) -> list[Attack]:
    return [
        attack(f"{name}, {opened.format}", partial(_gzip, make, opened), expected)
        for opened in FORMATS
    ]


def _gzip(make: Callable[[Opened], Iterable[bytes]], opened: Opened) -> Iterator[bytes]:
    return gzipped(make(opened))


def _squeeze(make: Callable[[], Iterable[bytes]]) -> Iterator[bytes]:
    return gzipped(make())


def _zip(make: Callable[[], Iterable[bytes]]) -> list[bytes]:
    return [streamed(make())]


def _diluted(start: bytes, units: Iterable[bytes], end: bytes) -> Iterator[bytes]:
    """Units with so much noise between that gzip compresses them 150 times."""
    noise = random.Random(1)

    def pieces() -> Iterator[bytes]:
        for piece in units:
            yield piece
            yield b"<!--%b-->" % noise.randbytes(len(piece) // 170).hex().encode()

    return joined(start, pieces(), end)


def _tasks(count: int) -> Iterator[bytes]:
    """Blocks of 512 empty tasks of the native format; only the number of each block differs."""
    form = b"".join(b'<task id="%%d-%03d"/>' % number for number in range(512))
    return (form % ((block,) * 512) for block in range(count // 512))


_REPEATED: Final[dict[str, Callable[[], Iterator[bytes]]]] = {
    "unknown elements": lambda: _diluted(NATIVE + GOOD, times(b"<a/>", 2 * _MB), NATIVE_END),
    "unknown elements in a Microsoft plan": lambda: _diluted(
        _TASK, times(b"<a>x</a>", 6 * _MB), _TASK_END
    ),
    "tasks": lambda: _diluted(
        NATIVE + b'<project id="p"><name>p</name><tasks>',
        _tasks(100_000),
        b"</tasks></project>" + NATIVE_END,
    ),
    "text": lambda: _diluted(
        NATIVE + GOOD, times(b"<a>" + b"x" * 9000 + b"</a>", 40 * _MB), NATIVE_END
    ),
    "projects": lambda: _diluted(NATIVE, times(GOOD, _MB), NATIVE_END),
}
ATTACKS: Final[list[Attack]] = [
    attack(
        "3 KB of gzip: a URI of 2 MB and 500 names under it",
        lambda: gzipped(_named(2 * _MB, 500)),
        _REFUSED,
    ),
    attack(
        "a URI of 900 bytes and 19,000 names under it",
        lambda: gzipped(_named(900, 19_000)),
        _BOUNDED,
    ),
    attack(
        "a prefix of 49,000 bytes on 1,000 elements",
        lambda: gzipped(
            joined(
                _TASK,
                b"<x xmlns:" + b"p" * 49_000 + b'="urn:p">',
                times(b"<" + b"p" * 49_000 + b":a/>", 49 * _MB),
                b"</x>",
                _TASK_END,
            )
        ),
        _BOUNDED,
    ),
    *_each(
        "18 KB of gzip: a URI of 1 MB on 20,000 elements",
        lambda opened: _under_long_uri(opened, _MB, b"<a:b/>", 20_000),
        _REFUSED,
    ),
    *_each(
        "18 KB of gzip: a URI of 1 MB on 20,000 attributes",
        lambda opened: _under_long_uri(opened, _MB, b'<b a:b="x"/>', 20_000),
        _REFUSED,
    ),
    *_each(
        "a URI of 900 bytes on 200,000 elements",
        lambda opened: _under_long_uri(opened, 900, b"<a:b>x</a:b>", 200_000),
        _BOUNDED,
    ),
    *_each(
        "20 prefixes with a URI of 1 MB each",
        lambda opened: joined(
            opened.start,
            (b'<x xmlns:a%d="%b"/>' % (number, b"u" * _MB) for number in range(20)),
            opened.end,
        ),
        _BOUNDED,
    ),
    *_each(
        "1,000 attributes with prefixes on each of 300 elements",
        lambda opened: joined(
            opened.start,
            b'<x xmlns:a="urn:a">',
            times(b"<b " + b"".join(numbered(b'a:n%d="x" ', 1000)) + b"/>", 4 * _MB),
            b"</x>",
            opened.end,
        ),
        _BOUNDED,
    ),
    *(
        attack(
            f"{kind} again and again, in gzip just below the ratio",
            partial(_squeeze, make),
            _BOUNDED,
        )
        for kind, make in _REPEATED.items()
    ),
    *(
        attack(
            f"{kind} again and again, in a ZIP just below the ratio", partial(_zip, make), _BOUNDED
        )
        for kind, make in [*_REPEATED.items()][:2]
    ),
]
