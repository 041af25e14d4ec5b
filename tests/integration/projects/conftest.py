"""An HTTP client for the service."""

from collections.abc import AsyncIterator

import aiohttp
import pytest

from tests.support.client import Client
from tests.support.service import Service


@pytest.fixture
async def client(service: Service) -> AsyncIterator[Client]:
    async with aiohttp.ClientSession() as http:
        yield Client(http, service)
