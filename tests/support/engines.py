"""The compiled engine, where there is a C compiler."""

import shutil
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any

import pytest

_NAME = "service.formats.engine._fast.compiled"


def compiled_engine() -> Any:
    """Return the compiled module; skip the tests of the calling module without a C compiler.

    With a compiler a missing module is an error: the suite would test the engine in Python twice.
    """
    if find_spec(_NAME) is None:
        if shutil.which("cc") is None:
            pytest.skip("there is no C compiler", allow_module_level=True)
        raise ImportError(f"{_NAME} is not built; run `make setup`")
    module: ModuleType = import_module(_NAME)
    return module
