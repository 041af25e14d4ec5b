"""Those who send and ask, for locust: mostly one project, two of them 100 MB, some who are wrong.

The environment says who they are: ``LOAD_TOKEN``, good for the clients ``LOAD_CLIENTS`` (``1,2``);
``LOAD_LARGE`` is how many projects a large upload has, ``LOAD_SUMMARY`` the file for the summary,
``LOAD_TOLD`` one for a line of each project that is told to have landed.
An answer of another status than its kind has is a failure; so is a project that fails for any
reason but somebody else's lock. SIGUSR1 ends it as the end of its time does.
"""

import itertools
import json
import os
import random
import signal
import time
import uuid
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import gevent  # type: ignore[import-untyped]
from locust import HttpUser, between, events, task

from tests.tools.load.files import BOUNDARY, form, projects

TOKEN: Final = os.environ["LOAD_TOKEN"]
CLIENTS: Final = itertools.cycle(map(int, os.environ["LOAD_CLIENTS"].split(",")))
LARGE: Final = int(os.environ["LOAD_LARGE"])
TOLD: Final = Path(os.environ["LOAD_TOLD"]).open("a", encoding="utf-8")  # noqa: SIM115
STATUSES: Final[Counter[int]] = Counter()
"""Answers by status; 0 is none."""
UNDER_WAY: Final[Counter[str]] = Counter()
"""Uploads without their answer, by name; at the end, those that locust cut off."""
WAIT: Final = (429, 503)
"""Told to come again, which the contract has; ``Retry-After`` says when."""
LOCKED: Final = "Locking conflict"
"""All that was sent is being written by others, for longer than the service waits: a 409."""


class Client(HttpUser):
    """One of those who have a token."""

    abstract = True

    def on_start(self) -> None:
        self.client_id = next(CLIENTS)
        self.root = f"/api/v2/clients/{self.client_id}"
        self.client.headers["Authorization"] = f"Bearer {TOKEN}"

    def upload(self, name: str, number: int) -> None:
        """Projects that are well made, all of which must land or be another upload's to write."""
        said = self.send(name, projects(number), (207,))
        if said is not None:
            landed = sum(said["counts"].values()) - said["counts"]["failed"]
            errors = said["details"]["errors"]
            assert landed == number - len(errors)
            assert {each["error"] for each in errors} <= {"LOCKING_CONFLICT"}

    def send(
        self, name: str, blocks: Any, statuses: tuple[int, ...], headers: Mapping[str, str] = {}
    ) -> Any:
        """The answer to an upload, or None where it was told to come again."""
        sent = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}", **headers}
        path = f"{self.root}/projects/bulk"
        UNDER_WAY[name] += 1
        with self.client.post(
            path, name=name, data=form(iter(blocks)), headers=sent, catch_response=True
        ) as answer:
            UNDER_WAY[name] -= 1
            return self.judge(answer, statuses)

    def ask(
        self,
        name: str,
        path: str,
        statuses: tuple[int, ...] = (200,),
        headers: Mapping[str, str] = {},
    ) -> Any:
        """The details of what is read."""
        with self.client.get(
            self.root + path, name=name, headers=headers, catch_response=True
        ) as answer:
            return (self.judge(answer, statuses) or {}).get("details")

    def judge(self, answer: Any, statuses: tuple[int, ...]) -> Any:
        """Have locust count an answer by what it should be."""
        status = answer.status_code
        if status not in (*statuses, *WAIT, 409):
            answer.failure(f"{status}: {answer.text[:200]}")
            return None
        said = answer.json()
        answer.success()
        if status in WAIT:
            answer.request_meta["name"] += f", told to wait ({status})"
            time.sleep(min(float(answer.headers["Retry-After"]), 5))
        elif status == 409 and said["details"] == LOCKED:
            answer.request_meta["name"] += ", locked (409)"
        elif status not in statuses or (status >= 400 and said["code"] != status):
            answer.failure(f"{status}: {answer.text[:200]}")
        elif status == 207 and not said["complete"]:
            answer.failure("the answer is not complete")
        else:
            if status == 207:
                self.note(said["details"]["successes"])
            return said
        return None

    def note(self, landed: list[dict[str, Any]]) -> None:
        """What was told must be found when all is over."""
        for each in landed:
            told = {"client": self.client_id, "id": each["external_id"], "version": each["version"]}
            print(json.dumps(told), file=TOLD)


class Integration(Client):
    """An ERP's exporter."""

    wait_time = between(0.1, 1.0)

    @task(60)
    def one_project(self) -> None:
        self.upload("one project", 1)

    @task(12)
    def hundreds(self) -> None:
        self.upload("hundreds", random.randrange(100, 500))

    @task(6)
    def again_under_a_key(self) -> None:
        """The second is the first one's answer, or told that the first is running."""
        key = {"Idempotency-Key": uuid.uuid4().hex}
        body = [*projects(20)]
        first = self.send("under a key", body, (207,), key)
        if first is not None:
            again = self.send("under a key, again", body, (207,), key)
            assert again is None or again["import_id"] == first["import_id"]

    @task(5)
    def broken(self) -> None:
        body = b"".join(projects(3))
        self.send("broken off", [body[: len(body) // 2]], (207,))
        self.send("no XML", [b"PK or not"], (400,))
        self.send("doctype", [b"<!DOCTYPE projects>" + body], (400,))

    @task(3)
    def wrong_token(self) -> None:
        wrong = {"Authorization": f"Bearer {TOKEN[:-3]}"}
        self.send("wrong token", [b"".join(projects(1))], (401,), wrong)
        self.ask("wrong token, reading", "/imports", (401,), wrong)

    @task(15)
    def history(self) -> None:
        found = self.ask("imports", "/imports?limit=20") or {"imports": []}
        for each in random.sample(found["imports"], min(2, len(found["imports"]))):
            path = f"/imports/{each['import_id']}"
            self.ask("import", path)
            self.ask("results", f"{path}/results?limit=100")
        self.ask("projects", "/projects?limit=50")


class Portfolio(Client):
    """One who sends a large export, and the next a while later."""

    fixed_count = 2
    wait_time = between(5, 15)

    @task
    def large(self) -> None:
        self.upload("large", LARGE)


@events.init.add_listener  # type: ignore[untyped-decorator]
def listen(environment: Any, **_: Any) -> None:
    """Take the signal to end."""
    gevent.signal_handler(signal.SIGUSR1, environment.runner.quit)


@events.request.add_listener  # type: ignore[untyped-decorator]
def count(response: Any = None, **_: Any) -> None:
    """Every answer, whatever it should have been."""
    STATUSES[0 if response is None else response.status_code] += 1


@events.quitting.add_listener  # type: ignore[untyped-decorator]
def summarise(environment: Any, **_: Any) -> None:
    """Write what was counted; what broke our own expectations is a failure too."""
    TOLD.close()
    broken = [each["msg"] for each in environment.runner.exceptions.values()]
    if broken:
        environment.process_exit_code = 1
    total = environment.stats.total
    kinds = {
        entry.name: {
            "requests": entry.num_requests,
            "failures": entry.num_failures,
            **{f"p{p}_ms": entry.get_response_time_percentile(p / 100) for p in (50, 95, 99)},
            "max_ms": entry.max_response_time,
        }
        for entry in environment.stats.entries.values()
    }
    summary = {
        "requests": total.num_requests,
        "failures": total.num_failures,
        "statuses": STATUSES,
        "left": +UNDER_WAY,
        "seconds": total.last_request_timestamp - total.start_time,
        "kinds": kinds,
        "broken": broken,
        "errors": [error.to_dict() for error in environment.stats.errors.values()],
    }
    Path(os.environ["LOAD_SUMMARY"]).write_text(json.dumps(summary, indent=1), "utf-8")
