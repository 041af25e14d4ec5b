"""The parser of forms: what it yields does not depend on how the bytes arrive."""

from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.http.upload.multipart import (
    MAX_HEADERS,
    MAX_PREAMBLE,
    FormError,
    MultipartParser,
    Part,
)
from tests.support.fuzzing import examples

CONTENT = st.lists(
    st.sampled_from([b"\r", b"\n", b"-", b"--", b"b", b"\r\n--", b"\r\n-", b"xml"]), max_size=12
).map(lambda pieces: (b"\r\n" + b"".join(pieces)).replace(b"\r\n--b", b"\r\n-b")[2:])
"""Content without a line that begins with the boundary ``--b``."""


def form(*contents: bytes) -> bytes:
    parts = [
        b'--b\r\nContent-Disposition: form-data; name="%d"\r\n\r\n%b\r\n' % each
        for each in enumerate(contents)
    ]
    return b"".join(parts) + b"--b--\r\n"


def parse(body: bytes, size: int) -> list[tuple[str, bytes]]:
    """Return the names and contents of all parts."""
    parser = MultipartParser("b")
    parts: list[tuple[str, bytes]] = []
    for start in range(0, len(body), size):
        for event in parser.parse(body[start : start + size]):
            if isinstance(event, Part):
                parts.append((event.name, b""))
            else:
                name, content = parts[-1]
                parts[-1] = (name, content + event)
    assert parser.complete
    return parts


@examples(300)
@given(st.lists(CONTENT, max_size=4), st.integers(1, 40))
def test_parts_are_the_same_for_blocks_of_any_size(contents: list[bytes], size: int) -> None:
    expected = [(str(index), content) for index, content in enumerate(contents)]
    assert parse(b"preamble\r\n" + form(*contents) + b"epilogue", size) == expected


@pytest.mark.parametrize(
    "body",
    [
        b"--b  \r\n\r\nx\r\n--b\t\r\n\r\ny\r\n--b--",
        b"--b\r\n\r\nx\r\n--b\r\n\r\ny\r\n--b-- \r\nepilogue\r\n--b\r\n",
    ],
    ids=["white space after a boundary", "another boundary in the epilogue"],
)
def test_a_form_with_harmless_additions_is_parsed(body: bytes) -> None:
    assert parse(body, 1) == parse(body, len(body)) == [("", b"x"), ("", b"y")]


@pytest.mark.parametrize(
    "body",
    [
        b"x\r\n" * (MAX_PREAMBLE // 3 + 1),
        b"--b\r\nX: " + b"y" * MAX_HEADERS,
        b"--b\r\n" + b"X: y\r\n" * 200 + b"\r\n",
        b"--b\r\nno colon\r\n\r\n",
        b"--b\n",
        b"--bc\r\n",
        b"--b\r\n\r\nx\r\n--bc\r\n",
        b"--b" + b" " * 1000,
        b"--b\r\n\r\nx\r\n--b",
        b"",
    ],
)
@pytest.mark.parametrize("size", [1, 1_000_000])
def test_a_malformed_form_is_refused(body: bytes, size: int) -> None:
    blocks = [body[start : start + size] for start in range(0, len(body), size)]
    parser = MultipartParser("b")
    with pytest.raises(FormError):
        list(chain.from_iterable(map(parser.parse, [*blocks, b""])))


@pytest.mark.parametrize("key", ["name", "filename"])
def test_a_continued_name_with_one_apostrophe_is_ignored(key: str) -> None:
    body = b'--b\r\nContent-Disposition: form-data; %b*0="it\'s"\r\n\r\nx\r\n--b--'
    part = next(MultipartParser("b").parse(body % key.encode()))
    assert isinstance(part, Part)
    assert (part.name, part.filename) == ("", None)
