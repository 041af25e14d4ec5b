"""The compiled parser tells what lxml's ``iterparse`` tells, of whole files and of broken ones."""

import gc
import io
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from service.errors import FileTooLarge
from service.formats.encoding import ENCODINGS
from service.formats.engine import events
from tests.support.fuzzing import examples
from tests.support.reading import NATIVE, interpreted
from tests.unit.formats.test_harvest import MSPDI_FILES, NATIVE_FILES, P6_FILES, Slow, told
from tests.unit.formats.test_reader import Pieces

compiled = pytest.importorskip(
    "service.formats.engine._fast.compiled", reason="there was no C compiler"
)

STEPS = st.sampled_from([1, 64, 200, 1000, 100_000])
FILES = st.one_of(NATIVE_FILES, MSPDI_FILES, P6_FILES)
HEAD = f"<projects xmlns='{NATIVE}'>\n<project id='1'><name>n</name></project>\n"
TAIL = "<project id='3'><name>n</name></project></projects>"
MANY = 20_000


def both(data: bytes, step: int) -> None:
    """Hold the two parsers against each other, pausing at the same places and at others."""
    with interpreted():
        expected = told(data, 100_000)
    assert told(data, step) == expected


@examples(150)
@given(file=FILES, at=st.floats(0, 1), step=STEPS)
def test_a_file_that_breaks_off_anywhere(file: str, at: float, step: int) -> None:
    data = file.encode()
    both(data[: int(at * len(data))], step)


@examples(300)
@given(
    file=FILES,
    at=st.floats(0, 1),
    put=st.sampled_from(
        ["<", ">", "&", "\x00", "\x01", "'", "</x>", "]]>", "<a b='1' b='2'/>", "é"]
    ),
    over=st.integers(0, 3),
    step=STEPS,
)
def test_a_file_with_something_wrong_anywhere(
    file: str, at: float, put: str, over: int, step: int
) -> None:
    place = int(at * len(file))
    both((file[:place] + put + file[place + over :]).encode(), step)


@pytest.mark.parametrize("step", [1, 100_000])
@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("end", [TAIL, "\n  <oops>", "<project id='2'>\ud800"])
def test_every_encoding(encoding: str, end: str, step: int) -> None:
    text = f"<?xml version='1.0' encoding='{encoding}'?>{HEAD}{end}"
    both(text.encode(encoding, "replace").replace(b"?\xd8", b"\xff\xd8"), step)


@pytest.mark.parametrize("step", [7, 100_000])
@pytest.mark.parametrize(
    "inside",
    [
        "<?pi <x/> ?><!-- <y/> --><project id='2'><name><![CDATA[<n>]]>m</name></project>",
        "<project id='2'><name>&#x4d;&amp;</name></project>",
        "<project id='2'><name>&nbsp;</name></project>",
        "<project id='&nbsp;'/>",
        "<x:project id='2'/>",
        "<project x:id='2'/>",
        "<project id='2'><project id='4'/></project>",
        "<b><project id='2'/></b>",
        "<project id='2' id='2'/>",
        "<project id='<'/>",
        "<!DOCTYPE a>",
        "<?xml version='1.0'?>",
        "<!-- a -- b -->",
        "<a:b:c xmlns:a='u'/>",
        "<a xmlns:xml='u'/>",
        "<a xmlns:a=''/>",
        "a ]]> b",
        "&#0;",
        f"<{'a' * 50_001}/>",
        f"{'<a>' * 300}",
        f"<a>{'x' * 10_000_001}</a>",
        f"<a b='{'x' * 10_000_001}'/>",
        "</projects> <more/>",
        "</projects> text",
    ],
)
def test_what_xml_has_rarely(inside: str, step: int) -> None:
    if len(inside) < 100_000 or step > 1000:
        both(f"{HEAD}{inside}{TAIL}".encode(), step)


@pytest.mark.parametrize(
    ("inside", "words"),
    [
        ("<!--" + "y>" * 10_000_000, "is longer than 10,000,000 bytes, line 3, column 1"),
        ("<a b='" + "y>" * 10_000_000, "is longer than 10,000,000 bytes"),
        ("<![CDATA[" + "y>" * 10_000_000, "is longer than 10,000,000 bytes"),
        ("<?x " + "y>" * 10_000_000, "is longer than 10,000,000 bytes"),
        ("<a " + " " * 20_000_000, "is longer than 10,000,000 bytes"),
        ("<a " + "".join(f"a{n}='' " for n in range(1001)) + "/>", "more than 1,000 attributes"),
    ],
)
def test_what_is_too_long_is_told_before_it_is_held(inside: str, words: str) -> None:
    assert words in told(f"{HEAD}{inside}{TAIL}".encode(), 100_000)[-1]


@pytest.mark.parametrize(
    ("piece", "words"),
    [
        ("<a{}/>", "more than 20000 distinct names"),
        ("<?a{}?>", "more than 20000 distinct names"),
        ("<a b{}=''/>", "more than 20000 distinct names"),
        ("<a xmlns:b{}='u'/>", "more than 20000 distinct names"),
        ("<a xmlns='{}'/>", "more than 20000 distinct names"),
        ("<" + "x" * 5_000 + "{}/>", "more than 8388608 bytes"),
    ],
)
def test_names_that_the_tree_does_not_show_are_bounded_too(piece: str, words: str) -> None:
    many = (piece.format(number).encode() for number in range(200_000))
    found = compiled.Events(Pieces(itertools.chain([b"<r>"], many)), ["r"], "UTF-8", MANY)
    assert next(found)[0] == "start"
    with pytest.raises(FileTooLarge, match=words):
        next(found)


def test_events_come_in_order_and_before_the_fault() -> None:
    data = b"<r><p/><q/><p><p/></p></r><"
    found = compiled.Events(Slow(data, 5), ["r", "p"], "UTF-8", MANY)
    told_first = [next(found) for _ in range(8)]
    assert [(event, element.tag) for event, element in told_first] == [
        *[("start", "r"), ("start", "p"), ("end", "p"), ("start", "p"), ("start", "p")],
        *[("end", "p"), ("end", "p"), ("end", "r")],
    ]
    assert told_first[0][1] is told_first[-1][1]
    with pytest.raises(etree.XMLSyntaxError):
        next(found)
    assert next(found, None) is None


def test_the_tree_outlives_its_parser() -> None:
    found = compiled.Events(io.BytesIO(b"<r><p>text</p></r>"), ["p"], "UTF-8", MANY)
    _, element = next(found)
    del found
    assert element.text == "text"
    assert element.getparent().tag == "r"


def test_nothing_is_left_for_the_collector() -> None:
    """Once a file is read, its parser, its tree and all its names are given back."""
    gc.collect()
    gc.disable()
    try:
        told(f"{HEAD}<project id='2'/>{TAIL}".encode(), 64)
        told(f"{HEAD}<project id='2'/></oops>".encode(), 64)
        left = [type(one).__name__ for one in gc.get_objects()]
    finally:
        gc.enable()
    assert {"Events", "_Element", "Track", "Plan", "NativePlan"}.isdisjoint(left)


def test_it_is_the_one_that_is_used() -> None:
    assert events.events_of is compiled.Events
