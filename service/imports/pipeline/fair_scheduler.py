"""Turns at what imports share: at most so many at once, and who is next where more are wanted.

Next is whoever has gone longest without a turn: of the clients first, then of that client's
imports. So a small import is next as soon as it comes, a client gains nothing by running many, and
nobody waits for more than a turn of each of the others. While the service shuts down, imports whose
file is there to its last byte come before all that are still being sent.
"""

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from itertools import count
from weakref import WeakValueDictionary

from service.observability import metrics


@dataclass(eq=False)
class _Client:
    """How many turns a client holds, and the number of its last one."""

    held: int = 0
    last: int = 0


class FairScheduler:
    """All turns at one thing; asked by threads and tasks alike.

    Args:
        most: turns held at once.
        most_each: of these, by one client; all by default.

    Attributes:
        draining: the service shuts down.
    """

    def __init__(self, most: int, most_each: int | None = None) -> None:
        self.draining = False
        self._free = most
        self._most_each = most if most_each is None else most_each
        self._lock = threading.Lock()
        self._numbers = count(1)
        self._waiting: list[tuple[Queue, Future[None]]] = []
        self._clients: WeakValueDictionary[int, _Client] = WeakValueDictionary()

    def seat(self, client_id: int) -> "Queue":
        """A place for an import of a client, from which it asks; to be called on the event loop."""
        return Queue(self, self._clients.setdefault(client_id, _Client()))

    def ask(self, seat: "Queue") -> Future[None]:
        """A turn for the seat, which is there once the future is done.

        Whoever no longer wants it cancels the future or, where that cannot be, gives it back.
        """
        turn: Future[None] = Future()
        with self._lock:
            self._waiting.append((seat, turn))
            self._grant()
        return turn

    def give_back(self, seat: "Queue") -> None:
        """End a turn of the seat."""
        with self._lock:
            self._free += 1
            seat.client.held -= 1
            self._grant()

    def _grant(self) -> None:
        while self._free:
            may = [place for place in self._waiting if place[0].client.held < self._most_each]
            if not may:
                return
            following = min(may, key=lambda place: self._order(place[0]))
            self._waiting.remove(following)
            seat, turn = following
            if turn.set_running_or_notify_cancel():
                self._free -= 1
                seat.client.held += 1
                seat.last = seat.client.last = next(self._numbers)
                turn.set_result(None)

    def _order(self, seat: "Queue") -> tuple[bool, int, int]:
        return (self.draining and not seat.complete, seat.client.last, seat.last)


class Queue:
    """One import's place among all.

    Attributes:
        client: whose import it is.
        last: the number of its last turn; 0 before the first.
        complete: the last byte of its file is there.
    """

    def __init__(self, turns: FairScheduler, client: _Client) -> None:
        self.client = client
        self.last = 0
        self.complete = False
        self._turns = turns

    @contextlib.contextmanager
    def turn(self) -> Iterator["Slot"]:
        """Hold a turn; in a thread, which waits for it."""
        turn = Slot(self._turns, self)
        turn.take()
        try:
            yield turn
        finally:
            turn.give_back()

    @contextlib.asynccontextmanager
    async def awaited(self) -> AsyncIterator[None]:
        """Hold a turn; in a task, which may be cancelled while it waits."""
        turn = self._turns.ask(self)
        try:
            with metrics.measure_write_turn():
                await asyncio.wrap_future(turn)
        except asyncio.CancelledError:
            if not turn.cancel():
                self._turns.give_back(self)
            raise
        try:
            yield
        finally:
            self._turns.give_back(self)


class Slot:
    """A thread's turn, which it can give back and take again; from ``Queue.turn``."""

    def __init__(self, turns: FairScheduler, seat: Queue) -> None:
        self._turns = turns
        self._seat = seat
        self._held = False

    def take(self) -> None:
        """Wait for it, unless it is held."""
        if not self._held:
            self._turns.ask(self._seat).result()
            self._held = True

    def give_back(self) -> None:
        """Let others have it."""
        if self._held:
            self._held = False
            self._turns.give_back(self._seat)
