"""nginx in front of replicas, set by the annotations of the Ingress."""

import asyncio
import contextlib
import shutil
import signal
import socket
from collections.abc import AsyncIterator, Iterable, Mapping
from pathlib import Path
from typing import Final

from tests.tools.k8s.overlays import one

_CONFIGURATION: Final = """
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
worker_processes 1;
events {{ worker_connections 2048; }}
http {{
    access_log off;
    client_body_temp_path {folder}/bodies;
    proxy_temp_path {folder}/answers;
    # Clients come anew each time: a reload then ends no connection on which one is about to ask.
    keepalive_timeout 0;
    upstream replicas {{
        least_conn;
        {servers}
        keepalive 16;
    }}
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://replicas;
            proxy_set_header Connection "";
            {directives}
        }}
    }}
}}
"""
_OTHERWISE_CALLED: Final = {"proxy-body-size": "client_max_body_size"}
RELOADED: Final = 0.3
"""Seconds after which no new request goes where the configuration does not name any more."""


class Front:
    """Sends requests to some of the replicas; see ``in_front``."""

    def __init__(self, folder: Path, changed: Mapping[str, object]) -> None:
        folder.mkdir()
        self._changed = changed
        self.port = free_port()
        self._folder = folder
        self._process: asyncio.subprocess.Process | None = None

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self, ports: Iterable[int]) -> None:
        """Begin to send requests to the replicas at these ports."""
        self._write(ports)
        program = shutil.which("nginx") or "/usr/sbin/nginx"
        self._process = await asyncio.create_subprocess_exec(
            *(program, "-p", self._folder, "-c", self._folder / "nginx.conf"),
            *("-e", self._folder / "error.log"),
        )
        while True:
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", self.port)
                writer.close()
                return
            await asyncio.sleep(0.05)

    async def send_to(self, ports: Iterable[int]) -> None:
        """Send what comes from now on to these; what is under way goes on."""
        assert self._process is not None
        self._write(ports)
        self._process.send_signal(signal.SIGHUP)
        await asyncio.sleep(RELOADED)

    async def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            await self._process.wait()

    def _write(self, ports: Iterable[int]) -> None:
        servers = "\n        ".join(f"server 127.0.0.1:{port} max_fails=0;" for port in ports)
        text = _CONFIGURATION.format(
            folder=self._folder,
            port=self.port,
            servers=servers,
            directives="\n            ".join(directives(self._changed)),
        )
        (self._folder / "nginx.conf").write_text(text, "utf-8")


def directives(changed: Mapping[str, object] | None = None) -> list[str]:
    """What ingress-nginx makes of the Ingress in the overlay ``production``.

    Args:
        changed: other values, by directive.
    """
    annotations: dict[str, str] = one("production", "Ingress")["metadata"]["annotations"]
    named = {name.rpartition("/")[2]: value for name, value in annotations.items()}
    values: dict[str, object] = {
        _OTHERWISE_CALLED.get(name, name.replace("-", "_")): value for name, value in named.items()
    }
    return [f"{name} {value};" for name, value in (values | dict(changed or {})).items()]


@contextlib.asynccontextmanager
async def in_front(
    folder: Path, ports: Iterable[int], changed: Mapping[str, object] | None = None
) -> AsyncIterator[Front]:
    """An nginx before the replicas at these ports, until the block ends.

    Args:
        folder: for its files.
        ports: of the replicas.
        changed: other values than the Ingress has, by directive.
    """
    front = Front(folder, changed or {})
    await front.start(ports)
    try:
        yield front
    finally:
        await front.stop()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    return port
