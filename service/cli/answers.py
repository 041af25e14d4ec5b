"""The answer to an upload as it comes, an outcome at a time, however many there are."""

import codecs
import json
from collections.abc import AsyncIterator
from typing import Any, Final

MOST: Final = 16 * 1024 * 1024
"""Characters of one outcome."""


class Cut(Exception):
    """The answer ended before its end."""


async def members(chunks: AsyncIterator[bytes]) -> AsyncIterator[tuple[str, Any]]:
    """The members of an envelope with lists in its ``details``, of which each item comes alone.

    Args:
        chunks: of the JSON.

    Yields:
        Such as ``("counts", {…})``, ``("successes", {…})``, ``("successes", {…})``,
        ``("complete", True)``.

    Raises:
        Cut: the JSON ends within, or is none.
    """
    text = _Text(chunks)
    await text.take("{")
    while True:
        name = await text.value()
        await text.take(":")
        if name == "details" and await text.peek() == "{":
            async for item in _lists(text):
                yield item
        else:
            yield name, await text.value()
        if await text.take(",}") == "}":
            return


async def _lists(text: "_Text") -> AsyncIterator[tuple[str, Any]]:
    await text.take("{")
    while True:
        name = await text.value()
        await text.take(":")
        if await text.peek() != "[":
            yield name, await text.value()
        elif not await _is_empty(text):
            while True:
                yield name, await text.value()
                if await text.take(",]") == "]":
                    break
        if await text.take(",}") == "}":
            return


async def _is_empty(text: "_Text") -> bool:
    """Whether a list that begins here has no items; goes into it."""
    await text.take("[")
    if await text.peek() != "]":
        return False
    await text.take("]")
    return True


class _Text:
    """JSON of which no more is held than what is not read yet."""

    def __init__(self, chunks: AsyncIterator[bytes]) -> None:
        self._chunks = chunks
        self._bytes = codecs.getincrementaldecoder("utf-8")()
        self._json = json.JSONDecoder()
        self._held = ""
        self._at = 0

    async def peek(self) -> str:
        """The next character that is no space."""
        while True:
            while self._at < len(self._held):
                if not self._held[self._at].isspace():
                    return self._held[self._at]
                self._at += 1
            await self._more()

    async def take(self, expected: str) -> str:
        """The next character, one of those expected."""
        found = await self.peek()
        if found not in expected:
            raise Cut(f"{found!r} in the place of {expected!r}")
        self._at += 1
        return found

    async def value(self) -> Any:
        """The next value. Something comes behind it, so that no number is taken for its half."""
        await self.peek()
        while True:
            try:
                value, end = self._json.raw_decode(self._held, self._at)
            except json.JSONDecodeError:
                pass
            else:
                if end < len(self._held):
                    self._at = end
                    return value
            await self._more()

    async def _more(self) -> None:
        chunk = await anext(self._chunks, None)
        if chunk is None or len(self._held) - self._at > MOST:
            raise Cut("the answer broke off")
        try:
            self._held = self._held[self._at :] + self._bytes.decode(chunk)
        except UnicodeDecodeError as error:
            raise Cut("the answer is no text") from error
        self._at = 0
