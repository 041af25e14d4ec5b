"""Every attack of ``tests.tools.attacks``, on a real ``serve`` process."""

import pytest

from service.settings import Settings
from tests.tools.attacks.measure import attacked, by_settings, modules

ATTACKS = modules()


@pytest.mark.parametrize("module", ATTACKS)
async def test_every_attack_is_refused_or_bounded(
    dsn: str, settings: Settings, subtests: pytest.Subtests, module: str
) -> None:
    """In time and memory, while others are served, and with nothing left of it afterwards."""
    cache = {"statement_cache_size": settings.statement_cache_size}
    for changed, alike in by_settings(ATTACKS[module]):
        async with attacked(dsn, cache | changed) as target:
            for attack in alike:
                with subtests.test(attack.name):
                    seen = await target.look(attack)
                    assert seen.faults() == []
