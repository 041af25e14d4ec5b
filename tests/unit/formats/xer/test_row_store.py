"""Rows by key: in order, and with little memory."""

import random
import tracemalloc
from collections import defaultdict
from collections.abc import Iterable, Iterator

import pytest

from service.formats.limits import MIB
from service.formats.xer import row_store
from service.formats.xer.row_store import Row, Rows, RowStore
from service.spool.spool import Spool, TooLarge


@pytest.fixture(params=[0, 2_000, 8_000_000], ids=["each row on disk", "disk", "memory"])
def store(request: pytest.FixtureRequest) -> Iterator[RowStore]:
    store = RowStore(Spool().share(), memory=request.param)
    yield store
    store.close()


def joined(blocks: Iterable[Rows]) -> list[Row]:
    return [row for rows in blocks for row in rows]


def test_the_rows_of_a_key_come_table_by_table_in_the_order_of_adding(store: RowStore) -> None:
    chance, expected = random.Random(1), defaultdict[bytes, list[Row]](list)
    for line in range(5_000):
        key, row = b"%d" % chance.randrange(40), b"x" * chance.randrange(30)
        table = line // 700 if line % 9 else chance.randrange(9)
        store.add(key, table, line, row)
        expected[key].append((table, line, row))
    for key, rows in expected.items():
        assert joined(store.take(key)) == sorted(rows, key=lambda row: row[0])
        assert joined(store.take(key)) == []


def test_tables_come_by_their_rank_and_then_by_their_numbers(store: RowStore) -> None:
    for table in range(20):
        for number in range(3):
            store.add(b"1", table, 10 * table + number, b"row")
    rows = joined(store.take(b"1", order=lambda table: -(table // 2)))
    expected = sorted(range(20), key=lambda table: -(table // 2))
    assert [(table, line) for table, line, _ in rows] == [
        (table, 10 * table + number) for table in expected for number in range(3)
    ]


def test_a_key_without_rows_has_none(store: RowStore) -> None:
    store.add(b"1", 0, 1, b"row")
    assert joined(store.take(b"2")) == []


def test_rows_that_were_taken_do_not_come_again(store: RowStore) -> None:
    for line in range(100):
        store.add(b"1", 0, line, b"row")
    assert len(joined(store.take(b"1"))) == 100
    store.add(b"1", 0, 100, b"")
    assert joined(store.take(b"1")) == [(0, 100, b"")]


def test_the_rest_has_the_rows_that_were_not_taken(store: RowStore) -> None:
    for line in range(3_000):
        store.add(b"%d" % (line % 3), line % 2, line, b"%d" % line)
    joined(store.take(b"1"))
    assert store.rows_left == 2_000
    rest = joined(store.rest())
    assert sorted(line for _, line, _ in rest) == [line for line in range(3_000) if line % 3 != 1]
    assert all((table, row) == (line % 2, b"%d" % line) for table, line, row in rest)
    assert store.rows_left == 0
    assert joined(store.rest()) == []


def test_keys_can_be_taken_at_the_same_time(store: RowStore) -> None:
    for line in range(3_000):
        store.add(b"%d" % (line % 2), 0, line, b"%d" % line)
    evens, odds = zip(*zip(store.take(b"0"), store.take(b"1"), strict=True), strict=True)
    assert [line for _, line, _ in joined(evens)] == list(range(0, 3_000, 2))
    assert [line for _, line, _ in joined(odds)] == list(range(1, 3_000, 2))


def test_memory_stays_in_bounds_with_a_key_for_each_row() -> None:
    tracemalloc.start()
    try:
        store = RowStore(Spool().share(), memory=MIB)
        for line in range(20_000):
            store.add(b"P-%d" % line, 0, line, b"row")
        current, peak = tracemalloc.get_traced_memory()
        assert joined(store.take(b"P-12345")) == [(0, 12_345, b"row")]
        store.close()
    finally:
        tracemalloc.stop()
    assert peak < 2 * MIB + 50 * 20_000, (current, peak)


@pytest.mark.parametrize("text", [b"", b"x" * 3_000], ids=["empty rows", "long rows"])
def test_memory_stays_in_bounds_with_one_key_for_all_rows(text: bytes) -> None:
    rows = 20_000 if not text else 10_000
    tracemalloc.start()
    try:
        store = RowStore(Spool().share(), memory=MIB)
        for line in range(rows):
            store.add(b"1", 0, line, b"%b%d" % (text, line))
        assert sum(map(len, store.take(b"1"))) == rows
        _, peak = tracemalloc.get_traced_memory()
        store.close()
    finally:
        tracemalloc.stop()
    assert peak < 4 * MIB, peak


def test_memory_stays_in_bounds_with_tables_that_alternate() -> None:
    store = RowStore(Spool().share(), memory=MIB)
    for line in range(100_000):
        store.add(b"1", line % 2, line, b"row")
    tracemalloc.start()
    try:
        assert sum(map(len, store.take(b"1"))) == 100_000
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    store.close()
    assert peak < MIB // 2, peak


def test_the_store_ends_at_the_limit_of_the_working_files() -> None:
    store = RowStore(Spool().share(100_000), memory=10_000)
    for line in range(50):
        store.add(b"1", 0, line, b"x" * 1_000)
    with pytest.raises(TooLarge):
        store.add(b"1", 0, 50, b"x" * 100_000)
    store.close()


def test_closing_the_store_frees_the_disk() -> None:
    spool = Spool()
    store = RowStore(spool.share(), memory=0)
    store.add(b"1", 0, 1, b"row")
    assert spool.used_bytes
    store.close()
    assert not spool.used_bytes


def test_other_imports_get_their_turn_while_rows_are_written_and_read() -> None:
    turns = []
    store = RowStore(Spool().share(), give_way=lambda: turns.append(1))
    for line in range(20_000):
        store.add(b"1", 0, line, b"x" * 300)
    written = len(turns)
    assert written >= 10
    assert len(joined(store.take(b"1"))) == 20_000
    assert len(turns) - written >= 10
    store.close()


def test_the_number_of_keys_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(row_store, "MAX_KEYS", 100)
    store = RowStore(Spool().share(), memory=0)
    for _ in range(2):
        for key in range(100):
            store.add(b"%d" % key, 0, key, b"")
        with pytest.raises(TooLarge, match="more than 100"):
            store.add(b"another", 0, 1, b"")
        store.close()
