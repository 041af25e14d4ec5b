"""The attacks of ``tests.tools.attacks`` that are small, on a real ``serve`` process.

``make attacks`` also sends the large ones, and measures the time that each takes.
"""

from itertools import chain
from typing import Final

import pytest

from service.settings import Settings
from tests.tools.attacks.attack import Attack
from tests.tools.attacks.measure import attacked, by_settings, modules

_SMALL: Final = (
    *("files.compressed", "files.encodings", "files.entities"),
    *(
        "http.bodies",
        "http.escapes",
        "http.floods",
        "http.framing",
        "http.heads",
        "http.many_files",
        "http.tokens",
    ),
)
GROUPS: Final = by_settings(
    chain.from_iterable(its for name, its in modules().items() if name in _SMALL)
)


@pytest.mark.parametrize(("changed", "attacks"), GROUPS)
async def test_every_attack_is_refused_or_bounded(
    dsn: str,
    settings: Settings,
    subtests: pytest.Subtests,
    changed: dict[str, object],
    attacks: list[Attack],
) -> None:
    """In memory, while another tenant is served, and with nothing left of it afterwards."""
    cache = {"statement_cache_size": settings.statement_cache_size, "pool_size": 8}
    async with attacked(dsn, cache | changed) as target:
        for attack in attacks:
            with subtests.test(attack.name):
                seen = await target.look(attack)
                assert seen.faults() == []
