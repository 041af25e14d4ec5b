"""gzip in pieces of any size: no data is lost and no corrupt data is accepted."""

import gzip
import io
import os
import tracemalloc
import zlib

import pytest

from service.errors import FileTooLarge
from service.formats.compression import BadGzip, Gunzip
from service.formats.limits import RATIO_GRACE, check_ratio

TEXT = b"".join(b"<task id='%d'/>" % n for n in range(300)) + os.urandom(20)


def members() -> bytes:
    """Two members, the first with every optional field in its header, and padding after them."""
    named = io.BytesIO()
    with gzip.GzipFile("plan.xml", "wb", fileobj=named) as file:
        file.write(TEXT[:1000])
    plain = named.getvalue()
    assert plain[3] == 0x08
    end_of_name = plain.index(b"\0", 10) + 1
    extra = b"\x04\0abcd"
    header = plain[:3] + b"\x1e" + plain[4:10] + extra + plain[10:end_of_name] + b"comment\0"
    header += (zlib.crc32(header) & 0xFFFF).to_bytes(2, "little")
    return header + plain[end_of_name:] + gzip.compress(TEXT[1000:]) + bytes(7)


def inflated(*pieces: bytes, most: int = 777) -> bytes:
    gunzip = Gunzip()
    out = b""
    for piece in pieces:
        gunzip.push(piece)
        while data := gunzip.pull(most):
            assert len(data) <= most
            out += data
    gunzip.end()
    return out


def test_gzip_members_form_one_stream_wherever_they_are_cut() -> None:
    data = members()
    for cut in range(len(data) + 1):
        assert inflated(data[:cut], data[cut:]) == TEXT


@pytest.mark.parametrize("most", [1, 100, 1_000_000])
def test_gzip_inflates_byte_by_byte(most: int) -> None:
    data = members()
    assert inflated(*(data[i : i + 1] for i in range(len(data))), most=most) == TEXT


def test_a_gzip_file_that_ends_anywhere_too_early_is_refused() -> None:
    data = gzip.compress(TEXT)
    for end in range(len(data)):
        with pytest.raises(BadGzip, match="breaks off"):
            inflated(data[:end])


def test_data_before_a_wrong_checksum_is_returned() -> None:
    for place in (-1, -5):
        data = bytearray(gzip.compress(TEXT))
        data[place] ^= 1
        gunzip = Gunzip()
        gunzip.push(bytes(data))
        assert gunzip.pull(1_000_000) == TEXT
        with pytest.raises(BadGzip, match="checksum"):
            gunzip.pull(1_000_000)


@pytest.mark.parametrize(
    "data",
    [
        gzip.compress(TEXT) + b"more",
        gzip.compress(TEXT) + b"\0\0\0\0more",
        b"\0\0" + gzip.compress(TEXT),
        gzip.compress(TEXT)[:10] + b"\xff" * 100,
        b"\x1f\x8b\x07" + bytes(20),
        b"\x1f\x8b\x08\xe0" + bytes(20),
        b"",
    ],
)
def test_data_that_is_not_gzip_is_refused(data: bytes) -> None:
    with pytest.raises(BadGzip):
        inflated(data)


def test_an_endless_gzip_header_is_refused() -> None:
    gunzip = Gunzip()
    gunzip.push(b"\x1f\x8b\x08\x08" + bytes(6) + b"n" * 300_000)
    with pytest.raises(BadGzip, match="header does not end"):
        gunzip.pull(1)


def test_a_bomb_is_inflated_in_bounded_memory() -> None:
    bomb = gzip.compress(bytes(100_000_000))
    gunzip = Gunzip()
    tracemalloc.start()
    try:
        gunzip.push(bomb)
        size = 0
        while data := gunzip.pull(65_536):
            size += len(data)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert size == 100_000_000
    assert peak < 1_000_000


def test_the_ratio_is_checked_beyond_its_grace() -> None:
    check_ratio(RATIO_GRACE, 1, 200)
    check_ratio(RATIO_GRACE + 200, RATIO_GRACE, 200)
    with pytest.raises(FileTooLarge, match="200 times"):
        check_ratio(RATIO_GRACE + 1, RATIO_GRACE // 200, 200)
