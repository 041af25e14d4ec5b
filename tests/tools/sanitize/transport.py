"""From text to the bytes that the reader gets: encoding, damage, compression, pieces."""

import gzip
import struct
import zlib
from random import Random
from typing import Final

from tests.support.fuzzing import encoded, mutated, zipped

_BAD_TEXT: Final = [
    *(b"\xc3", b"\x80", b"\xc0\x80", b"\xe2\x82", b"\xf0\x9f\x98", b"\xed\xa0\x80", b"\xf5\x80"),
    *(b"\xff\xfe", b"\xfe\xff", b"\x00", b"\x00<\x00", b"\xef\xbb\xbf", b"\x1b", b"\xef\xbf\xbf"),
]
"""Incomplete, overlong and invalid UTF-8, and parts of UTF-16."""
_LONG_MARKUP: Final = [(b"<!--", b"-->"), (b"<![CDATA[", b"]]>"), (b"<?p ", b"?>"), (b"&#", b";")]


def encode(text: str, random: Random) -> tuple[bytes, str | None]:
    """Encode a text, mostly in UTF-8; return it with the charset that its part declares."""
    kind = random.random()
    if kind < 0.7:
        return text.encode("utf-8", "surrogatepass"), None
    if kind < 0.8:
        encoding = random.choice(["utf-16-le", "utf-16-be"])
        mark = "" if random.random() < 0.1 else "\ufeff"
        return (mark + text).encode(encoding, "surrogatepass"), random.choice([None, "utf-16"])
    return encoded(random.getrandbits(32), text)


def damage(data: bytes, random: Random) -> bytes:
    """Damage bytes at some places."""
    for _ in range(random.randint(1, 4)):
        at = random.randint(0, len(data))
        kind = random.randrange(4)
        if kind == 0:
            data = data[:at] + random.choice(_BAD_TEXT) + data[at:]
        elif kind == 1:
            begin, end = random.choice(_LONG_MARKUP)
            size = 11_500_000 if random.random() < 0.003 else int(10 ** random.uniform(0, 5))
            data = data[:at] + begin + b"1" * size + end + data[at:]
        elif data:
            data = mutated(random.getrandbits(32), data, 3)
    return data


def compress(data: bytes, random: Random) -> bytes:
    """Compress bytes as gzip or ZIP, sometimes damaged."""
    kind = random.random()
    if kind < 0.7:
        cuts = sorted(random.randint(0, len(data)) for _ in range(random.choice([0, 0, 1, 3])))
        ends = [*cuts, len(data)]
        members = [
            _gzip(data[start:end], random) for start, end in zip([0, *cuts], ends, strict=True)
        ]
        data = b"".join(members) + b"\0" * random.choice([0, 0, 0, 1, 600])
    else:
        data = zipped(data)
    return damage(data, random) if random.random() < 0.3 else data


def _gzip(data: bytes, random: Random) -> bytes:
    """Write a member of any level, sometimes with all fields of the header."""
    if random.random() < 0.7:
        return gzip.compress(data, random.randint(0, 9), mtime=0)
    deflate = zlib.compressobj(random.randint(0, 9), wbits=-15)
    extra = bytes(random.randrange(300))
    header = b"\x1f\x8b\x08\x1e" + bytes(6) + struct.pack("<H", len(extra)) + extra
    trailer = struct.pack("<II", zlib.crc32(data), len(data) & 0xFFFFFFFF)
    name = b"n" * random.randrange(5000)
    return header + name + b"\0c\0" + b"hc" + deflate.compress(data) + deflate.flush() + trailer


def choose_cuts(size: int, random: Random) -> list[int]:
    """Choose where the reader's source cuts the bytes: pieces of 1 byte to 64 KiB."""
    kind = random.random()
    if kind < 0.3:
        return [*range(64 * 1024, size, 64 * 1024)]
    if kind < 0.6:
        start = random.randint(0, size)
        return [*range(start, min(start + 200, size))]  # single bytes, only for a while
    mean = 10 ** random.uniform(1, 4.8)
    cuts = [0]
    while cuts[-1] < size and len(cuts) < 300:
        cuts.append(cuts[-1] + 1 + int(random.expovariate(1 / mean)))
    return cuts
