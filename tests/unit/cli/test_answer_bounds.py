"""Memory, time and addresses of a command do not depend on what a server answers."""

import ctypes
import itertools
import json
import re
import threading
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.support.commands import RunHere
from tests.support.hostile_server import Request, head, import_row, serve_hostile

MIB: Final = 1024 * 1024
MOST: Final = 64 * MIB
SIZE: Final = 200 * MIB
"""Bytes of an answer that the command should not read to its end."""
LETTERS: Final = b"x" * MIB
ITEM: Final = {"index": 0, "external_id": "A", "name": "n", "line": 1}

Answer = Callable[[Request], Iterable[bytes]]


def repeat(block: bytes, size: int = SIZE) -> Iterator[bytes]:
    """Repeat a block, a MiB at a time."""
    block *= min(size, MIB) // len(block)
    return itertools.repeat(block, size // len(block))


def value(*blocks: Iterable[bytes]) -> Answer:
    """Answer with an item of a list that consists of these blocks."""

    def answer(_: Request) -> Iterator[bytes]:
        yield head(200) + b'{"message":"x","details":{"imports":[{"notes":'
        yield from itertools.chain(*blocks)

    return answer


def compressed(_: Request) -> Iterator[bytes]:
    """Answer with a gzip of 100 MiB in 0.1 MiB."""
    packer = zlib.compressobj(wbits=31)
    yield head(200, "Content-Encoding: gzip") + packer.compress(b'{"message":"')
    yield from (packer.compress(LETTERS) for _ in range(100))
    yield packer.flush()


def chunked(_: Request) -> Iterator[bytes]:
    """Answer in chunks that do not end."""
    yield head(200, "Transfer-Encoding: chunked") + b'b\r\n{"message":\r\n'
    yield from itertools.repeat(b"100000\r\n" + LETTERS + b"\r\n", 200)


def of_items(status: int, name: str, item: object, number: int) -> Answer:
    """Answer with a list in which one item is repeated, with another index."""

    def answer(_: Request) -> Iterator[bytes]:
        yield (
            head(status) + b'{"import_id":1,"counts":{"failed":0},"details":{"%b":[' % name.encode()
        )
        text = json.dumps(item)
        for index in range(number):
            yield text.replace('"index": 0', f'"index": {index}').encode() + b","
        yield text.encode() + b'],"next":null},"complete":true}'

    return answer


LARGE: Final = "y" * (2 * MIB)
WARNING: Final = {"line": 1, "code": "A", "element": "e", "value": LARGE}


@pytest.mark.parametrize(
    ("name", "answer", "words"),
    [
        ("cancel", value([b'"'], repeat(b"x")), "more than 4194304 characters"),
        ("cancel", value(repeat(b"[],")), "more than 200000 members"),
        ("cancel", value([b"[" * MIB]), "cannot be read"),
        ("cancel", value([b"9" * MIB]), "cannot be read"),
        ("cancel", value(repeat(b" ")), "more than 4194304 characters"),
        ("imports", value([b'"'], repeat(b"x")), "more than 4194304 characters"),
        ("imports", value([b"["], repeat(b"[],")), "more than 200000 members"),
        ("imports", value([b"[" * MIB]), "cannot be read"),
        ("imports", compressed, "characters"),
        ("imports", chunked, "characters"),
        ("imports", lambda _: [head(200)[:-2], b"X: ", *repeat(b"x")], "the connection"),
        ("imports", lambda _: [head(200)[:-2], *repeat(b"X: y\r\n")], "the connection"),
        (
            "imports",
            lambda _: repeat(b"HTTP/1.1 100 Continue\r\n\r\n", MIB // 16),
            "the connection",
        ),
        ("imports", of_items(200, "imports", import_row("y" * MIB), 40), ""),
        ("undo", of_items(207, "errors", ITEM | {"error": "E", "message": LARGE}, 40), ""),
        (
            "undo",
            of_items(207, "successes", ITEM | {"warnings": {"count": 1, "first": [WARNING]}}, 40),
            "",
        ),
        ("undo", of_items(207, "warnings", {"code": "A", "message": LARGE}, 40), ""),
    ],
)
def test_memory_does_not_depend_on_the_answer(
    run: RunHere, name: str, answer: Answer, words: str
) -> None:
    with serve_hostile(answer) as server:
        before = start_peak()
        done = run(name, base=server.base)
        peak = read_status("VmHWM")
    assert peak - before < MOST
    assert words in done.err
    assert len(done.out + done.err) < 200_000


def start_peak() -> int:
    """Let the peak of the process's memory begin again, and return its memory."""
    ctypes.CDLL(None).malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")
    return read_status("VmRSS")


def read_status(name: str) -> int:
    found = re.search(rf"^{name}:\s+(\d+) kB$", Path("/proc/self/status").read_text(), re.M)
    assert found is not None
    return 1024 * int(found[1])


@pytest.mark.parametrize(
    ("name", "module", "begun", "more"),
    [
        ("cancel", "client", head(200), b" "),
        ("undo", "response", head(400), b" "),
        ("export", "client", head(200)[:-2], b"X: y\r\n"),
    ],
)
def test_an_answer_that_drips_is_given_up(
    run: RunHere, monkeypatch: pytest.MonkeyPatch, name: str, module: str, begun: bytes, more: bytes
) -> None:
    monkeypatch.setattr(f"service.cli.{module}.ANSWER_TIMEOUT", 0.3)
    stop = threading.Event()

    def answer(_: Request) -> Iterator[bytes]:
        yield begun
        while not stop.wait(0.05):
            yield more

    with serve_hostile(answer) as server:
        done = run(name, base=server.base)
        stop.set()
    assert done.code == 2
    assert "no answer" in done.err
