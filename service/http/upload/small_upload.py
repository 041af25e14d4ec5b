"""An upload that is small enough for the fast path, while it arrives."""

import asyncio
from collections.abc import Coroutine
from typing import Any, Final

from aiohttp import web

from service.http.upload.content_encoding import content_encoding
from service.http.upload.form import Receipt
from service.imports.fast_path.held_upload import HeldUpload
from service.imports.options import ImportOptions
from service.imports.upload import FileSink
from service.settings import Settings

PATIENCE: Final = 0.25
"""Seconds in which a small upload must arrive. A slower one begins its import meanwhile, so that it
is listed, and a cancel or a shutdown reaches it."""


def fits_fast_path(request: web.Request, options: ImportOptions, settings: Settings) -> bool:
    """Return whether an upload is small enough for the fast path, as its headers state."""
    size = request.content_length
    return (
        size is not None
        and size <= settings.fast_path_bytes
        and content_encoding(request) == "identity"
        and not options.dry_run
        and not options.if_newer
    )


class SmallUpload:
    """The arrival of a small upload.

    Args:
        held: holds its files.
        receiving: reads the form to its end.
    """

    def __init__(self, held: HeldUpload, receiving: Coroutine[Any, Any, Receipt]) -> None:
        self.held = held
        self._receiving = asyncio.create_task(receiving)

    async def arrive(self) -> Receipt | None:
        """Wait until the upload is complete; None if it is slow or faulty."""
        await asyncio.wait({self._receiving}, timeout=PATIENCE)
        if not self._receiving.done() or self._receiving.exception() is not None:
            return None
        receipt = self._receiving.result()
        is_small = self.held.files == 1 and not self.held.faulty and not receipt.cut
        return receipt if is_small else None

    async def receive_into(self, sink: FileSink) -> Receipt:
        """Do as ``FormReader.receive``, but begin with what has arrived."""
        await self.held.pass_on(sink)
        return await self._receiving

    async def close(self) -> None:
        """Stop reading the form."""
        if not self._receiving.done():
            self._receiving.cancel()
            await asyncio.wait({self._receiving})
