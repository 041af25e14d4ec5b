"""A seeded part of ``make chaos``: one round, and a moment of eight writers."""

import os
from pathlib import Path
from typing import Final

import pytest

from tests.chaos.__main__ import chaos

SEED: Final = 4
"""Of a round in which the service is stopped in the middle of a COPY."""


async def test_nothing_that_was_told_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    code = await chaos(SEED, 1, saturated=2, kills=2)
    said = capsys.readouterr().out
    assert code == 0, said
    assert "All that was told is true (seed 4, commit " in said
    assert not os.listdir(tmp_path)
