"""A Prometheus for one run, which evaluates the alerts of the manifests in a shorter time."""

import asyncio
import contextlib
import copy
import re
from collections.abc import AsyncIterator, Collection
from pathlib import Path
from typing import Any, Final

import aiohttp
import yaml

from tests.support.faults.ports import kept_port
from tests.tools.bench.process import stopping
from tests.tools.k8s.expressions import GROUPS

SPEED: Final = 20
"""By how much all windows and times of the rules are shorter: 5 minutes are 15 seconds."""
_LONGEST_FOR: Final = 15
"""Seconds that an alert stays pending at most."""
_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_WINDOW: Final = re.compile(r"\[(\d+)([smhd])\]")
_TIME: Final = re.compile(r"(\d+)([smhd])")
_SCALED: Final = {
    "BulkImportStuck": ("> 600", 600),
    "BulkImportNotPruned": ("> 21600", 21600),
    "BulkImportKeySetNotRead": ("> 1800", 1800),
    "BulkImportAnswersSlow": ("> 100", 100),
    "BulkImportAnswersSlowly": ("> 1000", 1000),
}
"""Thresholds that are times, or numbers of ordinary events in a window."""

Fired = dict[tuple[str, str], float]
"""Seconds after the start, by namespace and alert."""


def shorten_rules() -> dict[str, Any]:
    """Return the rules of the manifests, faster."""
    groups = copy.deepcopy(GROUPS)
    for group in groups:
        for rule in group["rules"]:
            expression = rule["expr"]
            if (name := rule.get("alert")) in _SCALED:
                text, number = _SCALED[name]
                assert text in expression
                expression = expression.replace(text, f"> {number // SPEED}")
            rule["expr"] = _WINDOW.sub(lambda found: f"[{_shorten(*found.groups())}s]", expression)
            if pending := _TIME.fullmatch(rule.get("for", "")):
                rule["for"] = f"{min(_shorten(*pending.groups()), _LONGEST_FOR)}s"
    return {"groups": groups}


def _shorten(number: str, unit: str) -> int:
    return max(int(number) * _UNITS[unit] // SPEED, 1)


class Prometheus:
    """A running Prometheus.

    Attributes:
        fired: the alerts that have fired so far.
    """

    def __init__(self, base: str) -> None:
        self._base = base
        self.fired: Fired = {}
        self._changed = asyncio.Condition()

    async def wait(self, namespace: str, alerts: Collection[str]) -> None:
        """Wait until alerts have fired in a namespace."""
        async with self._changed:
            await self._changed.wait_for(
                lambda: all((namespace, alert) in self.fired for alert in alerts)
            )

    async def has_scraped(self, targets: int) -> None:
        """Wait until each target was scraped twice: a first value is no increase."""
        query = {"query": "count(count_over_time(up[1m]) > 1)"}
        async with asyncio.timeout(60), aiohttp.ClientSession() as session:
            number = 0
            while number < targets:
                await asyncio.sleep(0.5)
                with contextlib.suppress(aiohttp.ClientError):  # it is still starting
                    async with session.get(f"{self._base}/api/v1/query", params=query) as response:
                        found = (await response.json()).get("data", {}).get("result", [])
                        number = int(found[0]["value"][1]) if found else 0

    async def watch(self) -> None:
        """Note each alert that fires, until cancelled."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        async with aiohttp.ClientSession() as session:
            while True:
                with contextlib.suppress(aiohttp.ClientError):  # it is still starting
                    async with session.get(f"{self._base}/api/v1/alerts") as response:
                        answer = await response.json()
                    for alert in answer["data"]["alerts"]:
                        if alert["state"] == "firing":
                            labels = alert["labels"]
                            key = labels.get("namespace", ""), labels["alertname"]
                            self.fired.setdefault(key, loop.time() - began)
                async with self._changed:
                    self._changed.notify_all()
                await asyncio.sleep(0.5)


@contextlib.asynccontextmanager
async def scraping(folder: Path, targets: dict[str, str]) -> AsyncIterator[Prometheus]:
    """Scrape services every second until the block ends.

    Args:
        folder: an empty directory.
        targets: ``host:port`` by namespace.
    """
    (folder / "rules.yaml").write_text(yaml.safe_dump(shorten_rules()))
    (folder / "prometheus.yaml").write_text(
        yaml.safe_dump(
            {
                "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
                "rule_files": ["rules.yaml"],
                "scrape_configs": [
                    {
                        "job_name": "bulk-import",
                        "static_configs": [
                            {"targets": [target], "labels": {"namespace": name, "pod": name}}
                            for name, target in targets.items()
                        ],
                    }
                ],
            }
        )
    )
    with (folder / "log").open("wb") as log, kept_port() as kept:
        port = kept.getsockname()[1]
        process = await asyncio.create_subprocess_exec(
            "prometheus",
            "--config.file=prometheus.yaml",
            "--storage.tsdb.path=data",
            f"--web.listen-address=127.0.0.1:{port}",
            cwd=folder,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        async with stopping(process):
            prometheus = Prometheus(f"http://127.0.0.1:{port}")
            watching = asyncio.create_task(prometheus.watch())
            try:
                yield prometheus
            finally:
                watching.cancel()
                await asyncio.wait([watching])
