"""The pauses between tries, and work that a cancellation does not interrupt."""

import asyncio
from itertools import islice

import pytest

from service.storage.retry import FIRST_PAUSE, LONGEST_PAUSE, backoff, complete


def test_pauses_double_up_to_the_longest_and_vary_by_half() -> None:
    longest = [min(FIRST_PAUSE * 2**number, LONGEST_PAUSE) for number in range(10)]
    tries = [[*islice(backoff(), len(longest))] for _ in range(50)]
    for most, pauses in zip(longest, zip(*tries, strict=True), strict=True):
        assert most / 2 <= min(pauses) < max(pauses) <= most
        assert min(pauses) < most * 0.75 < max(pauses)


async def test_a_cancellation_takes_effect_after_the_work() -> None:
    begun, may_end = asyncio.Event(), asyncio.Event()
    ended = False

    async def work() -> None:
        nonlocal ended
        begun.set()
        await may_end.wait()
        ended = True

    task = asyncio.create_task(complete(work()))
    await begun.wait()
    task.cancel()
    await asyncio.sleep(0)
    assert not task.done()
    may_end.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended
