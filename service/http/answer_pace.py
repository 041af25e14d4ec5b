"""Spreads answers to requests without a valid token over time.

They are cheap, but hundreds of connections can ask for them in turn, such as for health checks or
with a bad token. An upload needs the event loop some thirty times, and would wait for all of them
each time.
"""

import asyncio
from collections import deque
from typing import Final

GAP: Final = 0.002
"""Seconds between two answers, for other work."""


class AnswerPace:
    """The pace of the answers of one port: one at a time, in the order of the requests."""

    def __init__(self) -> None:
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._resting = False

    async def wait(self) -> None:
        """Wait until it is the turn of an answer."""
        loop = asyncio.get_running_loop()
        if self._resting:
            self._waiting.append(turn := loop.create_future())
            await turn
        else:
            self._resting = True
            loop.call_later(GAP, self._go_on)

    def _go_on(self) -> None:
        """Let the next answer go that somebody still waits for."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                asyncio.get_running_loop().call_later(GAP, self._go_on)
                return
        self._resting = False
