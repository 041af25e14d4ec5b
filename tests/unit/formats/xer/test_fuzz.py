"""Damaged XER files give the same items in both engines, however they are cut."""

from hypothesis import given
from hypothesis import strategies as st

from tests.support.fuzzing import SEEDS, examples
from tests.support.items import read_items
from tests.support.reading import python_engine
from tests.support.xer_fuzzing import XER, damaged

CUTS = st.lists(st.integers(0, 10_000), max_size=40)


@examples(120)
@given(seed=SEEDS, cuts=CUTS)
def test_damaged_files_read_the_same(seed: int, cuts: list[int]) -> None:
    data = damaged(seed, XER)
    expected = read_items(data)
    assert read_items(data, None, cuts) == expected
    with python_engine():
        assert read_items(data) == expected


def test_a_file_cut_at_any_byte_imports_nothing() -> None:
    """Whatever is missing at the end could belong to any project."""
    for size in range(0, XER.rindex(b"%E"), 61):
        items = read_items(XER[:size])
        assert items[0][0] == "FileRefused", size
