"""Resources of a long-running process after imports of every kind."""

from contextlib import aclosing
from itertools import pairwise
from pathlib import Path

import pytest

from service.settings import Settings
from tests.tools.bench.database import Database, add_clients
from tests.tools.bench.mixture import mixture
from tests.tools.bench.process import serving, sign
from tests.tools.bench.soak import Level, soak

LOOKS = (40, 100, 160)
"""After how many imports; twenty are of every kind, and the first fill caches and pools."""

MOST = 12
"""MiB. Between two looks come 600,000 names that are new; kept, they take some 20."""


@pytest.mark.once
async def test_memory_threads_and_descriptors_do_not_grow(
    dsn: str, settings: Settings, tmp_path: Path
) -> None:
    database = Database(dsn)
    await add_clients(database)
    token, kept = await sign(database), settings.statement_cache_size
    levels: list[Level] = []
    async with (
        serving(database, token, pool_size=4, statement_cache_size=kept) as server,
        aclosing(soak(server, database, mixture(tmp_path, medium=False), iter(LOOKS))) as looks,
    ):
        async for _, level in looks:
            levels.append(level)
            # The allocator may grow late, but only once; a leak keeps growing.
            if _levelled(levels):
                break
    first, last = levels[0], levels[-1]
    assert _levelled(levels), levels
    assert last.threads <= first.threads + 1
    assert last.descriptors <= first.descriptors + 1


def _levelled(levels: list[Level]) -> bool:
    return any(after.memory < before.memory + MOST for before, after in pairwise(levels))
