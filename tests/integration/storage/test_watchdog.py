"""The watchdog of a connection acts within its block only."""

import asyncio

import pytest

from service.storage import Pool, watchdog


async def test_progress_after_the_block_does_not_end_its_connection(pool: Pool) -> None:
    async with pool.acquire() as conn:
        ended = asyncio.Event()
        conn.add_termination_listener(lambda _: ended.set())
        with watchdog.terminate_after(conn, 0.01):
            pass
        watchdog.reset()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await ended.wait()


async def test_progress_within_the_block_restarts_its_time(pool: Pool) -> None:
    async with pool.acquire() as conn:
        with watchdog.terminate_after(conn, 0.3):
            for _ in range(4):
                await conn.execute("SELECT pg_sleep(0.1)")
                watchdog.reset()
        assert await conn.fetchval("SELECT true")


async def test_a_connection_is_ended_once_its_time_is_over(pool: Pool) -> None:
    async with pool.acquire() as conn:
        ended = asyncio.Event()
        conn.add_termination_listener(lambda _: ended.set())
        with watchdog.terminate_after(conn, 0.01):
            async with asyncio.timeout(10):
                await ended.wait()
