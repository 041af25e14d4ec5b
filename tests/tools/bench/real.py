"""Large Primavera and Microsoft Project files, made from plans of 50 to 190 kB by repeating them.

The plans are real ones if ``../shared`` has them, or else samples of the same size. Each copy has
ids of its own: a marker is put into a project's ids once, and every copy puts its number in the
marker's place. References to shared objects, which stand once at a file's head, stay.
"""

import itertools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from service.samples import WRITERS
from service.samples.plan import Plan
from tests.support.paths import CHECKOUT

_REAL: Final = CHECKOUT.parent / "shared" / "real"
_SAMPLES: Final = 8
_SAMPLE_TASKS: Final = 100
"""About 100 kB of XML."""

_MARKER: Final = b"\0"
_GUID: Final = re.compile(rb"(<GUID>\{?)[0-9A-Fa-f]{5}")
_P6_OBJECT: Final = re.compile(rb"(<(?:\w*(?:Activity|Parent|Project|WBS))?ObjectId>[0-9]+)(?=</)")
_P6_ID: Final = re.compile(rb"(<Id>[^<]+)(?=</Id>)")
_MSPDI_NAME: Final = re.compile(rb"(<Name>[^<]*)(?=</Name>)")
_MSPDI_PROJECT: Final = re.compile(rb"<Project[ >].*</Project>", re.DOTALL)
_DECLARED: Final = re.compile(rb"""^<\?xml[^>]*encoding=["']([\w-]+)["']""")


def write_p6(path: Path, size: int) -> tuple[Path, int]:
    """Repeat the projects of the largest portfolio after its shared objects.

    Args:
        path: to write to.
        size: in bytes, at least.

    Returns:
        The path, and how many projects are in the file.
    """
    found = [file.read_bytes() for file in _files("p6")]
    return repeat_p6(path, size, max(found or [_sample("p6", *range(_SAMPLES))], key=len))


def write_mspdi(path: Path, size: int) -> tuple[Path, int]:
    """Repeat all plans inside one root; arguments and result as of ``write_p6``."""
    plans = [file.read_bytes() for file in _files("mspdi")]
    return repeat_mspdi(
        path, size, plans or [_sample("mspdi", number) for number in range(_SAMPLES)]
    )


def repeat_p6(path: Path, size: int, portfolio: bytes) -> tuple[Path, int]:
    """Repeat the projects of a portfolio; the rest as of ``write_p6``."""
    start = portfolio.index(b"<Project>")
    end = portfolio.rindex(b"</Project>") + len(b"</Project>")
    template = _GUID.sub(rb"\1" + _MARKER, portfolio[start:end])
    template = _P6_OBJECT.sub(rb"\1" + _MARKER, template)
    template = _P6_ID.sub(rb"\1-" + _MARKER, template)
    return _repeat(path, size, portfolio[:start], [template], portfolio[end:], b"<Project>")


def repeat_mspdi(path: Path, size: int, plans: list[bytes]) -> tuple[Path, int]:
    """Repeat plans of one project each; the rest as of ``write_p6``."""
    marked = [_mark_plan(number, plan) for number, plan in enumerate(plans)]
    return _repeat(path, size, b"<Projects>\n", marked, b"</Projects>\n", b"<Project ")


def _files(dialect: str) -> list[Path]:
    return sorted((_REAL / dialect).glob("*.xml"))


def _sample(dialect: str, *numbers: int) -> bytes:
    plans = (Plan(1, number, _SAMPLE_TASKS) for number in numbers)
    return "".join(WRITERS[dialect](plans)).encode()


def _mark_plan(number: int, plan: bytes) -> bytes:
    """A plan as UTF-8 without its declaration; its first name, and every GUID, get the marker."""
    declared = _DECLARED.match(plan)
    text = plan.decode(declared[1].decode() if declared else "utf-8-sig").encode()
    found = _MSPDI_PROJECT.search(text)
    assert found is not None
    text = _GUID.sub(rb"\1" + _MARKER, found[0])
    return _MSPDI_NAME.sub(rb"\1 %d-" % number + _MARKER, text, count=1)


def _repeat(
    path: Path, size: int, head: bytes, templates: list[bytes], tail: bytes, opening: bytes
) -> tuple[Path, int]:
    projects = 0
    with path.open("wb") as file:
        file.write(head)
        for copy in _copies():
            for template in templates:
                file.write(template.replace(_MARKER, copy) + b"\n")
                projects += template.count(opening)
            if file.tell() >= size:
                break
        file.write(tail)
    return path, projects


def _copies() -> Iterator[bytes]:
    return (b"%05d" % number for number in itertools.count(1))
