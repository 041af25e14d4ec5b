"""A fourth dialect is one module: here it is, and neither reader nor walk knows of it."""

import orjson
import pytest

from service.codes import WarningCode
from service.formats import values
from service.formats.element import Element
from service.formats.format import Format
from service.formats.project_builder import ProjectBuilder
from service.formats.record_maps import PROJECT, Field, RecordMap, columns_of
from service.formats.registry import FORMATS
from service.formats.values import NULL
from service.tables import Table
from tests.support.reading import NATIVE, project_row, read, rows

pytestmark = pytest.mark.usefixtures("both_walks")

BOARD = RecordMap(
    columns=PROJECT,
    fields=(
        Field("@key", "external_id", values.ID),
        Field("@title", "name", values.TEXT),
        Field("due", "finish", values.TIMESTAMP),
        Field("target", "finish", values.TIMESTAMP, rank=1),
    ),
    required=("external_id", "name"),
    parts=True,
)
CARD = RecordMap(
    columns=columns_of(Table.TASKS),
    fields=(
        Field("@no", "task_id", values.ID),
        Field("what", "name", values.TEXT),
        Field("effort", "work", values.HOURS),
        Field("done", "percent_complete", values.FRACTION),
        Field("after", "after", values.ID, keep=True),
    ),
    defaults={"kind": b"activity", "milestone": b"f", "summary": b"f"},
    required=("task_id",),
)
LINK = RecordMap(columns=columns_of(Table.DEPENDENCIES))


class BoardPlan(ProjectBuilder):
    """A board of cards."""

    record = BOARD
    source = "board"

    def card(self, element: Element) -> None:
        record = self.read(element, CARD)
        number = record.columns[0]
        self.know(element, b"card", number)
        self.add(self.row(Table.TASKS, record))
        after = record.columns[CARD.index("after")]
        if after is not NULL:
            link = self.read(element, LINK)
            link.columns = [after, number, b"FS", b"PT0S"]
            self.refer(
                element,
                ((b"card" + after,),),
                ("after", after, "is not a card"),
                code=WarningCode.LINK_END_MISSING,
                found=self.row(Table.DEPENDENCIES, link),
            )


TOY = Format(
    name="board",
    recognises=lambda namespace, name: (namespace, name) == ("", "boards"),
    namespace=None,
    project="board",
    anywhere=False,
    plan=BoardPlan,
    records={"lane/card": BoardPlan.card, "comment": BoardPlan.part},
    volatile=frozenset({"seen"}),
)

FILE = """<boards>
  <board key="B1" title="Kitchen"><target>2026-03-01T00:00:00</target><colour>red</colour>
    <lane><card no="1"><what>Tiles</what><effort>1.5</effort><done>0.29</done></card></lane>
    <lane>
      <card no="2"><after>1</after><after>9</after></card>
      <card no="3"><after>7</after></card>
    </lane>
    <comment by="Ada">Nice</comment>
    <seen>{}</seen>
  </board>
  <board key="B2"/>
</boards>"""


def test_a_fourth_dialect_needs_no_more_than_its_own_module() -> None:
    reading = read(FILE, dialects=(TOY, *FORMATS))
    assert reading.dialect == "board"
    [board], [refusal] = reading.projects, reading.refusals
    assert (board.external_id, board.name, board.source, board.tasks) == (
        "B1",
        "Kitchen",
        "board",
        3,
    )
    assert refusal.message == "title is missing"
    own = project_row(board)
    assert own["finish"] == "2026-03-01T00:00:00"
    assert orjson.loads(own["attributes"] or "") == {"colour": "red", "seen": "{}"}
    first, second, _ = rows(board, Table.TASKS)
    assert (first["name"], first["work"], first["percent_complete"]) == ("Tiles", "PT1H30M", "29")
    assert orjson.loads(second["attributes"] or "") == {"after": ["1", "9"]}
    links = [
        (row["predecessor_id"], row["successor_id"]) for row in rows(board, Table.DEPENDENCIES)
    ]
    assert links == [("1", "2")]
    [comment] = rows(board, Table.PARTS)
    assert orjson.loads(comment["attributes"] or "") == {"@by": "Ada", "#text": "Nice"}
    assert [notice.code for notice in board.warnings.first] == [WarningCode.LINK_END_MISSING]


def test_its_volatile_members_stay_out_of_its_hashes() -> None:
    one, other = (
        read(FILE.replace("{}", seen), dialects=(TOY, *FORMATS)).projects[0] for seen in "12"
    )
    assert one.content_hash == other.content_hash


def test_the_other_dialects_are_still_read_beside_it() -> None:
    native = f"<projects xmlns='{NATIVE}'><project id='1'><name>n</name></project></projects>"
    assert read(native, dialects=(TOY, *FORMATS)).dialect == "native"
