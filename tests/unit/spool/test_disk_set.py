"""A compact set that is never wrong."""

import random
import tracemalloc
from collections.abc import Iterator

import pytest

import service.spool.disk_set
from service.spool.disk_set import DiskSet
from service.spool.spool import Spool


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> int:
    """The compact table is begun early."""
    monkeypatch.setattr(service.spool.disk_set, "FEW", 10)
    return 10


@pytest.fixture
def found() -> Iterator[DiskSet]:
    with DiskSet(Spool().share(), memory=1000) as keys:
        yield keys


def test_the_first_payload_of_a_key_stays(found: DiskSet) -> None:
    assert found.add(b"a", 7) is None
    assert found.add(b"a", 8) == 7
    assert found.get(b"a") == 7
    assert found.get(b"b") is None
    assert b"a" in found
    assert b"b" not in found


def test_it_says_the_same_as_a_dict_past_its_small_size(few: int, found: DiskSet) -> None:
    chance, truth = random.Random(1), dict[bytes, int]()
    for payload in range(20_000):
        key = b"%d" % chance.randrange(12_000)
        assert found.add(key, payload) == truth.get(key)
        truth.setdefault(key, payload)
    assert len(found) == len(truth) > few
    assert all(found.get(key) == payload for key, payload in truth.items())
    assert not any(b"x%d" % n in found for n in range(1000))


def test_keys_with_the_same_hash_are_told_apart(
    few: int, found: DiskSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service.spool.disk_set, "hash", lambda _key: 5, raising=False)
    for n in range(100):
        assert found.add(b"%d" % n, n) is None
    assert [found.get(b"%d" % n) for n in range(100)] == list(range(100))
    assert b"100" not in found
    assert b"1" in found


def test_one_key_may_begin_another(few: int, found: DiskSet) -> None:
    keys = [b"a" * length for length in range(60)]
    assert [found.add(key) for key in keys] == [None] * 60
    assert [found.add(key) for key in keys] == [0] * 60


def test_a_key_costs_a_few_bytes_of_memory() -> None:
    tracemalloc.start()
    try:
        with DiskSet(Spool().share()) as found:
            for n in range(100_000):
                found.add(b"P-%d" % n, n)
            _, peak = tracemalloc.get_traced_memory()
            assert found.get(b"P-12345") == 12345
    finally:
        tracemalloc.stop()
    assert peak < 50 * 100_000
