"""A new format is data: its rules, and a ``Format`` that no engine knows of."""

import sys
from dataclasses import replace
from typing import Any, Final

import orjson
import pytest

from service.codes import WarningCode
from service.formats import values
from service.formats.element import Element
from service.formats.engine import record_collector, select
from service.formats.format import Format
from service.formats.project_builder import ProjectBuilder
from service.formats.record_rules import (
    KEEP_AS_PART,
    LIMITS,
    PROJECT_ROW_COLUMNS,
    Field,
    Key,
    NestedRule,
    RecordRule,
    ReferenceRule,
)
from service.formats.registry import FORMATS
from service.tables import Table
from tests.support.engines import compiled_engine
from tests.support.reading import NATIVE, project_row, python_engine, read, rows

BOARD: Final = RecordRule(
    "board",
    columns=PROJECT_ROW_COLUMNS,
    fields=(
        Field("@key", "external_id", values.ID),
        Field("@title", "name", values.TEXT),
        Field("due", "finish", values.TIMESTAMP),
        Field("target", "finish", values.TIMESTAMP, rank=1),
    ),
    required=("external_id", "name"),
    parts=True,
)
CARD: Final = RecordRule(
    "card",
    Table.TASKS,
    fields=(
        Field("@no", "task_id", values.ID),
        Field("what", "name", values.TEXT),
        Field("effort", "work", values.HOURS),
        Field("done", "percent_complete", values.FRACTION),
    ),
    defaults={"kind": b"activity", "milestone": b"f", "summary": b"f"},
    required=("task_id",),
    apart=("after",),
    key=Key("task_id", "card"),
    nested=(
        NestedRule(
            RecordRule(
                "after",
                Table.DEPENDENCIES,
                fields=(Field("@card", "predecessor_id", values.ID),),
                defaults={"type": b"FS", "lag": b"PT0S"},
                references=(
                    ReferenceRule(
                        ("predecessor_id",),
                        ("card",),
                        required=True,
                        problem="is not a card",
                        warning=WarningCode.LINK_END_MISSING,
                        fallback=KEEP_AS_PART,
                    ),
                ),
            ),
            owner="successor_id",
            owner_member="of",
        ),
    ),
)
FORMAT: Final = Format(
    name="board",
    recognises=lambda namespace, name: (namespace, name) == ("", "boards"),
    namespace=None,
    project=BOARD,
    records={"lane/card": CARD, "comment": KEEP_AS_PART},
    volatile=frozenset({"seen"}),
)

FILE: Final = """<boards>
  <board key="B1" title="Kitchen"><target>2026-03-01T00:00:00</target><colour>red</colour>
    <lane><card no="1"><what>Tiles</what><effort>1.5</effort><done>0.29</done></card></lane>
    <lane>
      <card no="2"><after card="1"/><after card="9"/></card>
      <card no="3"><after card="4"/></card>
      <card no="4"/>
    </lane>
    <comment by="Ada">Nice</comment><comment xmlns:x="urn:x"><x:by>Ada</x:by></comment>
    <seen>{}</seen>
  </board>
  <board key="B2"/>
</boards>"""


@pytest.mark.usefixtures("both_engines")
def test_a_format_of_data_alone_is_read() -> None:
    reading = read(FILE, formats=(FORMAT, *FORMATS))
    assert reading.format_name == "board"
    [board], [refusal] = reading.projects, reading.refusals
    assert (board.external_id, board.name, board.source, board.tasks) == (
        "B1",
        "Kitchen",
        "board",
        4,
    )
    assert refusal.message == "title is missing"
    own = project_row(board)
    assert own["finish"] == "2026-03-01T00:00:00"
    assert orjson.loads(own["attributes"] or "") == {"colour": "red", "seen": "{}"}
    first, *_ = rows(board, Table.TASKS)
    assert (first["name"], first["work"], first["percent_complete"]) == ("Tiles", "PT1H30M", "29")
    links = [
        (row["predecessor_id"], row["successor_id"]) for row in rows(board, Table.DEPENDENCIES)
    ]
    assert links == [("1", "2"), ("4", "3")]
    parts = {row["element"]: row["attributes"] for row in reversed(rows(board, Table.PARTS))}
    assert orjson.loads(parts["comment"] or "") == {"@by": "Ada", "#text": "Nice"}
    assert orjson.loads(parts["after"] or "") == {"@card": "9", "of": "2"}
    assert [notice.code for notice in board.warnings.first] == [WarningCode.LINK_END_MISSING]


def test_the_compiled_engine_takes_the_plain_records_of_a_new_format(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    compiled = compiled_engine()
    left: list[str] = []

    def leave(builder: ProjectBuilder, parent: Element, element: Element, rule: RecordRule) -> None:
        left.append(element.tag)
        record_collector.take_record(builder, parent, element, rule)

    monkeypatch.setattr(compiled, "take_record", leave)
    read(FILE, formats=(FORMAT, *FORMATS))
    assert left == ["comment"]


@pytest.mark.usefixtures("both_engines")
def test_a_rule_may_leave_its_records_to_a_method() -> None:
    class BoardBuilder(ProjectBuilder):
        def take_comment(self, element: Element) -> None:
            self.warn(WarningCode.BAD_VALUE, 1, "comment", element.text)

    rules = {**FORMAT.records, "comment": replace(KEEP_AS_PART, take=BoardBuilder.take_comment)}
    board = replace(FORMAT, records=rules, builder=BoardBuilder)
    [project] = read(FILE, formats=(board, *FORMATS)).projects
    assert "Nice" in {notice.value for notice in project.warnings.first}


@pytest.mark.usefixtures("both_engines")
def test_volatile_members_stay_out_of_the_hash() -> None:
    one, other = (
        read(FILE.replace("{}", seen), formats=(FORMAT, *FORMATS)).projects[0] for seen in "12"
    )
    assert one.content_hash == other.content_hash


@pytest.mark.usefixtures("both_engines")
def test_existing_formats_are_read_beside_a_new_one() -> None:
    native = f"<projects xmlns='{NATIVE}'><project id='1'><name>n</name></project></projects>"
    assert read(native, formats=(FORMAT, *FORMATS)).format_name == "native"


def _fields(count: int, sign: str = "") -> tuple[Field, ...]:
    return tuple(Field(f"{sign}f{n}", "name", values.TEXT) for n in range(count))


_MANY: Final = 300
_REFERENCE: Final = ReferenceRule(("name",), ("task",))


@pytest.mark.parametrize(
    ("limit", "over"),
    [
        ("columns", {"columns": tuple(f"c{n}" for n in range(_MANY))}),
        ("elements", {"fields": _fields(_MANY)}),
        ("XML attributes", {"fields": _fields(_MANY, "@")}),
        ("rank", {"fields": (Field("f", "name", values.TEXT, rank=8),)}),
        ("reference columns", {"references": (_REFERENCE,) * 4}),
        ("kinds of a reference", {"references": (ReferenceRule(("name",), ("a", "b", "c")),)}),
        ("groups", {"fields": tuple(Field(f"g{n}/f", "name", values.TEXT) for n in range(40))}),
        ("variants", {"variants": dict.fromkeys(("c0", "c1", "c2", "c3"), KEEP_AS_PART)}),
    ],
)
def test_a_rule_over_a_limit_of_the_compiled_engine_is_refused(
    limit: str, over: dict[str, Any]
) -> None:
    columns = ("name", "c0", "c1", "c2", "c3")
    message = f"record rule Crate: {limit}: .* has room for {LIMITS[limit]}$"
    with pytest.raises(ValueError, match=message):
        RecordRule("Crate", **{"columns": columns, **over})


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"required": ("odd",)}, "no column odd"),
        ({"level": "name"}, "need a key"),
        ({"references": (replace(_REFERENCE, fallback=KEEP_AS_PART),) * 2}, "more than one"),
        (
            {"parts": True, "key": Key("name"), "nested": (NestedRule(BOARD, "name", "of"),)},
            "both parts",
        ),
        (
            {"apart": ("odd",), "key": Key("name"), "nested": (NestedRule(BOARD, "name", "of"),)},
            "each name in apart",
        ),
    ],
)
def test_a_rule_that_contradicts_itself_is_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"record rule Crate: .*{message}"):
        RecordRule("Crate", **{"columns": ("name",), **wrong})


def test_without_a_compiled_engine_the_python_engine_is_selected(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(select, "find_spec", lambda _name: None)
    assert select.select_engine().name == "python"


def test_a_compiled_engine_that_fails_to_load_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(select, "find_spec", lambda _name: object())
    monkeypatch.setitem(sys.modules, "service.formats.engine._fast.compiled", None)
    monkeypatch.delattr("service.formats.engine._fast.compiled", raising=False)
    with pytest.raises(ImportError, match=r"cannot be used: .* Build it again"):
        select.select_engine()


def test_the_python_engine_can_replace_the_selected_one() -> None:
    with python_engine():
        assert select.ENGINE.name == "python"
