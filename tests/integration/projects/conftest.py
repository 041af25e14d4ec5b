"""An HTTP client for the service, and the marker ``settings`` as beside ``http``."""

from collections.abc import AsyncIterator

import aiohttp
import pytest

from tests.integration.http.conftest import pytest_configure, settings
from tests.support.client import Client
from tests.support.service import Service

__all__ = ["pytest_configure", "settings"]


@pytest.fixture
async def client(service: Service) -> AsyncIterator[Client]:
    async with aiohttp.ClientSession() as http:
        yield Client(http, service)
