"""The pipe between an event loop and a thread, with a real loop and real threads."""

import asyncio
import hashlib
import random
import threading
from collections.abc import Callable

import pytest
from lxml import etree

from service.imports.pipeline.pipe import CHUNK_BYTES, Pipe, PipeAborted

LIMIT = 100


def pipe(limit: int = LIMIT) -> Pipe:
    return Pipe(limit, asyncio.get_running_loop())


def drain(source: Pipe) -> list[bytes]:
    return list(iter(source.read, b""))


async def turn() -> None:
    """Let the loop run everything that is ready, once."""
    await asyncio.sleep(0)


async def in_thread(act: Callable[[], object]) -> object:
    async with asyncio.timeout(10):
        return await asyncio.to_thread(act)


async def test_bytes_are_read_in_order_for_chunks_of_any_size() -> None:
    rng = random.Random(7)
    through = pipe(64 * 1024)
    reader = asyncio.create_task(asyncio.to_thread(drain, through))
    sent = hashlib.sha256()
    for _ in range(2000):
        chunk = rng.randbytes(rng.choice((0, 1, 10, 5_000, 70_000)))
        sent.update(chunk)
        await through.write(chunk)
    through.close()
    got = await asyncio.wait_for(reader, 10)
    assert hashlib.sha256(b"".join(got)).digest() == sent.digest()
    assert through.taken == sum(map(len, got))


async def test_a_write_waits_while_the_pipe_is_full() -> None:
    through = pipe()
    await through.write(b"a" * 60)
    await through.write(b"b" * 40)
    third = asyncio.create_task(through.write(b"c"))
    await turn()
    assert not third.done()
    await in_thread(through.read)
    await asyncio.wait_for(third, 10)
    assert through.taken == 100


async def test_a_waiting_write_continues_once_half_of_the_pipe_is_free() -> None:
    through = pipe(CHUNK_BYTES * 4)
    for _ in range(4):
        await through.write(b"x" * CHUNK_BYTES)
    waiting = asyncio.create_task(through.write(b"y"))
    for done in (False, True):
        await turn()
        await in_thread(through.read)
        await turn()
        await turn()
        assert waiting.done() == done


async def test_buffered_bytes_never_exceed_the_limit() -> None:
    through = pipe(1000)
    reader = asyncio.create_task(asyncio.to_thread(drain, through))
    for written in range(90, 270_001, 90):
        await through.write(b"x" * 90)
        assert written - through.taken <= 1000
    through.close()
    await asyncio.wait_for(reader, 10)
    assert through.taken == 270_000


async def test_a_chunk_over_the_limit_passes_alone_and_uncopied() -> None:
    through = pipe()
    large = b"x" * (CHUNK_BYTES * 3)
    await through.write(large)
    second = asyncio.create_task(through.write(b"y"))
    await turn()
    assert not second.done()
    assert await in_thread(through.read) is large
    await asyncio.wait_for(second, 10)


async def test_a_large_chunk_waits_until_the_pipe_is_empty() -> None:
    through = pipe()
    for _ in range(2):
        await through.write(b"x" * 40)
    task = asyncio.create_task(through.write(b"y" * 500))
    reader = asyncio.create_task(asyncio.to_thread(drain, through))
    await asyncio.wait_for(task, 10)
    through.close()
    assert b"".join(await asyncio.wait_for(reader, 10)) == b"x" * 80 + b"y" * 500


async def test_small_chunks_of_one_loop_iteration_are_handed_over_together() -> None:
    through = pipe(CHUNK_BYTES)
    reading = asyncio.create_task(asyncio.to_thread(through.read))
    async with asyncio.timeout(10):
        while not through._state._waiters:  # type: ignore[attr-defined]
            await turn()
    for _ in range(8):
        await through.write(b"z" * 1000)
    assert await asyncio.wait_for(reading, 10) == b"z" * 8000


async def test_joined_chunks_stay_below_the_hand_over_size() -> None:
    through = pipe(CHUNK_BYTES * 4)
    for _ in range(5):
        await through.write(b"z" * (CHUNK_BYTES // 2))
    through.close()
    sizes = [len(data) for data in iter(lambda: through.read(1), b"")]
    assert sizes == [CHUNK_BYTES, CHUNK_BYTES, CHUNK_BYTES // 2]


async def test_an_empty_chunk_is_not_the_end() -> None:
    through = pipe()
    await through.write(b"")
    await through.write(b"data")
    through.close()
    assert drain(through) == [b"data"]


async def test_reads_after_close_always_return_the_end() -> None:
    through = pipe()
    await through.write(b"data")
    through.close()
    through.close()
    assert [through.read(), through.read(), through.read()] == [b"data", b"", b""]


async def test_a_write_after_close_is_an_error() -> None:
    through = pipe()
    through.close()
    with pytest.raises(ValueError, match="closed"):
        await through.write(b"late")


async def test_close_wakes_a_waiting_reader() -> None:
    through = pipe()
    reading = asyncio.create_task(asyncio.to_thread(through.read))
    await turn()
    through.close()
    assert await asyncio.wait_for(reading, 10) == b""


async def test_abort_raises_in_a_waiting_reader() -> None:
    through = pipe()
    await through.write(b"first")
    first = threading.Event()

    def reader() -> None:
        through.read()
        first.set()
        through.read()

    reading = asyncio.create_task(asyncio.to_thread(reader))
    await asyncio.to_thread(first.wait, 10)
    through.abort()
    with pytest.raises(PipeAborted):
        await asyncio.wait_for(reading, 10)


async def test_abort_raises_in_a_waiting_writer_and_drops_buffered_bytes() -> None:
    through = pipe()
    await through.write(b"x" * LIMIT)
    writing = asyncio.create_task(through.write(b"y"))
    await turn()
    through.abort()
    through.abort()
    with pytest.raises(PipeAborted):
        await asyncio.wait_for(writing, 10)
    with pytest.raises(PipeAborted):
        through.read()
    with pytest.raises(PipeAborted):
        await through.write(b"z")


async def test_abort_after_close_still_stops_the_reader() -> None:
    through = pipe()
    await through.write(b"data")
    through.close()
    through.abort()
    with pytest.raises(PipeAborted):
        through.read()


async def test_abandon_frees_a_waiting_writer_and_all_later_ones() -> None:
    through = pipe()
    await through.write(b"x" * LIMIT)
    writing = asyncio.create_task(through.write(b"y" * LIMIT))
    await turn()
    await in_thread(through.abandon)
    await asyncio.wait_for(writing, 10)
    for _ in range(100):
        await through.write(b"z" * LIMIT)
    through.close()
    assert through.read() == b""
    assert through.taken == 0


async def test_a_cancelled_write_leaves_the_pipe_usable() -> None:
    faults: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, fault: faults.append(fault))
    through = pipe()
    await through.write(b"x" * LIMIT)
    writing = asyncio.create_task(through.write(b"lost"))
    await turn()
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing
    assert await in_thread(through.read) == b"x" * LIMIT
    await through.write(b"next")
    through.close()
    assert drain(through) == [b"next"]
    assert faults == []


def test_a_reader_outlives_the_loop() -> None:
    async def write_and_leave() -> Pipe:
        through = pipe()
        await through.write(b"x" * LIMIT)
        waiting = asyncio.create_task(through.write(b"never"))
        await turn()
        through.close()
        waiting.cancel()
        return through

    through = asyncio.run(write_and_leave())
    assert drain(through) == [b"x" * LIMIT]
    through.abandon()


async def test_iterparse_takes_chunks_longer_than_it_asked_for() -> None:
    through = pipe(1 << 22)
    await through.write(b"<a>" + b"<b/>" * 100_000)
    await through.write(b"</a>")
    through.close()
    assert sum(1 for _ in etree.iterparse(through, tag="b")) == 100_000


async def test_a_full_pipe_accepts_a_chunk_at_intervals(monkeypatch: pytest.MonkeyPatch) -> None:
    through = pipe()
    await through.write(b"a" * LIMIT)
    monkeypatch.setattr("service.imports.pipeline.pipe.MAX_WAIT", 0.01)
    async with asyncio.timeout(10):
        for _ in range(3):
            await through.write(b"b")
    through.close()
    assert b"".join(drain(through)) == b"a" * LIMIT + b"bbb"
