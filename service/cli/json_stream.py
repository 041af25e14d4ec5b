"""Reads large JSON responses incrementally, so that only one outcome at a time is in memory."""

import codecs
import json
from collections.abc import AsyncIterator
from typing import Any, Final

MAX_VALUE: Final = 4 * 1024 * 1024
"""Largest number of characters of one value, such as an outcome."""
MAX_TOKENS: Final = 200_000
"""Largest number of commas and opening brackets in a value. Objects need more memory than text."""


class IncompleteJson(Exception):
    """The text ends too early, or is not JSON."""


class OversizedJson(Exception):
    """A value needs more memory than any of this service."""


async def read_json(chunks: AsyncIterator[bytes]) -> Any:
    """Return the value that a JSON text consists of.

    Raises:
        IncompleteJson, OversizedJson: as ``iter_members``.
    """

    async def with_end() -> AsyncIterator[bytes]:
        async for chunk in chunks:
            yield chunk
        yield b"\n"

    return await _JsonText(with_end()).read_value()


async def iter_members(chunks: AsyncIterator[bytes]) -> AsyncIterator[tuple[str, Any]]:
    """Yield the members of a response, and each item of the lists in its ``details``.

    Args:
        chunks: of the JSON.

    Yields:
        Such as ``("counts", {…})``, ``("successes", {…})``, ``("successes", {…})``,
        ``("complete", True)``.

    Raises:
        IncompleteJson: the JSON ends too early, or is malformed.
        OversizedJson: a value is too large.
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


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


class _JsonText:
    """A JSON text of which only the unread part is in memory."""

    def __init__(self, chunks: AsyncIterator[bytes]) -> None:
        self._chunks = chunks
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._json = json.JSONDecoder(parse_constant=_refuse_constant)
        self._buffer = ""
        self._at = 0

    async def peek(self) -> str:
        """Return the next character that is not white space."""
        while True:
            while self._at < len(self._buffer):
                if not self._buffer[self._at].isspace():
                    return self._buffer[self._at]
                self._at += 1
            if not await self._read(1):
                raise IncompleteJson("the response broke off")

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
            least = 1
            try:
                value, end = self._json.raw_decode(self._buffer, self._at)
            except json.JSONDecodeError:
                # An attempt needs as much time as the value is long, so that few are made.
                least = max((len(self._buffer) - self._at) // 2, 1)
            except (ValueError, RecursionError) as error:  # a long number, a deep nesting
                raise OversizedJson(f"a value that cannot be read: {error}") from None
            else:
                if end < len(self._buffer):
                    self._at = end
                    return value
            self._check_size()
            if not await self._read(least):
                raise IncompleteJson("the response broke off")

    def _check_size(self) -> None:
        """Refuse a value that is incomplete, but already too large."""
        if len(self._buffer) - self._at > MAX_VALUE:
            raise OversizedJson(f"a value of more than {MAX_VALUE} characters")
        if sum(self._buffer.count(mark, self._at) for mark in ",[{") > MAX_TOKENS:
            raise OversizedJson(f"a value with more than {MAX_TOKENS} members")

    async def _read(self, least: int) -> bool:
        """Read that many bytes more, or up to the end; return whether there were any."""
        data = bytearray()
        while len(data) < least and (chunk := await anext(self._chunks, None)) is not None:
            data += chunk
        try:
            self._buffer = self._buffer[self._at :] + self._decoder.decode(data)
        except UnicodeDecodeError as error:
            raise IncompleteJson("the response is not text") from error
        self._at = 0
        return len(data) > 0
