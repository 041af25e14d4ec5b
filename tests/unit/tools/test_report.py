"""The last line that a benchmark prints."""

import json

import pytest

from tests.tools.bench.measure import figure, percentile, ratio
from tests.tools.bench.report import Report

FIRST = {
    "small": {"requests": 1.0, "cpu_ms": 1.0, "p99": 1.0},
    "tiny": {"p6": 1.0, "mspdi": 1.0},
    "reader": {"native": 1.0, "p6": 1.0, "mspdi": 1.0},
}
LINE = FIRST | {
    "floor": {"native": 1.0, "p6": 1.0, "mspdi": 1.0, "xer": 1.0},
    "usual_way": 1.0,
    "unchanged": 1.0,
    "updated": 1.0,
    "loaded": 1.0,
    "aged": 1.0,
    "peak_mib": {"80MB": 1.0, "1GiB": 1.0, "xer.1GiB": 1.0, "16x": 1.0},
    "growth": 1.0,
    "fairness": 1.0,
    "last_byte": 1.0,
}
QUICK_LINE = FIRST | {
    "floor": {"native": 1.0, "p6": 1.0, "mspdi": 1.0, "xer": 1.0},
    "usual_way": 1.0,
    "unchanged": 1.0,
    "updated": 1.0,
    "peak_mib": {"80MB": 1.0, "16x": 1.0},
}


@pytest.mark.parametrize("wanted", [LINE, QUICK_LINE], ids=["full", "quick"])
def test_the_last_line_is_the_json_of_what_was_measured(
    wanted: dict[str, object], capsys: pytest.CaptureFixture[str]
) -> None:
    report = Report()
    for key, value in reversed(wanted.items()):
        names = [f"{key}.{part}" for part in value] if isinstance(value, dict) else [key]
        for name in names:
            report.bar(name, figure([1.0, 0.5, 2.0]), most=1.2)
    report.print(json=True)
    last = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert last == wanted
    assert [*last] == [*wanted]


def test_a_ratio_is_the_median_of_the_ratios_of_the_runs() -> None:
    both_slow_once = ratio([2.0, 20.0, 3.0], [1.0, 10.0, 1.0])
    assert both_slow_once.median == 2.0
    assert both_slow_once.spread == "2 – 3"


@pytest.mark.parametrize(("share", "wanted"), [(0.5, 50.0), (0.99, 99.0), (1.0, 100.0)])
def test_a_percentile_is_one_of_the_values(share: float, wanted: float) -> None:
    assert percentile([float(n) for n in range(100, 0, -1)], share) == wanted
