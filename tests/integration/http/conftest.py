"""``@pytest.mark.settings(idle_timeout=1)`` changes the settings that the service runs with."""

import pytest

from service.settings import Settings


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "settings(**changes): settings of the service under test")


@pytest.fixture
def settings(settings: Settings, request: pytest.FixtureRequest) -> Settings:
    changes = {
        name: value
        for marker in request.node.iter_markers("settings")
        for name, value in marker.kwargs.items()
    }
    return settings.model_copy(update=changes)
