"""Transfer encodings decode the same wherever a chunk ends."""

import base64
import quopri

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.http.upload.content_encoding import transfer_decoder
from tests.support.fuzzing import examples


def decoded(encoding: str, data: bytes, size: int) -> bytes:
    decode = transfer_decoder(encoding)
    pieces = [decode(data[i : i + size]) for i in range(0, len(data), size)]
    return b"".join([*pieces, decode(b"", last=True)])


@examples(100)
@given(st.binary(max_size=300), st.integers(1, 80))
def test_base64_decodes_in_chunks_of_any_size(content: bytes, size: int) -> None:
    assert decoded("Base64", base64.encodebytes(content), size) == content


@examples(100)
@given(st.binary(max_size=300), st.integers(1, 80))
def test_quoted_printable_decodes_in_chunks_of_any_size(content: bytes, size: int) -> None:
    encoded = quopri.encodestring(content)
    assert decoded("quoted-printable", encoded, size) == quopri.decodestring(encoded)


@pytest.mark.parametrize("encoding", ["", "7bit", "8BIT", " binary "])
def test_an_unencoded_part_is_passed_through(encoding: str) -> None:
    assert decoded(encoding, b"a=3D\r\n", 2) == b"a=3D\r\n"


@pytest.mark.parametrize("data", [b"QUJ", b"QU!D", b"QQ==QUJD"])
def test_malformed_base64_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"(?i)base64|padding"):
        decoded("base64", data, 3)


def test_an_overlong_quoted_printable_line_is_refused() -> None:
    with pytest.raises(ValueError, match="does not end"):
        decoded("quoted-printable", b"x" * 100_000, 10_000)


def test_other_transfer_encodings_are_refused() -> None:
    with pytest.raises(LookupError):
        transfer_decoder("x-uuencode")
