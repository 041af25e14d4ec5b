"""Reads large JSON responses incrementally, so that only one outcome at a time is in memory."""

import codecs
import json
from collections.abc import AsyncIterator
from typing import Any, Final

MAX_VALUE: Final = 16 * 1024 * 1024
"""Largest number of characters of one value."""


class IncompleteJson(Exception):
    """The text ends too early, or is not JSON."""


async def iter_members(chunks: AsyncIterator[bytes]) -> AsyncIterator[tuple[str, Any]]:
    """Yield the members of a response, and each item of the lists in its ``details``.

    Args:
        chunks: of the JSON.

    Yields:
        Such as ``("counts", {…})``, ``("successes", {…})``, ``("successes", {…})``,
        ``("complete", True)``.

    Raises:
        IncompleteJson: the JSON ends too early, or is malformed.
    """
    text = _JsonText(chunks)
    await text.take("{")
    while True:
        name = await text.read_value()
        await text.take(":")
        if name == "details" and await text.peek() == "{":
            async for item in _iter_lists(text):
                yield item
        else:
            yield name, await text.read_value()
        if await text.take(",}") == "}":
            return


async def _iter_lists(text: "_JsonText") -> AsyncIterator[tuple[str, Any]]:
    await text.take("{")
    while True:
        name = await text.read_value()
        await text.take(":")
        if await text.peek() != "[":
            yield name, await text.read_value()
        elif await _enter_list(text):
            while True:
                yield name, await text.read_value()
                if await text.take(",]") == "]":
                    break
        if await text.take(",}") == "}":
            return


async def _enter_list(text: "_JsonText") -> bool:
    """Go to the first item of a list, and return True; or go past an empty list."""
    await text.take("[")
    if await text.peek() != "]":
        return True
    await text.take("]")
    return False


class _JsonText:
    """A JSON text of which only the unread part is in memory."""

    def __init__(self, chunks: AsyncIterator[bytes]) -> None:
        self._chunks = chunks
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._json = json.JSONDecoder()
        self._buffer = ""
        self._at = 0

    async def peek(self) -> str:
        """Return the next character that is not white space."""
        while True:
            while self._at < len(self._buffer):
                if not self._buffer[self._at].isspace():
                    return self._buffer[self._at]
                self._at += 1
            await self._read_chunk()

    async def take(self, expected: str) -> str:
        """Consume the next character, which must be one of those expected."""
        character = await self.peek()
        if character not in expected:
            raise IncompleteJson(f"{character!r} instead of {expected!r}")
        self._at += 1
        return character

    async def read_value(self) -> Any:
        """Consume the next value. Read one more character, because a number could continue."""
        await self.peek()
        while True:
            try:
                value, end = self._json.raw_decode(self._buffer, self._at)
            except json.JSONDecodeError:
                pass
            else:
                if end < len(self._buffer):
                    self._at = end
                    return value
            await self._read_chunk()

    async def _read_chunk(self) -> None:
        chunk = await anext(self._chunks, None)
        if chunk is None or len(self._buffer) - self._at > MAX_VALUE:
            raise IncompleteJson("the response broke off")
        try:
            self._buffer = self._buffer[self._at :] + self._decoder.decode(chunk)
        except UnicodeDecodeError as error:
            raise IncompleteJson("the response is not text") from error
        self._at = 0
