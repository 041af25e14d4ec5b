"""Random and damaged files give items or a refusal, the same however they are cut."""

import gc
import resource
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.fuzzing import (
    REAL,
    SEEDS,
    SIZES,
    WRAPPED,
    Tree,
    encoded,
    examples,
    mutated,
)
from tests.support.items import read_items
from tests.support.reading import python_engine

FILES = st.sampled_from([*REAL])
CUTS = st.lists(st.integers(0, 100_000), max_size=40)
_KEPT = 2 * 1024 * 1024
"""Bytes that reading 2,400 files may keep: memory that allocators do not return."""


@examples(400)
@given(seed=SEEDS, size=SIZES, cuts=CUTS)
def test_random_trees_read_the_same_however_they_are_cut(
    seed: int, size: int, cuts: list[int]
) -> None:
    data, charset = encoded(seed, Tree(seed, size).write())
    expected = read_items(data, charset)
    assert read_items(data, charset, cuts) == expected
    with python_engine():
        assert read_items(data, charset) == expected
        assert read_items(data, charset, cuts) == expected


@examples(300)
@given(seed=SEEDS, faults=st.integers(1, 8), file=FILES, cuts=CUTS)
def test_damaged_files_read_the_same_however_they_are_cut(
    seed: int, faults: int, file: str, cuts: list[int]
) -> None:
    data = mutated(seed, REAL[file], faults)
    expected = read_items(data)
    assert read_items(data, None, cuts) == expected
    with python_engine():
        assert read_items(data) == expected


@pytest.mark.parametrize("wrapped", WRAPPED)
@examples(60)
@given(seed=SEEDS, file=FILES, cuts=CUTS)
def test_damaged_archives_read_the_same_however_they_are_cut(
    wrapped: str, seed: int, file: str, cuts: list[int]
) -> None:
    whole = WRAPPED[wrapped](REAL[file])
    assert read_items(whole, None, cuts) == read_items(REAL[file])
    data = mutated(seed, whole, 2)
    assert read_items(data, None, cuts) == read_items(data)


def test_reading_thousands_of_files_leaks_nothing() -> None:
    real = [*REAL.values()]
    files = [encoded(seed, Tree(seed, 60).write()) for seed in range(300)]
    files += [(mutated(seed, real[seed % 3], 4), None) for seed in range(300)]

    def read(times: int) -> None:
        for data, charset in files * times:
            read_items(data, charset)

    read(2)
    objects, before = _objects(), _resident()
    read(4)
    gc.collect()
    after = _resident()  # before the list of all objects, which may be as large as what it finds
    assert _objects() - objects < 200
    assert after - before < _KEPT


def _objects() -> int:
    gc.collect()
    return len(gc.get_objects())


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
