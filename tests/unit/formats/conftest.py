from collections.abc import Iterator

import pytest

from service.formats import reader
from tests.support.reading import python_engine


@pytest.fixture(autouse=True, scope="package")
def _collect_at_each_pause() -> Iterator[None]:
    """Take records at each pause of the parser, so that small files show what pauses change."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reader, "COLLECT_INTERVAL", 1)
        yield


@pytest.fixture(params=["compiled", "python"])
def both_engines(request: pytest.FixtureRequest) -> Iterator[None]:
    """Run a test with each engine; without a C compiler both times with the one in Python."""
    if request.param == "compiled":
        yield
        return
    with python_engine():
        yield
