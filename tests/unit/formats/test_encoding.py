"""The prolog of a file: its encoding, its root element, and what is refused there."""

import io
import time
import tracemalloc

import pytest

from service.errors import FileRefused
from service.formats.encoding import ENCODINGS, PROLOG_LIMIT, Prolog, read_prolog

UTF8_MARK = b"\xef\xbb\xbf"


class Dribble(io.BytesIO):
    """A source that gives one byte a read."""

    def read(self, n: int | None = -1, /) -> bytes:
        return super().read(min(1, n or 0))


def prolog(data: bytes, charset: str | None = None) -> Prolog:
    return read_prolog(io.BytesIO(data), charset)


def refusal(data: bytes, charset: str | None = None) -> FileRefused:
    with pytest.raises(FileRefused) as refused:
        prolog(data, charset)
    return refused.value


def rest(found: Prolog) -> bytes:
    return b"".join(iter(lambda: found.source.read(100), b""))


@pytest.mark.parametrize(
    ("text", "namespace", "name"),
    [
        ("<a/>", None, "a"),
        ('<a xmlns="urn:x">', "urn:x", "a"),
        ("<p:a b='>' xmlns:p='urn:&#x78;'/>", "urn:x", "a"),
        ("<?xml version='1.0'?>\n<!-- <!DOCTYPE a> -->\n<?pi <b/>?><a/>", None, "a"),
        ("\n\n  <a/>", None, "a"),
    ],
)
def test_the_root_is_found_after_anything_that_may_precede_it(
    text: str, namespace: str | None, name: str
) -> None:
    found = prolog(text.encode())
    assert (found.namespace, found.name) == (namespace, name)


@pytest.mark.parametrize("source", [io.BytesIO, Dribble])
def test_the_source_starts_again_at_the_first_byte(source: type[io.BytesIO]) -> None:
    data = b"<?xml version='1.0' encoding='ISO-8859-1'?><a>" + b"x" * 200_000 + b"</a>"
    found = read_prolog(source(data))
    assert rest(found) == data


def test_the_prolog_reads_no_more_than_it_needs() -> None:
    source = Dribble(b"<!-- a comment --><root><child/>" + b" " * 1000)
    read_prolog(source)
    assert source.tell() <= len(b"<!-- a comment --><root><")


@pytest.mark.parametrize(
    ("data", "charset", "encoding"),
    [
        (b"<a/>", None, "UTF-8"),
        (b"<?xml version='1.0'?><a/>", None, "UTF-8"),
        (b'<?xml version="1.0" encoding="iso-8859-15"?><a/>', None, "ISO-8859-15"),
        (b"<?xml version='1.0'\n encoding = 'latin1' ?><a/>", None, "ISO-8859-1"),
        (b"<?xml version='1.0' encoding='Cp1252'?><a/>", None, "WINDOWS-1252"),
        (b"<?xml version='1.0' encoding='utf8'?><a/>", None, "UTF-8"),
        (b"<?xml version='1.0' encoding='UTF-7'?><a/>", "us_ascii", "US-ASCII"),
        (b"<?xml version='1.0' encoding='ISO-8859-1'?><a/>", "utf-8", "UTF-8"),
        (UTF8_MARK + b"<?xml version='1.0' encoding='UTF-7'?><a/>", "ISO-8859-1", "UTF-8"),
        ("<a/>".encode("utf-16"), "ISO-8859-1", "UTF-16LE"),
        ("\ufeff<a/>".encode("utf-16-be"), None, "UTF-16BE"),
        ("<?xml version='1.0' encoding='utf-16'?><a/>".encode("utf-16-le"), None, "UTF-16LE"),
        ("<?xml version='1.0' encoding='UTF-16'?><a/>".encode("utf-16-be"), None, "UTF-16BE"),
        ("<a/>".encode("utf-16-be"), "utf-16", "UTF-16BE"),
        ("\n<a/>".encode("utf-16-le"), "utf-16", "UTF-16LE"),
        ("<a/>".encode("utf-16-le"), "UTF-16LE", "UTF-16LE"),
        (b"<?xml version='1.0' encoding='utf-16'?><a/>", None, "UTF-8"),
    ],
)
@pytest.mark.parametrize("source", [io.BytesIO, Dribble])
def test_a_byte_order_mark_overrides_the_charset_and_the_charset_the_declaration(
    data: bytes, charset: str | None, encoding: str, source: type[io.BytesIO]
) -> None:
    found = read_prolog(source(data), charset)
    assert (found.encoding, found.name) == (encoding, "a")


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_every_listed_encoding_is_read(encoding: str) -> None:
    text = f"<?xml version='1.0' encoding='{encoding}'?><!-- --><root/>"
    found = prolog(text.encode(encoding))
    assert found.name == "root"


@pytest.mark.parametrize(
    ("data", "charset", "part"),
    [
        (b"<?xml version='1.0' encoding='UTF-7'?><a/>", None, "'UTF-7'"),
        (b"<?xml version='1.0' encoding='IBM037'?><a/>", None, "'IBM037'"),
        (b"<?xml version='1.0' encoding='ISO-8859-12'?><a/>", None, "'ISO-8859-12'"),
        (b"<?xml version='1.0' encoding=''?><a/>", None, "''"),
        (b"<a/>", "binary", "'binary'"),
        ("<a/>".encode("utf-32"), None, "UTF-32"),
        ("<a/>".encode("utf-32-be"), None, "UTF-32"),
        ("<?xml version='1.0'?><a/>".encode("cp037"), None, "EBCDIC"),
    ],
)
def test_other_encodings_are_refused_with_a_list_of_the_supported_ones(
    data: bytes, charset: str | None, part: str
) -> None:
    reason = refusal(data, charset).reason
    assert part in reason
    assert "UTF-8, UTF-16, US-ASCII, ISO-8859-1 to -16, windows-1250 to -1258" in reason


def test_utf_16_without_mark_and_declaration_is_refused() -> None:
    assert "needs an XML declaration" in refusal("<a/>".encode("utf-16-le")).reason


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "iso-8859-1"])
@pytest.mark.parametrize("doctype", ["<!DOCTYPE a>", "<!DOCTYPE a SYSTEM 'x'>", "<!DOCTYPE a ["])
@pytest.mark.parametrize("source", [io.BytesIO, Dribble])
def test_a_doctype_is_refused_wherever_it_is(
    encoding: str, doctype: str, source: type[io.BytesIO]
) -> None:
    declared = encoding.removesuffix("-sig").removesuffix("-be")
    text = f"<?xml version='1.0' encoding='{declared}'?>"
    text += f"<!-- <!DOCTYPE x>\n\n--> <?pi\n <!DOCTYPE y> ?>  {doctype} <!ENTITY e 'x'>]>"
    text += "<a b='&e;'/>"
    with pytest.raises(FileRefused) as refused:
        read_prolog(source(text.encode(encoding)))
    assert refused.value.reason == "a DOCTYPE is not allowed"
    assert (refused.value.line, refused.value.column) == (4, 19)


@pytest.mark.parametrize(
    ("data", "part"),
    [
        (b"", "the file is empty"),
        (b" \r\n\t ", "the file is empty"),
        (b"<a b=3>", "not well-formed XML: AttValue"),
        (b"<?xml version='1.0'?><!-- ", "the file ends before its first element"),
        (b"<?xml version='1.0'?>", "the file ends before its first element"),
    ],
)
def test_a_file_that_is_not_xml_is_refused_with_a_remedy(data: bytes, part: str) -> None:
    assert part in refusal(data).reason


@pytest.mark.parametrize("namespace", ["}", "{", "a}b", "{a}"])
def test_a_root_in_a_namespace_with_braces_is_refused(namespace: str) -> None:
    fault = refusal(f'<p:Project xmlns:p="{namespace}"/>'.encode())
    assert fault.reason == f"the namespace of the root element is not a URI: {namespace}"


def test_a_fault_has_line_and_column() -> None:
    fault = refusal(b"<?xml version='1.0'?>\n<a b=3>")
    assert (fault.line, fault.column) == (2, 6)


@pytest.mark.parametrize(
    "data",
    [
        b"<!-- " + b"x" * 10_000_000,
        b"<?pi " + b"?" * 10_000_000,
        b"<!---->" * 1_500_000,
        b" " * 10_000_000,
        b"<?xml version='1.0' " + b" " * 10_000_000,
        b"<a " + b"b" * 10_000_000,
        b"<" * 10_000_000,
    ],
)
def test_an_endless_prolog_is_refused_early(data: bytes) -> None:
    source = io.BytesIO(data)
    began = time.process_time()
    with pytest.raises(FileRefused):
        read_prolog(source)
    assert time.process_time() - began < 1
    assert source.tell() <= 2 * PROLOG_LIMIT


def test_a_doctype_after_many_comments_is_found_in_linear_time() -> None:
    data = b"<!---->" * 9_000 + b"<!DOCTYPE a>"
    tracemalloc.start()
    began = time.process_time()
    refusal(data)
    assert time.process_time() - began < 1
    assert tracemalloc.get_traced_memory()[1] < 4 * PROLOG_LIMIT + (1 << 20)
    tracemalloc.stop()


def test_exceptions_of_the_source_pass_through() -> None:
    class Gone(io.BytesIO):
        def read(self, n: int | None = -1, /) -> bytes:
            raise ConnectionError("client gone")

    with pytest.raises(ConnectionError, match="client gone"):
        read_prolog(Gone())


def test_the_prolog_limit_does_not_depend_on_the_chunks() -> None:
    class Whole(io.BytesIO):
        def read(self, n: int | None = -1, /) -> bytes:
            return super().read()

    data = b"<!--" + b"x" * PROLOG_LIMIT + b"--><a/>"
    for source in (io.BytesIO(data), Whole(data)):
        with pytest.raises(FileRefused, match="no root element within the first 65536 bytes"):
            read_prolog(source)
