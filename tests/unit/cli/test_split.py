"""The readers find the same projects at the same lines in pieces as in the whole file."""

import os
import re
from pathlib import Path

import pytest

from service import samples
from service.cli.upload.splitting.piece_file import PieceFile, read_stamp
from service.cli.upload.splitting.pieces import SplitFile
from service.cli.upload.splitting.split_file import keep_whole, split_file
from service.codes import ErrorCode
from service.errors import FileRefused
from service.model import Project, Refusal
from tests.support.native import EMPTY_FILE, FILE_START
from tests.support.pieces import content, in_file, of_pieces, of_whole, read
from tests.support.real.files import FILES, File


def written(path: Path, dialect: str, projects: int = 12) -> Path:
    path.write_text("".join(samples.write_sample(dialect, projects, 5, 1)), "utf-8")
    return path


@pytest.fixture(params=["native", "mspdi", "p6"])
def sample(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return written(tmp_path / f"{request.param}.xml", request.param)


def test_pieces_hold_the_projects_of_the_whole_file(sample: Path) -> None:
    split = split_file(sample, 1)
    assert len(split.pieces) == 12
    assert of_pieces(sample, split) == of_whole(sample)
    assert [piece.size for piece in split.pieces] == [len(content(sample, p)) for p in split.pieces]


def test_a_piece_has_about_the_requested_size(sample: Path) -> None:
    size = sample.stat().st_size
    assert 3 <= len(split_file(sample, size // 4).pieces) <= 5
    (whole,) = split_file(sample, size).pieces
    assert content(sample, whole) == sample.read_bytes()


@pytest.mark.parametrize("encoding", ["utf-16", "iso-8859-1", "utf-8-sig", "cp1252"])
def test_pieces_keep_the_encoding_of_the_file(tmp_path: Path, encoding: str) -> None:
    text = written(tmp_path / "plain.xml", "native").read_text("utf-8")
    text = text.replace('encoding="UTF-8"', f'encoding="{encoding}"').replace("<name>", "<name>é")
    path = tmp_path / "encoded.xml"
    path.write_bytes(text.encode(encoding, "xmlcharrefreplace"))
    split = split_file(path, 1)
    assert len(split.pieces) == 12
    assert of_pieces(path, split) == of_whole(path)


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.dialect}-{file.name}")
def test_pieces_of_real_files_hold_their_projects(file: File) -> None:
    split = split_file(file.path, 1)
    assert of_pieces(file.path, split) == of_whole(file.path)
    assert split.duplicates == []


def test_a_piece_has_only_the_shared_objects_that_its_projects_refer_to(tmp_path: Path) -> None:
    path = tmp_path / "p6.xml"
    path.write_text(
        "<APIBusinessObjects>\n"
        "<Calendar><ObjectId>1</ObjectId><BaseCalendarObjectId>2</BaseCalendarObjectId></Calendar>"
        "<Calendar><ObjectId>2</ObjectId></Calendar>\n"
        "<Resource><ObjectId>7</ObjectId><Name>Ann</Name></Resource>\n"
        "<ResourceRate><ObjectId>70</ObjectId><ResourceObjectId>7</ResourceObjectId></ResourceRate>"
        "<ResourceRate><ObjectId>80</ObjectId><ResourceObjectId>8</ResourceObjectId></ResourceRate>"
        "<ProjectCode><ObjectId>5</ObjectId></ProjectCode>\n"
        "<ProjectCodeType><ObjectId>4</ObjectId></ProjectCodeType>\n"
        "<Project><Id>A</Id><Name>A</Name><Activity><ObjectId>1</ObjectId>"
        "<CalendarObjectId>1</CalendarObjectId></Activity></Project>\n"
        "<Calendar><ObjectId>3</ObjectId></Calendar>\n"
        "<Project><Id>B</Id><Name>B</Name>"
        "<Code><TypeObjectId>4</TypeObjectId><ValueObjectId>5</ValueObjectId></Code>"
        "<ActivityDefaultCalendarObjectId>3</ActivityDefaultCalendarObjectId>"
        "<ResourceAssignment><ResourceObjectId>7</ResourceObjectId></ResourceAssignment></Project>\n"
        "<Project><Id>C</Id><Name>C</Name>"
        "<ActivityDefaultCalendarObjectId>9</ActivityDefaultCalendarObjectId></Project>\n"
        "<Calendar><ObjectId>9</ObjectId></Calendar>\n"
        "</APIBusinessObjects>\n"
    )
    split = split_file(path, 1)
    texts = [content(path, piece).decode() for piece in split.pieces]
    carried = [
        [number for number in ("1", "2", "3", "9") if f"<Calendar><ObjectId>{number}<" in text]
        for text in texts
    ]
    assert carried == [["1", "2"], ["3"], []]
    assert ["<Name>Ann" in text for text in texts] == [False, True, False]
    assert ["<ObjectId>70<" in text for text in texts] == [False, True, False]
    assert ["<ProjectCodeType>" in text for text in texts] == [False, True, False]
    assert ["<ProjectCode>" in text for text in texts] == [False, True, False]
    assert split.unused == 2
    assert of_pieces(path, split) == of_whole(path)


def test_a_wrapper_around_projects_is_closed_and_opened_again(tmp_path: Path) -> None:
    plan = "<Project xmlns='http://schemas.microsoft.com/project'><Name>{}</Name></Project>"
    path = tmp_path / "wrapped.xml"
    path.write_text(
        "<x:all xmlns:x='urn:x'>\n<some a='>'>\n" + plan.format("A") + "<!-- > -->"
        "\n" + plan.format("B") + "</some>\n<x:other>" + plan.format("C") + "</x:other></x:all>"
    )
    split = split_file(path, 1)
    assert len(split.pieces) == 3
    assert of_pieces(path, split) == of_whole(path)


def test_a_duplicate_project_is_in_no_piece(sample: Path) -> None:
    text = sample.read_text("utf-8")
    found = re.search(r"<project\b.*?</project>", text, re.DOTALL | re.IGNORECASE)
    assert found is not None
    end = text.lower().rindex("</project>") + len("</project>")
    sample.write_text(text[:end] + "\n" + found[0] + text[end:], "utf-8")
    before = of_whole(sample)
    split = split_file(sample, 1)
    assert of_pieces(sample, split) == before[:12]
    (duplicate,) = split.duplicates
    assert (duplicate.index, duplicate.external_id, duplicate.line) == (12, *before[12][::2][:2])
    assert duplicate.extra["first_line"] == before[0][2]
    assert duplicate.code == ErrorCode.DUPLICATE_PROJECT


@pytest.mark.parametrize("cutting", [0.3, 0.7, 0.97])
def test_a_broken_rest_follows_a_complete_project_of_the_last_piece(
    sample: Path, cutting: float
) -> None:
    data = sample.read_bytes()
    sample.write_bytes(data[: int(len(data) * cutting)])
    whole, broken = until_broken(sample.read_bytes())
    split = split_file(sample, 1)
    *before, last = split.pieces
    found, broken_there = until_broken(content(sample, last))
    assert last.indexes
    assert of_pieces(sample, SplitFile(before, [])) + in_file(last, found) == in_file(None, whole)
    assert last.line_in_file(broken_there) == broken


def until_broken(data: bytes) -> tuple[list[Project | Refusal], int]:
    """The projects before the place where a file breaks off, and its line."""
    found: list[Project | Refusal] = []
    with pytest.raises(FileRefused) as broken:
        found.extend(read(data))
    assert broken.value.line is not None
    return found, broken.value.line


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no XML",
        "<other/>",
        "<!DOCTYPE a><a/>",
        EMPTY_FILE,
        FILE_START + "<project id='A'",
    ],
)
def test_a_file_that_cannot_be_split_is_one_piece(tmp_path: Path, text: str) -> None:
    path = tmp_path / "odd.xml"
    path.write_text(text)
    (piece,) = split_file(path, 1).pieces
    assert content(path, piece) == text.encode()


def test_reading_a_piece_of_a_changed_file_fails(sample: Path) -> None:
    (piece,) = keep_whole(sample).pieces
    file = PieceFile(sample, piece, read_stamp(sample))
    os.utime(sample, ns=(0, 0))
    with pytest.raises(OSError, match="was changed"):
        file.read()
    assert file.problem is not None
    file.close()
