"""Send uploads through an nginx with a short time-out, and follow them across restarts.

    python -m tests.tools.load.short_timeout [--mib 512] [--timeout 10]

The uploads are atomic, so that they are written after their last byte. Three are sent:

- one as usual, which nginx answers with 504 if the import takes longer;
- one with ``Prefer: respond-async``. While its import runs, its replica is ended by SIGTERM, and
  nginx sends the long polls to another replica;
- the same with no grace period, so that the import is interrupted, and sent again with its key.

The exit code is 0 if the second and the third got a 202, every poll was answered in time, and each
end was seen once, with all projects stored."""

import argparse
import asyncio
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import aiohttp

from tests.tools.bench import native
from tests.tools.bench.database import Database, add_clients, server
from tests.tools.bench.process import ends_all_on_sigterm, prepare, sign
from tests.tools.load.files import BOUNDARY, form
from tests.tools.load.nginx import Front, in_front
from tests.tools.load.replicas import Replica, say

_BLOCK: Final = 1_000
"""Projects in one block of the file, 4 MB."""
_MIB: Final = 1 << 20
_ASYNC: Final = {"Prefer": "respond-async"}


class Wrong(Exception):
    """An answer, a state or a table is not as it must be."""


@dataclass(frozen=True)
class Sender:
    """Sends the file and polls, through nginx.

    Attributes:
        session: has the token and nginx' address.
        copies: blocks of the file.
        wait: seconds of a long poll.
    """

    session: aiohttp.ClientSession
    copies: int
    wait: int

    async def send(self, client: int, **headers: str) -> tuple[int, Any]:
        """Upload the file under a key; the status, and the JSON if there is any."""
        last = 0.0

        async def body() -> AsyncIterator[bytes]:
            nonlocal last
            _, blocks = native.repeated(self.copies, _BLOCK, partial(native.project, edition=0))
            for block in form(iter(blocks)):
                yield block
            last = time.monotonic()

        common = {
            "Content-Type": f"multipart/form-data; boundary={BOUNDARY}",
            "Idempotency-Key": f"short-timeout-{client}",
        }
        path = f"/api/v2/clients/{client}/projects/bulk?atomic=true"
        async with self.session.post(path, data=body(), headers=common | headers) as answer:
            json = await answer.json() if answer.content_type == "application/json" else None
            say(f"{answer.status}, {time.monotonic() - last:.1f} s after the last byte")
            return answer.status, json

    async def accept(self, client: int) -> int:
        """Upload the file without waiting; the import's id."""
        status, json = await self.send(client, **_ASYNC)
        if status != 202:
            raise Wrong(f"the upload was answered with {status}: {json}")
        return int(json["import_id"])

    async def follow(self, client: int, import_id: int) -> dict[str, Any]:
        """Poll until the import has ended; the import."""
        path = f"/api/v2/clients/{client}/imports/{import_id}?wait={self.wait}"
        took, began = [], time.monotonic()
        while True:
            asked = time.monotonic()
            async with self.session.get(path) as answer:
                if answer.status != 200:
                    raise Wrong(f"a poll was answered with {answer.status}")
                details: dict[str, Any] = (await answer.json())["details"]
                pause = float(answer.headers.get("Retry-After", 0))
            took.append(time.monotonic() - asked)
            if details["state"] != "running":
                break
            if pause:
                say(f"a poll was answered after {took[-1]:.1f} s, with Retry-After: {pause:g}")
            await asyncio.sleep(pause)
        say(
            f"{details['state']} after {time.monotonic() - began:.1f} s and {len(took)} polls,"
            f" the longest of {max(took):.1f} s"
        )
        return details


async def wait_in_vain(sender: Sender, database: Database) -> None:
    """Send as usual: nginx ends the request, and the import goes on unseen."""
    status, _ = await sender.send(1)
    if status != 504:
        raise Wrong(f"the usual upload was answered with {status}: is the file too small?")
    query = "SELECT import_id FROM imports WHERE client_id = 1"
    await check(await sender.follow(1, await database.value(query)), sender, database)


async def restart(
    sender: Sender, database: Database, front: Front, replicas: list[Replica], client: int
) -> None:
    """Send without waiting, and end the replica while its import runs.

    Args:
        sender: sends to the first replica.
        database: of both.
        front: sends to both.
        replicas: of which the first one ends.
        client: of the upload.
    """
    first, other = replicas
    await front.send_to([first.port])
    import_id = await sender.accept(client)
    following = asyncio.create_task(sender.follow(client, import_id))
    await front.send_to([other.port])
    if following.done():
        raise Wrong("the import ended before its replica: is the file too small?")
    began = time.monotonic()
    code = await first.end()
    say(f"the replica ended with {code}, {time.monotonic() - began:.1f} s after SIGTERM")
    ended = await following
    if ended["state"] == "interrupted":
        again = await sender.accept(client)
        if again != import_id:
            raise Wrong(f"the key began import {again} instead of continuing {import_id}")
        ended = await sender.follow(client, import_id)
    await check(ended, sender, database)


async def check(ended: dict[str, Any], sender: Sender, database: Database) -> None:
    """Compare the import, and what is stored, with the file."""
    projects = sender.copies * _BLOCK
    created = ended["counts"]["created"] if ended["state"] == "completed" else 0
    stored = await database.value("SELECT count(*) FROM projects")
    say(f"{created} created in attempt {ended['attempt']}, {stored} stored, of {projects}")
    if not created == stored == projects:
        raise Wrong("projects are missing")
    await database.empty()


async def main(mib: int, silence: int) -> None:
    """Run all three.

    Args:
        mib: size of the file.
        silence: seconds that nginx waits for a byte of an answer, or to send one of a request.

    Raises:
        Wrong: as the module states.
    """
    size, _ = native.repeated(1, _BLOCK, partial(native.project, edition=0))
    copies = max(1, round(mib * _MIB / size))
    settings = {"max_projects": copies * _BLOCK}
    # Not /tmp, which may be memory: there fsync costs nothing.
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR", "/var/tmp")) as name:
        folder = Path(name)
        async with server(folder / "db") as database:
            await prepare(database)
            await add_clients(database)
            one, other = Replica(database, **settings), Replica(database, **settings)
            hurried = Replica(database, drain_timeout=0, **settings)
            short = {"proxy_read_timeout": silence, "proxy_send_timeout": silence}
            try:
                for each in (one, other, hurried):
                    await each.start()
                async with (
                    in_front(folder / "nginx", [one.port], short) as front,
                    aiohttp.ClientSession(
                        front.base,
                        headers={"Authorization": f"Bearer {await sign(database)}"},
                        timeout=aiohttp.ClientTimeout(total=None),
                    ) as session,
                ):
                    sender = Sender(session, copies, max(1, silence - 2))
                    say(f"a file of {copies * size / _MIB:.0f} MiB, sent as usual")
                    await wait_in_vain(sender, database)
                    say("sent with respond-async; the replica ends after the import")
                    await restart(sender, database, front, [one, other], 2)
                    say("sent with respond-async; the replica interrupts the import")
                    await restart(sender, database, front, [hurried, other], 3)
            finally:
                await asyncio.gather(*(each.end() for each in (one, other, hurried)))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        prog="python -m tests.tools.load.short_timeout", description=__doc__.partition("\n")[0]
    )
    parser.add_argument("--mib", type=int, default=512, help="of the file (default %(default)s)")
    parser.add_argument(
        "--timeout", type=int, default=10, help="of nginx, in seconds (default %(default)s)"
    )
    asked = parser.parse_args()
    ends_all_on_sigterm()
    try:
        asyncio.run(main(asked.mib, asked.timeout))
    except Wrong as error:
        sys.exit(str(error))
