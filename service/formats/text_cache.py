"""Remembers the results of functions of short texts, in bounded memory."""

from collections.abc import Callable
from typing import Any, ClassVar, Final, TypeVar

Key = TypeVar("Key", bound=str | bytes | tuple[str, ...] | tuple[bytes, ...])
Value = TypeVar("Value")

LONGEST: Final = 64
"""Characters of the longest text whose result is kept. Longer texts hardly ever repeat."""
MOST: Final = 4096
"""Results that all caches of the process keep together, about 2 MB. One more empties them all."""


class TextCache(dict[Key, Value]):
    """The results of one function of a text, or of a tuple of texts.

    Call ``cache.__getitem__`` instead of the function. A cache exists as long as the process.

    Args:
        compute: the function.
    """

    _caches: ClassVar[list["TextCache[Any, Any]"]] = []
    _count: ClassVar[int] = 0

    def __init__(self, compute: Callable[[Key], Value]) -> None:
        super().__init__()
        self._compute = compute
        self._caches.append(self)

    def __missing__(self, key: Key) -> Value:
        value = self._compute(key)
        size = sum(map(len, key)) if isinstance(key, tuple) else len(key)
        if size <= LONGEST:
            if TextCache._count >= MOST:
                TextCache._count = 0
                for cache in self._caches:
                    cache.clear()
            TextCache._count += 1
            self[key] = value
        return value
