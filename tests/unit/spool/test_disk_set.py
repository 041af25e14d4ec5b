"""The compact set: exact, and small in memory."""

import random
import tracemalloc
from collections.abc import Iterator

import pytest

import service.spool.disk_set
from service.spool.disk_set import DiskSet
from service.spool.spool import Spool


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> int:
    """Start the compact table early."""
    monkeypatch.setattr(service.spool.disk_set, "FEW", 10)
    return 10


@pytest.fixture
def keys() -> Iterator[DiskSet]:
    with DiskSet(Spool().share(), memory=1000) as disk_set:
        yield disk_set


def test_the_first_payload_of_a_key_stays(keys: DiskSet) -> None:
    assert keys.add(b"a", 7) is None
    assert keys.add(b"a", 8) == 7
    assert keys.get(b"a") == 7
    assert keys.get(b"b") is None
    assert b"a" in keys
    assert b"b" not in keys


def test_a_large_set_agrees_with_a_dict(few: int, keys: DiskSet) -> None:
    chance, truth = random.Random(1), dict[bytes, int]()
    for payload in range(20_000):
        key = b"%d" % chance.randrange(12_000)
        assert keys.add(key, payload) == truth.get(key)
        truth.setdefault(key, payload)
    assert len(keys) == len(truth) > few
    assert all(keys.get(key) == payload for key, payload in truth.items())
    assert not any(b"x%d" % n in keys for n in range(1000))


def test_keys_with_the_same_hash_are_distinguished(
    few: int, keys: DiskSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service.spool.disk_set, "hash", lambda _key: 5, raising=False)
    for n in range(100):
        assert keys.add(b"%d" % n, n) is None
    assert [keys.get(b"%d" % n) for n in range(100)] == list(range(100))
    assert b"100" not in keys
    assert b"1" in keys


def test_a_key_that_is_a_prefix_of_another_is_distinguished(few: int, keys: DiskSet) -> None:
    prefixes = [b"a" * length for length in range(60)]
    assert [keys.add(key) for key in prefixes] == [None] * 60
    assert [keys.add(key) for key in prefixes] == [0] * 60


def test_a_key_takes_less_than_50_bytes_of_memory(few: int) -> None:
    tracemalloc.start()
    try:
        with DiskSet(Spool().share()) as keys:
            for n in range(25_000):
                keys.add(b"P-%d" % n, n)
            _, peak = tracemalloc.get_traced_memory()
            assert keys.get(b"P-12345") == 12345
    finally:
        tracemalloc.stop()
    assert peak < 50 * 25_000


def test_few_but_long_keys_take_little_memory() -> None:
    tracemalloc.start()
    try:
        with DiskSet(Spool().share()) as keys:
            for n in range(9_000):
                keys.add(b"%01000d" % n, n)
            _, peak = tracemalloc.get_traced_memory()
            assert [keys.get(b"%01000d" % n) for n in (5, 8_999)] == [5, 8_999]
    finally:
        tracemalloc.stop()
    assert peak < 3_000_000
