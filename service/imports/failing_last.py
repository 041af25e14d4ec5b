"""An order of clients in which those that failed come last.

The rows of clients can be on different nodes of a database. If a node is away, its clients must not
delay the others.
"""

from collections.abc import Collection, Iterator


class FailingLast:
    """Remembers which clients failed; the latest failure comes last."""

    def __init__(self) -> None:
        self._failing: dict[int, None] = {}

    def order(self, clients: Collection[int]) -> Iterator[int]:
        """Yield each client once. A client has failed if the caller takes no further one after it.

        Args:
            clients: ids; any other client is forgotten.
        """
        self._failing = {each: None for each in self._failing if each in clients}
        for client_id in [*(each for each in clients if each not in self._failing), *self._failing]:
            self._failing.pop(client_id, None)
            self._failing[client_id] = None
            yield client_id
            del self._failing[client_id]
