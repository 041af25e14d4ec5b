import pytest

from service.xml import events, harvests, names, walks


@pytest.fixture(params=["compiled", "interpreted"])
def both_walks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run a test with compiled code and without; without a C compiler it is Python both times."""
    if request.param == "interpreted":
        monkeypatch.setattr(walks, "walk_of", walks.interpreted)
        monkeypatch.setattr(names, "names_of", names.interpreted)
        monkeypatch.setattr(harvests, "harvest_of", harvests.interpreted)
        monkeypatch.setattr(events, "events_of", events.interpreted)
