"""The summary of a comparison, in words."""

from typing import Any

import pytest

from service.cli.comparison import _SORTS, print_summary
from service.projects.comparison.summary import SORTS

DATES = {"from": None, "to": None}


def summary(**sorts: list[dict[str, Any]]) -> dict[str, Any]:
    found = {
        name: {"count": len(sorts.get(name, ())), "items": sorts.get(name, [])} for name in SORTS
    }
    return {"finish": {**DATES, "days": None}, "data_date": DATES, **found}


def test_every_sort_of_change_has_words() -> None:
    assert _SORTS.keys() == SORTS.keys()


def test_a_summary_is_printed_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    slip = {"from": "2026-01-09T17:00:00", "to": "2026-01-16T17:00:00"}
    moved = {"code": "A1", "name": "Dig", "days": 7, "fields": {"finish": slip}}
    link = {
        "predecessor_code": "A1",
        "predecessor_name": "Dig",
        "predecessor_id": "1",
        "successor_id": "2",
        "type": "FS",
        "fields": {},
    }
    found = summary(slipped=[moved], links_removed=[link])
    found["slipped"]["count"] = 2
    found["finish"] = {**slip, "days": 7}
    print_summary(found)
    assert capsys.readouterr().out.splitlines() == [
        "Finish: 2026-01-09 17:00 -> 2026-01-16 17:00, 7 days later",
        "2 tasks slipped:",
        "    A1 Dig, 7 days, 2026-01-09 17:00 -> 2026-01-16 17:00",
        "    and 1 more",
        "1 link removed:",
        "    A1 Dig -> 2 (FS)",
    ]
