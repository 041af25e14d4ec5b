"""How long to go on trying, and how long to wait before each try."""

import asyncio
import random
import sys
from typing import Final

from service.cli.screen import Failure

LONGEST: Final = 30.0
"""Seconds of a pause that no service asks for."""


class Patience:
    """Pauses between tries: jittered, doubled each time, and together no longer than a while.

    Args:
        what: is tried, for people.
        seconds: of all pauses together.

    Attributes:
        what: as above.
    """

    def __init__(self, what: str, seconds: float) -> None:
        self.what = what
        self._left = seconds
        self._tries = 0

    async def pause(self, why: object, retry_after: str | None = None) -> None:
        """Wait before the next try.

        Args:
            why: the last one failed.
            retry_after: the service's header; a pause is no shorter than that.

        Raises:
            Failure: there is no time left.
        """
        pause = min(LONGEST, 2.0**self._tries) * random.uniform(0.5, 1)
        if retry_after is not None and retry_after.isdecimal():
            pause = int(retry_after) + random.uniform(0, 1)
        self._tries += 1
        if pause > self._left:
            raise Failure(
                f"{self.what}: {why}; given up, as --retry-for leaves no time for another try: "
                "the same command goes on where it stopped"
            )
        self._left -= pause
        print(f"{self.what}: {why}; again in {pause:.0f} s", file=sys.stderr)
        await asyncio.sleep(pause)
