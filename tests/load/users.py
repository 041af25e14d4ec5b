"""Those who send and ask, for locust: mostly one project, seldom 100 MB, and some who are wrong.

The environment says who they are: ``LOAD_TOKEN``, good for the clients ``LOAD_CLIENTS`` (``1,2``);
``LOAD_LARGE`` is how many projects a large upload has, ``LOAD_SUMMARY`` the file for the summary,
``LOAD_TOLD`` one for a line of each project that is told to have landed.
An answer of another status than its kind has is a failure; so is a project that fails for any
reason but somebody else's lock.
"""

import itertools
import json
import os
import random
import time
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from locust import HttpUser, between, events, task

from tests.load.files import BOUNDARY, form, projects

TOKEN: Final = os.environ["LOAD_TOKEN"]
CLIENTS: Final = itertools.cycle(map(int, os.environ["LOAD_CLIENTS"].split(",")))
LARGE: Final = int(os.environ["LOAD_LARGE"])
TOLD: Final = Path(os.environ["LOAD_TOLD"]).open("a", encoding="utf-8")  # noqa: SIM115
WAIT: Final = (429, 503)
"""Told to come again, which the contract has; ``Retry-After`` says when."""


class Integration(HttpUser):
    """An ERP's exporter."""

    wait_time = between(0.1, 1.0)

    def on_start(self) -> None:
        self.client_id = next(CLIENTS)
        self.root = f"/api/v2/clients/{self.client_id}"
        self.client.headers["Authorization"] = f"Bearer {TOKEN}"

    @task(60)
    def one_project(self) -> None:
        self.upload("one project", 1)

    @task(12)
    def hundreds(self) -> None:
        self.upload("hundreds", random.randrange(100, 500))

    @task(1)
    def large(self) -> None:
        self.upload("large", LARGE)

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
        found = self.ask("imports", "/imports?limit=20")
        for each in random.sample(found["imports"], min(2, len(found["imports"]))):
            path = f"/imports/{each['import_id']}"
            self.ask("import", path)
            self.ask("results", f"{path}/results?limit=100")
        self.ask("projects", "/projects?limit=50")

    def upload(self, name: str, number: int) -> None:
        """Projects that are well made, all of which must land or be another upload's to write."""
        said = self.send(name, projects(number), (207, 409))
        if said is not None and "counts" in said:
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
        with self.client.post(
            path, name=name, data=form(iter(blocks)), headers=sent, catch_response=True
        ) as answer:
            return self.judge(answer, (*statuses, *WAIT))

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
        if answer.status_code not in statuses:
            answer.failure(f"{answer.status_code}: {answer.text[:200]}")
            return None
        answer.success()
        if answer.status_code in WAIT:
            answer.request_meta["name"] += f", told to wait ({answer.status_code})"
            time.sleep(min(float(answer.headers["Retry-After"]), 5))
            return None
        said = answer.json()
        if answer.status_code == 207:
            if not said["complete"]:
                answer.failure("the answer is not complete")
            self.note(said["details"]["successes"])
        return said

    def note(self, landed: list[dict[str, Any]]) -> None:
        """What was told must be found when all is over."""
        for each in landed:
            told = {"client": self.client_id, "id": each["external_id"], "version": each["version"]}
            print(json.dumps(told), file=TOLD)


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
        "seconds": total.last_request_timestamp - total.start_time,
        "kinds": kinds,
        "broken": broken,
        "errors": [error.to_dict() for error in environment.stats.errors.values()],
    }
    Path(os.environ["LOAD_SUMMARY"]).write_text(json.dumps(summary, indent=1), "utf-8")
