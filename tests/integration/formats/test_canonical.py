"""PostgreSQL accepts every value that a kind accepts, and prints the same text."""

import io
import random
from collections.abc import Callable

import asyncpg
import orjson
import pytest

from service.formats import values
from service.formats.native.json_values import canonical_json
from service.formats.values import NULL, Kind
from service.spool.copy_rows import escape

_HOW_MANY = 2000


def digits(chance: random.Random, most: int) -> str:
    return "".join(chance.choices("0123456789", k=chance.randint(1, most)))


def timestamp(chance: random.Random) -> str:
    year, month, day = chance.randint(1, 9999), chance.randint(1, 12), chance.randint(1, 31)
    fraction = f".{digits(chance, 6)}" if chance.random() < 0.5 else ""
    clock = f"{chance.randint(0, 23):02}:{chance.randint(0, 59):02}:{chance.randint(0, 59):02}"
    return f"{year:04}-{month:02}-{day:02}T{clock}{fraction}"


def duration(chance: random.Random) -> str:
    date = "".join(digits(chance, 8) + unit for unit in "YMD" if chance.random() < 0.3)
    clock = "".join(digits(chance, 8) + unit for unit in "HM" if chance.random() < 0.5)
    if chance.random() < 0.5:
        clock += f"{digits(chance, 8)}.{digits(chance, 6)}S"
    return chance.choice(["", "-"]) + f"P{date}" + (f"T{clock}" if clock else "")


def decimal(chance: random.Random) -> str:
    number = f"{digits(chance, 15)}.{digits(chance, 12)}"
    power = f"e{chance.choice(['', '-'])}{digits(chance, 2)}" if chance.random() < 0.3 else ""
    return chance.choice(["", "-", "+"]) + number + power


KINDS: list[tuple[Kind, str, Callable[[random.Random], str]]] = [
    (values.TIMESTAMP, "timestamp", timestamp),
    (values.DURATION, "interval", duration),
    (values.HOURS, "interval", decimal),
    (values.TENTHS, "interval", lambda chance: digits(chance, 9)),
    (values.DECIMAL, "numeric", decimal),
    (values.HUNDREDTHS, "numeric", decimal),
    (values.PERCENT, "numeric", lambda chance: f"{digits(chance, 2)}.{digits(chance, 10)}"),
    (values.INTEGER, "integer", lambda chance: chance.choice(["", "-"]) + digits(chance, 9)),
    (values.BOOLEAN, "boolean", lambda chance: chance.choice(["true", "false", "0", "1"])),
    (values.TEXT, "text", lambda chance: "".join(chance.choices("a\\\t\n\r é\u00a0N.😀", k=9))),
    (values.ID, "text", lambda chance: "".join(chance.choices("a\\ N.\t", k=5))),
]


@pytest.mark.parametrize(("kind", "column", "make"), KINDS, ids=[kind.name for kind, *_ in KINDS])
async def test_postgresql_prints_an_accepted_value_unchanged(
    dsn: str, kind: Kind, column: str, make: Callable[[random.Random], str]
) -> None:
    chance = random.Random(7)
    passed = {kind.parse(make(chance)) for _ in range(_HOW_MANY)}
    written = sorted(value for value in passed if value is not None and value is not NULL)
    assert written
    printed = await _stored(dsn, column, written)
    if column == "timestamp":
        printed = [value.replace(" ", "T") for value in printed]
    if column == "boolean":
        printed = [value[0] for value in printed]
    assert [escape(value.encode()) for value in printed] == written


async def test_postgresql_prints_accepted_json_unchanged(dsn: str) -> None:
    texts = ["1.50", "-0.0", "1e3", '{"b": [2.50], "a": null}', r'"\u00e9\n"', "1e-90", str(2**90)]
    written = list(map(_canonical, texts))
    printed = await _stored(dsn, "jsonb", [escape(text.encode()) for text in written])
    assert list(map(_canonical, printed)) == written


def _canonical(text: str) -> str:
    return orjson.dumps(canonical_json(text)).decode()


async def _stored(dsn: str, column: str, written: list[bytes]) -> list[str]:
    """What PostgreSQL prints of values that it was given by COPY."""
    connection = await asyncpg.connect(dsn, server_settings={"intervalstyle": "iso_8601"})
    try:
        await connection.execute(f"CREATE TEMP TABLE stored (n integer, value {column})")
        lines = b"".join(b"%d\t%b\n" % pair for pair in enumerate(written))
        await connection.copy_to_table("stored", source=io.BytesIO(lines), format="text")
        found = await connection.fetch("SELECT value::text FROM stored ORDER BY n")
        return [row["value"] for row in found]
    finally:
        await connection.close()
