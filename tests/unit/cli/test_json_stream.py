"""A streamed response, read one outcome at a time."""

import asyncio
import json
import time
import tracemalloc
from collections.abc import AsyncIterator, Iterable
from typing import Any

import pytest

from service.cli.json_stream import IncompleteJson, iter_members

ITEMS = [{"index": 1, "name": "Brücke", "warnings": {"count": 0, "first": []}}, {"index": 2}]
ANSWER: dict[str, Any] = {
    "status": "partial",
    "code": 207,
    "counts": {"created": 2},
    "details": {"successes": ITEMS, "errors": [], "warnings": [{"code": "A", "count": 3}]},
    "complete": True,
}
MEMBERS = [
    ("status", "partial"),
    ("code", 207),
    ("counts", {"created": 2}),
    ("successes", ITEMS[0]),
    ("successes", ITEMS[1]),
    ("warnings", {"code": "A", "count": 3}),
    ("complete", True),
]


async def chunks(pieces: Iterable[bytes]) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


async def read(pieces: Iterable[bytes]) -> list[tuple[str, Any]]:
    return [each async for each in iter_members(chunks(pieces))]


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
@pytest.mark.parametrize("indent", [None, 2])
async def test_members_and_items_are_yielded_in_order(size: int, indent: int | None) -> None:
    text = (" \n " + json.dumps(ANSWER, indent=indent, ensure_ascii=False)).encode()
    pieces = [text[at : at + size] for at in range(0, len(text), size)]
    assert await read(pieces) == MEMBERS


async def test_a_response_that_ends_anywhere_too_early_is_incomplete() -> None:
    text = json.dumps(ANSWER, ensure_ascii=False).encode()
    for end in range(len(text)):
        with pytest.raises(IncompleteJson):
            await read([text[:end]])


@pytest.mark.parametrize("text", [b"<html>", b"[]", b"\xff", b'{"details":{"a":1]}'])
async def test_text_that_is_not_an_envelope_is_incomplete(text: bytes) -> None:
    with pytest.raises(IncompleteJson):
        await read([text])


def test_ten_thousand_outcomes_are_read_in_constant_memory() -> None:
    item = json.dumps({"index": 1, "name": "x" * 200}).encode()

    def pieces() -> Iterable[bytes]:
        yield b'{"details":{"successes":[' + item
        for _ in range(100):
            yield (b"," + item) * 100
        yield b"]}}"

    async def count() -> int:
        return len([None async for _ in iter_members(chunks(pieces()))])

    tracemalloc.start()
    try:
        assert asyncio.run(count()) == 10_001
        assert tracemalloc.get_traced_memory()[1] < 1024 * 1024
    finally:
        tracemalloc.stop()


async def test_a_long_value_in_small_pieces_costs_little_time() -> None:
    text = json.dumps({"notes": "x" * 500_000}).encode()
    started = time.thread_time()
    ((_, value),) = await read(text[at : at + 8] for at in range(0, len(text), 8))
    assert len(value) == 500_000
    assert time.thread_time() - started < 1
