"""A result that requests share, because it is costly and everybody may ask for it."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, Generic, TypeVar

T = TypeVar("T")

KEPT: Final = 1.0
"""Seconds that a result is kept."""


class SharedResult(Generic[T]):
    """The result of a call that runs at most once at a time, and at most once in ``KEPT`` seconds.

    Args:
        call: a function; an exception is a result too.
        periods: keep the result for this many times as long.
    """

    def __init__(self, call: Callable[[], Awaitable[T]], *, periods: int = 1) -> None:
        self._call = call
        self._periods = periods
        self._calling: asyncio.Task[T] | None = None
        self._expires = 0.0

    async def get(self) -> T:
        """Return the kept result, or that of the running call, or call again."""
        expired = asyncio.get_running_loop().time() >= self._expires
        if self._calling is None or (self._calling.done() and expired):
            self._calling = asyncio.create_task(self._run(), name="shared-result")
        return await asyncio.shield(self._calling)

    async def _run(self) -> T:
        try:
            return await self._call()
        finally:
            self._expires = asyncio.get_running_loop().time() + KEPT * self._periods
