import pytest

from service.xml import walks


@pytest.fixture(params=["compiled", "interpreted"])
def both_walks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run a test with either walk over records; without a C compiler both are the one in Python."""
    if request.param == "interpreted":
        monkeypatch.setattr(walks, "walk_of", walks.interpreted)
