"""Which files go into one upload, under which names, and whose outcomes are whose."""

import os
import zipfile
from pathlib import Path
from typing import Any

import pytest

from service.cli.output import CommandError
from service.cli.upload.find import describe_left_out, find_files
from service.cli.upload.packs import MAX_FILES, PackFile, count_members, make_packs
from service.cli.upload.report import KEPT_SIZE, EndedImport, FileReport, Room
from service.cli.upload.sinks import PackReport
from service.cli.upload.splitting.piece_file import FileStamp
from service.model import FileCounts


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("x/b.xml", "x/deep/a.XML.gz", "x/old.mpp", "x/.hidden", "y/b.xml", "y/C.ZIP"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    (tmp_path / "y" / "folder.xml").mkdir()
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        (["x/b.xml"], ["b.xml"]),
        (["x"], ["b.xml", "deep/a.XML.gz"]),
        (["x/b.xml", "y/b.xml"], ["x/b.xml", "y/b.xml"]),
        (["y", "x"], ["y/C.ZIP", "y/b.xml", "x/b.xml", "x/deep/a.XML.gz"]),
        (["x/b.xml", "x", "x/../x/b.xml"], ["b.xml", "deep/a.XML.gz"]),
        (["y/../x/old.mpp"], ["old.mpp"]),
    ],
)
@pytest.mark.usefixtures("folder")
def test_a_file_is_named_by_its_path_in_the_folder(arguments: list[str], names: list[str]) -> None:
    found = find_files([*map(Path, arguments)])
    assert [file.name for file in found.files] == names
    assert all(file.path.is_file() for file in found.files)


def test_names_have_no_control_characters(tmp_path: Path) -> None:
    for name in (b"a\r\n\x1b\xff.xml", b"b\\c.xml", b"b\\c\n.xml"):
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name)).write_text("")
    names = [file.name for file in find_files([tmp_path]).files]
    assert names == ["a\N{REPLACEMENT CHARACTER}.xml", "b/c.xml", "2~b/c.xml"]


def test_files_that_are_left_out_are_named_if_they_are_few(folder: Path) -> None:
    found = find_files([folder])
    assert describe_left_out(found.left_out) == "1 other file is left out: old.mpp"
    assert find_files([folder, folder / "x/old.mpp"]).left_out == []
    many = [Path(f"{n}.PDF") for n in range(9)] + [Path("a.mpp"), Path("README")]
    expected = "11 other files are left out: 9 .pdf, 1 .mpp, 1 without ending"
    assert describe_left_out(many) == expected
    for path in (folder / "x").rglob("*.[Xx]*"):
        path.unlink()
    with pytest.raises(CommandError, match=r"no \.xml, .* in this folder; 1 other .*: old\.mpp"):
        find_files([folder / "x"])


@pytest.mark.parametrize(
    ("files", "one", "packs"),
    [
        ([], False, []),
        ([("a", 9)], False, ["a"]),
        ([("a", 4), ("b", 6), ("c", 1)], False, ["ab", "c"]),
        ([("a", 1), ("b", 99), ("c", 1), ("d", 9)], False, ["a", "b", "cd"]),
        ([("a", 99), ("b", 99), ("c", 1)], True, ["abc"]),
    ],
)
def test_a_pack_has_a_limited_size(
    files: list[tuple[str, int]], one: bool, packs: list[str]
) -> None:
    given = [PackFile(Path(name), name, FileStamp(size, 0)) for name, size in files]
    made = ["".join(each.name for each in pack.files) for pack in make_packs(given, 10, one=one)]
    assert made == packs


def test_a_pack_has_a_limited_number_of_files_and_members(tmp_path: Path) -> None:
    archive = tmp_path / "a.zip"
    with zipfile.ZipFile(archive, "w") as made:
        made.comment = b"PK"
        for number in range(MAX_FILES - 1):
            made.writestr(f"{number}.xml", b"")
    assert count_members(archive) == MAX_FILES - 1
    stamp = FileStamp(1, 0)
    plain = [PackFile(Path("a.xml"), str(n), stamp) for n in range(MAX_FILES + 1)]
    files = [PackFile(archive, "a.zip", stamp), *plain]
    assert [len(pack.files) for pack in make_packs(files, 10**9)] == [2, MAX_FILES]
    archive.write_bytes(b"no archive")
    assert count_members(archive) == count_members(tmp_path / "none.zip") == 1


def outcome(index: int, file: str | None, **members: Any) -> dict[str, Any]:
    common = {"index": index, "file": file, "external_id": "A", "name": None, "line": 1}
    return common | members


def failure(index: int, file: str | None, **members: Any) -> dict[str, Any]:
    return outcome(index, file, error="E", message="m") | {"kind": "project"} | members


def make_report() -> tuple[PackReport, dict[str, FileReport], FileReport]:
    room = Room()
    files = {
        name: FileReport(f"/plans/{name}", name=name, room=room)
        for name in ("a.xml", "b.xml", "c.zip", "d.mpp")
    }
    rest = FileReport("a.xml and 3 more", room=room)
    return PackReport("a.xml and 3 more", files, rest, room), files, rest


def test_each_file_of_a_pack_has_its_own_outcomes() -> None:
    into, files, rest = make_report()
    for _ in range(2):  # the second time after a response that broke off
        into.add_success(outcome(0, "a.xml", outcome="created"))
        into.add_success(outcome(4, "c.zip/deep/x.xml", outcome="updated"))
        into.add_failure(failure(1, "b.xml"))
        into.add_failure(failure(2, "b.xml", kind="file"))
        into.add_failure(failure(3, "c.zip/y.xml", kind="file", message="broken"))
        into.add_failure(failure(5, "d.mpp", kind="file", message="no XML"))
    counts = {"created": 1, "updated": 1, "failed": 1}
    into.add_import(EndedImport(7, counts, FileCounts(2, 3)))
    assert [(report.status, report.exit_code) for report in files.values()] == [
        ("success", 0),
        ("error", 1),
        ("partial", 1),
        ("refused", 2),
    ]
    assert files["c.zip"].counts["updated"] == 1
    assert files["c.zip"].to_json()["failures"][0]["file"] == "/plans/c.zip/y.xml"
    assert files["d.mpp"].to_json()["refusals"] == ["line 1: no XML"]
    assert [report.imports for report in files.values()] == [[7]] * 4
    assert rest.is_empty


def test_what_the_service_reports_about_no_file_of_the_pack_is_not_lost() -> None:
    into, _, rest = make_report()
    into.add_failure(failure(0, None))
    into.add_failure(failure(1, "other.xml"))
    into.add_file_warning({"code": "PART_IGNORED", "message": "m"})
    into.add_import(EndedImport(7, {"created": 0, "failed": 12}, FileCounts(4, 0)))
    assert (rest.counts["failed"], len(rest.failures), len(rest.file_warnings)) == (12, 2, 1)


def test_the_files_of_a_pack_share_the_room_for_failures() -> None:
    into, files, _ = make_report()
    text = "x" * (KEPT_SIZE // 10)
    for index in range(20):
        into.add_failure(failure(index, ("a.xml", "b.xml")[index % 2], message=text))
    kept = [len(files[name].failures) for name in ("a.xml", "b.xml")]
    assert sum(kept) <= 10
    assert [files[name].counts["failed"] for name in ("a.xml", "b.xml")] == [10, 10]


def test_a_file_of_which_the_service_reports_nothing_is_refused() -> None:
    into, files, _ = make_report()
    into.add_success(outcome(0, "a.xml", outcome="created"))
    into.add_import(EndedImport(7, {"created": 1}, FileCounts(1, 0)))
    assert [report.exit_code for report in files.values()] == [0, 2, 2, 2]
    assert "did not read it" in files["b.xml"].refusals[0]
