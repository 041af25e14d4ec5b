"""XER files: rows without end, tables without number, cells that become more than their bytes."""

from collections.abc import Iterator
from typing import Final

from tests.tools.attacks.attack import Attack
from tests.tools.attacks.files.archives import gzipped
from tests.tools.attacks.files.xmlfiles import attack, joined, numbered, times

_MB: Final = 1_000_000
_CPU_OF_ROWS: Final = 5e-6
"""CPU seconds for each byte of rows of ten bytes, of which each becomes a record."""
_CPU_OF_PROJECTS: Final = 2e-5
"""CPU seconds for each byte of projects of 15 bytes, each of which costs as one of 80 in P6 XML."""
_HEADER: Final = b"ERMHDR\t19.12\t2026-01-05\tProject\tadmin\tA\tdb\tProject Management\tUSD\n"
_PROJECT: Final = b"%T\tPROJECT\n%F\tproj_id\tproj_short_name\n%R\t1\tgood\n"
_WBS: Final = (
    b"%T\tPROJWBS\n%F\twbs_id\tproj_id\tproj_node_flag\twbs_short_name\twbs_name\n"
    b"%R\t10\t1\tY\tgood\tGood\n"
)
_TASK: Final = b"%T\tTASK\n%F\ttask_id\tproj_id\twbs_id\ttask_code\ttask_name\n"
_ONE: Final = b"%R\t100\t1\t10\tA\tOne\n"
_GOOD: Final = _HEADER + _PROJECT + _WBS + _TASK + _ONE
_END: Final = b"%E\n"
_BOUNDED: Final = r"(207|400|413) .*"
_LANDED: Final = r"207 good\+1"
_TOO_LARGE: Final = r"413 .*"


def _table(name: bytes, columns: bytes) -> bytes:
    return b"%%T\t%b\n%%F\t%b\n" % (name, columns.replace(b" ", b"\t"))


def _wide(columns: int, rows: int) -> Iterator[bytes]:
    """A table of long column names, and rows of one letter a cell."""
    yield b"%T\tWIDE\n%F\tproj_id\t" + b"\t".join(b"c%063d" % at for at in range(columns)) + b"\n"
    yield from times(b"%R\t1" + b"\tx" * columns + b"\n", rows * 2 * columns)


ATTACKS: Final[list[Attack]] = [
    attack(
        "a row of 100 MB without an end",
        lambda: joined(_GOOD, b"%R\t101\t1\t10\tB\t", times(b"x" * 1000, 100 * _MB)),
        _TOO_LARGE,
    ),
    attack(
        "a row of 100 MB in a table that is skipped",
        lambda: joined(_GOOD, b"%T\tPOBS\n%F\tpobs_id\n%R\t", times(b"x" * 1000, 100 * _MB)),
        _TOO_LARGE,
    ),
    attack(
        "a header of 100 MB",
        lambda: joined(b"ERMHDR\t", times(b"x" * 1000, 100 * _MB)),
        _BOUNDED,
    ),
    attack(
        "a row continued on millions of lines",
        lambda: joined(_GOOD, b"%R\t101\t1\t10", times(b"\nx", 20 * _MB), _END),
        _BOUNDED,
    ),
    attack(
        "20 MB of blank lines",
        lambda: joined(_GOOD, times(b"\n" * 1000, 20 * _MB), _END),
        _LANDED,
    ),
    attack(
        "a table of a million columns",
        lambda: joined(_GOOD, b"%T\tWIDE\n%F", numbered(b"\tc%d", _MB), b"\n", _END),
        _TOO_LARGE,
    ),
    attack(
        "a row of ten million cells",
        lambda: joined(_GOOD, b"%R", times(b"\tx", 20 * _MB), b"\n", _END),
        _BOUNDED,
    ),
    attack(
        "a million tables",
        lambda: joined(_GOOD, numbered(b"%%T\tT%d\n%%F\tproj_id\n%%R\t1\n", _MB), _END),
        _TOO_LARGE,
    ),
    attack(
        "200,000 tables of one name",
        lambda: joined(_GOOD, times(b"%T\tT\n%F\tproj_id\n%R\t1\n", 4 * _MB), _END),
        _BOUNDED,
    ),
    attack(
        "a million lists of columns, all different, in one table",
        lambda: joined(_GOOD, numbered(b"%%F\ttask_id\tproj_id\tc%d\n%%R\t%d\t1\tx\n", _MB), _END),
        _TOO_LARGE,
    ),
    attack(
        "a table's name of a megabyte",
        lambda: joined(_GOOD, b"%T\t", times(b"x" * 1000, _MB), b"\n%F\ta\n%R\t1\n", _END),
        _BOUNDED,
    ),
    attack(
        "a column's name of a megabyte",
        lambda: joined(_GOOD, b"%T\tT\n%F\t", times(b"x" * 1000, _MB), b"\n%R\t1\n", _END),
        _BOUNDED,
    ),
    attack(
        "a project id for each of 300,000 rows",
        lambda: joined(_GOOD, numbered(b"%%R\t%d\tp%d\t1\tA\tx\n", 300_000), _END),
        _LANDED,
    ),
    attack(
        "20,000 projects of a line each",
        lambda: joined(
            _HEADER,
            b"%T\tPROJECT\n%F\tproj_id\tproj_short_name\n",
            numbered(b"%%R\t%d\tp%d\n", 20_000),
            _END,
        ),
        _BOUNDED,
        most_cpu_per_byte=_CPU_OF_PROJECTS,
    ),
    attack(
        "100,000 projects of one id",
        lambda: joined(
            _HEADER,
            b"%T\tPROJECT\n%F\tproj_id\tproj_short_name\n",
            times(b"%R\t1\tp\n", _MB),
            _END,
        ),
        r"400 .*two projects have the proj_id 1, .*line 5",
    ),
    attack(
        "300,000 codes of one task",
        lambda: joined(
            _GOOD,
            _table(b"TASKACTV", b"task_id actv_code_type_id actv_code_id proj_id"),
            numbered(b"%%R\t100\t%d\t1\t1\n", 300_000),
            _END,
        ),
        _BOUNDED,
    ),
    attack(
        "300,000 values of the project's fields",
        lambda: joined(
            _GOOD,
            _table(b"UDFTYPE", b"udf_type_id table_name logical_data_type udf_type_label"),
            b"%R\t1\tPROJECT\tFT_TEXT\tx\n",
            _table(b"UDFVALUE", b"udf_type_id fk_id proj_id udf_text"),
            times(b"%R\t1\t1\t1\tx\n", 3 * _MB),
            _END,
        ),
        _BOUNDED,
    ),
    attack(
        "300,000 rows that belong to tasks that do not exist",
        lambda: joined(
            _GOOD,
            _table(b"TASKACTV", b"task_id actv_code_type_id actv_code_id proj_id"),
            numbered(b"%%R\t%d\t1\t1\t1\n", 300_000),
            _END,
        ),
        _BOUNDED,
        most_cpu_per_byte=_CPU_OF_ROWS,
    ),
    attack(
        "100,000 types of fields",
        lambda: joined(
            _GOOD,
            _table(b"UDFTYPE", b"udf_type_id table_name logical_data_type udf_type_label"),
            numbered(b"%%R\t%d\tTASK\tFT_TEXT\tx\n", 100_000),
            _END,
        ),
        _LANDED,
        most_cpu_per_byte=_CPU_OF_ROWS,
    ),
    attack(
        "100,000 calendars that no project refers to",
        lambda: joined(
            _GOOD,
            _table(b"CALENDAR", b"clndr_id clndr_name"),
            numbered(b"%%R\t%d\tx\n", 100_000),
            _END,
        ),
        _LANDED,
        most_cpu_per_byte=_CPU_OF_ROWS,
    ),
    attack(
        "a calendar nested 400,000 deep",
        lambda: joined(
            _GOOD,
            _table(b"CALENDAR", b"clndr_id clndr_data"),
            b"%R\t11\t",
            times(b"(0||1()(", 3 * _MB),
            b"\n",
            _END,
        ),
        _LANDED,
    ),
    attack(
        "a calendar of 150,000 exceptions",
        lambda: joined(
            _GOOD,
            _table(b"CALENDAR", b"clndr_id clndr_data"),
            b"%R\t11\t(0||CalendarData()((0||DaysOfWeek()())(0||Exceptions()(",
            numbered(b"(0||%d(d|46023)())", 150_000),
            b"))))\n",
            _END,
        ),
        _BOUNDED,
    ),
    attack(
        "500 calendars of 1,000 exceptions",
        lambda: joined(
            _GOOD,
            _table(b"CALENDAR", b"clndr_id clndr_data"),
            (
                b"%%R\t%d\t(0||CalendarData()((0||DaysOfWeek()())(0||Exceptions()(%b))))\n"
                % (number, b"(0||0(d|46023)())" * 1000)
                for number in range(500)
            ),
            _END,
        ),
        _BOUNDED,
    ),
    attack(
        "2,000 rows of 999 cells of a byte under names of 64",
        lambda: joined(_GOOD, _wide(998, 2_000), _END),
        _BOUNDED,
    ),
    attack(
        "rows of 999 cells of a byte under names of 64, in gzip just below the ratio",
        lambda: gzipped(joined(_GOOD, _wide(998, 10_000), _END)),
        _BOUNDED,
    ),
    attack(
        "300,000 rows that end early",
        lambda: joined(_GOOD, numbered(b"%%R\tx%d\t1\n", 300_000), _END),
        _BOUNDED,
        most_cpu_per_byte=_CPU_OF_ROWS,
    ),
    attack(
        "2 MB of quotes and marks of new lines in a memo",
        lambda: joined(
            _GOOD,
            _table(b"TASKMEMO", b"memo_id task_id memo_type_id proj_id task_memo"),
            b"%R\t1\t100\t1\t1\t",
            times(b'""\x7f\x7f', 2 * _MB),
            b"\n",
            _END,
        ),
        _BOUNDED,
    ),
    attack(
        "20 MB in windows-1252 by their last byte",
        lambda: joined(
            _GOOD,
            numbered(b"%%R\tx%d\t1\t10\tB\t" + "Grüße".encode() * 8 + b"\n", 200_000),
            b"%R\t999999\t1\t10\tC\t\xfc\n",
            _END,
        ),
        _BOUNDED,
    ),
    attack(
        "20 MB of a table that is skipped",
        lambda: joined(
            _GOOD,
            _table(b"POBS", b"pobs_id a b c d"),
            times(b"%R\t1\tx\tx\tx\tx\n", 20 * _MB),
            _END,
        ),
        _LANDED,
    ),
    attack(
        "WBS elements in a chain of 50,000",
        lambda: joined(
            _GOOD,
            _table(b"PROJWBS", b"wbs_id proj_id parent_wbs_id wbs_name"),
            (b"%%R\t%d\t1\t%d\tx\n" % (number, number + 1) for number in range(1000, 51_000)),
            _END,
        ),
        _BOUNDED,
        most_cpu_per_byte=_CPU_OF_ROWS,
    ),
    attack(
        "a gzip bomb of an XER",
        lambda: gzipped(joined(_GOOD, times(_ONE, 400 * _MB), _END)),
        r"(400|413) .*",
    ),
]
