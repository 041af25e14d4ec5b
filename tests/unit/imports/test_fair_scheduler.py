"""The order in which imports get shared slots, and that no slot is lost."""

import asyncio
import threading
from typing import Any

import pytest

from service.formats.reader import Limits, Reader
from service.imports.pipeline.batcher import FIRST_SLOT_BYTES, ThrottledReader
from service.imports.pipeline.fair_scheduler import FairScheduler, Queue
from service.imports.pipeline.pipe import FilePart, Pipe, PipeAborted
from service.observability.metrics import Stage, Stopwatch
from tests.support.xer_files import portfolio


def order(turns: FairScheduler, holder: Queue, waiting: dict[str, Queue]) -> list[str]:
    """By whom the only turn is had, one after the other, once its holder gives it back."""
    asked = {name: turns.request(seat) for name, seat in waiting.items()}
    had: list[str] = []
    turns.release(holder)
    while len(had) < len(asked):
        (name,) = [name for name, turn in asked.items() if turn.done() and name not in had]
        had.append(name)
        turns.release(waiting[name])
    return had


def test_a_new_client_is_next_and_then_the_one_that_waited_longest() -> None:
    turns = FairScheduler(1)
    first, second = turns.queue(1), turns.queue(2)
    for seat in (second, first):
        turns.request(seat)
        turns.release(seat)
    turns.request(first)

    waiting = {"first": first, "second": second, "new": turns.queue(3)}
    assert order(turns, first, waiting) == ["new", "second", "first"]


def test_the_import_of_a_client_that_waited_longest_is_next() -> None:
    turns = FairScheduler(1)
    large, small = turns.queue(1), turns.queue(1)
    turns.request(large)

    assert order(turns, large, {"large": large, "small": small}) == ["small", "large"]


def test_many_imports_give_a_client_no_larger_share() -> None:
    turns = FairScheduler(1)
    crowd = [turns.queue(1) for _ in range(3)]
    single = turns.queue(2)
    turns.request(crowd[0])
    of_crowd = [turns.request(seat) for seat in crowd[1:]]

    for waiting in of_crowd:
        alone = turns.request(single)
        turns.release(crowd[0])
        assert alone.done()
        assert not waiting.done()
        turns.release(single)
        assert waiting.done()


def test_a_client_never_exceeds_its_share() -> None:
    turns = FairScheduler(3, per_client=2)
    one = turns.queue(1)
    asked = [turns.request(one), turns.request(turns.queue(1)), turns.request(one)]
    assert [turn.done() for turn in asked] == [True, True, False]
    assert turns.request(turns.queue(2)).done()

    turns.release(one)
    assert asked[2].done()


def test_a_cancelled_request_passes_its_slot_to_the_next() -> None:
    turns = FairScheduler(1)
    holder = turns.queue(1)
    turns.request(holder)
    gone, waiting = turns.request(turns.queue(2)), turns.request(turns.queue(3))
    gone.cancel()

    turns.release(holder)
    assert waiting.done()


@pytest.mark.parametrize("granted", [False, True])
async def test_a_cancelled_task_keeps_no_slot(granted: bool) -> None:
    turns = FairScheduler(1)
    holder, seat = turns.queue(1), turns.queue(2)
    turns.request(holder)

    async def take() -> None:
        async with seat.slot():
            raise AssertionError("it was cancelled")

    task = asyncio.create_task(take())
    await asyncio.sleep(0)
    if granted:
        turns.release(holder)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    if not granted:
        turns.release(holder)
    assert turns.request(holder).done()


def test_a_thread_that_yields_its_slot_continues_after_the_others() -> None:
    turns = FairScheduler(1)
    large, small = turns.queue(1), turns.queue(2)
    had: list[str] = []

    def take() -> None:
        waiting.result(10)
        had.append("small")
        turns.release(small)

    with large.slot_in_thread() as turn:
        waiting = turns.request(small)
        thread = threading.Thread(target=take)
        thread.start()
        turn.release()
        turn.acquire()
        had.append("large")
    thread.join()
    assert had == ["small", "large"]
    assert turns.request(small).done()


async def test_a_small_complete_file_is_read_in_one_slot_and_a_large_one_is_not() -> None:
    turns = FairScheduler(1)
    reader, other = turns.queue(1), turns.queue(2)
    small, large = (Pipe(1 << 20, asyncio.get_running_loop()) for _ in range(2))
    await small.write(b"small")
    await large.write(bytes(FIRST_SLOT_BYTES))
    for pipe in (small, large):
        pipe.close()
    with reader.slot_in_thread() as turn, Stopwatch(Stage.PARSE) as watch:
        waiting = turns.request(other)

        def read(pipe: Pipe) -> list[bytes]:
            source = ThrottledReader(pipe)
            source.attach(turn, watch)
            return [source.read(10), source.read(10)]

        whole = asyncio.create_task(asyncio.to_thread(read, small))
        had = asyncio.wrap_future(waiting)
        both: tuple[asyncio.Future[Any], ...] = (whole, had)
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        in_one = not waiting.done()
        pieces = asyncio.create_task(asyncio.to_thread(read, large)) if in_one else whole
        await had
        turns.release(other)
        await pieces
    assert in_one
    assert whole.result() == [b"small", b""]
    assert pieces.result() == [bytes(FIRST_SLOT_BYTES), b""]


async def test_small_files_share_a_slot_wherever_they_are_in_an_upload() -> None:
    turns, files = FairScheduler(1), 200
    pipe = Pipe(1 << 20, asyncio.get_running_loop())
    for content in (bytes(FIRST_SLOT_BYTES), *([bytes(100)] * files)):
        await pipe.begin_file(FilePart())
        await pipe.write(content)
    pipe.close()

    def read() -> int:
        queue = turns.queue(1)
        with queue.slot_in_thread() as turn, Stopwatch(Stage.PARSE) as watch:
            source = ThrottledReader(pipe)
            source.attach(turn, watch)
            while source.next_file() is not None:
                while source.read(10):
                    pass
        return queue.last  # slots are numbered

    assert await asyncio.to_thread(read) < 5


async def test_a_cancelled_import_stops_although_it_has_read_its_file() -> None:
    pipe = Pipe(1 << 20, asyncio.get_running_loop())
    await pipe.begin_file(FilePart())
    await pipe.write(b"".join(portfolio(projects=1, activities=500)))
    pipe.close()

    def read() -> None:
        queue = FairScheduler(1).queue(1)
        with queue.slot_in_thread() as turn, Stopwatch(Stage.PARSE) as watch:
            source = ThrottledReader(pipe)
            source.attach(turn, watch)
            source.next_file()
            for _ in Reader(_Aborted(source, pipe), Limits(), give_way=source.give_way):
                pass

    with pytest.raises(PipeAborted):
        await asyncio.to_thread(read)


class _Aborted:
    """A source whose pipe is aborted after its last byte was read."""

    def __init__(self, source: ThrottledReader, pipe: Pipe) -> None:
        self._source = source
        self._pipe = pipe

    def read(self, n: int, /) -> bytes:
        data = self._source.read(n)
        if not data:
            self._pipe.abort()
        return data


def test_complete_uploads_come_first_while_draining() -> None:
    turns = FairScheduler(1)
    first, complete, new = turns.queue(1), turns.queue(1), turns.queue(2)
    turns.request(first)
    turns.release(first)
    turns.request(complete)
    complete.upload_complete = True

    waiting = {"first": first, "complete": complete, "new": new}
    assert order(turns, complete, waiting) == ["new", "first", "complete"]
    turns.draining = True
    turns.request(complete)
    assert order(turns, complete, waiting)[0] == "complete"
