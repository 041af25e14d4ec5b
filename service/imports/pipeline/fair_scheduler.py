"""Shares slots fairly between imports: who parses and who writes next.

The next slot goes to the client that has waited longest for one, and within the client to the
import that has waited longest. So a small import gets a slot as soon as it asks, a client gains
nothing by running many imports, and no import waits for more than one slot of each other import.
While the service shuts down, imports whose upload is complete come before all others.
"""

import asyncio
import contextlib
import threading
import time
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from itertools import count
from typing import Final
from weakref import WeakValueDictionary

from service.observability import metrics

TURN_CPU_SECONDS: Final = 0.01
"""CPU time after which a turn to parse ends. A small file takes less, so it waits only once."""


@dataclass(eq=False)
class _Client:
    """How many slots a client holds, and the number of the last one it got."""

    slots: int = 0
    last: int = 0


class FairScheduler:
    """Grants a bounded number of slots to threads and to tasks.

    Args:
        slots: how many are granted at the same time.
        per_client: how many of them one client may hold; all by default.

    Attributes:
        draining: whether the service is shutting down.
    """

    def __init__(self, slots: int, per_client: int | None = None) -> None:
        self.draining = False
        self._free = slots
        self._per_client = slots if per_client is None else per_client
        self._lock = threading.Lock()
        self._numbers = count(1)
        self._waiting: list[tuple[Queue, Future[None]]] = []
        self._clients: WeakValueDictionary[int, _Client] = WeakValueDictionary()

    def queue(self, client_id: int) -> "Queue":
        """Return the queue of one import of a client; call this on the event loop."""
        return Queue(self, self._clients.setdefault(client_id, _Client()))

    def request(self, queue: "Queue") -> Future[None]:
        """Request a slot; the future is done when it is granted.

        To give up a request, cancel the future. If that fails, the slot was granted: release it.
        """
        granted: Future[None] = Future()
        with self._lock:
            self._waiting.append((queue, granted))
            self._grant()
        return granted

    def release(self, queue: "Queue") -> None:
        """Give back a slot of the queue."""
        with self._lock:
            self._free += 1
            queue.client.slots -= 1
            self._grant()

    def _grant(self) -> None:
        while self._free:
            eligible = [
                request for request in self._waiting if request[0].client.slots < self._per_client
            ]
            if not eligible:
                return
            following = min(eligible, key=lambda request: self._rank(request[0]))
            self._waiting.remove(following)
            queue, granted = following
            if granted.set_running_or_notify_cancel():
                self._free -= 1
                queue.client.slots += 1
                queue.last = queue.client.last = next(self._numbers)
                granted.set_result(None)

    def _rank(self, queue: "Queue") -> tuple[bool, int, int]:
        return (self.draining and not queue.upload_complete, queue.client.last, queue.last)


class Queue:
    """The requests of one import.

    Attributes:
        client: the client of the import.
        last: the number of the last slot; 0 before the first.
        upload_complete: the last byte of the import's file has arrived.
    """

    def __init__(self, scheduler: FairScheduler, client: _Client) -> None:
        self.client = client
        self.last = 0
        self.upload_complete = False
        self._scheduler = scheduler

    @contextlib.contextmanager
    def slot_in_thread(self) -> Iterator["Slot"]:
        """Hold a slot; the calling thread waits for it."""
        slot = Slot(self._scheduler, self)
        slot.acquire()
        try:
            yield slot
        finally:
            slot.release()

    @contextlib.asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """Hold a slot; the calling task waits for it, and may be cancelled meanwhile."""
        granted = self._scheduler.request(self)
        try:
            with metrics.measure_write_turn():
                await asyncio.wrap_future(granted)
        except asyncio.CancelledError:
            if not granted.cancel():
                self._scheduler.release(self)
            raise
        try:
            yield
        finally:
            self._scheduler.release(self)


class Slot:
    """A parsing thread's slot, which the thread can release and acquire again."""

    def __init__(self, scheduler: FairScheduler, queue: Queue) -> None:
        self._scheduler = scheduler
        self._queue = queue
        self._held = False
        self._cpu_before = 0.0

    @property
    def used_up(self) -> bool:
        """Whether the turn has ended: acquire the slot again before more is parsed."""
        return not self._held or time.thread_time() - self._cpu_before >= TURN_CPU_SECONDS

    def acquire(self) -> None:
        """Wait for the slot, unless it is held."""
        if not self._held:
            self._scheduler.request(self._queue).result()
            self._held = True
            self._cpu_before = time.thread_time()

    def release(self) -> None:
        """Let other imports have the slot."""
        if self._held:
            self._held = False
            metrics.PARSE_TURN_CPU_SECONDS.observe(time.thread_time() - self._cpu_before)
            self._scheduler.release(self._queue)
