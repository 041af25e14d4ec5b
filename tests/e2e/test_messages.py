"""What a person reads after a wrong use: what is wrong, where, and what to do.

``pytest -s`` prints each use and its message.
"""

import shlex
import subprocess
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import jwt
import pytest

from tests.support.command_line import CommandLine
from tests.support.databases import as_role
from tests.support.native import native

USES: Final = Path(__file__).parents[1] / "data" / "wrong_uses.txt"
PLAN: Final = '<project id="P-1"><name>One</name></project>'
FILES: Final[Mapping[str, bytes]] = {
    "plan.xml": native(PLAN).encode(),
    "second.xml": native(PLAN.replace("P-1", "P-2")).encode(),
    "half.xml": native(PLAN).encode()[:60],
    "large.xml": native(f"<!-- {'x' * 70_000} -->", PLAN).encode(),
    "other.xml": b"<invoices><invoice/></invoices>",
    "empty.xml": b"",
    "plan.csv": b"id,name\n1,One\n",
    "plan.mpp": bytes.fromhex("d0cf11e0a1b11ae1") + bytes(600),
    "plan.xer": b"ERMHDR\t19.12\t2020-01-01\tProject\tadmin\r\n%T\tPROJECT\r\n",
    "plan.pdf": b"%PDF-1.7\n",
    "broken.xml.gz": bytes.fromhex("1f8b0800000000000003") + b"no deflate",
    "none/notes.txt": b"nothing",
    "short/jwt-secret": b"short",
}
SECRET: Final = "the secret of this data directory, long enough for HS512 as well."
TOKENS: Final[Mapping[str, Mapping[str, Any]]] = {
    "good": {},
    "expired": {"exp": 1},
    "reading": {"scope": "projects:read"},
    "other_client": {"clients": [2]},
    "every": {"clients": "*"},
    "undo": {"scope": "projects:read projects:undo"},
    "foreign": {"key": "the secret of another data directory"},
    "other_algorithm": {"algorithm": "HS512"},
}


def write_files(folder: Path) -> None:
    for name, data in FILES.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(data)
    with zipfile.ZipFile(folder / "plan.xlsx", "w") as book:
        book.writestr("[Content_Types].xml", "<Types/>")
        book.writestr("xl/workbook.xml", "<workbook/>")
    with zipfile.ZipFile(folder / "locked.zip", "w") as archive:
        archive.writestr("plan.xml", FILES["plan.xml"])
    locked = bytearray((folder / "locked.zip").read_bytes())
    for signature, flags in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        locked[locked.index(signature) + flags] |= 1  # encrypted
    (folder / "locked.zip").write_bytes(locked)


def write_tokens(folder: Path) -> Iterator[tuple[str, str]]:
    """Write a header with each token, and yield the names and values for the uses."""
    for name, changed in TOKENS.items():
        claims: dict[str, Any] = {
            "sub": "me",
            "clients": [1],
            "scope": "projects:import projects:read",
        }
        claims |= {"exp": 4_000_000_000, **changed}
        key, algorithm = claims.pop("key", SECRET), claims.pop("algorithm", "HS256")
        token = jwt.encode(claims, key, algorithm)
        (folder / name).write_text(f"Authorization: Bearer {token}")
        yield name, str(folder / name)
        yield f"token_{name}", token


@pytest.fixture
def values(joined: CommandLine, server: str, tmp_path: Path) -> Iterator[dict[str, str]]:
    """Serve, and return what the uses need."""
    folder = tmp_path / "files"
    folder.mkdir()
    write_files(folder)
    (Path(joined.environment["BULK_IMPORT_DATA_DIR"]) / "jwt-secret").write_text(SECRET)
    joined.ok("client", "add", 2, "--name", "Gone")
    joined.ok("client", "disable", 2)
    values = {"dir": str(folder), "dsn": server, "wrong_role": as_role(server, "nobody:wrong")}
    values |= write_tokens(folder)
    for name, database in (("empty", "/template1"), ("no_database", "/nothere")):
        values[name] = urlsplit(server)._replace(path=database).geturl()
    with joined.serving(BULK_IMPORT_MAX_UPLOAD_BYTES="70000") as base:
        values |= {"base": base, "address": base.removeprefix("http://")}
        values |= {"port": base.rpartition(":")[2]}
        values["bulk"] = f"{base}/api/v2/clients/1/projects/bulk"
        first = "curl -H @{good} -H 'Idempotency-Key: used' -F file=@{dir}/plan.xml {bulk}"
        assert use(joined, first, values)[0] == 207
        yield values


def use(cli: CommandLine, line: str, values: Mapping[str, str]) -> tuple[int, str]:
    """Return the HTTP status or the exit code, and what a person reads."""
    words = shlex.split(line.format(**values))
    settings = {}
    while "=" in words[0]:
        name, _, settings[name] = words.pop(0).partition("=")
    program, *arguments = words
    if program == "bulk-import":
        done = cli(*arguments, **settings)
        return done.returncode, done.stdout + done.stderr
    curl = ["curl", "-sS", "-m", "10", "-w", "\n%{http_code}", *arguments]
    body, _, status = subprocess.check_output(curl, text=True).rpartition("\n")
    return int(status), body


def test_a_message_names_what_is_wrong_and_what_to_do(
    joined: CommandLine, values: dict[str, str], subtests: pytest.Subtests
) -> None:
    paragraphs = [each.split("\n") for each in USES.read_text("utf-8").strip().split("\n\n")[1:]]
    for title, line, expected in paragraphs:
        with subtests.test(title):
            code, message = use(joined, line.removeprefix("$ "), values)
            print(f"## {title}\n{line}\n{code}: {message}")
            status, _, names = expected.partition(" ")
            assert code == int(status), message
            for name in names.split(" ; "):
                assert name.format(**values) in message
            assert "Traceback" not in message
