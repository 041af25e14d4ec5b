"""The thread that parses an upload."""

import asyncio
import os
import sys
import threading

import pytest

from service.imports.pipeline.upload_pipeline import NICENESS
from tests.support.raw_http import Connection, head
from tests.support.running_imports import FILE, HALF, WHOLE
from tests.support.service import Service

LOWEST_PRIORITY = 19


@pytest.mark.skipif(sys.platform != "linux", reason="threads have no own priority")
async def test_the_thread_that_parses_has_a_lower_priority_than_the_event_loop(
    service: Service,
) -> None:
    own = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
    lower = min(own + NICENESS, LOWEST_PRIORITY)

    def has_lower_priority() -> bool:
        names = {thread.native_id: thread.name for thread in threading.enumerate()}
        parsing = [number for number, name in names.items() if number and name.startswith("parse")]
        return any(os.getpriority(os.PRIO_PROCESS, number) == lower for number in parsing)

    async with Connection(service) as connection, asyncio.timeout(20):
        await connection.send(head(service, WHOLE), FILE[:HALF])
        while not has_lower_priority():  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        await connection.send(FILE[HALF:])
        assert (await connection.answer()).status == 207
