"""Who is next at what imports share, and that no turn is lost."""

import asyncio
import threading
from typing import Any

import pytest

from service.imports.pipeline.batcher import FIRST_TURN, ThrottledReader
from service.imports.pipeline.fair_scheduler import FairScheduler, Queue
from service.imports.pipeline.pipe import Pipe
from service.observability.metrics import Stage, Stopwatch


def order(turns: FairScheduler, holder: Queue, waiting: dict[str, Queue]) -> list[str]:
    """By whom the only turn is had, one after the other, once its holder gives it back."""
    asked = {name: turns.ask(seat) for name, seat in waiting.items()}
    had: list[str] = []
    turns.give_back(holder)
    while len(had) < len(asked):
        (name,) = [name for name, turn in asked.items() if turn.done() and name not in had]
        had.append(name)
        turns.give_back(waiting[name])
    return had


def test_a_newcomer_is_next_and_then_who_went_longest_without() -> None:
    turns = FairScheduler(1)
    first, second = turns.seat(1), turns.seat(2)
    for seat in (second, first):
        turns.ask(seat)
        turns.give_back(seat)
    turns.ask(first)

    waiting = {"first": first, "second": second, "new": turns.seat(3)}
    assert order(turns, first, waiting) == ["new", "second", "first"]


def test_of_a_client_the_import_that_went_longest_without_is_next() -> None:
    turns = FairScheduler(1)
    large, small = turns.seat(1), turns.seat(1)
    turns.ask(large)

    assert order(turns, large, {"large": large, "small": small}) == ["small", "large"]


def test_a_client_gains_nothing_by_many_imports() -> None:
    turns = FairScheduler(1)
    crowd = [turns.seat(1) for _ in range(3)]
    single = turns.seat(2)
    turns.ask(crowd[0])
    of_crowd = [turns.ask(seat) for seat in crowd[1:]]

    for waiting in of_crowd:
        alone = turns.ask(single)
        turns.give_back(crowd[0])
        assert alone.done()
        assert not waiting.done()
        turns.give_back(single)
        assert waiting.done()


def test_a_client_holds_its_share_at_most_though_nobody_else_asks() -> None:
    turns = FairScheduler(3, most_each=2)
    one = turns.seat(1)
    asked = [turns.ask(one), turns.ask(turns.seat(1)), turns.ask(one)]
    assert [turn.done() for turn in asked] == [True, True, False]
    assert turns.ask(turns.seat(2)).done()

    turns.give_back(one)
    assert asked[2].done()


def test_a_turn_that_is_no_longer_wanted_goes_to_the_next() -> None:
    turns = FairScheduler(1)
    holder = turns.seat(1)
    turns.ask(holder)
    gone, waiting = turns.ask(turns.seat(2)), turns.ask(turns.seat(3))
    gone.cancel()

    turns.give_back(holder)
    assert waiting.done()


@pytest.mark.parametrize("granted", [False, True])
async def test_a_task_that_is_cancelled_keeps_no_turn(granted: bool) -> None:
    turns = FairScheduler(1)
    holder, seat = turns.seat(1), turns.seat(2)
    turns.ask(holder)

    async def take() -> None:
        async with seat.awaited():
            raise AssertionError("it was cancelled")

    task = asyncio.create_task(take())
    await asyncio.sleep(0)
    if granted:
        turns.give_back(holder)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    if not granted:
        turns.give_back(holder)
    assert turns.ask(holder).done()


def test_a_thread_that_gives_its_turn_back_goes_on_once_the_others_had_their_turns() -> None:
    turns = FairScheduler(1)
    large, small = turns.seat(1), turns.seat(2)
    had: list[str] = []

    def take() -> None:
        waiting.result(10)
        had.append("small")
        turns.give_back(small)

    with large.turn() as turn:
        waiting = turns.ask(small)
        thread = threading.Thread(target=take)
        thread.start()
        turn.give_back()
        turn.take()
        had.append("large")
    thread.join()
    assert had == ["small", "large"]
    assert turns.ask(small).done()


async def test_a_small_file_that_is_there_is_read_in_one_turn_and_a_large_one_is_not() -> None:
    turns = FairScheduler(1)
    reader, other = turns.seat(1), turns.seat(2)
    small, large = (Pipe(1 << 20, asyncio.get_running_loop()) for _ in range(2))
    await small.write(b"small")
    await large.write(bytes(FIRST_TURN))
    for pipe in (small, large):
        pipe.close()
    with reader.turn() as turn, Stopwatch(Stage.PARSE) as watch:
        waiting = turns.ask(other)

        def read(pipe: Pipe) -> list[bytes]:
            source = ThrottledReader(pipe, turn, watch)
            return [source.read(10), source.read(10)]

        whole = asyncio.create_task(asyncio.to_thread(read, small))
        had = asyncio.wrap_future(waiting)
        both: tuple[asyncio.Future[Any], ...] = (whole, had)
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        in_one = not waiting.done()
        pieces = asyncio.create_task(asyncio.to_thread(read, large)) if in_one else whole
        await had
        turns.give_back(other)
        await pieces
    assert in_one
    assert whole.result() == [b"small", b""]
    assert pieces.result() == [bytes(FIRST_TURN), b""]


def test_while_it_drains_what_is_complete_comes_first() -> None:
    turns = FairScheduler(1)
    first, complete, new = turns.seat(1), turns.seat(1), turns.seat(2)
    turns.ask(first)
    turns.give_back(first)
    turns.ask(complete)
    complete.complete = True

    waiting = {"first": first, "complete": complete, "new": new}
    assert order(turns, complete, waiting) == ["new", "first", "complete"]
    turns.draining = True
    turns.ask(complete)
    assert order(turns, complete, waiting)[0] == "complete"
