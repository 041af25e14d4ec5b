"""The states of the page: a module for each of its subjects adds to the catalogue."""

from tests.support.states import imports, projects, sending, session, timeline
from tests.support.states.catalogue import STATES, State

__all__ = ["STATES", "State", "imports", "projects", "sending", "session", "timeline"]
