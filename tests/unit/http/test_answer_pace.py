"""Answers go one at a time, in the order in which they began to wait."""

import asyncio

import pytest

from service.http import answer_pace
from service.http.answer_pace import AnswerPace

NUMBER = 100


async def release(cancelled: range = range(0)) -> tuple[list[int], float]:
    """The answers in the order in which they went, and the seconds that all took."""
    pace = AnswerPace()
    went: list[int] = []

    async def answer(number: int) -> None:
        await pace.wait(lambda: False)
        went.append(number)

    loop = asyncio.get_running_loop()
    began = loop.time()
    tasks = [asyncio.create_task(answer(number)) for number in range(NUMBER)]
    await asyncio.sleep(0)
    for number in cancelled:
        tasks[number].cancel()
    await asyncio.wait(tasks)
    return went, loop.time() - began


async def test_answers_go_in_order_with_a_gap_between_them() -> None:
    went, seconds = await release()
    assert went == [*range(NUMBER)]
    assert seconds >= 0.9 * (NUMBER - 1) * answer_pace.GAP


async def test_an_answer_that_nobody_waits_for_takes_no_turn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(answer_pace, "GAP", 0.3)
    went, seconds = await release(cancelled=range(2, NUMBER))
    assert went == [0, 1]
    assert seconds < 0.3 * (NUMBER - 2)
