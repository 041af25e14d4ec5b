from collections.abc import Iterator

import pytest

from tests.support.reading import interpreted


@pytest.fixture(params=["compiled", "interpreted"])
def both_walks(request: pytest.FixtureRequest) -> Iterator[None]:
    """Run a test with compiled code and without; without a C compiler it is Python both times."""
    if request.param == "compiled":
        yield
        return
    with interpreted():
        yield
