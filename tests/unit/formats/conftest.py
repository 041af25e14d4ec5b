from collections.abc import Iterator

import pytest

from tests.support.reading import python_engine


@pytest.fixture(params=["compiled", "python"])
def both_engines(request: pytest.FixtureRequest) -> Iterator[None]:
    """Run a test with each engine; without a C compiler both times with the one in Python."""
    if request.param == "compiled":
        yield
        return
    with python_engine():
        yield
