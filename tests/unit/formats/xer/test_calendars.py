import tracemalloc
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from service.formats.engine.interface import Node
from service.formats.xer.mapping import calendars
from service.formats.xer.mapping.calendars import read_calendar
from tests.support.paths import REAL


def _calendar(days: str = "", exceptions: str = "", more: str = "") -> str:
    return f"(0||CalendarData()((0||DaysOfWeek()({days})){more}(0||Exceptions()({exceptions}))))"


def _shifts(*attributes: str) -> list[Node]:
    """Return the work times of a Monday with these shifts."""
    shifts = "".join(f"(0||{n}({each})())" for n, each in enumerate(attributes))
    week = read_calendar(_calendar(f"(0||2()({shifts}))"))[0][1]
    assert isinstance(week, list)
    monday = week[0][1]
    assert isinstance(monday, list)
    assert monday[0] == ("DayOfWeek", "Monday")
    return monday[1:]


def _work(start: str, finish: str) -> Node:
    return ("WorkTime", [("Start", f"{start}:00"), ("Finish", f"{finish}:00")])


def test_days_and_exceptions_become_the_children_of_p6_xml() -> None:
    data = _calendar(
        "(0||1()())(0||2()((0||0(s|08:00|f|12:00)())))",
        "(0||0(d|43650)())(0||1(d|43651)((0||0(s|09:00|f|13:00)())))",
    )

    assert read_calendar(data) == [
        (
            "StandardWorkWeek",
            [
                ("StandardWorkHours", [("DayOfWeek", "Sunday")]),
                ("StandardWorkHours", [("DayOfWeek", "Monday"), _work("08:00", "11:59")]),
            ],
        ),
        (
            "HolidayOrExceptions",
            [
                ("HolidayOrException", [("Date", "2019-07-04T00:00:00")]),
                ("HolidayOrException", [("Date", "2019-07-05T00:00:00"), _work("09:00", "12:59")]),
            ],
        ),
    ]


def test_exceptions_are_in_the_order_of_their_dates() -> None:
    """P6 8.4 wrote one calendar so to P6 XML, and in another order to an XER file."""
    first, second, third = "(0||0(d|40179)())", "(0||1(d|41155)())", "(0||2(d|41519)())"
    assert read_calendar(_calendar("", third + first + second)) == read_calendar(
        _calendar("", first + second + third)
    )


def test_line_breaks_of_p6_and_a_bracket_too_many_change_nothing() -> None:
    data = _calendar("(0||2()((0||0(s|08:00|f|12:00)())))", "(0||0(d|43650)())")
    spread = data.replace("(0||", "\x7f\x7f  (0||").replace("))", ")\n )") + ")\x7f"

    assert read_calendar(spread) == read_calendar(data)


@pytest.mark.parametrize(
    ("shift", "expected"),
    [
        ("f|16:00|s|08:00", _work("08:00", "15:59")),
        ("s|8:00 AM|f|12:00 PM", _work("08:00", "11:59")),
        ("s|1:00 pm|f|12:00AM", _work("13:00", "23:59")),
        ("s|12:00 AM|f|12:30 AM", _work("00:00", "00:29")),
        ("s|00:00|f|00:00", _work("00:00", "23:59")),
        ("s|00:00|f|24:00", _work("00:00", "23:59")),
        ("s|22:00:00|f|06:00:00", _work("22:00", "05:59")),
    ],
)
def test_shifts(shift: str, expected: Node) -> None:
    assert _shifts(shift) == [expected]


def test_a_shift_without_times_is_left_out() -> None:
    assert _shifts("", "s||f|", "s|08:00|f|09:00") == [_work("08:00", "08:59")]


def test_the_setting_of_a_window_is_left_out() -> None:
    data = _calendar(more="(0||VIEW(ShowTotal|Y)())")

    assert read_calendar(data) == [("StandardWorkWeek", []), ("HolidayOrExceptions", [])]


def test_a_calendar_with_an_unknown_section_keeps_its_text() -> None:
    data = _calendar(more="(0||Seasons()((0||1()((0||1()((0||1()((0||1()())))))))))")

    children = [("StandardWorkWeek", []), ("HolidayOrExceptions", []), ("clndr_data", data)]
    assert read_calendar(data) == children


@pytest.mark.parametrize(
    "data",
    [
        "",
        "(0||CalendarData()(",
        "))",
        _calendar()[:-1],
        _calendar() + "x",
        _calendar("(0||8()())"),
        _calendar("(0||2()((0||0(s|25:00|f|26:00)())))"),
        _calendar("(0||2()((0||0(s|08:00|f|13:60)())))"),
        _calendar("(0||2()((0||0(s|24:00|f|06:00)())))"),
        _calendar("(0||2()((0||0(s|0:30 AM|f|06:00)())))"),
        _calendar("(0||2()((0||0(s|08:00|dangling)())))"),
        _calendar("(0||2()((0||0(s|08:00)())))"),
        _calendar("(0||2()((0||0(s|08:00|f|12:00)((0||0()())))))"),
        _calendar("", "(0||0()())"),
        _calendar("", "(0||0(d|tomorrow)())"),
        _calendar("", "(0||0(d|9999999)())"),
        _calendar("", "(0||0(d|-1)())"),
    ],
)
def test_damaged_calendars_are_refused(data: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        read_calendar(data)


def test_memory_is_bounded() -> None:
    most = calendars.MOST - 3
    date = "(0||0(d|43650)((0||0(s|08:00|f|12:00)())))"
    data = _calendar("", date * (most // 2))
    tracemalloc.start()
    try:
        exceptions = read_calendar(data)[1][1]
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert len(exceptions) == most // 2
    assert peak < 5_000_000
    with pytest.raises(ValueError, match="more than"):
        read_calendar(_calendar("", date * most))


_PIECES = [
    *("(0||CalendarData()(", "(0||DaysOfWeek()(", "(0||Exceptions()(", "(0||VIEW(a|b)("),
    *("(0||2()(", "(0||0(d|43650)(", "(0||0(s|08:00|f|12:00)(", "))", ")", "\x7f", "\x00"),
]


@given(st.lists(st.sampled_from(_PIECES) | st.text(max_size=3), max_size=40).map("".join))
def test_every_text_is_read_or_refused(data: str) -> None:
    try:
        children = read_calendar(data)
    except ValueError:
        return
    assert {name for name, _ in children} <= {
        *("StandardWorkWeek", "HolidayOrExceptions", "clndr_data")
    }


def _rows(name: str) -> Iterator[dict[str, str]]:
    """Return the rows of the calendars of a real file."""
    table, columns = "", [""]
    for line in (REAL / "xer" / name).read_bytes().decode("cp1252", "replace").splitlines():
        mark, *cells = line.split("\t")
        if mark == "%T":
            table = cells[0]
        elif mark == "%F":
            columns = cells
        elif mark == "%R" and table == "CALENDAR":
            yield dict(zip(columns, cells, strict=True))


def _node(element: etree._Element) -> Node:
    children = [_node(child) for child in element]
    text = (element.text or "").strip()
    return (etree.QName(element).localname, text or children)


@pytest.mark.skipif(not REAL.exists(), reason="the real files are not beside the checkout")
def test_calendars_of_a_portfolio_equal_those_of_its_p6_xml() -> None:
    names = {"StandardWorkWeek", "HolidayOrExceptions"}
    elements = etree.iterparse(REAL / "p6" / "portfolio.xml", tag="{*}Calendar")
    expected = {
        calendar.findtext("{*}ObjectId"): [
            node for node in map(_node, calendar) if node[0] in names
        ]
        for _, calendar in elements
    }

    read = {row["clndr_id"]: read_calendar(row["clndr_data"]) for row in _rows("portfolio.xer")}
    assert len(read) == 786
    assert read == expected


@pytest.mark.skipif(not REAL.exists(), reason="the real files are not beside the checkout")
def test_only_the_damaged_calendar_of_a_real_file_is_refused() -> None:
    rows = {row["clndr_name"]: row["clndr_data"] for row in _rows("invalid-calendar.xer")}

    with pytest.raises(ValueError, match="no record at character 20"):
        read_calendar(rows.pop("Test - Invalid"))
    assert [len(read_calendar(data)[1][1]) for data in rows.values()] == [24, 24]
