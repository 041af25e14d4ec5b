"""Generated files of the own format."""

from typing import Final

from hypothesis import strategies as st

from tests.support.record_files import (
    AMOUNTS,
    DATES,
    IDS,
    OWN,
    TEXTS,
    attribute,
    given_attribute,
    leaf,
    many,
    record,
)


def _group(name: str, *children: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """An element that holds some of the children, sometimes beside others."""
    odd = st.sampled_from([*[""] * 12, "<Odd>o</Odd>", "stray", "<Odd a='1'/>", "<Odd/>"])
    filled = st.tuples(*children, odd).map(lambda made: f"<{name}>{''.join(made)}</{name}>\n")
    return st.one_of(st.just(""), filled, filled)


def _wbs(depth: int) -> st.SearchStrategy[str]:
    inner = [_group("Below", _wbs(depth + 1), leaf("Remark", TEXTS))] if depth < 3 else []
    identity = given_attribute("id", st.sampled_from([*[f"#{'x' * depth}"] * 20, "1"]))
    return record("WBS", [identity], [leaf("Name", TEXTS), *inner])


_LINK = record(
    "Predecessor",
    [given_attribute("ref", IDS), attribute("kind", st.sampled_from(["0", " 1 ", "9"]))],
    [st.sampled_from([*[""] * 20, "<Extra>e</Extra>"])],
)
_ACTIVITY = record(
    "Activity",
    [given_attribute("id", OWN), attribute("wbs", IDS), attribute("changed", IDS)],
    [
        leaf("Name", TEXTS),
        leaf("Start", st.sampled_from(["05.01.2026", "5.1.2026", "2026-01-05"])),
        _group("Duration", AMOUNTS),
        leaf("Done", AMOUNTS),
        leaf("Type", st.sampled_from(["M", "T", " M ", "true", "odd"])),
        _group("Dates", leaf("Early", DATES), st.sampled_from(["", "<Late at='2026-01-07'/>"])),
        _group("Predecessors", _LINK, _LINK),
    ],
)
FILES: Final = st.tuples(many(_wbs(0)), many(_ACTIVITY), many(_wbs(0))).map(
    lambda made: (
        "<AcmeExport><Project number='1'><Title>t</Title>"
        f"<Structure><Inner>{made[0]}</Inner></Structure><Activities>{made[1]}</Activities>"
        f"<Structure><Inner>{made[2]}</Inner></Structure></Project></AcmeExport>"
    )
)
