"""The threads that parse uploads and compare repeated ones."""

import asyncio
import os
import sys
import threading

import pytest

from service.imports.pipeline.upload_pipeline import NICENESS
from tests.support.raw_http import Connection, head, upload
from tests.support.running_imports import FILE, HALF, WHOLE
from tests.support.service import Service

LOWEST_PRIORITY = 19


def find_threads(name: str) -> list[int]:
    """Return the numbers of the threads whose name begins so."""
    found = [each for each in threading.enumerate() if each.name.startswith(name)]
    return [each.native_id for each in found if each.native_id is not None]


@pytest.mark.skipif(sys.platform != "linux", reason="threads have no own priority")
async def test_the_thread_that_parses_has_a_lower_priority_than_the_event_loop(
    service: Service,
) -> None:
    own = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
    lower = min(own + NICENESS, LOWEST_PRIORITY)

    def has_lower_priority() -> bool:
        numbers = find_threads("parse")
        return any(os.getpriority(os.PRIO_PROCESS, number) == lower for number in numbers)

    async with Connection(service) as connection, asyncio.timeout(20):
        await connection.send(head(service, WHOLE), FILE[:HALF])
        while not has_lower_priority():  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        await connection.send(FILE[HALF:])
        assert (await connection.answer()).status == 207


async def test_the_thread_that_compares_a_repeated_upload_ends_with_its_connection(
    service: Service,
) -> None:
    key = "Idempotency-Key: k"
    assert (await upload(service, FILE, key)).status == 207
    async with asyncio.timeout(20):
        async with Connection(service) as connection:
            await connection.send(head(service, WHOLE, key), FILE[:HALF])
            while not find_threads("replay"):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        while find_threads("replay"):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
