"""Large Primavera and Microsoft Project files, made from real ones by repeating their projects.

Each copy has ids of its own: a marker is put into a project's ids once, and every copy puts its
number in the marker's place. References to shared objects, which stand once at a file's head, stay.
"""

import itertools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.support.paths import CHECKOUT

_REAL: Final = CHECKOUT.parent / "shared" / "real"
_OWN: Final = CHECKOUT / "tests" / "data"

_MARKER: Final = b"\0"
_GUID: Final = re.compile(rb"(<GUID>\{?)[0-9A-Fa-f]{5}")
_P6_OBJECT: Final = re.compile(rb"(<(?:\w*(?:Activity|Parent|Project|WBS))?ObjectId>[0-9]+)(?=</)")
_P6_ID: Final = re.compile(rb"(<Id>[^<]+)(?=</Id>)")
_MSPDI_NAME: Final = re.compile(rb"(<Name>[^<]*)(?=</Name>)")
_MSPDI_PROJECT: Final = re.compile(rb"<Project[ >].*</Project>", re.DOTALL)
_DECLARED: Final = re.compile(rb"""^<\?xml[^>]*encoding=["']([\w-]+)["']""")


def folder(dialect: str) -> Path:
    """Where the files are that are repeated: real ones, or, where there are none, small ones."""
    real = _REAL / dialect
    return real if real.is_dir() else _OWN / dialect


def write_p6(path: Path, size: int) -> tuple[Path, int]:
    """Repeat the projects of the largest portfolio after its shared objects.

    Args:
        path: to write to.
        size: in bytes, at least.

    Returns:
        The path, and how many projects are in the file.
    """
    portfolio = max(folder("p6").glob("*.xml"), key=lambda file: file.stat().st_size).read_bytes()
    start = portfolio.index(b"<Project>")
    end = portfolio.rindex(b"</Project>") + len(b"</Project>")
    template = _GUID.sub(rb"\1" + _MARKER, portfolio[start:end])
    template = _P6_OBJECT.sub(rb"\1" + _MARKER, template)
    template = _P6_ID.sub(rb"\1-" + _MARKER, template)
    return _repeat(path, size, portfolio[:start], [template], portfolio[end:], b"<Project>")


def write_mspdi(path: Path, size: int) -> tuple[Path, int]:
    """Repeat all plans inside one root; arguments and result as of ``write_p6``."""
    plans = [
        _mark_plan(number, file.read_bytes())
        for number, file in enumerate(sorted(folder("mspdi").glob("*.xml")))
    ]
    return _repeat(path, size, b"<Projects>\n", plans, b"</Projects>\n", b"<Project ")


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
