import pytest

from service.settings import Settings


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("filterwarnings", "ignore:It is recommended to use web.RequestKey")


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Little patience, since requests that break off are many."""
    return settings.model_copy(update={"idle_timeout": 5})
