"""Compressed files read like the XML inside; other data is refused with a remedy."""

import gzip
import io
import os
import zipfile

import pytest

from service.errors import FileRefused, FileTooLarge
from service.formats.limits import MIB, Limits
from tests.support.inflating import FirstFile
from tests.support.reading import NATIVE, read
from tests.support.zips import zipped

XML = f"""<projects xmlns="{NATIVE}">
  <project id="P-1"><name>One</name></project>
  <project id="P-2"><name>Two</name></project>
</projects>""".encode()


class Pieces:
    """A source that gives these pieces, then raises if there is a fault, else ends."""

    def __init__(self, *pieces: bytes, fault: Exception | None = None) -> None:
        self._pieces = [piece for piece in pieces if piece]
        self._fault = fault

    def read(self, _n: int, /) -> bytes:
        if self._pieces:
            return self._pieces.pop(0)
        if self._fault is not None:
            raise self._fault
        return b""


def inflated(*pieces: bytes, fault: Exception | None = None) -> bytes:
    source = FirstFile(Pieces(*pieces, fault=fault), Limits())
    return b"".join(iter(lambda: source.read(1), b""))


def refusal(data: bytes) -> str:
    fault = read(data).fault
    assert isinstance(fault, FileRefused)
    return fault.reason


@pytest.mark.parametrize(
    "data",
    [
        XML,
        gzip.compress(XML),
        gzip.compress(XML[:50]) + gzip.compress(XML[50:]) + bytes(512),
        zipped(("plan.xml", XML)),
        zipped(("plan.xml", XML), streamed=True),
        zipped(("plan.xml", XML), method=zipfile.ZIP_STORED),
        zipped(("plan.xml", XML), method=zipfile.ZIP_STORED, streamed=True),
        zipped(
            ("out/", b""),
            ("__MACOSX/out/._plan.xml", os.urandom(300)),
            ("out/plan.xml", XML),
            ("out/.DS_Store", b"x"),
        ),
    ],
    ids=["plain", "gzip", "members", "zip", "streamed zip", "stored zip", "piped zip", "litter"],
)
def test_a_file_reads_the_same_in_every_compression_and_cut(data: bytes) -> None:
    for cut in range(len(data) + 1):
        assert inflated(data[:cut], data[cut:]) == XML
    assert inflated(*(data[i : i + 1] for i in range(len(data)))) == XML


def test_lines_of_a_compressed_file_refer_to_the_xml() -> None:
    for data in (gzip.compress(XML), zipped(("plan.xml", XML))):
        assert [project.line for project in read(data).projects] == [2, 3]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (zipped(), "the ZIP holds no file"),
        (zipped(("empty/", b"")), "the ZIP holds no file"),
        (zipped(("plan.xml", b"")), "the file is empty"),
        (gzip.compress(b""), "the file is empty"),
        (zipped(("plan.zip", zipped(("plan.xml", XML)))), "the file is compressed twice"),
        (zipped(("plan.xml.gz", gzip.compress(XML))), "the file is compressed twice"),
        (gzip.compress(gzip.compress(XML)), "the file is compressed twice"),
        (gzip.compress(zipped(("plan.xml", XML))), "the file is compressed twice"),
        (gzip.compress(XML)[:-30], "the gzip file breaks off"),
        (zipped(("plan.xml", XML))[:60], "the ZIP ends in the middle of plan.xml"),
        (b"PK\x03\x04", "the ZIP ends too early, before its first file"),
        (b"\x1f\x8b", "the gzip file breaks off"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",  # the bytes hold the time
)
def test_an_unsupported_file_is_refused_with_a_remedy(data: bytes, reason: str) -> None:
    assert reason in refusal(data)


@pytest.mark.parametrize("streamed", [True, False])
def test_the_projects_before_a_wrong_checksum_are_read(streamed: bool) -> None:
    zip_ = bytearray(zipped(("plan.xml", XML), streamed=streamed))
    zip_[zip_.index(b"PK\x07\x08") + 4 if streamed else 14] ^= 1
    gzip_ = bytearray(gzip.compress(XML))
    gzip_[-8] ^= 1
    for data in (bytes(zip_), bytes(gzip_)):
        reading = read(data)
        assert (len(reading.projects), reading.closed) == (2, True)
        assert isinstance(reading.fault, FileRefused)
        assert "checksum is wrong" in reading.fault.reason


def test_exceptions_of_the_source_pass_through() -> None:
    for data in (gzip.compress(XML), zipped(("plan.xml", XML)), XML):
        with pytest.raises(TimeoutError, match="gone"):
            inflated(data[:50], fault=TimeoutError("gone"))


@pytest.mark.parametrize(
    "compressed", [gzip.compress, lambda data: zipped(("plan.xml", data), streamed=True)]
)
def test_a_bomb_is_stopped_at_its_ratio(compressed: type[bytes]) -> None:
    bomb = compressed(XML[:-11] + bytes(64 * MIB))
    source = FirstFile(io.BytesIO(bomb), Limits(max_inflate_ratio=100))
    sizes: list[int] = []
    with pytest.raises(FileTooLarge, match="100 times"):
        sizes.extend(map(len, iter(lambda: source.read(1), b"")))
    assert max(sizes) <= 64 * 1024
    assert 100 * len(bomb) < 16 * MIB  # so that it is the grace that ends
    assert 16 * MIB - 64 * 1024 <= sum(sizes) <= 16 * MIB


def test_the_file_limit_counts_inflated_bytes() -> None:
    data = XML[:-11] + b" " * 200_000 + b"</projects>"
    assert read(gzip.compress(data), Limits(max_file_bytes=len(data))).fault is None
    reading = read(gzip.compress(data), Limits(max_file_bytes=len(data) - 1))
    assert isinstance(reading.fault, FileTooLarge)
    assert len(reading.projects) == 2
