"""The form reader serves other requests while it reads many files."""

import asyncio
from typing import Any, cast

from service.http.upload.body import BodyReader
from service.http.upload.form import FormReader
from service.imports.fast_path.held_upload import HeldUpload
from service.settings import Settings
from tests.support.raw_http import BOUNDARY, form, part


class Body:
    """A body that has arrived and is returned by one read."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    async def read(self) -> bytes:
        return self._content

    async def read_checksum(self) -> None:
        pass


async def test_other_tasks_run_while_many_files_are_read() -> None:
    body = cast(BodyReader, Body(form(*[part("file", b"")] * 1000)))
    turns = 0

    async def count_turns() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    held, settings = HeldUpload(), cast(Any, Settings).model_construct()
    counting = asyncio.create_task(count_turns())
    await FormReader(body, BOUNDARY, held, settings).receive()
    counting.cancel()
    assert held.files == 1000
    assert turns >= 10
