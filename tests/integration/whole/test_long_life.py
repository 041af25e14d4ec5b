"""What imports of every kind leave behind in a process that goes on."""

from pathlib import Path

from service.settings import Settings
from tests.bench.database import Database, add_clients
from tests.bench.mixture import mixture
from tests.bench.process import serving, sign
from tests.bench.soak import Level, soak

LOOKS = (40, 100)
"""After how many imports; twenty are of every kind, and the first fill caches and pools."""


async def test_memory_threads_and_descriptors_do_not_grow(
    dsn: str, settings: Settings, tmp_path: Path
) -> None:
    database = Database(dsn)
    await add_clients(database)
    levels: list[Level] = []
    token, kept = await sign(database), settings.statement_cache_size
    async with serving(database, token, pool_size=8, statement_cache_size=kept) as server:
        sent = mixture(tmp_path, medium=False)
        async for _, level in soak(server, database, sent, iter(LOOKS)):
            levels.append(level)
    first, last = levels
    # Between the two came 600,000 names that are new; kept, they take some 20 MiB.
    assert last.memory < first.memory + 12
    assert last.threads <= first.threads + 1
    assert last.descriptors <= first.descriptors + 1
