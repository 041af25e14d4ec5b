"""The addresses on which the service answers, of IPv4 and IPv6."""

import contextlib
import socket

import pytest

from service.cli.output import CommandError
from service.cli.serve.address import base_url
from service.cli.serve.site import serve_at
from service.settings import Settings
from tests.support.ipv6 import HAS_IPV6
from tests.support.raw_http import get
from tests.support.service import Service

V4, V6 = "http://127.0.0.1", "http://[::1]"
NEEDS_IPV6 = pytest.mark.skipif(not HAS_IPV6, reason="this machine has no IPv6")


@pytest.mark.parametrize(
    ("host", "printed", "reachable"),
    [
        ("0.0.0.0", V4, {V4}),
        pytest.param(
            "::", V6, {V4, V6}, marks=pytest.mark.skipif(not HAS_IPV6, reason="no address ::1")
        ),
        pytest.param(
            "::1", V6, {V6}, marks=pytest.mark.skipif(not HAS_IPV6, reason="no address ::1")
        ),
    ],
)
async def test_the_service_answers_on_the_addresses_of_its_host(
    settings: Settings, dsn: str, host: str, printed: str, reachable: set[str]
) -> None:
    changed = settings.model_copy(update={"host": host, "admin_port": 0})
    async with serve_at(changed, dsn) as addresses:
        for base, path in ((addresses.base, "/"), (addresses.admin, "/healthz")):
            assert base is not None
            at, _, port = base.rpartition(":")
            assert at == printed
            answered = set()
            for place in (V4, V6):
                with contextlib.suppress(OSError):
                    found = await get(Service(f"{place}:{port}", dsn, settings), path, token=None)
                    assert found.status == 200
                    answered.add(place)
            assert answered == reachable


@NEEDS_IPV6
async def test_a_taken_address_of_ipv6_is_reported_in_brackets(
    settings: Settings, dsn: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        changed = settings.model_copy(update={"host": "::", "port": port})
        with pytest.raises(CommandError, match=rf"cannot listen on \[::\]:{port}: .*in use"):
            async with serve_at(changed, dsn):
                pass


def test_a_name_is_printed_as_it_is() -> None:
    assert base_url("localhost", 80) == "http://localhost:80"
