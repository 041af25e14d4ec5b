"""Uploads of some hundred files: odd names, slow parts, and names that add up."""

import itertools
from collections.abc import Callable, Iterable
from functools import partial
from typing import Final

from service.formats.native.mapping import NAMESPACE
from tests.support.raw_http import XML, form, head, part
from tests.support.service import Service
from tests.tools.attacks.attack import HURRIED, Attack, dribbled, flooded, sent

HUGE: Final = f"Content-Length: {1 << 33}"
TAKEN: Final = "207 Projects successfully imported"
SLOW: Final = "408 The upload took longer than 3 seconds"


def plan(number: int) -> bytes:
    """A file of one project."""
    text = f"<projects xmlns='{NAMESPACE}'><project id='P-{number}'><name>N</name></project>"
    return text.encode() + b"</projects>"


def files(count: int, content: Callable[[int], bytes] = plan) -> bytes:
    """So many parts, each with a file."""
    return b"".join(
        part("file", content(number), filename=f"{number}.xml") for number in range(count)
    )


async def upload_made(service: Service, make: Callable[[], bytes]) -> str:
    """Upload a body that is made only now: those of all attacks would take much memory."""
    body = make()
    start = head(service, f"Content-Length: {len(body)}", "Connection: close")
    return await sent(service, start, body)


def own_names(number: int, count: int) -> list[str]:
    """Long names that no other file has."""
    return [f"a{number}-{each}-{'x' * 950}" for each in range(count)]


def _with_own_names(number: int) -> bytes:
    """A plan with 200 element names that no other plan has."""
    extra = "".join(f"<{name}/>" for name in own_names(number, 200))
    return plan(number).replace(b"</project>", f"{extra}</project>".encode())


def _odd_names() -> bytes:
    """One project each, in files whose names are the same, or nearly."""
    names: Iterable[str] = (
        *("a.xml", "a.xml", "A.XML", "./a.xml", "x/../a.xml", "..\\a.xml", "C:\\a.xml", "/a.xml"),
        *("a%2Exml", "\u00e4.xml", "a\u0308.xml", "=?utf-8?Q?a.xml?=", "\u202elmx.a", ""),
    )
    return form(
        *(part("file", plan(place), filename=name) for place, name in enumerate(names)),
        part("files[]", plan(100)),
    )


def _long_names() -> bytes:
    return form(*(part("file", plan(each), filename="n" * 7000) for each in range(200)))


def _body(name: str, make: Callable[[], bytes], expected: str) -> Attack:
    return Attack(name, partial(upload_made, make=make), f"{expected}, closed", HURRIED, 16)


ATTACKS: Final = [
    _body("200 files whose names have 7,000 bytes", _long_names, TAKEN),
    _body(
        "a file whose name has 64 KB, after a good one",
        lambda: form(files(1), part("file", XML, filename="n" * 64_000)),
        "207 .*",
    ),
    _body("files whose names are the same, or nearly", _odd_names, TAKEN),
    _body(
        "80 files with 200 long names of elements each",
        lambda: form(files(80, _with_own_names)),
        "207 0 of 80 projects imported; VALIDATION_ERROR: .* is not known here.*",
    ),
    Attack(
        "parts that are no files, without an end, after 100 files",
        lambda s: flooded(s, head(s, HUGE) + files(100), part("x", b"") * 1000, 1 << 17),
        "207 .*",
        HURRIED,
    ),
    Attack(
        "a file, five times a second, for ever",
        lambda s: dribbled(
            s, head(s, HUGE), (part("file", plan(number)) for number in itertools.count())
        ),
        SLOW,
        HURRIED,
    ),
]
