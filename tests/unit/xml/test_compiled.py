"""The compiled walk gives what the walk in Python gives, whatever the record."""

from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from lxml.etree import _Element

from service.xml import mspdi, native, p6, values
from service.xml.element import Element
from service.xml.maps import Field, RecordMap, compile_map
from service.xml.rulej import XSI, Names
from service.xml.walk import Record, Shape, walk

compiled = pytest.importorskip("service.xml.compiled", reason="there was no C compiler")

MSPDI = "http://schemas.microsoft.com/project"
VOLATILE = frozenset({"LastUpdateDate", "Extra"})
SHAPES: dict[str, tuple[RecordMap, str, bool]] = {
    "native project": (native.PROJECT, native.NAMESPACE, True),
    "mspdi project": (mspdi.PROJECT, MSPDI, False),
    "p6 project": (p6.PROJECT, "", False),
    "native task": (native.TASK, native.NAMESPACE, True),
    "native assignment": (native.ASSIGNMENT, native.NAMESPACE, True),
    "mspdi task": (mspdi.TASK, MSPDI, False),
    "mspdi assignment": (mspdi.ASSIGNMENT, MSPDI, False),
    "p6 activity": (p6.ACTIVITY, "", False),
    "p6 relationship": (p6.RELATIONSHIP, "", False),
}
SAMPLES = [
    *("", " ", "\n\t", "0", "1", "007", "-5", "+3", "100", "101", "99.50", "1e3", "true", "false"),
    *("1234567890", "٣", "1 ", "-0", "2026-01-05T08:00:00", "2026-02-29T08:00:00"),
    *("2024-02-29T08:00:00", "2026-13-01T08:00:00", "2026-01-05T24:00:00", "0000-01-01T00:00:00"),
    *("2026-01-05T08:00:60", "2026-01-00T08:00:00", "2026-01-05 08:00:00", "2026-1-05T08:00:00Z"),
    *(" 2026-01-05T08:00:00 ", "2026-01-30T08:00:00", "2026-01-05T08:00:00.500", "999999999"),
    *("PT8H0M0S", "-PT8H", "PT61M", "PT59M60S", "PT0H0M0S", "PT08H", "P1DT2H", "PT8H5M", "PT1.5S"),
    *("PT", "PT5", "PTH", "PT5M3H", "PT5X", "PT999999999H", "Finish to Start", "5", "NaN"),
    *('say "so"', "back\\slash", "tab\tnew\nline\rend", "Grüße", "\u2028\U0001f600", "x" * 300),
    *("  padded  ", "ü" * 200, "\u00a0"),
]
TEXTS = st.one_of(
    st.sampled_from(SAMPLES),
    st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=12),
)
OTHERS = ("Extra", "LastUpdateDate", "Baseline", "Start", "Number")


def parse(text: str | bytes) -> Element:
    return cast(Element, etree.fromstring(text))


def children(names: list[str], namespace: str) -> st.SearchStrategy[Any]:
    """Trees under a record: mapped names, others and foreign ones, with what XML may hold."""
    tag = st.sampled_from(names).map(lambda name: f"{{{namespace}}}{name}" if namespace else name)
    tags = st.one_of(tag, tag, tag, st.just("{urn:foreign}odd"))
    attributes = st.dictionaries(
        st.sampled_from(["kind", XSI + "nil", XSI + "type", "{urn:foreign}a"]), TEXTS, max_size=2
    )
    leaf: st.SearchStrategy[Any] = st.tuples(
        tags, st.one_of(st.just({}), attributes), TEXTS, st.just([]), st.booleans()
    )
    return st.lists(
        st.recursive(
            leaf,
            lambda inner: st.tuples(
                tags, attributes, TEXTS, st.lists(inner, max_size=4), st.booleans()
            ),
            max_leaves=6,
        ),
        max_size=10,
    )


def build(parent: _Element, made: list[Any], tails: list[str]) -> None:
    for tag, attributes, text, inner, cdata in made:
        child = etree.SubElement(parent, tag, attributes)
        child.text = etree.CDATA(text) if cdata and text and "]]>" not in text else text
        if tails:
            child.tail = tails.pop()
        build(child, inner, tails)


def said(record: Record, shape: Shape) -> tuple[Any, ...]:
    nulls = [value is shape.blank[0] for value in record.columns]
    same = record.whole is record.stable
    apart = list(record.apart)
    return record.columns, nulls, record.stable, record.whole, same, record.faults, apart


@pytest.mark.parametrize("name", SHAPES)
@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_both_walks_agree(name: str, data: st.DataObject) -> None:
    record_map, namespace, strict = SHAPES[name]
    shape = compile_map(record_map, Names(namespace), namespace, VOLATILE, strict=strict)
    sources = [field.source for field in record_map.fields]
    elements = [source for source in sources if not source.startswith("@")]
    own = [source[1:] for source in sources if source.startswith("@")]
    tag = f"{{{namespace}}}Record" if namespace else "Record"
    given_attributes = {one: data.draw(TEXTS) for one in own if data.draw(st.booleans())}
    record = etree.Element(tag, given_attributes, nsmap={None: namespace} if namespace else None)  # type: ignore[dict-item]
    names = [*elements, *OTHERS, *record_map.apart, *record_map.holds]
    made = data.draw(children(names, namespace))
    build(record, made, data.draw(st.lists(st.sampled_from(["", "\n ", "stray"]), max_size=3)))
    element = parse(etree.tostring(record))

    assert said(compiled.Walk(shape)(element), shape) == said(walk(element, shape), shape)


KINDS = [kind for kind in vars(values).values() if isinstance(kind, values.Kind)]


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_both_walks_agree_on_values(kind: values.Kind, strict: bool) -> None:
    fields = (
        Field("@a", "one", kind),
        Field("b", "two", kind),
        Field("c", "three", kind, keep=True),
    )
    record_map = RecordMap(columns=("one", "two", "three"), fields=fields)
    shape = compile_map(record_map, Names(""), "", VOLATILE, strict=strict)
    both = compiled.Walk(shape)
    for text in SAMPLES:
        record = etree.Element("r", {"a": text})
        for child in "bc":
            etree.SubElement(record, child).text = text
        element = parse(etree.tostring(record))
        assert said(both(element), shape) == said(walk(element, shape), shape), text


@pytest.mark.parametrize(
    "inside",
    [
        "<x>1</x><x>2</x><y>3</y>",
        "<x>2</x><a>1</a><x>1</x><Extra>e</Extra><Extra>f</Extra><LastUpdateDate>d</LastUpdateDate>",
        "<Extra>e</Extra>",
        "<x><y>1</y></x><x><y>2</y><y>3</y></x>",
        "<x>leaf</x><x><y>1</y></x><x>leaf</x>",
        "<x><y/></x><x>leaf</x><z><y> </y></z>",
        '<x b="1" a="2">text</x><x a=""> </x>',
        '<x a="">leaf</x>',
        '<x b="1"><A>1</A><B>2</B><b>3</b>  <a><A>4</A></a></x>',
        '<x b="1">mixed<y>1</y></x>',
        "<x><Extra>nested</Extra><A>1</A></x><X>1</X><xx>2</xx><_x>3</_x>",
        "<x><![CDATA[one]]> two</x><y><![CDATA[ ]]></y>",
        "<Start>bad</Start><Name>a</Name><Name>b</Name><Name>c</Name>",
        "<Name><b>bold</b></Name><UID>7</UID>",
    ],
)
def test_both_walks_agree_on_members(inside: str) -> None:
    shape = compile_map(mspdi.TASK, Names(MSPDI), MSPDI, VOLATILE, strict=False)
    element = parse(f'<Task xmlns="{MSPDI}"><UID>1</UID>{inside}</Task>')

    assert said(compiled.Walk(shape)(element), shape) == said(walk(element, shape), shape)


def test_an_ordinary_record_is_left_to_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(element: Element, shape: Shape) -> Record:
        raise AssertionError("left to the walk in Python")

    monkeypatch.setattr(compiled, "walk_any", refuse)
    shape = compile_map(mspdi.TASK, Names(MSPDI), MSPDI, VOLATILE, strict=False)
    task = f"""<Task xmlns="{MSPDI}"><UID>1</UID><Name>Dig</Name><Duration>PT8H0M0S</Duration>
        <Stop xsi:nil="1" xmlns:xsi="{XSI[1:-1]}"/><Baseline><Number>0</Number></Baseline></Task>"""

    record = compiled.Walk(shape)(parse(task))

    assert record.whole == b'{"Baseline":[{"Number":"0"}]}'
    assert b"PT8H" in record.columns


@pytest.mark.parametrize("deep", [50, 100, 200])
def test_both_walks_agree_on_depth(deep: int) -> None:
    shape = compile_map(mspdi.TASK, Names(MSPDI), MSPDI, VOLATILE, strict=False)
    inner = "<a>" * deep + "x" + "</a>" * deep
    element = parse(f'<Task xmlns="{MSPDI}"><UID>1</UID>{inner}</Task>')

    assert said(compiled.Walk(shape)(element), shape) == said(walk(element, shape), shape)
