"""What a service has to take in a long life: files of every kind, well made and not."""

import gzip
import io
import itertools
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.support.native import EMPTY_FILE
from tests.tools.bench import native, real

_NAMES: Final = 100_000
_MEDIUM: Final = 2_000
_MEDIUM_BYTES: Final = 5_000_000
_FEW: Final = 50


@dataclass(frozen=True)
class Sent:
    """One upload.

    Attributes:
        what: it is.
        content: of the file.
        status: that answers it; None where the client goes away in its midst.
    """

    what: str
    content: bytes
    status: int | None = 207


def mixture(directory: Path, *, medium: bool) -> Iterator[Sent]:
    """Uploads without end; every twenty hold every kind.

    Args:
        directory: to make files in.
        medium: whether files of some megabytes are among them.
    """
    p6, mspdi = (_repeated(directory, name, 1) for name in ("p6", "mspdi"))
    larger = _MEDIUM if medium else _FEW
    size = _MEDIUM_BYTES if medium else 1
    large_p6, large_mspdi = (_repeated(directory, name, size) for name in ("p6", "mspdi"))
    for number in itertools.count(0, 1_000):
        plans = native.content(number, _FEW)
        yield Sent("native", plans)
        yield Sent("p6", p6)
        yield Sent("mspdi", mspdi)
        yield Sent("100,000 names", _names(number), 207)
        yield Sent("native, changed", native.content(0, larger, number))
        yield Sent("broken off", plans[: len(plans) // 2])
        yield Sent("gzip", gzip.compress(plans))
        yield Sent("client gone", native.content(number + 100, larger), None)
        yield Sent("zip", _zipped(p6))
        yield Sent("doctype", b"<!DOCTYPE projects>" + plans, 400)
        yield Sent("native, unchanged", native.content(0, _FEW))
        yield Sent("p6, larger", large_p6)
        yield Sent("mspdi, larger", large_mspdi)
        yield Sent("100,000 names, no project", _names(number + 1, whole=False), 413)
        yield Sent("no XML", b"PK or not", 400)
        yield Sent("bad values", plans.replace(b"T08:00:00", b"T25:00:00"))
        yield Sent("gzip, cut", gzip.compress(plans)[:-2_000])
        yield Sent("client gone early", native.content(number + 200, 1), None)
        yield Sent("one project", native.single(number + 300))
        yield Sent("no project", EMPTY_FILE.encode(), 400)


def _repeated(directory: Path, name: str, size: int) -> bytes:
    write = {"p6": real.write_p6, "mspdi": real.write_mspdi}[name]
    path, _ = write(directory / f"{name}.xml", size)
    content = path.read_bytes()
    path.unlink()
    return content


def _zipped(content: bytes) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("plans.xml", content)
    return archive.getvalue()


def _names(number: int, *, whole: bool = True) -> bytes:
    """A project, whole or open, in front of names that no other file has."""
    before = native.single(number).removesuffix(native.TAIL.encode())
    if not whole:
        before = before.removesuffix(b"</project>\n")
    return before + b"".join(b"<N%06x-%05x/>\n" % (number, n) for n in range(_NAMES))
