"""Drafts of format files: what they contain, and files that a draft must not choke on."""

import io
import random
import tomllib
from collections.abc import Iterator

import pytest

from service.errors import FileRefused, FileTooLarge
from service.formats.custom.loader import parse_format
from service.formats.guess.draft import draft_format
from tests.support.paths import CHECKOUT

TASKS = '<task id="1" start="2026-01-05"/><task id="2" start="2026-01-06"/>'
MANY = " ".join(f"a{at}='1'" for at in range(1001))


def draft(text: str) -> dict[str, object]:
    """Return the draft for a file."""
    found = draft_format(io.BytesIO(text.encode()))
    assert found is not None
    return tomllib.loads(found.write())


def column(name: str, *texts: str) -> object:
    """Return what the draft has for a column of tasks with an attribute of its name."""
    tasks = "".join(
        f'<task id="{at}" start="2026-01-05" {name}="{text}"/>' for at, text in enumerate(texts)
    )
    return draft(f"<plan>{tasks}</plan>")["tasks"][0]["columns"].get(name)  # type: ignore[index]


@pytest.mark.parametrize(
    ("name", "texts", "expected"),
    [
        ("finish", ("2026-01-05T08:00:00", "2026-01-06"), "@finish"),
        ("finish", ("20260105", "20260106"), {"from": "@finish", "format": "%Y%m%d"}),
        ("finish", ("31.01.2026", "1.2.2026"), {"from": "@finish", "format": "%d.%m.%Y"}),
        ("finish", ("1/31/26", "2/1/26"), {"from": "@finish", "format": "%m/%d/%y"}),
        (
            "finish",
            ("2026-01-05 08:00:00", "2026-01-06 09:00:00"),
            {"from": "@finish", "format": "%Y-%m-%d %H:%M:%S"},
        ),
        (
            "finish",
            ("2026-01-05T08:00:00+01:00", "2026-01-06T08:00:00Z"),
            {"from": "@finish", "format": "%Y-%m-%dT%H:%M:%S%z"},
        ),
        ("finish", ("2026-01-05", "0000-00-00"), {"from": "@finish", "values": {"0000-00-00": ""}}),
        ("finish", ("soon", "2026-01-06"), None),
        ("duration", ("PT8H", "PT16H"), "@duration"),
        ("duration", ("3", "4.5"), {"from": "@duration", "unit": "days"}),
        ("work", ("8", "16"), {"from": "@work", "unit": "hours"}),
        ("percent_complete", ("0", "100"), "@percent_complete"),
        ("percent_complete", ("0.25", "1"), {"from": "@percent_complete", "type": "fraction"}),
        ("milestone", ("true", "0"), "@milestone"),
        ("milestone", ("Y", "N"), {"from": "@milestone", "values": {"Y": True, "N": False}}),
        ("priority", ("high", "low"), None),
    ],
)
def test_values_decide_how_a_column_is_read(
    name: str, texts: tuple[str, ...], expected: object
) -> None:
    assert column(name, *texts) == expected


def test_decimal_commas_are_an_option_of_the_draft() -> None:
    task = '<task id="{0}" start="2026-01-05" percent_complete="{1}" work="{2}" name="{3}"/>'
    values = [(1, "0,25", "1.250,00", "a"), (2, "1", "8", "1,5")]
    text = f"<plan>{''.join(task.format(*each) for each in values)}</plan>"
    found = draft_format(io.BytesIO(text.encode()))
    assert found is not None
    assert 'decimal = ","' in found.write()
    assert "CHECK: the comma is taken" in found.write()
    columns = tomllib.loads(found.write())["tasks"][0]["columns"]
    assert columns["percent_complete"] == {"from": "@percent_complete", "type": "fraction"}
    assert columns["work"] == {"from": "@work", "unit": "hours"}
    assert "decimal" not in draft(text.replace(",", ".").replace("1.250.00", "1250"))


def test_the_samples_of_each_format_are_recognised() -> None:
    for name in ("native", "mspdi", "p6"):
        found = draft((CHECKOUT / f"samples/{name}.xml").read_text("utf-8"))
        assert {"tasks", "dependencies", "assignments"} <= found.keys()


def test_a_file_without_tasks_has_no_draft() -> None:
    assert draft_format(io.BytesIO(b'<feed><entry title="a"/><entry title="b"/></feed>')) is None


def test_hostile_names_and_values_do_not_leave_their_lines() -> None:
    text = f'<plan name="&#10;[evil]&#10;x=1 # &quot;&quot;&quot;">{TASKS}</plan>'
    found = draft_format(io.BytesIO(text.encode()), 'a"\n[b]\u202e')
    assert found is not None
    assert "evil" not in tomllib.loads(found.write())
    assert tomllib.loads(found.write())["name"] == "a-b"


@pytest.mark.parametrize("name", ["xer", "P6", "mixed"])
def test_a_draft_has_no_name_that_is_taken(name: str) -> None:
    found = draft_format(io.BytesIO(f"<plan>{TASKS}</plan>".encode()), name)
    assert found is not None
    assert tomllib.loads(found.write())["name"] == f"my-{name.lower()}"


NAMES = (
    *(
        "task",
        "id",
        "name",
        "start",
        "parent",
        "project",
        "resource",
        "allocation",
        "depend",
        "link",
    ),
    *("lag", "finish"),
)
VALUES = ("1", "2", "2026-01-05", "PT8H", "x", "", "FS", "0000-00-00", "50", "31.01.2026")


def element(chance: random.Random, depth: int) -> str:
    """Return an element with the names and values of plans, in any order."""
    name = chance.choice(NAMES)
    number = chance.randint(2, 4) if chance.random() < 0.5 else 1
    pieces = []
    for at in range(number):
        names = {"id", "start", *chance.sample(NAMES, 3)} if number > 1 else set(NAMES[:2])
        values = {each: chance.choice(VALUES) for each in sorted(names)} | {"id": str(at)}
        if number > 1:
            values["start"] = f"2026-01-0{at + 1}"
        shown = " ".join(f'{each}="{value}"' for each, value in values.items())
        inner = [element(chance, depth - 1) for _ in range(chance.randint(0, 3) if depth else 0)]
        pieces.append(f"<{name} {shown}>{''.join(inner) or chance.choice(VALUES)}</{name}>")
    return "".join(pieces)


def test_every_draft_is_a_format_file() -> None:
    drafts = 0
    for seed in range(300):
        text = f"<plan>{element(random.Random(seed), 3)}</plan>"
        found = draft_format(io.BytesIO(text.encode()))
        if found is not None:
            parse_format(found.write(), text)
            found.swapped = True
            parse_format(found.write(), text)
            drafts += 1
    assert drafts > 50


class Endless:
    """A file that does not end: the source counts what is read of it."""

    def __init__(self, pieces: Iterator[str]) -> None:
        self._pieces = pieces
        self.read_bytes = 0

    def read(self, _n: int) -> bytes:
        piece = next(self._pieces).encode()
        self.read_bytes += len(piece)
        return piece


def endless(element: str) -> Iterator[str]:
    yield "<plan>"
    number = 0
    while True:
        yield "".join(element % (number + at) for at in range(1000))
        number += 1000


@pytest.mark.parametrize("element", ["<n%d/>", "<t n%d='1'/>"])
def test_endless_names_end_the_reading(element: str) -> None:
    source = Endless(endless(element))
    with pytest.raises(FileTooLarge):
        draft_format(source)
    assert source.read_bytes < 1_000_000


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("<plan>" * 1000, FileRefused),
        (f"<plan>{TASKS}", FileRefused),
        (f"<!DOCTYPE plan []><plan>{TASKS}</plan>", FileRefused),
        ('{"plan": 1}', FileRefused),
        ("", FileRefused),
        (f"<plan {'x' * 1001}='1'>{TASKS}</plan>", FileTooLarge),
        (f"<plan>{TASKS}<{'x' * 1001}/></plan>", FileTooLarge),
        (f"<plan {MANY}>{TASKS}</plan>", FileRefused),
    ],
    ids=["deep", "truncated", "doctype", "json", "empty", "attribute", "element", "attributes"],
)
def test_what_a_reader_refuses_has_no_draft(text: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        draft_format(io.BytesIO(text.encode()))
