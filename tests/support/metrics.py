"""The metrics that a service exports, by name and labels."""

import asyncio
from collections.abc import Callable

from prometheus_client.parser import text_string_to_metric_families

from tests.support.raw_http import get
from tests.support.service import Service

BYTES = ("bulk_import_upload_bytes_total",)


Metrics = dict[tuple[str, ...], float]


async def read_metrics(service: Service) -> Metrics:
    """The values by name and labels."""
    text = (await get(service, "/metrics")).body.decode()
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name.startswith("bulk_import")
    }


async def wait_for_metrics(service: Service, seen: Callable[[Metrics], bool]) -> Metrics:
    """Read the metrics repeatedly until they satisfy a condition, and return them."""
    async with asyncio.timeout(20):
        while not seen(metrics := await read_metrics(service)):
            pass
    return metrics
