"""The compiled parser gives the events of lxml's ``iterparse``, for complete and broken files."""

import gc
import io
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from service.errors import FileTooLarge
from service.formats.encoding import ENCODINGS
from service.formats.engine import select
from tests.support.engines import compiled_engine
from tests.support.fuzzing import examples
from tests.support.reading import NATIVE, python_engine
from tests.support.record_files import (
    MSPDI_FILES,
    NATIVE_FILES,
    P6_FILES,
    PieceSource,
    SlowSource,
    read_as_data,
)

compiled = compiled_engine()

STEPS = st.sampled_from([1, 64, 200, 1000, 100_000])
FILES = st.one_of(NATIVE_FILES, MSPDI_FILES, P6_FILES)
HEAD = f"<projects xmlns='{NATIVE}'>\n<project id='1'><name>n</name></project>\n"
TAIL = "<project id='3'><name>n</name></project></projects>"
MANY = 20_000


def numbered(name: str, count: int) -> str:
    """Return XML attributes with different names."""
    return "".join(f" {name}{number}='x'" for number in range(count))


TASK = "<task id='%s'><name>n</name></task>"
RECORDS = [
    "x<task id='&amp;&lt;&#65;&#38;'><name>a&amp;b<![CDATA[<c>]]><!-- d -->e<?f?></name></task>y",
    f"{TASK % 1} <!-- a --> {TASK % 2}<?x?>{TASK % 3}\n<!-- b -->z{TASK % 4}",
    f"{TASK % 1}<x>y</x>z{TASK % 1}<x/>{TASK % 2}",
    "<task id='1' parent='1'><x:name>n</x:name></task><y:task id='2'/>",
    "<task id='1' x:id='2'/>",
    "<task id='1' xml:id='a'><x xml:id='a' xml:lang='de'/></task><task xml:id='a'/>",
    "<task id='1' xmlns='u'/><task id='2'><name xmlns=''>n</name></task>",
    f"<a:task id='1' xmlns:a='{NATIVE}'><a:name>n</a:name></a:task>",
    f"<task id='1' xmlns:a='u' xmlns:b='{NATIVE}'><b:name a:x='1'>n</b:name><a:x/></task>",
    f"<task id='1'>{'<a>' * 260}",
    f"<task id='1'>{'<a>' * 249}{'</a>' * 249}</task>",
    f"<task id='1'>{'<a>' * 252}{'</a>' * 252}</task>",
    f"<task id='1'>{'<a>' * 253}{'</a>' * 253}</task>",
    f"<task id='1'><notes>{'x' * 10_000_001}</notes></task>",
    f"<task id='1'><notes>{'é' * 4_000_000}</notes></task>",
    f"<task id='1'>{'x' * 10_000_001}</task>",
    f"{TASK % 1}{'y' * 10_000_001}{TASK % 2}",
    f"{TASK % 1}{'y' * 100_000}{TASK % 2}",
    f"<task id='1'><{'a' * 1001}/></task>",
    f"<task id='1'><a{numbered('a', 1001)}/></task>",
    f"<task id='1'><name>&nbsp;</name></task>{TASK % 2}",
    f"<task id='1'><name>n</x></task>{TASK % 2}",
    f"<task id='1' id='2'/>{TASK % 2}",
    f"{TASK % 1}<tasks>{TASK % 2}</tasks>{TASK % 3}",
    f"<task id='1'>{TASK % 2}</task><project><tasks>{TASK % 4}</tasks></project>",
    f"{TASK % 1}</tasks>{TASK % 9}<tasks>{TASK % 1}</tasks><tasks>{TASK % 2}",
    "\n" * 66_000 + "<task id='1'\n>\n<x>\ny</x>\n</task>\n\n<task id='1'\n/>\n" + TASK % 1,
]
"""Records of a project that are rare, or around which something is."""


def compare_engines(data: bytes, step: int) -> None:
    """Compare the engines, with pauses in different places."""
    with python_engine():
        expected = read_as_data(data, 100_000)
    assert read_as_data(data, step) == expected


@examples(150)
@given(file=FILES, at=st.floats(0, 1), step=STEPS)
def test_engines_agree_on_a_file_that_ends_anywhere(file: str, at: float, step: int) -> None:
    data = file.encode()
    compare_engines(data[: int(at * len(data))], step)


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
def test_engines_agree_on_a_file_with_a_fault_anywhere(
    file: str, at: float, put: str, over: int, step: int
) -> None:
    place = int(at * len(file))
    compare_engines((file[:place] + put + file[place + over :]).encode(), step)


@pytest.mark.parametrize("step", [1, 100_000])
@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("end", [TAIL, "\n  <oops>", "<project id='2'>\ud800"])
def test_engines_agree_on_every_encoding(encoding: str, end: str, step: int) -> None:
    text = f"<?xml version='1.0' encoding='{encoding}'?>{HEAD}{end}"
    compare_engines(text.encode(encoding, "replace").replace(b"?\xd8", b"\xff\xd8"), step)


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
        f"<{'é' * 500} {'b' * 1000}='x'/><a xmlns='{'u' * 1000}'/>",
        f"<{'é' * 500}a/>",
        f"<a {'é' * 500}b='x'/>",
        f"<a xmlns='{'u' * 1001}'/>",
        f"<a xmlns:b='{'u' * 1001}' b:c='x'><b:x/></a>",
        f"<a xmlns:{'b' * 1000}='u'><{'b' * 1000}:c/></a>",
        f"<a xmlns:{'b' * 1001}='u'/>",
        f"<{'b' * 1000}:{'c' * 1000}/>",
        f"<{'b' * 1001}:c/>",
        f"<a {'b' * 1001}:c=''/>",
        f"<b><{'a' * 1001}/>x</b><project id='2'/>",
        f"<project id='2'><name>n</name><{'a' * 1001}><name>m</name></project>",
        f"<project id='2'><a>x</a><tasks><task {'a' * 1001}=''/></tasks><name>m</name></project>",
        f"<project id='2'><tasks><a{numbered('a', 1001)}/></tasks><name>m</name></project>",
        f"<project id='2'><name>m</name><a{numbered('a', 1000)}/></project>",
        f"<project id='2'{numbered('a', 1000)}/>",
        "<project id='2'><a xml:id='x'/><a xml:id='x'/></project><a xml:id='x'/>",
        "<project id='2' xml:id='x'><name xml:id='x'>n</name></project>",
        "<a xml:id='1 x'/><a xml:id=''/>",
        f"{'<a>' * 300}",
        f"<a>{'x' * 10_000_001}</a>",
        f"<a b='{'x' * 10_000_001}'/>",
        f"<a y:b='1'/><{'x' * 1_001}/>",  # libxml2 continues after the undeclared prefix
        f"<a y:b='1'/><a {numbered('b', 1_001)}/>",
        "</projects> <more/>",
        "</projects> text",
        *(f"<project id='2'><name>m</name><tasks>{inside}</tasks></project>" for inside in RECORDS),
    ],
)
def test_engines_agree_on_rare_xml(inside: str, step: int) -> None:
    if len(inside) < 100_000 or step > 1000:
        compare_engines(f"{HEAD}{inside}{TAIL}".encode(), step)


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
def test_a_long_token_is_refused_before_it_is_held(inside: str, words: str) -> None:
    assert words in read_as_data(f"{HEAD}{inside}{TAIL}".encode(), 100_000)[-1]


@pytest.mark.parametrize(
    ("piece", "words"),
    [
        ("<a{}/>", "more than 20000 distinct names"),
        ("<?a{}?>", "more than 20000 distinct names"),
        ("<a b{}=''/>", "more than 20000 distinct names"),
        ("<a xmlns:b{}='u'/>", "more than 20000 distinct names"),
        ("<a xmlns='{}'/>", "more than 20000 distinct names"),
        ("<" + "x" * 900 + "{}/>", "more than 8388608 bytes"),
        ("<" + "x" * 5_000 + "{}/>", "longer than 1,000 bytes"),
    ],
)
def test_names_outside_the_tree_are_bounded(piece: str, words: str) -> None:
    many = (piece.format(number).encode() for number in range(200_000))
    events = compiled.Events(PieceSource(itertools.chain([b"<r>"], many)), ["r"], "UTF-8", MANY)
    assert next(events)[0] == "start"
    with pytest.raises(FileTooLarge, match=words):
        next(events)


def test_events_come_in_order_before_the_fault() -> None:
    data = b"<r><p/><q/><p><p/></p></r><"
    events = compiled.Events(SlowSource(data, 5), ["r", "p"], "UTF-8", MANY)
    first = [next(events) for _ in range(8)]
    assert [(event, element.tag) for event, element in first] == [
        *[("start", "r"), ("start", "p"), ("end", "p"), ("start", "p"), ("start", "p")],
        *[("end", "p"), ("end", "p"), ("end", "r")],
    ]
    assert first[0][1] is first[-1][1]
    with pytest.raises(etree.XMLSyntaxError):
        next(events)
    assert next(events, None) is None


def test_the_tree_outlives_its_parser() -> None:
    events = compiled.Events(io.BytesIO(b"<r><p>text</p></r>"), ["p"], "UTF-8", MANY)
    _, element = next(events)
    del events
    assert element.text == "text"
    assert element.getparent().tag == "r"


def test_a_read_file_leaves_no_objects_to_the_garbage_collector() -> None:
    """Parser, tree and names of a file are freed by reference counts alone."""
    gc.collect()
    gc.disable()
    try:
        read_as_data(f"{HEAD}<project id='2'/>{TAIL}".encode(), 64)
        read_as_data(f"{HEAD}<project id='2'/></oops>".encode(), 64)
        left = [type(one).__name__ for one in gc.get_objects()]
    finally:
        gc.enable()
    assert {"Events", "_Element", "Cursor", "ProjectBuilder", "NativeProjectBuilder"}.isdisjoint(
        left
    )


def test_the_compiled_engine_is_selected() -> None:
    assert (select.ENGINE.name, select.ENGINE.events) == ("compiled", compiled.Events)
