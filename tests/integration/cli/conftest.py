"""The command line beside a service, and the network between them."""

from collections.abc import AsyncIterator

import aiohttp
import pytest

from tests.support.client import Client
from tests.support.commands import Commands
from tests.support.network import Network, between
from tests.support.service import Service


@pytest.fixture
def run(service: Service) -> Commands:
    return Commands(service)


@pytest.fixture
async def network(service: Service) -> AsyncIterator[Network]:
    async with between(service.base) as network:
        yield network


@pytest.fixture
async def client(service: Service) -> AsyncIterator[Client]:
    async with aiohttp.ClientSession() as http:
        yield Client(http, service)
