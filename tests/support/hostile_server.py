"""A server that answers with whatever a test chooses, whether or not it is HTTP."""

import contextlib
import json
import socketserver
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

ACTIVE: Final = "\x1b]0;x\x07\x1b[2J\x9b1m\x7f\u202e\u2066\u200f\u061c\u2028\r\n\tz"
"""Characters that a terminal may obey."""
COMMANDS: Final[dict[str, Sequence[str]]] = {
    "imports": (),
    "projects": (),
    "compare": ("1", "1", "2"),
    "checks": ("1",),
    "watch": ("1",),
    "undo": ("1",),
    "cancel": ("1",),
    "unlock": ("1",),
    "label": ("1", "1", "Approved"),
    "export": ("--external-id", "A" + ACTIVE),
    "upload": ("FILE",),
}
"""Commands that use a server, and their arguments."""


@dataclass(frozen=True)
class Request:
    """The head of a request, as it was sent."""

    method: str
    path: str
    head: bytes

    @property
    def resource(self) -> str:
        """The path below the client, without the query."""
        return self.path.partition("?")[0].removeprefix("/api/v2/clients/1/")


@dataclass
class HostileServer:
    """A server on a free port of 127.0.0.1; see ``serve_hostile``."""

    base: str
    requests: list[Request] = field(default_factory=list)


@contextlib.contextmanager
def serve_hostile(answer: Callable[[Request], Iterable[bytes]]) -> Iterator[HostileServer]:
    """Answer each connection's first request, until the block ends.

    Args:
        answer: yields the blocks of an answer; then the connection ends.
    """

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            with contextlib.suppress(OSError):
                head = b""
                while not head.endswith(b"\r\n\r\n"):
                    if not (line := self.rfile.readline()):
                        return
                    head += line
                method, path, _ = head.decode("latin-1").split(" ", 2)
                request = Request(method, path, head)
                server.requests.append(request)
                for block in answer(request):
                    self.connection.sendall(block)

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        block_on_close = False

    with Server(("127.0.0.1", 0), Handler) as listener:
        server = HostileServer(f"http://127.0.0.1:{listener.server_address[1]}")
        threading.Thread(target=listener.serve_forever, args=(0.01,), daemon=True).start()
        try:
            yield server
        finally:
            listener.shutdown()


def head(status: int, *lines: str) -> bytes:
    """The head of an answer that ends with the connection."""
    return "\r\n".join([f"HTTP/1.1 {status} X", "Connection: close", *lines, "", ""]).encode()


def envelope(details: Any, status: int = 200, **members: Any) -> bytes:
    """A complete answer of the API."""
    body = {"status": "success", "code": status, "message": "Done", "details": details} | members
    return head(status, "Content-Type: application/json") + json.dumps(body).encode()


def import_row(text: str | None = None, **members: Any) -> Mapping[str, Any]:
    """An import that has ended, with a text wherever it can have one."""
    return {
        "import_id": 1,
        "state": "completed",
        "filename": text,
        "started_at": text,
        "subject": text,
        "notes": text,
        "cause": text,
        "idempotency_key": text,
        "counts": {"created": 1, "failed": 1, text or "x": 1},
        "projects_done": 1,
        "bytes_read": 1,
        "options": {},
        "warnings": [{"code": text or "x", "message": text, "count": 1}],
        **members,
    }


def outcomes(text: str) -> Mapping[str, list[Mapping[str, Any]]]:
    """The outcomes of an import, with a text wherever they can have one."""
    item = {"index": 0, "external_id": text, "name": text, "file": text, "line": 1}
    warning = {"line": 1, "code": text, "element": text, "value": text}
    return {
        "successes": [item | {"warnings": {"count": 1, "first": [warning]}}],
        "errors": [item | {"error": text, "message": text, "retryable": False}],
        "warnings": [{"code": text, "message": text, "file": text, "count": 1}],
    }
