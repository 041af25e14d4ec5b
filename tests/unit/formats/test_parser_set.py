"""Files that share their parsers are read as if each were alone, in both engines."""

import io
import random

import pytest

from service.errors import FileRefused, FileTooLarge
from service.formats.engine import select
from service.formats.engine.python import PYTHON
from service.formats.limits import Limits
from service.formats.parser_set import ParserCache
from service.formats.reader import Reader
from service.model import Project
from service.tables import TABLES
from tests.support.paths import CHECKOUT
from tests.support.reading import MSPDI, NATIVE


def native(number: int) -> str:
    """Return a small plan with an unknown element in the attributes."""
    return (
        f'<projects xmlns="{NATIVE}"><project id="P-{number}"><name>N</name><attributes>'
        f"{{}}</attributes><tasks><task id='{number}'><name>T</name></task></tasks></project>"
        "</projects>"
    )


def mspdi(number: int, namespace: str = MSPDI) -> str:
    return (
        f'<Project xmlns="{namespace}"><Name>M{number}</Name><Own{number}>1</Own{number}>'
        f"<Tasks><Task><UID>{number}</UID><X{number}>a</X{number}></Task></Tasks></Project>"
    )


FILES = [
    *(native(number) for number in range(5)),
    native(9)[:-30],
    native(10),
    native(11).replace("<name>T", "<bad/><name>T"),
    *(mspdi(number) for number in range(5)),
    mspdi(6).replace("</Tasks>", "</Task>"),
    mspdi(7),
    "<Project><Name>none</Name></Project>",
    mspdi(8, "urn:other"),
    "".join(f"<a{number}/>" for number in range(30)).join(("<x>", "</x>")),
    *((CHECKOUT / "tests" / "data" / "p6" / "plants.xml").read_text() for _ in range(2)),
    mspdi(1),
    native(1),
]


def read(data: str, limits: Limits, parsers: ParserCache | None) -> list[object]:
    """Return everything that is read of a file, as plain data."""
    reader = Reader(io.BytesIO(data.encode()), limits, parsers=parsers)
    found: list[object] = []
    try:
        for item in reader:
            if isinstance(item, Project):
                rows = [b"".join(item.rows.blocks(table)) for table in TABLES]
                found.append((item.external_id, item.row, rows, item.content_hash, item.warnings))
                item.rows.close()
            else:
                found.append(repr(item) if hasattr(item, "code") else None)
    except (FileRefused, FileTooLarge) as fault:
        found.append((type(fault), fault.details))
    return [*found, reader.warnings, reader.complete, reader.closed]


@pytest.mark.parametrize("engine", [select.ENGINE, PYTHON], ids=lambda engine: engine.name)
@pytest.mark.parametrize("max_names", [20, 400, 20_000])
def test_files_that_share_parsers_are_read_as_if_alone(
    engine: object, max_names: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(select, "ENGINE", engine)
    limits = Limits(max_tag_names=max_names)
    shuffled = [*FILES, *FILES]
    random.Random(max_names).shuffle(shuffled)
    cache = ParserCache()
    for data in [*FILES, *shuffled]:
        assert read(data, limits, cache) == read(data, limits, None)


def test_files_of_many_names_do_not_collect_in_the_parsers() -> None:
    cache, limits = ParserCache(), Limits()
    for first in range(0, 30_000, 500):
        names = "".join(f"<n{number}>1</n{number}>" for number in range(first, first + 500))
        data = mspdi(1).replace("<UID>", f"{names}<UID>")
        assert read(data, limits, cache)[-2:] == [1, True]
        for parsers in cache._sets.values():
            assert len(parsers.keys) <= 1_000


def test_long_names_of_a_file_do_not_count_for_the_next_one() -> None:
    def with_names(first: int, number: int) -> str:
        names = "".join(f"<{'n' * 990}{n:06d}/>" for n in range(first, first + number))
        return native(first).replace("</projects>", f"{names}</projects>")

    cache, limits = ParserCache(), Limits()
    for data in (with_names(0, 3_900), with_names(5_000, 4_500)):  # 8.4 MB together
        assert read(data, limits, cache) == read(data, limits, None)


def test_parsers_call_the_give_way_of_the_file_that_is_read() -> None:
    cache = ParserCache()
    plan = mspdi(1).replace("<UID>", f"<Group>{'<Name>a</Name>' * 1000}</Group><UID>", 1)
    calls = [0, 0]
    for turn in range(2):

        def give_way(turn: int = turn) -> None:
            calls[turn] += 1

        for _ in Reader(io.BytesIO(plan.encode()), Limits(), parsers=cache, give_way=give_way):
            pass
    assert calls[0] == calls[1] > 0
