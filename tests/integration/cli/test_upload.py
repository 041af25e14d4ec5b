"""Which files the upload command accepts, and what it prints."""

import asyncio
import csv
import gzip
import re
import zipfile
from pathlib import Path
from typing import Any

import pytest

from service import samples
from service.storage import Pool
from tests.support.commands import Commands
from tests.support.native import native, stale_projects
from tests.support.paths import CHECKOUT
from tests.support.real.files import FILES, File
from tests.support.xer_files import xer

PLAN = native(*(f'<project id="P-{n}"><name>{n}</name></project>\n' for n in range(3)))
BAD = PLAN.replace("<name>1</name>", "<name>1</name><priority>x</priority>")
P6 = [file for file in FILES if file.dialect == "p6"]
MSPDI = [file for file in FILES if file.dialect == "mspdi"]


def plan(path: Path, text: str = PLAN) -> Path:
    path.write_text(text, "utf-8")
    return path


def folder(path: Path) -> Path:
    """A folder with three plans in three files."""
    (path / "deep").mkdir()
    a, b, c = (PLAN.replace("P-", f"{name}-") for name in "ABC")
    plan(path / "deep" / "a.xml", a)
    (path / "b.xml.gz").write_bytes(gzip.compress(b.encode()))
    with zipfile.ZipFile(path / "C.ZIP", "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("plan.xml", c)
    plan(path / "old.mpp", "no plan")
    return path


async def test_a_folder_is_one_upload_with_an_outcome_for_each_file(
    run: Commands, tmp_path: Path, pool: Pool
) -> None:
    done = await run.upload(folder(tmp_path))
    assert (done.code, done.err) == (0, "1 other file is left out: old.mpp\n")
    names = [line["file"] for line in done.lines]
    assert names == [str(tmp_path / name) for name in ("C.ZIP", "b.xml.gz", "deep/a.xml")]
    assert [line["counts"]["created"] for line in done.lines] == [3, 3, 3]
    assert [line["bytes_sent"] for line in done.lines] == [line["bytes"] for line in done.lines]
    assert [line["import_ids"] for line in done.lines] == [[1]] * 3
    files = await pool.fetchval("SELECT array_agg(DISTINCT file ORDER BY file) FROM import_results")
    assert [name.removesuffix("/plan.xml") for name in files] == ["C.ZIP", "b.xml.gz", "deep/a.xml"]


async def test_files_that_fail_are_printed_and_the_others_summed_up(
    run: Commands, tmp_path: Path
) -> None:
    files, table = folder(tmp_path), tmp_path / "failures.csv"
    plan(files / "bad.xml", BAD)
    plan(files / "cut.xml", PLAN.replace("P-", "Q-")[:-40])
    plan(files / "foreign.xml", "no XML")
    done = await run("upload", files, files / "old.mpp", "--csv", table)
    assert done.code == 2
    out = done.out.splitlines()
    assert (
        "      1 × VALIDATION_ERROR: priority is not a whole number of at most nine digits" in out
    )
    assert 'Correct priority; the first wrong value is "x".' in done.out
    assert re.search(r"bad\.xml:\d+ \(P-1\)", done.out)
    assert "      1 × MALFORMED_XML: the file ends too early" in out
    for name in ("cut.xml", "foreign.xml", "old.mpp"):
        assert str(files / name) in done.out
    assert str(files / "b.xml.gz") not in done.out
    assert out[-2].startswith("7 files: 3 imported, 2 partial, 2 refused; ")
    assert out[-1] == "  import 1: 13 created, 0 updated, 0 unchanged, 1 failed"
    rows = [*csv.DictReader(table.read_text("utf-8").splitlines())]
    assert [(Path(row["file"]).name, row["kind"]) for row in rows] == [
        ("bad.xml", "project"),
        ("cut.xml", "file"),
        ("foreign.xml", "file"),
        ("old.mpp", "file"),
    ]


async def test_files_that_do_not_fit_in_a_pack_are_several_uploads(
    run: Commands, tmp_path: Path
) -> None:
    files = folder(tmp_path)
    size = sum((files / name).stat().st_size for name in ("C.ZIP", "b.xml.gz"))
    done = await run.upload(files, "--split-size", size)
    assert [line["import_ids"] for line in done.lines] == [[1], [1], [2]]


async def test_an_atomic_upload_imports_all_files_or_none(
    run: Commands, tmp_path: Path, pool: Pool
) -> None:
    files = folder(tmp_path)
    plan(files / "z.xml", BAD)
    done = await run.upload(files, "--atomic")
    assert done.code == 1
    assert [line["counts"]["failed"] for line in done.lines] == [3, 3, 3, 3]
    (files / "z.xml").unlink()
    (files / "z.xml").symlink_to("nowhere")
    done = await run.upload(files, "--atomic")
    assert [line["status"] for line in done.lines] == ["refused"] * 4
    assert "z.xml cannot be read" in done.lines[0]["refusals"][0]
    assert await pool.fetchval("SELECT count(*) FROM imports") == 1
    done = await run.upload(files)
    assert [line["status"] for line in done.lines] == ["success"] * 3 + ["refused"]
    assert await pool.fetchval("SELECT count(*) FROM projects") == 9


async def test_a_compressed_file_is_sent_whole(run: Commands, tmp_path: Path) -> None:
    done = await run.upload(folder(tmp_path), "--split-size", 1)
    assert [line["pieces"] for line in done.lines] == [1, 1, 3]
    assert done.code == 0


@pytest.mark.parametrize(
    ("dialect", "number"), [("native", 20), ("mspdi", 20), ("p6", 20), ("xer", 10)]
)
async def test_pieces_import_the_same_projects_as_the_whole_file(
    run: Commands, tmp_path: Path, dialect: str, number: int
) -> None:
    file = plan(tmp_path / "plan.xml", "".join(samples.write_sample(dialect, 20, 5, 1)))
    whole = await run.upload(file)
    pieces = await run.upload(file, "--split-size", 1)
    again = await run.upload(file)
    assert whole.told["counts"]["created"] == 20
    assert pieces.told["pieces"] == number
    assert pieces.told["counts"]["unchanged"] == again.told["counts"]["unchanged"] == 20


@pytest.mark.parametrize("file", P6, ids=lambda file: file.name)
async def test_pieces_of_a_real_portfolio_import_the_same_projects(
    run: Commands, file: File, pool: Pool
) -> None:
    pieces = await run.upload(file.path, "--split-size", 200_000)
    assert pieces.code == 0
    whole = await run.upload(file.path)
    assert whole.told["counts"] == pieces.told["counts"] | {
        "created": 0,
        "unchanged": pieces.told["counts"]["created"],
    }
    assert whole.told["file_warnings"] == pieces.told["file_warnings"]


async def test_pieces_of_an_xer_file_keep_its_encoding_lines_and_warnings(
    run: Commands, tmp_path: Path
) -> None:
    """The first project alone would be taken for UTF-8, and two repeat another."""
    projects = [{"proj_id": n, "proj_short_name": f"P-{(n + 1) // 2}"} for n in range(1, 6)]
    tasks = [
        {"task_id": 10 * n, "proj_id": n, "task_code": "A", "task_name": "Rohr" * 99}
        for n in range(1, 6)
    ]
    names = [
        {"wbs_id": n, "proj_id": n, "proj_node_flag": "Y", "wbs_name": name}
        for n, name in enumerate(("\u00c3\u00a9", "b", "c", "d", "\u00e9"), 1)
    ]
    data = xer({"PROJECT": projects, "PROJWBS": names, "TASK": tasks}, encoding="cp1252")
    data = data.replace(b"%R\t50\t5\tA\t", b"%R\t50\t5\tA\tmore\t")
    file = tmp_path / "plans.xer"
    file.write_bytes(data)
    pieces = await run.upload(file, "--split-size", 1)
    whole = await run.upload(file)
    assert (pieces.told["pieces"], pieces.told["counts"]["created"]) == (3, 3)
    assert whole.told["counts"] == {"created": 0, "updated": 0, "unchanged": 3, "failed": 2}
    assert whole.told["failures"] == pieces.told["failures"]
    by_code = [
        sorted((each["code"], each["message"]) for each in told.told["file_warnings"])
        for told in (whole, pieces)
    ]
    assert [code for code, _ in by_code[0]] == ["ENCODING_ASSUMED", "ROWS_IRREGULAR"]
    assert by_code[0] == by_code[1]


async def test_the_charset_applies_to_xer_files_only(
    run: Commands, tmp_path: Path, pool: Pool
) -> None:
    project = {"proj_id": 1, "proj_short_name": "\u043c\u043e\u0441\u0442"}
    (tmp_path / "a.xer").write_bytes(xer({"PROJECT": [project]}, encoding="cp1251"))
    plan(tmp_path / "b.xml", PLAN.replace(">1<", ">Br\u00fccke<"))
    done = await run.upload(tmp_path, "--charset", "cp1251")
    assert [line["counts"]["created"] for line in done.lines] == [1, 3]
    assert all(line["file_warnings"] == [] for line in done.lines)
    names = await pool.fetch("SELECT name FROM current_projects ORDER BY name")
    assert [row["name"] for row in names] == ["0", "2", "Br\u00fccke", "\u043c\u043e\u0441\u0442"]
    (tmp_path / "c.zip").write_bytes(b"")
    done = await run.upload(tmp_path, "--charset", "cp1251")
    assert "does not apply to the files in a ZIP" in done.err
    done = await run.upload(tmp_path / "c.zip", "--charset", "cp1251")
    assert "end in .xer or .xer.gz, and there are none" in done.err


async def test_pieces_of_wrapped_real_plans_import_the_same_projects(
    run: Commands, tmp_path: Path
) -> None:
    file = tmp_path / "plans.xml"
    wrap(file, MSPDI)
    pieces = await run.upload(file, "--split-size", 1)
    whole = await run.upload(file)
    created, failed = (pieces.told["counts"][name] for name in ("created", "failed"))
    assert pieces.told["pieces"] > 0 < created
    assert whole.told["counts"] == {"created": 0, "updated": 0, "unchanged": created} | {
        "failed": failed
    }
    assert by_index(whole.told["failures"]) == by_index(pieces.told["failures"])


def by_index(failures: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Failures in the file's order: duplicates are found before anything is sent."""
    return sorted(failures, key=lambda each: each["index"])


def wrap(path: Path, files: list[File]) -> None:
    """Plans of any encoding in one wrapper; some have the name of another."""
    texts = []
    for file in files:
        data = file.content
        utf_16 = data[:2] in (b"\xff\xfe", b"\xfe\xff")
        text = data.decode("utf-16" if utf_16 else "utf-8-sig", "replace")
        texts.append(text[text.index("<Project") :])
    path.write_text("<Projects>\n" + "\n".join(texts) + "</Projects>\n", "utf-8")


async def test_duplicates_across_pieces_name_the_first_line(
    run: Commands, tmp_path: Path, pool: Pool
) -> None:
    text = PLAN.replace('id="P-2"', 'id="P-0"')
    file = plan(tmp_path / "twice.xml", text)
    pieces = await run.upload(file, "--split-size", 1)
    assert pieces.code == 1
    whole = await run.upload(file)
    assert pieces.told["failures"] == whole.told["failures"]
    assert pieces.told["failures"][0]["first_line"] == 1
    assert await pool.fetchval("SELECT count(*) FROM current_projects") == 2


async def test_failures_of_pieces_have_the_lines_of_the_file(run: Commands, tmp_path: Path) -> None:
    file = plan(tmp_path / "bad.xml", BAD)
    pieces = await run.upload(file, "--split-size", 1)
    whole = await run.upload(file)
    assert pieces.told["failures"] == whole.told["failures"]
    assert pieces.told["failures"][0]["violations"][0]["line"] == 2


async def test_projects_before_a_syntax_error_are_imported_from_pieces(
    run: Commands, tmp_path: Path
) -> None:
    file = plan(tmp_path / "cut.xml", PLAN[: PLAN.index("<name>2")])
    pieces = await run.upload(file, "--split-size", 1)
    assert (pieces.code, pieces.told["counts"]["created"]) == (1, 2)
    whole = await run.upload(file)
    ((ours,), (theirs,)) = pieces.told["failures"], whole.told["failures"]
    assert ours == theirs
    assert ours["error"] == "MALFORMED_XML"


async def test_a_refusal_of_a_piece_names_the_line_where_the_piece_begins(
    run: Commands, tmp_path: Path
) -> None:
    deep = f"<description>{'<a>' * 300}{'</a>' * 300}</description>"
    file = plan(tmp_path / "deep.xml", PLAN.replace("<name>1</name>", f"<name>1</name>{deep}"))
    done = await run.upload(file, "--split-size", 1)
    assert (done.code, done.told["status"], done.told["counts"]["created"]) == (2, "refused", 1)
    assert "400 Invalid request" in done.told["refusals"][0]
    assert "piece from line 2 on" in done.told["refusals"][0]


async def test_upload_sends_options_and_notes(run: Commands, tmp_path: Path, pool: Pool) -> None:
    file = plan(tmp_path / "bad.xml", BAD)
    done = await run.upload(file, "--atomic", "--notes", "nightly")
    assert [each["error"] for each in done.told["failures"]].count("NOT_IMPORTED") == 2
    done = await run.upload(file, "--dry-run")
    assert done.told["message"] == "Dry run: 2 of 3 projects would be imported"
    done = await run.upload(file, "--mode", "update", "--if-newer")
    assert "UNKNOWN_PROJECT" in [each["error"] for each in done.told["failures"]]
    assert await pool.fetchval("SELECT count(*) FROM projects") == 0
    assert await pool.fetchval("SELECT notes FROM imports ORDER BY import_id LIMIT 1") == "nightly"
    newest = "SELECT options FROM imports ORDER BY import_id DESC LIMIT 1"
    assert (await pool.fetchval(newest))["if_newer"] is True


async def test_upload_continues_after_a_refused_file(run: Commands, tmp_path: Path) -> None:
    bad, good = plan(tmp_path / "a.xml", "no XML"), plan(tmp_path / "b.xml")
    done = await run.upload(tmp_path)
    assert done.code == 2
    assert [line["file"] for line in done.lines] == [str(bad), str(good)]
    assert [line["status"] for line in done.lines] == ["refused", "success"]
    assert "XML" in done.lines[0]["refusals"][0]


async def test_locks_on_all_projects_are_failures_and_no_refusal(
    run: Commands, tmp_path: Path, pool: Pool
) -> None:
    file = plan(tmp_path / "plan.xml")
    await run.upload(file)
    await pool.execute(
        "INSERT INTO project_locks (client_id, project_id, holder, expires_at) "
        "SELECT client_id, project_id, 'bob', now() + interval '1 hour' FROM projects"
    )
    plan(file, PLAN.replace("<name>", "<name>new "))
    done = await run.upload(file)
    assert (done.code, done.told["counts"]["failed"]) == (1, 3)
    assert {each["error"] for each in done.told["failures"]} == {"LOCKING_CONFLICT"}


async def test_conflicts_beyond_the_first_1000_are_read_from_the_results(
    run: Commands, tmp_path: Path
) -> None:
    file, table = tmp_path / "stale.xml", tmp_path / "failures.csv"
    file.write_bytes(stale_projects(1102))
    done = await run.upload(file, "--csv", table)
    assert (done.code, done.told["counts"]["failed"]) == (1, 1102)
    assert (len(done.told["failures"]), done.told["failures_omitted"]) == (1000, 102)
    assert indexes(table) == [*range(1102)]
    done = await run.upload(file, "--csv", table, scope="projects:import")
    assert (done.code, done.told["counts"]["failed"]) == (1, 1102)
    assert indexes(table) == [*range(1000)]
    assert "lists 1000 of 1102 failures, and the token may not read the others" in done.err


def indexes(table: Path) -> list[int]:
    return [int(row["index"]) for row in csv.DictReader(table.read_text("utf-8").splitlines())]


async def test_failures_with_one_cause_are_one_line(run: Commands, tmp_path: Path) -> None:
    many = native(*('<project id="x"/>' for _ in range(30)))
    done = await run("upload", plan(tmp_path / "many.xml", many))
    assert done.code == 1
    assert "30 failed" in done.out
    assert "     29 × DUPLICATE_PROJECT: an earlier project" in done.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["missing.xml"], "missing.xml: there is no such file"),
        ([CHECKOUT / "samples" / "native.xml", "--split", "--atomic"], "exclude each other"),
        ([CHECKOUT / "samples", "--key", "k", "--split-size", 1], "for one upload, and these"),
        ([CHECKOUT / "samples" / "native.xml", "--key", "é"], "printable ASCII"),
        ([CHECKOUT / "sql"], "there is no .xml"),
        ([CHECKOUT / "samples", "--csv", "/nowhere/f.csv"], "/nowhere/f.csv cannot be written"),
        ([CHECKOUT / "samples" / "native.xml", "--token", "x"], "401 Authentication failed"),
    ],
)
async def test_an_upload_that_cannot_start_prints_one_line(
    run: Commands, arguments: list[object], message: str
) -> None:
    done = await run("upload", *arguments)
    assert done.code == 2
    assert message in done.err + done.out


async def test_an_answer_of_another_program_ends_the_upload_at_once(
    run: Commands, tmp_path: Path
) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 413 Too Large\r\nContent-Length: 4\r\n\r\nhtml")
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as other:
        port = other.sockets[0].getsockname()[1]
        done = await run.upload(plan(tmp_path / "a.xml"), base=f"http://127.0.0.1:{port}")
    assert (done.code, done.told["status"]) == (2, "unsent")
    assert "413 Too Large" in done.told["refusals"][0]
