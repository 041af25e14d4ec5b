"""The pieces of an XER file are complete files that have each row of a project once."""

from pathlib import Path

import pytest

from service.cli.upload.splitting import xer_runs, xer_scan
from service.cli.upload.splitting.pieces import Piece
from service.cli.upload.splitting.split_file import split_file
from service.codes import ErrorCode, WarningCode
from tests.support.paths import CHECKOUT, REAL, SHIPPED
from tests.support.pieces import content, of_pieces, of_whole
from tests.support.xer_files import portfolio
from tests.support.xer_fuzzing import damaged

FILES = sorted([CHECKOUT / "samples/p6.xer", *SHIPPED.glob("xer/*"), *REAL.glob("xer/*")])
HEAD = ["ERMHDR\t19.12", "%T\tPROJECT", "%F\tproj_id\tproj_short_name\texport_flag"]
PROJECTS = [*HEAD, "%R\t1\tNORTH\tY", "%R\t2\tSOUTH\tY", "%R\t3\tEAST\tN", "%R\t4\tWEST\tY"]
REST = [
    "%T\tRSRC",
    "%F\trsrc_id\trsrc_name",
    "%R\t31\tMasons",
    "%T\tPOBS",
    "%F\tpobs_id\tproj_id",
    "%R\t5\t2",
    "%T\tNEWTABLE",
    "%F\tnew_id",
    "%R\tunknown",
    "%T\tPROJWBS",
    "%F\tproj_id\tproj_node_flag\twbs_name",
    *(f"%R\t{number}\tY\tPlant {number}" for number in (1, 2, 4)),
    "%T\tTASKMEMO",
    "%F\tmemo_id\ttask_memo\tproj_id",
    "%R\t7\tAll is well.\t2",
    "%R\t8\tMore rock than",
    "%T, as the report of week 3 says\t2",
    "%R\t9\tThe crane\t1",
    "%T\tTASK",
    "%F\tproj_id\ttask_name",
    *(f"%R\t{number}\t{'Survey ' * 60}" for number in (4, 2, 1, 3)),
    "%E",
]


def write(folder: Path, lines: list[str], encoding: str = "utf-8", end: str = "\r\n") -> Path:
    path = folder / "plan.xer"
    path.write_bytes("".join(f"{line}{end}" for line in lines).encode(encoding))
    return path


def lines_of(path: Path, piece: Piece) -> list[bytes]:
    data = content(path, piece)
    assert len(data) == piece.size
    return data.splitlines()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_pieces_have_the_projects_of_the_whole_file(path: Path) -> None:
    split = split_file(path, 1)
    assert of_pieces(path, split) == of_whole(path)
    assert split.duplicates == []


def test_pieces_of_damaged_files_have_the_projects_of_the_whole_files(tmp_path: Path) -> None:
    path = tmp_path / "damaged.xer"
    whole = b"".join(portfolio(projects=4, activities=3))
    number = 0
    for seed in range(60):
        path.write_bytes(damaged(seed, whole))
        split = split_file(path, 1)
        if len(split.pieces) > 1:
            number += 1
            repeated = {each.index for each in split.duplicates}
            expected = [each for each in of_whole(path) if each[-1] not in repeated]
            assert of_pieces(path, split) == expected
    assert number > 10


def test_nodes_of_the_eps_are_counted_as_no_projects(tmp_path: Path) -> None:
    head = [*HEAD[:2], f"{HEAD[2]}\tproject_flag", "%R\t9\tEUROPE\tY\tN"]
    path = write(tmp_path, [*head, *(f"{row}\tY" for row in PROJECTS[3:]), *REST])
    split = split_file(path, 1)
    assert [[*piece.indexes] for piece in split.pieces] == [[0], [1], [2]]
    assert of_pieces(path, split) == of_whole(path)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_piece_has_the_rows_of_its_project_and_all_shared_rows(tmp_path: Path, end: str) -> None:
    path = write(tmp_path, [*PROJECTS, *REST], end=end)
    split = split_file(path, 1)
    whole = path.read_bytes().splitlines()
    pieces = [lines_of(path, piece) for piece in split.pieces]
    assert [[*piece.indexes] for piece in split.pieces] == [[0], [1], [2]]
    assert [piece.next_index for piece in split.pieces] == [1, 2, 3]
    assert [piece.first_line for piece in split.pieces] == [4, 5, 7]
    for place, (number, lines) in enumerate(zip(("1", "2", "4"), pieces, strict=True)):
        numbers = [split.pieces[place].line_in_file(line) for line in range(1, len(lines) + 1)]
        assert lines == [whole[line - 1] for line in numbers]
        text = "\n".join(line.decode() for line in lines)
        assert [mark for mark in ("1", "2", "4") if f"Plant {mark}" in text] == [number]
        assert [each in text for each in ("EAST", "%R\t5", "unknown")] == [place == 0] * 3
        assert ("than\n%T, as the report" in text) == (number == "2")
        assert text.count("Masons") == text.count("ERMHDR") == text.count("%E") == 1
        assert text.count("\n%F\t") == 7


def test_the_pieces_have_at_most_twice_the_size_of_the_file(tmp_path: Path) -> None:
    shared = ["%T\tRSRC", "%F\trsrc_id\trsrc_name", f"%R\t31\t{'Masons ' * 60}"]
    path = write(tmp_path, [*PROJECTS, *shared, *REST])
    pieces = split_file(path, 1).pieces
    assert 1 < len(pieces) < 3
    assert sum(piece.size for piece in pieces) <= 2 * path.stat().st_size


def test_a_repeated_project_is_in_no_piece(tmp_path: Path) -> None:
    lines = [*PROJECTS, "%R\t5\tNORTH \tY", *REST[:-1], "%T\tTASK", "%F\tproj_id\ttask_name"]
    path = write(tmp_path, [*lines, "%R\t5\tTwice", "%E"])
    split = split_file(path, 1)
    (duplicate,) = split.duplicates
    assert (duplicate.index, duplicate.line, duplicate.external_id) == (3, 8, "NORTH")
    assert (duplicate.code, duplicate.extra["first_line"]) == (ErrorCode.DUPLICATE_PROJECT, 4)
    assert split.pieces[-1].next_index == 4
    assert not any(b"Twice" in b"".join(lines_of(path, piece)) for piece in split.pieces)


@pytest.mark.parametrize(
    ("encoding", "named", "expected"),
    [
        ("utf-8", None, None),
        ("utf-8-sig", None, None),
        ("windows-1252", None, "WINDOWS-1252"),
        ("windows-1250", "windows-1250", "windows-1250"),
    ],
)
def test_pieces_have_the_encoding_of_the_whole_file(
    tmp_path: Path, encoding: str, named: str | None, expected: str | None
) -> None:
    path = write(tmp_path, [*PROJECTS, *REST[:-1], "%R\t4\tGerüst", "%E"], encoding)
    split = split_file(path, 1, charset=named)
    assert (len(split.pieces), split.charset) == (3, expected)
    assert [each.code for each in split.warnings] == (
        [WarningCode.ENCODING_ASSUMED] if expected == "WINDOWS-1252" else []
    )


@pytest.mark.parametrize(
    "lines",
    [[*PROJECTS, *REST[:-1]], [*HEAD, *REST], [*HEAD, "%R\t1\tNORTH\tY", *REST], ["ERMHDR"]],
)
def test_a_file_without_end_or_second_project_is_one_piece(
    tmp_path: Path, lines: list[str]
) -> None:
    path = write(tmp_path, lines)
    (piece,) = split_file(path, 1).pieces
    assert piece.is_whole_file
    assert lines_of(path, piece) == path.read_bytes().splitlines()


def test_a_file_in_utf_16_is_one_piece(tmp_path: Path) -> None:
    path = write(tmp_path, [*PROJECTS, *REST], "utf-16")
    assert len(split_file(path, 1).pieces) == 1


@pytest.mark.parametrize(
    ("module", "limit", "value"),
    [
        (xer_runs, "MAX_RUNS", 12),
        (xer_runs, "MAX_SLICES", 12),
        (xer_scan, "MAX_PROJECTS", 3),
        (xer_scan, "MAX_ROW", 400),
        (xer_scan, "MAX_TABLES", 6),
        (xer_scan, "MAX_FILE_COLUMNS", 15),
    ],
)
def test_a_file_beyond_a_limit_is_one_piece(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: object, limit: str, value: int
) -> None:
    path = write(tmp_path, [*PROJECTS, *REST])
    assert len(split_file(path, 1).pieces) == 3
    monkeypatch.setattr(module, limit, value)
    read: list[bytes] = []
    (piece,) = split_file(path, 1, read.append).pieces
    assert (piece.is_whole_file, b"".join(read)) == (True, path.read_bytes())
