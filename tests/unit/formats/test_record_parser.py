"""The compiled record parser gives what the parser in Python gives, whatever the record."""

from collections.abc import Callable
from functools import cache
from random import Random
from typing import Any, cast

import pytest
from lxml import etree
from lxml.etree import _Element

from service.formats import values
from service.formats.element import Element
from service.formats.engine.parsed_record import ParsedRecord, Shape
from service.formats.engine.record_parser import parse_record
from service.formats.json_attributes import XSI, TagKeys
from service.formats.mspdi import mapping as mspdi
from service.formats.native import mapping as native
from service.formats.p6 import mapping
from service.formats.record_rules import Field, RecordRule, compile_rule
from service.tables import Table
from tests.support.engines import compiled_engine
from tests.support.reading import MSPDI

compiled = compiled_engine()

VOLATILE = frozenset({"LastUpdateDate", "Extra", "@A"})
OWN = RecordRule(
    "Task",
    Table.TASKS,
    fields=(
        Field("@id", "task_id", values.ID),
        Field("Name", "name", values.TEXT),
        Field("Dates/Start", "start", values.MOMENT),
        Field("Dates/@late", "late_start", values.DATE, keep=True),
        Field("Dates/Early/Start", "early_start", values.TIMESTAMP),
        Field("Dates/Early/@Extra", "early_finish", values.TIMESTAMP),
        Field("Duration/#text", "duration", values.number_of("days", 28_800)),
        Field("Duration/@code", "code", values.translated(values.TEXT, {"5": b"five"}, "is bad")),
        Field("Extra/Code", "wbs", values.TEXT, keep=True),
    ),
    required=("task_id",),
    apart=("Link", "Dates/Early/Link", "Inside/Task"),
)
"""A rule with values at paths."""
SHAPES: dict[str, tuple[RecordRule, str, bool]] = {
    "native project": (native.PROJECT, native.NAMESPACE, True),
    "mspdi project": (mspdi.PROJECT, MSPDI, False),
    "p6 project": (mapping.PROJECT, "", False),
    "native task": (native.TASK, native.NAMESPACE, True),
    "native assignment": (native.ASSIGNMENT, native.NAMESPACE, True),
    "mspdi task": (mspdi.TASK, MSPDI, False),
    "mspdi assignment": (mspdi.ASSIGNMENT, MSPDI, False),
    "p6 activity": (mapping.ACTIVITY, "", False),
    "p6 relationship": (mapping.RELATIONSHIP, "", False),
    "own task": (OWN, "urn:own", False),
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
    *("3F2504E0-4F89-11D3-9A0C-0305E82C3301", "{3f2504e0-4f89-11d3-9a0c-0305e82c3301}"),
    *("3F2504E0-4F89-11D3-9A0C-0305E82C330G", "3F2504E0-4F89-11D3-9A0C+0305E82C3301"),
    *("00000000-0000-0000-0000-000000000000", "{3F2504E0-4F89-11D3-9A0C-0305E82C3301"),
    *("505200", "29908.45", "-0.05", "0.10", "99999999.999999", "none", " none "),
    *("  padded  ", "ü" * 200, "\u00a0", "e\u0301", " A\u030a\u200b "),
]
RANGES = ((0x20, 0x7E), (0x20, 0x7E), (0xA0, 0x2FFF), (0xE000, 0xFFFD), (0x10000, 0x1FFFF))
"""Of the characters that texts are made up of, from the first to the last."""
ATTRIBUTES = ("kind", "A", XSI + "nil", XSI + "type")
OTHERS = ("Extra", "LastUpdateDate", "Baseline", "Start", "Number")
RECORDS = 1000


def parse(text: str | bytes) -> Element:
    return cast(Element, etree.fromstring(text))


@cache
def good(parse: Callable[[str], bytes | None]) -> list[str]:
    """Samples that are no faults."""
    return [each for each in SAMPLES if parse(each) is not None]


class Made:
    """A random record, mostly one that the compiled parser reads by itself.

    Args:
        shape: its rule, namespace and strictness.
        random: decides.
    """

    def __init__(self, shape: tuple[RecordRule, str, bool], random: Random) -> None:
        self.rule, self.namespace, self.strict = shape
        self.random = random
        self.odd = random.choice([0, 0, 0, 0.02, 0.3])
        self.parsers = {field.source: field.kind.parse for field in self.rule.fields}

    def oddly(self) -> bool:
        return self.random.random() < self.odd

    def text(self, name: str = "") -> str:
        if name in self.parsers and not self.oddly():
            return self.random.choice(good(self.parsers[name]))
        if self.random.random() < 0.6:
            return self.random.choice(SAMPLES)
        length = self.random.randrange(13)
        return "".join(chr(self.random.randint(*self.random.choice(RANGES))) for _ in range(length))

    def tag(self, name: str) -> str:
        return f"{{{self.namespace}}}{name}" if self.namespace else name

    def xml(self) -> bytes:
        needed = {
            next(field.source for field in self.rule.fields if field.column == column)
            for column in self.rule.required
        }
        sources = {each for each in self.parsers if each in needed or self.random.random() < 0.5}
        attributes = {each[1:]: self.text(each) for each in sources if each.startswith("@")}
        if self.oddly():
            attributes |= {"odd": self.text(), "{urn:foreign}odd": self.text()}
        nsmap: Any = {None: self.namespace} if self.namespace else None
        record = etree.Element(self.tag("Record"), attributes, nsmap=nsmap)
        record.text = "stray" if self.oddly() else self.random.choice([None, "\n "])
        others = [*OTHERS, *(each for each in self.rule.apart if "/" not in each)]
        names = [each for each in sources if "@" not in each and "/" not in each]
        if not self.strict or self.oddly():
            names += self.random.choices(others, k=self.random.randrange(6))
        names += [each for each in self.rule.holds if self.random.random() < 0.5]
        self.random.shuffle(names)
        for name in names:
            self.child(record, name)
            if self.oddly():
                self.child(record, self.random.choice(["{urn:foreign}odd", *names]))
        self.groups(record, "")
        return etree.tostring(record)

    def groups(self, parent: _Element, path: str) -> None:
        """Children of which the rule has parts: mostly these parts alone, and their records."""
        for group in sorted(self.rule.groups):
            if group.rpartition("/")[0] != path or self.random.random() < 0.3:
                continue
            element = etree.SubElement(parent, self.tag(group.rpartition("/")[2]))
            places = [*self.parsers, *self.rule.apart]
            for each in self.random.sample(places, len(places)):
                above, _, name = each.rpartition("/")
                if above != group or self.random.random() < 0.3:
                    continue
                text = self.text(each)
                if name == "#text":
                    element.text = text
                elif name.startswith("@"):
                    element.set(name[1:], text)
                else:
                    etree.SubElement(element, self.tag(name)).text = text
            if self.oddly() or self.random.random() < 0.2:
                self.child(element, self.random.choice(OTHERS), 1)
            self.groups(element, group)

    def child(self, parent: _Element, name: str, depth: int = 0) -> None:
        """A tree under a record: mapped names, others and foreign ones, with what XML may hold."""
        child = etree.SubElement(parent, name if name.startswith("{") else self.tag(name))
        plain = (
            depth == 0 and (name in self.parsers or name in self.rule.holds) and not self.oddly()
        )
        text = "" if plain and name in self.rule.holds else self.text(name if plain else "")
        cdata = self.random.random() < 0.3 and text and "]]>" not in text
        child.text = etree.CDATA(text) if cdata else text
        child.tail = "stray" if self.oddly() else self.random.choice([None, "\n "])
        if plain:
            return
        for each in self.random.sample(ATTRIBUTES, self.random.choice([0, 0, 0, 1, 2])):
            child.set("{urn:foreign}a" if self.oddly() else each, self.text())
        inner = [*(each for each in self.parsers if "/" not in each), *OTHERS]
        if depth < 3 and self.random.random() < 0.4:
            for each in self.random.choices(inner, k=self.random.randrange(5)):
                self.child(child, each.removeprefix("@"), depth + 1)


def as_data(record: ParsedRecord, shape: Shape) -> tuple[Any, ...]:
    nulls = [value is shape.blank[0] for value in record.columns]
    same = record.whole is record.stable
    apart = list(record.apart)
    faults = None if record.faults is None else (record.faults.kept, record.faults.omitted())
    return record.columns, nulls, record.stable, record.whole, same, faults, apart


def assert_same(element: Element, shape: Shape) -> None:
    """Both parsers give the same record."""
    record = compiled.RecordParser(shape)(element)
    assert as_data(record, shape) == as_data(parse_record(element, shape), shape)


@pytest.mark.parametrize("name", SHAPES)
def test_both_parsers_agree_on_random_records(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    left: list[Element] = []

    def leave(element: Element, shape: Shape) -> ParsedRecord:
        left.append(element)
        return parse_record(element, shape)

    monkeypatch.setattr(compiled, "parse_record", leave)
    rule, namespace, strict = SHAPES[name]
    shape = compile_rule(rule, TagKeys(namespace), namespace, VOLATILE, strict=strict)
    for seed in range(RECORDS):
        made = Made(SHAPES[name], Random(seed)).xml()
        element = parse(made)
        assert as_data(compiled.RecordParser(shape)(element), shape) == as_data(
            parse_record(element, shape), shape
        ), made
    assert RECORDS * 0.1 < len(left) < RECORDS * 0.75  # else Python would be compared with itself


KINDS = [
    *(kind for kind in vars(values).values() if isinstance(kind, values.Kind)),
    values.id_or_none("none"),
]


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_both_parsers_agree_on_values(kind: values.Kind, strict: bool) -> None:
    fields = (
        Field("@a", "one", kind),
        Field("b", "two", kind),
        Field("c", "three", kind, keep=True),
    )
    rule = RecordRule("r", columns=("one", "two", "three"), fields=fields)
    shape = compile_rule(rule, TagKeys(""), "", VOLATILE, strict=strict)
    both = compiled.RecordParser(shape)
    for text in SAMPLES:
        record = etree.Element("r", {"a": text})
        for child in "bc":
            etree.SubElement(record, child).text = text
        element = parse(etree.tostring(record))
        assert as_data(both(element), shape) == as_data(parse_record(element, shape), shape), text


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
def test_both_parsers_agree_on_members(inside: str) -> None:
    shape = compile_rule(mspdi.TASK, TagKeys(MSPDI), MSPDI, VOLATILE, strict=False)
    element = parse(f'<Task xmlns="{MSPDI}"><UID>1</UID>{inside}</Task>')

    assert_same(element, shape)


def test_a_plain_record_is_not_left_to_python(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(element: Element, shape: Shape) -> ParsedRecord:
        raise AssertionError("left to the parser in Python")

    monkeypatch.setattr(compiled, "parse_record", refuse)
    shape = compile_rule(mspdi.TASK, TagKeys(MSPDI), MSPDI, VOLATILE, strict=False)
    task = f"""<Task xmlns="{MSPDI}"><UID>1</UID><Name>Dig</Name><Duration>PT8H0M0S</Duration>
        <Stop xsi:nil="1" xmlns:xsi="{XSI[1:-1]}"/><Baseline><Number>0</Number></Baseline></Task>"""

    record = compiled.RecordParser(shape)(parse(task))

    assert record.whole == b'{"Baseline":[{"Number":"0"}]}'
    assert b"PT8H" in record.columns


@pytest.mark.parametrize("deep", [50, 100, 200])
def test_both_parsers_agree_on_depth(deep: int) -> None:
    shape = compile_rule(mspdi.TASK, TagKeys(MSPDI), MSPDI, VOLATILE, strict=False)
    inner = "<a>" * deep + "x" + "</a>" * deep
    element = parse(f'<Task xmlns="{MSPDI}"><UID>1</UID>{inner}</Task>')

    assert_same(element, shape)
