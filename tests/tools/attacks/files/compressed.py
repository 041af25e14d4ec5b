"""gzip and ZIP that inflate without end, lie about themselves, or hide something."""

import gzip
import io
import struct
import zipfile
import zlib
from collections.abc import Iterator
from typing import Final

from tests.tools.attacks.attack import Attack, inflated
from tests.tools.attacks.files.archives import gzipped, streamed
from tests.tools.attacks.files.xmlfiles import (
    GOOD,
    LANDED,
    NATIVE,
    NATIVE_END,
    attack,
    joined,
    times,
)

_MB: Final = 1_000_000
_FILE: Final = NATIVE + GOOD + NATIVE_END
_BOMB: Final = r"FILE_TOO_LARGE at \S+: the data inflates to more than 200 times its size"
_LOCAL: Final = struct.Struct("<4sHHHHHIIIHH")
_CENTRAL: Final = struct.Struct("<4sHHHHHHIIIHHHHHII")
_DESCRIBED: Final = 0x08


def _bomb() -> Iterator[bytes]:
    return joined(NATIVE, GOOD, times(b"<a/>" + b" " * 996, 60 * _MB))


def _zipped(*members: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", method) as file:
        for name, data in members:
            inflated.append(len(data))
            file.writestr(name, data)
    return archive.getvalue()


def _local(data: bytes, *, compressed: int, inflated: int, flags: int = 0) -> bytes:
    """A ZIP of one stored member, whatever its header says of it."""
    crc = zlib.crc32(data)
    header = _LOCAL.pack(b"PK\3\4", 20, flags, 0, 0, 33, crc, compressed, inflated, 8, 0)
    return header + b"plan.xml" + data


def _overlapping() -> bytes:
    """A ZIP of whose 1,000 directory entries each names the same data."""
    data = _local(_FILE, compressed=len(_FILE), inflated=len(_FILE))
    entry = _CENTRAL.pack(
        *(b"PK\1\2", 20, 20, 0, 0, 0, 33, zlib.crc32(_FILE), len(_FILE), len(_FILE)),
        *(8, 0, 0, 0, 0, 0, 0),
    )
    directory = (entry + b"plan.xml") * 1000
    end = struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, 1000, 1000, len(directory), len(data), 0)
    return data + directory + end


def _zip64() -> bytes:
    """A ZIP whose member declares a size of 2**60 bytes in a 64-bit field."""
    extra = struct.pack("<HHQQ", 1, 16, 1 << 60, 1 << 60)
    header = _LOCAL.pack(b"PK\3\4", 45, 0, 0, 0, 33, 0, 2**32 - 1, 2**32 - 1, 8, len(extra))
    return header + b"plan.xml" + extra + _FILE


def _unended(number: int) -> bytes:
    """A member whose data inflates far beyond its end, before that turns out to be wrong."""
    data = b"\x00\xff\xff\x00\x00"  # a block of 65,535 bytes that are not compressed
    name = b"%08d" % number
    header = _LOCAL.pack(b"PK\3\4", 20, _DESCRIBED, 8, 0, 33, 0, 0, 0, len(name), 0)
    return header + name + data + struct.pack("<IIII", 0x08074B50, 0, len(data), 0)


ATTACKS: Final[list[Attack]] = [
    attack("a gzip bomb of 60 MB", lambda: gzipped(_bomb()), LANDED + _BOMB),
    attack("a ZIP bomb of 60 MB", lambda: [streamed(_bomb())], LANDED + _BOMB),
    attack(
        "a gzip bomb of white space",
        lambda: gzipped(times(b" " * 1000, 60 * _MB)),
        r"400 .*(the file is empty|no root element within the first 65536 bytes).*",
    ),
    attack(
        "a gzip in a gzip",
        gzip.compress(gzip.compress(_FILE)),
        r"400 .*the file is compressed twice; .*",
    ),
    attack(
        "a gzip in a ZIP",
        _zipped(("plan.xml", gzip.compress(_FILE))),
        r"400 .*the file is compressed twice; .*",
    ),
    attack(
        "a ZIP in a gzip", gzip.compress(_zipped(("a.xml", _FILE))), r"400 .*compressed twice.*"
    ),
    attack(
        "a gzip of 20,000 members, a byte in each",
        lambda: joined(
            gzip.compress(NATIVE + GOOD),
            times(gzip.compress(b" "), 20_000 * len(gzip.compress(b" "))),
            gzip.compress(NATIVE_END),
        ),
        r"207 good\+1",
    ),
    attack(
        "a gzip of empty members, 2 MB of them",
        lambda: joined(
            gzip.compress(NATIVE + GOOD), times(gzip.compress(b""), 2 * _MB), b"and then none"
        ),
        LANDED + r"MALFORMED_XML at \S+: the gzip file is corrupt.*",
    ),
    attack(
        "a gzip of empty members alone",
        lambda: joined(times(gzip.compress(b""), 2 * _MB)),
        r"400 .*the file is empty.*",
    ),
    attack(
        "a gzip with 20 MB of zeros behind it",
        lambda: joined(gzip.compress(_FILE), times(bytes(1000), 20 * _MB)),
        r"207 good\+1",
    ),
    attack(
        "a gzip with something else behind it",
        gzip.compress(_FILE) + b"<projects/>",
        LANDED
        + r"MALFORMED_XML at \S+: the gzip file is corrupt: data after its end is not gzip.*",
    ),
    attack(
        "a gzip whose name does not end",
        lambda: joined(b"\x1f\x8b\x08\x08" + bytes(6), times(b"x" * 1000, 20 * _MB)),
        r"400 .*the gzip file is corrupt: its header does not end.*",
    ),
    attack(
        "a gzip that is too short by a byte",
        gzip.compress(_FILE)[:-1],
        LANDED + r"MALFORMED_XML at \S+: the gzip file breaks off.*",
    ),
    attack(
        "a ZIP of two plans",
        _zipped(("a.xml", _FILE), ("b.xml", _FILE)),
        r"207 good\+1; DUPLICATE_PROJECT at \S+: The upload already has this project .*",
    ),
    attack(
        "a ZIP of 20,000 empty folders",
        lambda: [_zipped(*((f"{number}/", b"") for number in range(20_000)), ("a.xml", _FILE))],
        r"207 good\+1",
    ),
    attack(
        "a ZIP of litter that inflates to 60 MB",
        lambda: [_zipped(("__MACOSX/a", bytes(60 * _MB)), ("a.xml", _FILE))],
        r"207 good\+1",
    ),
    attack("a ZIP with a path out of its folder", _zipped(("../../a.xml", _FILE)), r"207 good\+1"),
    attack("a ZIP of a directory alone", _zipped(), r"400 .*the ZIP holds no file"),
    attack("a ZIP of a folder alone", _zipped(("a/", b"")), r"400 .*the ZIP holds no file"),
    attack("a ZIP whose entries overlap", _overlapping(), r"207 good\+1"),
    attack("a ZIP with its sizes behind the data", lambda: [streamed([_FILE])], r"207 good\+1"),
    attack(
        "a ZIP that says 2**60 bytes",
        _zip64(),
        r"(400|207) .*the ZIP ends in the middle of plan.xml.*",
    ),
    attack(
        "a ZIP that says too few bytes",
        _local(_FILE, compressed=20, inflated=20),
        r"(400|207) .*plan.xml in the ZIP is damaged: its checksum is wrong.*",
    ),
    attack(
        "a ZIP that says too many bytes",
        _local(_FILE, compressed=1 << 30, inflated=1 << 30),
        r"(400|207) .*the ZIP ends in the middle of plan.xml.*",
    ),
    attack(
        "an encrypted ZIP",
        _local(bytes(12) + _FILE, compressed=12 + len(_FILE), inflated=len(_FILE), flags=1),
        r"207 ; UNSUPPORTED_FILE at None: .*plan.xml in the ZIP is encrypted.*",
    ),
    attack(
        "a stored ZIP whose size comes behind",
        _local(_FILE, compressed=0, inflated=0, flags=_DESCRIBED),
        r"207 good\+1; MALFORMED_XML at None: the ZIP ends in the middle of plan.xml; .*",
    ),
    attack(
        "a ZIP compressed by LZMA",
        _zipped(("a.xml", _FILE), method=zipfile.ZIP_LZMA),
        r"400 .*a.xml in the ZIP is compressed with LZMA; .*",
    ),
    attack(
        "a ZIP of 20,000 empty files",
        lambda: [_zipped(*((f"{number}", b"") for number in range(20_000)))],
        r"207 .*",
    ),
    attack(
        "a ZIP of 3,000 damaged members whose ends have to be searched",
        lambda: [b"".join(_unended(number) for number in range(3_000))],
        r"207 .*",
    ),
]
