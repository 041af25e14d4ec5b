"""Generated native files, with any content that XML and JSON allow."""

import json
from typing import Any

from hypothesis import strategies as st
from lxml import etree

from tests.support.reading import NATIVE

IN_XML = st.characters(
    codec="utf-8",
    exclude_categories=("Cs", "Cc"),
    include_characters="\t\n\r\x7f\x85",
    exclude_characters="\ufffe\uffff",
)
TEXTS = st.one_of(
    st.text(IN_XML, max_size=12),
    st.sampled_from(["", " ", "\r\n", " a ", "]]>", "&amp;", "<b/>", "\\N", "\\", "{}", "null"]),
)
FILLED = TEXTS.filter(lambda text: text.strip(" \t\r\n") != "")
IDS = FILLED.map(lambda text: text.strip(" \t\r\n"))
TIMES = st.datetimes().map(lambda moment: moment.isoformat())
# Minutes make at most 16,666 hours more, months 8 years more.
DURATIONS = st.builds(
    "{}P{}Y{}M{}DT{}H{}M{}.{:06d}S".format,
    st.sampled_from(["", "-"]),
    *[st.integers(0, most) for most in (9999, 99, 99_999, 99_982_000, 10**6, 99, 999_999)],
)
DECIMALS = st.decimals(-(10**14), 10**14, allow_nan=False, places=12).map(lambda n: f"{n:f}")
INTEGERS = st.integers(-999_999_999, 999_999_999).map(str)
FLAGS = st.sampled_from(["true", "false", "1", "0", ""])
IN_JSON = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)
NUMBERS = st.one_of(
    st.integers(-(10**30), 10**30),
    st.floats(-1e50, 1e50, allow_nan=False).filter(lambda n: n == 0 or abs(n) > 1e-50),
)
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, IN_JSON),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(IN_JSON, inner, max_size=3)
    ),
    max_leaves=6,
)


def element(tag: str, *children: Any, **attributes: str | None) -> Any:
    """A native element; an attribute of None is left out, a child may be text."""
    kept = {name: value for name, value in attributes.items() if value is not None}
    made = etree.Element(f"{{{NATIVE}}}{tag}", kept)
    for child in children:
        if isinstance(child, str):
            made.text = child
        elif child is not None:
            made.append(child)
    return made


@st.composite
def attributes(draw: st.DrawFn) -> list[Any]:
    """``attribute`` elements with different names."""
    made = []
    for name in draw(st.lists(FILLED, max_size=3, unique=True)):
        if draw(st.booleans()):
            made.append(element("attribute", draw(TEXTS), name=name))
        else:
            written = json.dumps(
                draw(JSON), ensure_ascii=True, indent=draw(st.sampled_from([None, 1]))
            )
            made.append(element("attribute", written, name=name, type="json"))
    return made


@st.composite
def records(draw: st.DrawFn) -> list[Any]:
    """What stands in a project beside its scalars, each reference with its end."""

    def maybe(tag: str, values: st.SearchStrategy[str]) -> Any:
        value = draw(st.none() | values)
        return None if value is None else element(tag, value)

    def some(values: st.SearchStrategy[str]) -> str | None:
        return draw(st.none() | values)

    def more() -> Any:
        return element("attributes", *draw(attributes()))

    ids = draw(st.lists(IDS, max_size=4, unique=True))
    known = st.sampled_from(ids) if ids else st.nothing()
    tasks = [
        element(
            "task",
            maybe("name", TEXTS),
            maybe("start", TIMES),
            maybe("finish", TIMES),
            maybe("duration", DURATIONS),
            maybe("work", DURATIONS),
            maybe("percent-complete", st.integers(0, 100).map(str)),
            maybe("priority", INTEGERS),
            maybe("notes", TEXTS),
            more(),
            id=task,
            parent=some(known),
            kind=some(st.sampled_from(["activity", "wbs", ""])),
            wbs=some(TEXTS),
            milestone=some(FLAGS),
            summary=some(FLAGS),
        )
        for task in ids
    ]
    links = [
        element(
            "dependency",
            more(),
            predecessor=draw(known),
            successor=draw(known),
            type=some(st.sampled_from(["FS", "SS", "FF", "SF", ""])),
            lag=some(DURATIONS),
        )
        for _ in range(draw(st.integers(0, 2)) if ids else 0)
    ]
    crews = draw(st.lists(IDS, max_size=2, unique=True))
    resources = [
        element(
            "resource",
            maybe("name", TEXTS),
            maybe("email", TEXTS),
            more(),
            id=crew,
            type=some(st.sampled_from(["work", "material", "cost", "nonlabor"])),
        )
        for crew in crews
    ]
    assignments = [
        element(
            "assignment",
            maybe("work", DURATIONS),
            more(),
            task=draw(known),
            resource=some(IDS),
            units=some(DECIMALS),
        )
        for _ in range(draw(st.integers(0, 2)) if ids else 0)
    ]
    numbers = draw(st.lists(st.integers(0, 20).map(str), max_size=2, unique=True))
    baselines = [
        element(
            "baseline",
            maybe("name", TEXTS),
            maybe("type", TEXTS),
            more(),
            number=number,
            current=some(FLAGS),
        )
        for number in numbers
    ]
    baseline_tasks = [
        element(
            "baseline-task",
            maybe("name", TEXTS),
            maybe("start", TIMES),
            maybe("finish", TIMES),
            maybe("duration", DURATIONS),
            maybe("work", DURATIONS),
            maybe("cost", DECIMALS),
            more(),
            number=draw(st.sampled_from(numbers)),
            kind=some(st.sampled_from(["activity", "wbs", ""])),
            task=draw(IDS),
            code=some(TEXTS),
        )
        for _ in range(draw(st.integers(0, 2)) if numbers else 0)
    ]
    parts = [
        element("part", *draw(attributes()), element=draw(FILLED))
        for _ in range(draw(st.integers(0, 2)))
    ]
    shared = [
        element("object", *draw(attributes()), element=draw(FILLED), id=some(IDS))
        for _ in range(draw(st.integers(0, 2)))
    ]
    return [
        element("tasks", *tasks),
        element("dependencies", *links),
        element("resources", *resources),
        element("assignments", *assignments),
        element("baselines", *baselines),
        element("baseline-tasks", *baseline_tasks),
        element("parts", *parts),
        element("shared-objects", *shared),
    ]


@st.composite
def projects(draw: st.DrawFn, external_id: str) -> Any:
    """A ``project`` that lands."""
    texts = ("code", "status", "description", "manager", "currency")
    scalars = [element(tag, draw(TEXTS)) for tag in texts if draw(st.booleans())]
    times = [element(tag, draw(TIMES)) for tag in ("start", "finish") if draw(st.booleans())]
    children = [
        element("name", draw(FILLED)),
        *scalars,
        *times,
        element("priority", draw(st.just("") | INTEGERS)),
        element("attributes", *draw(attributes())),
        *draw(records()),
    ]
    source = draw(st.sampled_from([None, "native", "mspdi", "p6", "other"]))
    return element("project", *draw(st.permutations(children)), id=external_id, source=source)


@st.composite
def files(draw: st.DrawFn) -> bytes:
    """A file with one or two projects, all of which land."""
    inside = [draw(projects(f"P-{number}")) for number in range(draw(st.integers(1, 2)))]
    written = etree.tostring(element("projects", *inside), encoding="UTF-8")
    assert isinstance(written, bytes)
    return written.decode().encode(draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16"])))
