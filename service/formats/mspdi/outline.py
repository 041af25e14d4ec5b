"""Who lies under whom, by outline levels in the file's order."""

from service.formats.values import NULL


class Outline:
    """The tasks that the next one may lie under."""

    def __init__(self) -> None:
        self._above: list[tuple[int, bytes]] = []

    def parent(self, level: int, name: bytes) -> bytes:
        """The task that this one lies under: the last before it at a lower level, or a null."""
        above = self._above
        while above and above[-1][0] >= level:
            above.pop()
        parent = above[-1][1] if above else NULL
        above.append((level, name))
        return parent
