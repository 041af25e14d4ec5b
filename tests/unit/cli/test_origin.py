"""A command sends its token, and the files, to no other server than that of ``--url``."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from yarl import URL

from service.cli.client import MAX_EMPTY_PAGES, _connection_errors
from tests.support.commands import RunHere
from tests.support.hostile_server import (
    COMMANDS,
    Request,
    envelope,
    head,
    import_row,
    serve_hostile,
)


def redirect(status: int, target: str) -> Iterable[bytes]:
    return [head(status, f"Location: {target}", "Content-Length: 0")]


@pytest.mark.parametrize(
    ("name", "status"),
    [*((name, 302) for name in COMMANDS), *(("upload", status) for status in (301, 303, 307, 308))],
)
def test_no_redirect_is_followed(run: RunHere, name: str, status: int) -> None:
    with (
        serve_hostile(lambda _: [envelope({})]) as other,
        serve_hostile(lambda request: redirect(status, other.base + request.path)) as server,
    ):
        done = run(name, base=server.base)
    assert other.requests == []
    assert done.code == 2
    assert f"redirects to {other.base}" in done.out + done.err


@pytest.mark.parametrize("link", ["{other}/next", "//{netloc}/next", "http://x:y@{own}/next"])
def test_no_link_to_another_server_is_followed(run: RunHere, link: str) -> None:
    def answer(_: Request) -> Iterator[bytes]:
        found = link.format(other=other.base, netloc=other.base[7:], own=server.base[7:])
        yield envelope({"imports": [import_row("B")], "next": found})

    with serve_hostile(lambda _: [envelope({})]) as other, serve_hostile(answer) as server:
        done = run("imports", base=server.base)
    assert other.requests == []
    assert len(server.requests) == 1
    assert done.code == 2
    assert "links to another server" in done.err


def test_a_link_to_the_same_server_is_followed(run: RunHere) -> None:
    def answer(request: Request) -> Iterator[bytes]:
        following = None if "cursor" in request.path else "/api/v2/clients/1/imports?cursor=1"
        yield envelope({"imports": [import_row("B")], "next": following})

    with serve_hostile(answer) as server:
        done = run("imports", base=server.base)
    assert len(server.requests) == 2
    assert done.code == 0


@pytest.mark.parametrize("number", [3, MAX_EMPTY_PAGES + 1])
def test_a_list_continues_after_few_empty_pages(run: RunHere, number: int) -> None:
    def answer(_: Request) -> Iterator[bytes]:
        following = "/api/v2/clients/1/imports" if len(server.requests) < number else None
        yield envelope({"imports": [], "next": following})

    with serve_hostile(answer) as server:
        done = run("imports", base=server.base)
    assert len(server.requests) == number
    assert ("empty pages" in done.err) == (number > MAX_EMPTY_PAGES)


def test_proxies_and_netrc_of_the_environment_are_ignored(
    run: RunHere, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "netrc").write_text("default login someone password hidden\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    with (
        serve_hostile(lambda _: [envelope({})]) as proxy,
        serve_hostile(lambda _: [envelope(None)]) as server,
    ):
        monkeypatch.setenv("http_proxy", proxy.base)
        assert run("cancel", base=server.base).code == 0
    assert proxy.requests == []
    assert b"Authorization: Bearer secret\r\n" in server.requests[0].head


def test_cookies_are_not_sent_back(run: RunHere) -> None:
    def answer(request: Request) -> Iterator[bytes]:
        following = None if "cursor" in request.path else "/api/v2/clients/1/imports?cursor=1"
        body = envelope({"imports": [import_row("B")], "next": following})
        yield body.replace(b"\r\n\r\n", b"\r\nSet-Cookie: a=b; Path=/\r\n\r\n", 1)

    with serve_hostile(answer) as server:
        run("imports", base=server.base.replace("127.0.0.1", "localhost"))
    assert b"Cookie" not in server.requests[1].head


def test_a_reader_of_the_output_that_ends_is_no_fault_of_the_service() -> None:
    with pytest.raises(BrokenPipeError), _connection_errors(URL("http://127.0.0.1:8080")):
        raise BrokenPipeError
