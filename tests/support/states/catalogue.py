"""The catalogue of states of the page, which tests check and pictures show."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from tests.support.tab import Tab

Reach = Callable[[Tab], Awaitable[None]]
"""Brings a new tab to a state; ``tab.stack`` ends what must last until the state was seen."""


@dataclass(frozen=True)
class State:
    """One state of the page.

    Attributes:
        name: the file name of its pictures, such as ``history-empty``.
        reach: brings a tab to it.
        stored: whether the tab shows the stored client, which states may read but not change.
            Otherwise it has a client without data.
        whole: whether the picture shows the page to its end, and not only the window.
        repeated: a selector of elements like others of the page, which axe does not check.
    """

    name: str
    reach: Reach
    stored: bool
    whole: bool
    repeated: str


STATES: Final[dict[str, State]] = {}
"""All states by name, in the order of their modules."""


def state(
    name: str, *, stored: bool = False, whole: bool = False, repeated: str = ""
) -> Callable[[Reach], Reach]:
    """Add a state to the catalogue: see ``State`` for the arguments."""

    def add(reach: Reach) -> Reach:
        assert name not in STATES, name
        STATES[name] = State(name, reach, stored, whole, repeated)
        return reach

    return add
