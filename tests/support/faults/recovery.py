"""A service's recovery after a fault of the database."""

import asyncio

import aiohttp

from tests.support.faults.truth import assert_outcomes_are_stored, stored_outcomes
from tests.support.service import Service
from tests.support.upload import send_file


async def complete_upload(
    http: aiohttp.ClientSession, service: Service, dsn: str, content: bytes
) -> dict[str, int]:
    """Repeat an upload; assert that it imports the rest and leaves the others unchanged."""
    before = await stored_outcomes(dsn)
    there = {row["external_id"] for row in before if row["outcome"] != "failed"}
    status, told = await send_file(http, service, content)
    assert status == 207, told
    again = {one["external_id"] for one in told["details"]["successes"]}
    unchanged = {
        one["external_id"] for one in told["details"]["successes"] if one["outcome"] == "unchanged"
    }
    assert (len(again), unchanged) == (content.count(b"<project "), there)
    await assert_outcomes_are_stored(dsn, content, told["details"]["successes"])
    await assert_outcomes_are_stored(dsn, content, await stored_outcomes(dsn))
    counts: dict[str, int] = told["counts"]
    return counts


async def read_readiness(http: aiohttp.ClientSession, service: Service) -> tuple[int, str]:
    async with http.get(f"{service.base}/readyz") as answer:
        return answer.status, (await answer.json())["details"]


async def wait_until_ready(http: aiohttp.ClientSession, service: Service, status: int) -> str:
    """Wait until ``/readyz`` returns a status, and return its details."""
    async with asyncio.timeout(10):
        while (said := await read_readiness(http, service))[0] != status:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    return said[1]
