"""Selects the engine that reads files, once at start: the compiled one if it was built."""

from importlib.util import find_spec
from typing import Final

from service.formats.engine.interface import Engine
from service.formats.engine.python import PYTHON

_COMPILED: Final = "service.formats.engine._fast.compiled"


def select_engine() -> Engine:
    """Return the compiled engine, or the Python engine if no compiled one was built.

    Raises:
        ImportError: a compiled engine was built, but cannot be used. This function does not fall
            back to Python then, because the service would be slow without notice.
    """
    if find_spec(_COMPILED) is None:
        return PYTHON
    try:
        from service.formats.engine._fast import compiled
    except Exception as error:
        raise ImportError(
            f"the compiled engine {_COMPILED} cannot be used: {error}. Build it again (`python"
            " setup.py build_ext --inplace`, or install the package again), or delete the file to"
            " read files with the slower engine in Python"
        ) from error
    return Engine(
        "compiled",
        compiled.Events,
        compiled.row_events,
        compiled.XmlParser,
        compiled.RecordParser,
        compiled.RecordCollector,
        compiled.IdSet,
        compiled.size_of,
    )


ENGINE: Engine = select_engine()
"""The engine of this process."""
