"""The members of a ZIP are read one after another; a damaged one does not end the ZIP."""

import io
import random
import struct
import zipfile
import zlib
from collections.abc import Callable

import pytest

from service.codes import ErrorCode
from service.errors import FileRefused, FileTooLarge
from service.formats.compression import inflate_files
from service.formats.limits import MIB, Limits
from tests.support.items import CutSource
from tests.support.zips import zipped

TEXTS = {f"folder/{name}.xml": random.Random(name).randbytes(300).hex().encode() for name in "abc"}
A, B, C = TEXTS


def deflate(data: bytes) -> bytes:
    compress = zlib.compressobj(6, zlib.DEFLATED, -15)
    return compress.compress(data) + compress.flush()


def member(  # the fields of a header
    name: str | bytes,
    data: bytes = b"",
    *,
    flags: int = 0,
    method: int = 8,
    crc: int = 0,
    size: int | None = None,
    inflated_size: int = 0,
    extra: bytes = b"",
    tail: bytes = b"",
) -> bytes:
    """Return a member whose header has any values."""
    raw = name.encode() if isinstance(name, str) else name
    size = len(data) if size is None else size
    header = struct.pack("<4sHHHI", b"PK\3\4", 20, flags, method, 0)
    header += struct.pack("<IIIHH", crc, size, inflated_size, len(raw), len(extra))
    return header + raw + extra + data + tail


def good(name: str | bytes, text: bytes, **more: object) -> bytes:
    """Return a member as most programs write it."""
    crc, size = zlib.crc32(text), len(text)
    return member(name, deflate(text), crc=crc, inflated_size=size, **more)  # type: ignore[arg-type]


def piped(name: str, text: bytes, form: str = "<IIII", signature: bool = True) -> bytes:
    """Return a member whose sizes follow its data."""
    data = deflate(text)
    tail = struct.pack(form, 0x08074B50, zlib.crc32(text), len(data), len(text))
    return member(name, data, flags=8, size=0, tail=tail if signature else tail[4:])


END = b"PK\1\2" + bytes(42) + b"PK\5\6" + bytes(18)


def contents(data: bytes, limits: Limits | None = None, cuts: list[int] | None = None) -> list[str]:
    """Return what is read of each file, or why it cannot be read, and then why no more can be."""
    found = []
    try:
        for file in inflate_files(CutSource(data, cuts or []), limits or Limits()):
            read = b""
            try:
                while piece := file.read(1):
                    read += piece
            except (FileRefused, FileTooLarge) as fault:
                found.append(f"{file.name}: {fault.details}")
            else:
                whole = read == TEXTS.get(str(file.name))
                found.append(f"{file.name} {'ok' if whole else 'differs'}")
    except (FileRefused, FileTooLarge) as fault:
        found.append(fault.details)
    return [text.replace("Validation error: ", "") for text in found]


def ok(*names: str) -> list[str]:
    return [f"{name} ok" for name in names]


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_all_members_are_read_in_every_cut(method: int, streamed: bool) -> None:
    data = zipped(("folder/", b""), *TEXTS.items(), method=method, streamed=streamed)
    for cut in range(0, len(data), 7):
        assert contents(data, cuts=[cut, cut + 1, cut + 5]) == ok(A, B, C)
    assert contents(data, cuts=list(range(len(data)))) == ok(A, B, C)


def test_every_form_of_sizes_is_read() -> None:
    zip64 = struct.pack("<HHQQ", 1, 16, len(TEXTS[C]), len(deflate(TEXTS[C])))
    data = b"".join(
        [
            piped(A, TEXTS[A], signature=False),
            piped(B, TEXTS[B], "<IIQQ"),
            piped(A, TEXTS[A], "<IIQQ", signature=False),
            piped("folder/", b"", "<IIQQ"),
            member(
                C,
                deflate(TEXTS[C]),
                crc=zlib.crc32(TEXTS[C]),
                size=2**32 - 1,
                inflated_size=2**32 - 1,
                extra=b"\x01\x00\x00\x00"[:0] + b"\x0a\x00\x01\x00x" + zip64,
            ),
        ]
    )
    assert contents(data + END) == ok(A, B, A, C)


def test_names_are_read_in_the_encodings_in_use() -> None:
    names = ["Zürich/Plan.xml".encode(), "Zürich/Plan.xml".encode("cp437"), b"\xff\0\x1b.xml"]
    data = b"".join(good(name, b"x") for name in names)
    found = [file.name for file in inflate_files(io.BytesIO(data + END), Limits())]
    assert found[:2] == ["Zürich/Plan.xml"] * 2
    assert len(found) == 3


def flip(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 0x55]) + data[at + 1 :]


@pytest.mark.parametrize("make", [good, piped])
def test_the_member_after_a_damaged_one_is_read(make: Callable[[str, bytes], bytes]) -> None:
    first, second, third = (make(name, text) for name, text in TEXTS.items())
    begin = 30 + len(B)
    for at in (begin, begin + 1, begin + 40, begin + 150, begin + 250):
        found = contents(first + flip(second, at) + third + END)
        assert found[0] == f"{A} ok", at
        assert found[1].startswith(f"{B}: the file {B} in the ZIP is damaged"), at
        assert found[2:] == ok(C), at


@pytest.mark.parametrize(
    ("second", "reason"),
    [
        (good(B, TEXTS[B], flags=1), "is encrypted; make the ZIP without a password"),
        (good(B, TEXTS[B])[:8] + b"\x09" + good(B, TEXTS[B])[9:], "is compressed with Deflate64"),
        (good(B, TEXTS[B])[:8] + b"\x2a" + good(B, TEXTS[B])[9:], "is compressed with method 42"),
        (flip(good(B, TEXTS[B]), 14), "is damaged: its checksum is wrong"),
        (flip(good(B, TEXTS[B]), 22), "is damaged: its size is wrong"),
        (member(B, deflate(TEXTS[B]) + b"x" * 9), "is damaged: its size is wrong"),
        (member(B, deflate(TEXTS[B])[:99]), "is damaged: its size is wrong"),
        (member(B, b"x", method=0, flags=9, tail=b"\0" * 4 + b"\1\0\0\0" * 2), "is encrypted"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_member_that_cannot_be_read_is_one_fault(second: bytes, reason: str) -> None:
    found = contents(good(A, TEXTS[A]) + second + good(C, TEXTS[C]) + END)
    assert [found[0], found[2]] == ok(A, C)
    assert reason in found[1]


def test_a_zip_that_is_cut_off_has_one_fault_in_its_last_member() -> None:
    for make in (good, piped):
        whole = make(A, TEXTS[A]) + make(B, TEXTS[B])
        first, between = len(make(A, TEXTS[A])), "the ZIP ends too early, after 1 files"
        for end in range(first + 1, len(whole)):
            found = contents(whole[:end])
            assert found[0] == f"{A} ok"
            assert len(found) == 2, found
            in_header = end < first + 30 + len(B)
            middle = f"{B}: the ZIP ends in the middle of {B}; send the whole ZIP"
            assert found[1].startswith(between) if in_header else found[1] == middle, end
        assert "after 2 files" in contents(whole)[-1]
    encrypted = good(A, TEXTS[A], flags=1)
    assert len(contents(encrypted[:-3])) == 2  # its own fault, and that of the ZIP


@pytest.mark.parametrize("junk", [b"junk" * 20, b"PK\7\x08" * 5_000, bytes(300_000)])
def test_a_zip_is_read_up_to_damage_after_which_nothing_is_found(junk: bytes) -> None:
    found = contents(good(A, TEXTS[A]) + junk + good(C, TEXTS[C]) + END)
    assert found[0] == f"{A} ok"
    assert len(found) == 2
    assert "the ZIP is damaged" in found[1]
    assert "after 1 files" in found[1]
    lost = member(B, b"\xff" + junk, flags=8, size=0)
    found = contents(good(A, TEXTS[A]) + lost + good(C, TEXTS[C]) + END)
    assert found[0] == f"{A} ok"
    assert [text.partition(";")[2] for text in found[1:]] == ["", " make the ZIP again"]


def test_what_is_left_of_a_member_is_skipped() -> None:
    for make in (good, piped):
        data = b"".join(make(name, text * 99) for name, text in TEXTS.items()) + END
        names = [file.name for file in inflate_files(io.BytesIO(data), Limits())]
        assert names == [A, B, C]
        begun = [file.name for file in inflate_files(io.BytesIO(data), Limits()) if file.read(1)]
        assert begun == [A, B, C]


def test_a_zip_inside_a_stored_member_is_not_taken_for_members() -> None:
    inner = zipped((B, TEXTS[B]), streamed=True)
    data = zipped((A, TEXTS[A]), ("b.zip", inner), (C, TEXTS[C]), method=0, streamed=True)
    names = [file.name for file in inflate_files(io.BytesIO(data), Limits())]
    assert names == [A, "b.zip", C]


def test_litter_is_passed_over_and_documents_are_refused() -> None:
    litter = [("x/", b""), ("__MACOSX/._a.xml", b"x" * 99), ("Thumbs.db", b"x"), (".DS_Store", b"")]
    assert contents(zipped(*litter, (A, TEXTS[A]))) == ok(A)
    assert contents(zipped(*litter)) == ["the ZIP holds no file"]
    for first, kind in (
        ("[Content_Types].xml", "Excel"),
        ("xl/workbook.xml", "Excel"),
        ("mimetype", "OpenDocument"),
        ("META-INF/MANIFEST.MF", "Java"),
    ):
        [found] = contents(zipped((first, b"<x/>"), (A, TEXTS[A])))
        assert kind in found
        assert "export the plan as XML" in found
        with pytest.raises(FileRefused) as caught:
            next(inflate_files(io.BytesIO(zipped((first, b"<x/>"))), Limits()))
        assert caught.value.code is ErrorCode.UNSUPPORTED_FILE


@pytest.mark.parametrize("make", [good, piped])
def test_a_bomb_ends_where_its_ratio_is_exceeded(make: Callable[[str, bytes], bytes]) -> None:
    bomb, limits = bytes(40 * MIB), Limits(max_inflate_ratio=100)
    plain = random.Random(0).randbytes(1 * MIB)
    excess = "the data inflates to more than 100 times its size"
    # One among data that is not compressible: the others are read.
    found = contents(make("r", plain) + make("bomb", bomb) + make(C, TEXTS[C]) + END, limits)
    assert found[1:] == [f"bomb: {excess}", *ok(C)]
    # The ratio of all members together ends the ZIP.
    found = contents(make(A, TEXTS[A]) + make("bomb", bomb) + make(C, TEXTS[C]) + END, limits)
    assert found == [*ok(A), f"bomb: {excess}"]
    many = b"".join(make(f"{number}", bytes(2 * MIB)) for number in range(20)) + END
    found = contents(many, limits)
    assert len(found) == 9
    assert found[-1] == f"8: {excess}"
    # In a member that is passed over, it costs as little.
    found = contents(make("__MACOSX/bomb", bomb) + make(A, TEXTS[A]) + END, limits)
    assert found == (ok(A) if make is good else [excess])


def test_many_members_of_nothing_cost_little_memory_and_end() -> None:
    data = member("d/") * 20_000 + member("x", method=0) * 3 + END
    assert [file.name for file in inflate_files(io.BytesIO(data), Limits())] == ["x"] * 3
    long = good(b"n" * 65_535, b"x") + END
    [file] = inflate_files(io.BytesIO(long), Limits())
    assert file.name is not None
    assert len(file.name) == 65_535


def test_a_zip_after_the_end_of_another_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = zipped((A, TEXTS[A]), ("é.xml", TEXTS[B])), zipped((C, TEXTS[C]))
    [*read, fault] = contents(first + second)
    assert len(read) == 2
    assert fault.startswith("another ZIP follows the end of this one, after 2 files")
    monkeypatch.setattr(zipfile, "ZIP_FILECOUNT_LIMIT", 0)
    zip64 = zipped((A, TEXTS[A]))
    assert b"PK\x06\x06" in zip64
    assert "another ZIP" in contents(zip64 + second)[-1]
    with_comment = first[:-2] + b"\4\0PK\3\4"
    for harmless in (first, first + b"rest", with_comment, first[:-10], zip64):
        assert not any("another ZIP" in each for each in contents(harmless))
