"""The schema of native XML and its reader accept the same files."""

import copy
import re
from xml.sax.saxutils import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from service.formats import values
from tests.support.fuzzing import examples
from tests.support.paths import CHECKOUT
from tests.support.reading import NATIVE, read

SCHEMA_FILE = CHECKOUT / "service/formats/native/schema.xsd"
SCHEMA = etree.XMLSchema(etree.parse(SCHEMA_FILE))

PATTERNS = {
    "some-timestamp": values.TIMESTAMP_PATTERN,
    "some-duration": values.DURATION_PATTERN,
    "decimal": values.DECIMAL_PATTERN,
    "percent": values.PERCENT_PATTERN,
    "integer": values.INTEGER_PATTERN,
    "some-integer": values.INTEGER_PATTERN,
    "source": values.WORD_PATTERN,
}


@pytest.mark.parametrize("name", PATTERNS)
def test_schema_and_reader_use_the_same_pattern(name: str) -> None:
    types = etree.parse(SCHEMA_FILE).iterfind("{*}simpleType")
    [wanted] = [kind for kind in types if kind.get("name") == name]
    pattern = next(wanted.iter("{*}pattern")).get("value")
    assert pattern == PATTERNS[name]


def _mostly(good: list[str], near: str) -> st.SearchStrategy[str]:
    """Good values, values one edit away from them, and others of the same characters."""
    value, place = st.sampled_from(good), st.integers(0, 30)
    put = st.sampled_from([*near, " ", "\n", "00", "\u00a0", "٣"])
    return st.one_of(
        value,
        st.builds(lambda text, at, more: text[:at] + more + text[at:], value, place, put),
        st.builds(lambda text, at: text[:at] + text[at + 1 :], value, place),
        st.text(near, max_size=12),
        st.sampled_from(["", "  "]),
    )


TIMESTAMPS = _mostly(
    ["2026-01-05T08:00:00", "2024-02-29T23:59:59.5", "0001-01-01T00:00:00", "2025-02-28T00:00:00"],
    "0123456789-T:.Z+",
)
DURATIONS = _mostly(
    ["PT40H", "-PT8H30M", "P1Y2M3DT4H5M6.789S", "PT0.5S", "P99999999M", "P1D"], "-PT0123YMDHS."
)
DECIMALS = _mostly(
    ["1", "0.50", "-3.", ".5", "1e5", "+2E-07", "123456789012345"], "0123456789+-.eE"
)
PERCENTS = _mostly(["25", "100", "100.00", "0", "99.9", "07"], "0123456789.-")
INTEGERS = _mostly(["500", "-1", "+7", "000000001", "999999999"], "0123456789+-")
BOOLEANS = _mostly(["true", "false", "1", "0"], "truefals01TF")
IDS = _mostly(["T1", " T 2 ", "x" * 255, "x" * 256, "\U0001f600"], "abT1 ")
TEXTS = st.one_of(IDS, st.text("ab é\\\t\n\u00a0", max_size=8))
WORDS = _mostly(["activity", "wbs", "FS", "work", "nonlabor", "mspdi", "json", "text"], "ab-_P1")

PLACES = {
    "<project id='{}'><name>x</name></project>": IDS,
    "<project id='1' version='{}'><name>x</name></project>": INTEGERS,
    "<project id='1' source='{}'><name>x</name></project>": WORDS,
    "<project id='1'><name>{}</name></project>": TEXTS,
    "<project id='1'><name>x</name><code>{}</code></project>": TEXTS,
    "<project id='1'><name>x</name><start>{}</start></project>": TIMESTAMPS,
    "<project id='1'><name>x</name><priority>{}</priority></project>": INTEGERS,
    "<task id='{}'/>": IDS,
    "<task id='1' kind='{}'/>": WORDS,
    "<task id='1' wbs='{}'/>": TEXTS,
    "<task id='1' milestone='{}'/>": BOOLEANS,
    "<task id='1'><finish>{}</finish></task>": TIMESTAMPS,
    "<task id='1'><work>{}</work></task>": DURATIONS,
    "<task id='1'><percent-complete>{}</percent-complete></task>": PERCENTS,
    "<part element='x'><attribute name='{}'>x</attribute></part>": TEXTS,
    "<part element='x'><attribute name='x' type='{}'>1</attribute></part>": WORDS,
    "<resource id='1' type='{}'/>": WORDS,
    "<dependency predecessor='T' successor='T' type='{}'/>": WORDS,
    "<dependency predecessor='T' successor='T' lag='{}'/>": DURATIONS,
    "<assignment task='T' units='{}'/>": DECIMALS,
    "<baseline number='{}'/>": INTEGERS,
    "<baseline number='1' current='{}'/>": BOOLEANS,
    "<baseline-task number='5' task='{}'/>": IDS,
    "<baseline-task number='5' task='T' kind='{}'/>": WORDS,
    "<baseline-task number='5' task='T'><cost>{}</cost></baseline-task>": DECIMALS,
    "<part element='{}'/>": TEXTS,
    "<object element='{}'/>": TEXTS,
    "<object element='x' id='{}'/>": IDS,
}
"""Every place for a value, but for references: those only the reader checks."""

HOLDERS = {
    "task": "tasks",
    "resource": "resources",
    "dependency": "dependencies",
    "assignment": "assignments",
    "baseline": "baselines",
    "baseline-task": "baseline-tasks",
    "part": "parts",
    "object": "shared-objects",
}

WHOLE = f"""<projects xmlns="{NATIVE}">
  <project id="P" version="3" source="p6"><name>n</name><code>c</code><status>s</status>
    <description>d</description><manager>m</manager><currency>EUR</currency>
    <start>2026-01-05T08:00:00</start><finish>2026-06-30T17:00:00</finish><priority>5</priority>
    <tasks>
      <task id="T"/>
      <task id="U" parent="T" kind="wbs" wbs="1.1" milestone="true" summary="0"><name>t</name>
        <start/><finish/><duration>PT4H</duration><work>PT8H</work><priority>1</priority>
        <percent-complete>25</percent-complete><notes>n</notes>
        <attributes><attribute name="a">x</attribute><attribute name="b"/></attributes></task>
    </tasks>
    <dependencies><dependency predecessor="T" successor="U" type="FS" lag="PT0S"/></dependencies>
    <resources><resource id="R" type="work"><name>r</name><email>e</email></resource></resources>
    <assignments>
      <assignment task="T" resource="R" units="1"><work>PT8H</work></assignment>
    </assignments>
    <baselines><baseline number="5" current="1"><name>b</name><type>t</type></baseline></baselines>
    <baseline-tasks>
      <baseline-task number="5" kind="activity" task="T" code="c"><name>t</name><start/>
        <finish>2026-06-30T17:00:00</finish><duration>PT4H</duration><work>PT8H</work>
        <cost>1.5</cost><attributes><attribute name="a">x</attribute></attributes></baseline-task>
    </baseline-tasks>
    <attributes><attribute name="z" type="json">[1]</attribute></attributes>
    <parts><part element="Calendar"><attribute name="Name">x</attribute></part></parts>
    <shared-objects>
      <object element="O" id="1"><attribute name="q">x</attribute></object>
    </shared-objects>
  </project>
</projects>"""


def _agree(document: bytes) -> bool:
    """Whether schema and reader say the same of a document, but for what only a reader can."""
    valid = SCHEMA.validate(etree.fromstring(document))
    reading = read(document)
    faults = [
        violation["message"]
        for refusal in reading.refusals
        for violation in refusal.extra["violations"]
    ]
    only_ours = re.compile(
        "is not a (task|baseline) of this project|has the id of an earlier record|is not JSON"
    )
    taken = reading.fault is None and not reading.warnings
    return valid == (taken and all(map(only_ours.search, faults)))


@pytest.mark.parametrize("place", PLACES)
def test_schema_and_reader_accept_the_same_values(place: str) -> None:
    [tag] = re.findall(r"^<([a-z]+)", place)

    @examples(150)
    @given(PLACES[place])
    def holds(value: str) -> None:
        written = place.replace("{}", escape(value, {"'": "&apos;", "\n": "&#10;", "\t": "&#9;"}))
        if tag != "project":
            tasks = "" if tag == "task" else "<tasks><task id='T'/></tasks>"
            holder = HOLDERS[tag]
            written = (
                f"<project id='1'><name>x</name>{tasks}<{holder}>{written}</{holder}></project>"
            )
        assert _agree(f"<projects xmlns='{NATIVE}'>{written}</projects>".encode())

    holds()


def test_schema_and_reader_accept_every_element_of_the_format() -> None:
    assert SCHEMA.validate(etree.fromstring(WHOLE))
    assert [project.external_id for project in read(WHOLE).projects] == ["P"]


@examples(600)
@given(st.data())
def test_schema_and_reader_accept_the_same_structure(data: st.DataObject) -> None:
    root = etree.fromstring(WHOLE)
    for _ in range(data.draw(st.integers(1, 3))):
        _mutate(data, root)
    document = etree.tostring(root)
    assert _agree(document), document.decode()


def _mutate(data: st.DataObject, root: etree._Element) -> None:
    """Change one thing in a tree."""
    nodes = list(root.iter())[1:]
    if not nodes:
        return
    node, other = data.draw(st.sampled_from(nodes)), data.draw(st.sampled_from(nodes))
    change = data.draw(
        st.sampled_from(["drop", "twice", "move", "rename", "text", "tail", "attribute", "bare"])
    )
    if change == "drop":
        parent = node.getparent()
        assert parent is not None
        parent.remove(node)
    elif change == "twice":
        node.addnext(copy.deepcopy(node))
    elif change == "move":
        if node not in other.iterancestors() and node is not other:
            other.append(node)
    elif change == "rename":
        node.tag = data.draw(st.sampled_from([other.tag, f"{{{NATIVE}}}unknown", "name"]))
    elif change == "text":
        node.text = data.draw(st.sampled_from([None, "", " ", "x"]))
    elif change == "tail":
        node.tail = data.draw(st.sampled_from([None, " ", "x"]))
    elif change == "attribute":
        name = data.draw(st.sampled_from(["id", "type", "name", "unknown", "{urn:x}id"]))
        node.set(name, data.draw(st.sampled_from(["", "T", "FS", "1"])))
    else:
        node.attrib.clear()
