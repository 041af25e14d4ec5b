"""Spreads answers to requests without a valid token over time.

They are cheap, but hundreds of connections can ask for them in turn, such as for health checks or
with a bad token. An upload needs the event loop some thirty times, and would wait for all of them
each time.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final

GAP: Final = 0.002
"""Seconds between two answers, for other work."""


class AnswerPace:
    """The pace of the answers of one port: one at a time, in the order of the requests."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[asyncio.Future[None], Callable[[], bool]]] = deque()
        self._resting = False

    async def wait(self, is_gone: Callable[[], bool]) -> None:
        """Wait until it is the turn of an answer.

        Args:
            is_gone: whether the connection is lost: aiohttp does not cancel its request. Its answer
                takes no turn, or closed connections would make open ones wait without limit.
        """
        loop = asyncio.get_running_loop()
        if self._resting:
            turn = loop.create_future()
            self._waiting.append((turn, is_gone))
            await turn
        else:
            self._resting = True
            loop.call_later(GAP, self._go_on)

    def _go_on(self) -> None:
        """Let the next answer go that somebody still waits for."""
        while self._waiting:
            turn, is_gone = self._waiting.popleft()
            if turn.done():
                continue
            turn.set_result(None)
            if not is_gone():
                asyncio.get_running_loop().call_later(GAP, self._go_on)
                return
        self._resting = False
