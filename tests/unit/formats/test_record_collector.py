"""Both record collectors give the same items, wherever the parser pauses."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.formats.element import Element
from service.formats.engine import select
from service.formats.limits import Limits
from service.formats.native import format as native
from service.formats.native import mapping
from service.formats.parser_set import ParserSet
from service.formats.project_builder import ProjectBuilder
from service.formats.record_rules import RecordRule
from service.formats.registry import FORMATS
from tests.support import own_files, own_format
from tests.support.engines import compiled_engine
from tests.support.fuzzing import examples
from tests.support.paths import CHECKOUT
from tests.support.reading import MSPDI, NATIVE, python_engine
from tests.support.record_files import MSPDI_FILES, NATIVE_FILES, P6_FILES, read_as_data

compiled = compiled_engine()


@examples(400)
@given(
    file=st.one_of(NATIVE_FILES, MSPDI_FILES, P6_FILES, own_files.FILES),
    step=st.sampled_from([64, 200, 1000, 100_000]),
)
def test_both_collectors_give_the_same_items(file: str, step: int) -> None:
    data = file.encode()
    formats = (own_format.FORMAT, *FORMATS)
    with python_engine():
        expected = read_as_data(data, 100_000, formats)
    assert read_as_data(data, step, formats) == expected
    with python_engine():
        assert read_as_data(data, step, formats) == expected


def test_a_missing_parent_is_reported_once_for_tasks_in_a_row() -> None:
    tasks = "<task id='1' parent='0'/><task id='2' parent='1'/><task id='3' parent='0'/>"
    project = f"<project id='P'><name>n</name><tasks>{tasks}</tasks></project>"
    data = f"<projects xmlns='{NATIVE}'>{project}</projects>".encode()
    with python_engine():
        expected = read_as_data(data, 100_000)
    assert read_as_data(data, 100_000) == expected
    assert expected[0].extra["violation_count"] == 1


@pytest.mark.parametrize("path", ["p6/plants.xml", "mspdi/plan.xml"])
def test_the_compiled_engine_takes_every_record_of_a_real_plan(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Parts, variants, waiting rows, shared objects, and references to later or missing records."""
    data = (CHECKOUT / "tests" / "data" / path).read_bytes()
    with python_engine():
        expected = read_as_data(data, 100_000)
    monkeypatch.setattr(compiled, "take_record", None)
    monkeypatch.setattr(compiled, "take_nested_record", None)
    assert read_as_data(data, 100_000) == expected


def test_a_foreign_part_of_a_project_keeps_its_namespace() -> None:
    part = "<x:UDF xmlns:x='urn:x' at='1'><x:A>1</x:A></x:UDF><UDF xmlns:x='urn:x' x:at='1'/>"
    project = f"<Project><Id>P</Id><Name>n</Name>{part}<UDF><A>1</A></UDF></Project>"
    data = f"<APIBusinessObjects>{project}</APIBusinessObjects>".encode()
    with python_engine():
        expected = read_as_data(data, 100_000)
    assert read_as_data(data, 100_000) == expected


@pytest.mark.parametrize(
    "inside",
    [
        "one",
        "one<A>1</A>two<A>2</A>three",
        "<A/>one<A/>",
        "<A> <B>1</B>two</A>",
        "\n <![CDATA[one]]><A>1</A>",
        "one<![CDATA[ ]]><A>1</A> ",
        "<![CDATA[one]]><A>1</A><![CDATA[ ]]><A> <![CDATA[two]]><B>3</B></A>",
        " <!-- --> one<!-- -->two<A>1</A>",
    ],
)
def test_texts_beside_elements_are_kept(inside: str) -> None:
    parts = f"<Note at='1'>{inside}</Note><ActivityNote>{inside}</ActivityNote>"
    activity = f"<Activity><ObjectId>1</ObjectId>{inside}<UDF>{inside}</UDF></Activity>"
    project = f"<Project><Id>P</Id><Name>n</Name>{inside}{parts}{activity}</Project>"
    data = f"<APIBusinessObjects>{project}</APIBusinessObjects>".encode()
    with python_engine():
        expected = read_as_data(data, 100_000)
    for step in (3, 100_000):
        assert read_as_data(data, step) == expected


def test_an_array_of_ids_refers_to_no_shared_object() -> None:
    types = "".join(f"<ActivityCodeType><ObjectId>{n}</ObjectId></ActivityCodeType>" for n in "12")
    one = "<TypeObjectId>1</TypeObjectId><ValueObjectId>7</ValueObjectId>"
    two = "<TypeObjectId>1</TypeObjectId><TypeObjectId>2</TypeObjectId>"
    mixed = one + "<ValueObjectId>8</ValueObjectId>"
    data = f"<APIBusinessObjects>{types}".encode()
    for number, code in enumerate((two, mixed, one, two, mixed)):
        activity = f"<Activity><ObjectId>1</ObjectId><Code>{code}</Code></Activity>"
        project = f"<Project><Id>{number}</Id><Name>n</Name>{activity}</Project>"
        data += project.encode()
    data += b"</APIBusinessObjects>"
    with python_engine():
        expected = read_as_data(data, 100_000)
    assert read_as_data(data, 100_000) == expected


def test_an_id_that_goes_to_attributes_is_not_escaped_twice() -> None:
    link = "<PredecessorLink><PredecessorUID>2</PredecessorUID></PredecessorLink>"
    task = f"<Tasks><Task><UID>a\\b</UID>{link}</Task></Tasks>"
    data = f"<Project xmlns='{MSPDI}'><Name>n</Name>{task}</Project>".encode()
    with python_engine():
        expected = read_as_data(data, 100_000)
    assert read_as_data(data, 100_000) == expected


def test_records_are_taken_when_the_table_of_names_is_full() -> None:
    others = "".join(f"<Other{n}>1</Other{n}>" for n in range(400))
    records = "".join(f"<Activity><ObjectId>{n}</ObjectId></Activity>" for n in range(3))
    file = f"<APIBusinessObjects><Project><Id>P</Id><Name>n</Name>{others}{records}</Project>"
    data = f"{file}</APIBusinessObjects>".encode()
    with python_engine():
        expected = read_as_data(data, 100_000)
    assert read_as_data(data, 100_000) == expected
    assert expected[0][0][-1] == 3


def test_a_record_that_python_holds_is_removed_from_the_tree(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kept: list[Element] = []

    def keep(builder: ProjectBuilder, parent: Element, element: Element, rule: RecordRule) -> None:
        take_record(builder, parent, element, rule)
        kept.extend(element.iter())

    take_record = compiled.take_record
    tasks = "<task id='A'/><task id='A'><name>n</name></task>x<task id='B'><name>m</name></task>"
    data = f"<projects xmlns='{NATIVE}'><project id='P'><name>n</name><tasks>{tasks}</tasks>"
    expected = read_as_data(f"{data}</project></projects>".encode(), 64)
    monkeypatch.setattr(compiled, "take_record", keep)
    assert read_as_data(f"{data}</project></projects>".encode(), 64) == expected
    second, inside = kept
    assert (second.getparent(), inside.getparent(), inside.text) == (None, None, "n")


def test_sources_with_the_same_volatile_members_share_their_parsers() -> None:
    parsers = ParserSet(native.FORMAT, NATIVE, select.ENGINE, Limits(), FORMATS, lambda: None)
    parser = parsers.record_parser(mapping.TASK, "one")
    assert parsers.record_parser(mapping.TASK, "other") is parser
    assert parsers.record_parser(mapping.TASK, "p6") is not parser
