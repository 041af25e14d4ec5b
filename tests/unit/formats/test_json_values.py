"""JSON values in native XML: what is accepted, and how it is written."""

import tracemalloc
from decimal import Decimal

import orjson
import pytest

from service.formats.native.json_values import MAX_VALUES, canonical_json


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("1.50", "1.5"),
        ("-0.0", "0"),
        ("1e3", "1000"),
        ('{"b":1,"a":null}', '{"a":null,"b":1}'),
        (str(2**70), str(2**70)),
        (r'"\\u0000"', r'"\\u0000"'),
        (r'"\n\\\\u0000"', r'"\n\\\\u0000"'),
        ("-0", "0"),
        ("123456789012345678", "123456789012345678"),
    ],
)
def test_json_has_one_canonical_text(text: str, written: str) -> None:
    assert orjson.dumps(canonical_json(text)).decode() == written


@pytest.mark.parametrize(
    "text",
    [
        "NaN",
        r'"\u0000"',
        r'"\\\u0000"',
        "[" + "1e99," * 20_000 + "1]",
        r'"\ud800"',
        "[" * 5000,
        "[" * 300 + "]" * 300,
        "1e999",
        "1" * 101,
    ],
)
def test_json_that_postgresql_refuses_is_a_fault(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        canonical_json(text)


def test_a_number_in_json_keeps_all_its_digits() -> None:
    digits = "0." + "123456789" * 8
    assert Decimal(orjson.dumps(canonical_json(digits)).decode()) == Decimal(digits)


def test_json_with_too_many_values_is_a_fault() -> None:
    canonical_json(f"[{'1,' * (MAX_VALUES - 2)}1]")
    for many in (f"[{'1,' * MAX_VALUES}1]", "[" + "{}," * MAX_VALUES + "1]"):
        with pytest.raises(ValueError, match="more than 250000 values"):
            canonical_json(many)


def test_backslashes_take_memory_in_proportion_to_their_number() -> None:
    text = '"' + "\\\\" * 1_000_000 + "u0000" + '"'
    tracemalloc.start()
    try:
        canonical_json(text)
        assert tracemalloc.get_traced_memory()[1] < 8 * len(text)
    finally:
        tracemalloc.stop()
