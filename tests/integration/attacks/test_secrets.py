"""The service never reveals secrets or the versions of its software."""

from typing import Final

import pytest

from service.settings import Settings
from service.storage import Pool
from tests.support.answer import Answer
from tests.support.logs import DATABASE_PASSWORD, serve_with_log
from tests.support.raw_http import XML, form, get, part, upload
from tests.support.service import SECRET, Service, token

FILE: Final = form(part("file", XML))
UNQUOTED: Final = form(part(f"x {'x' * 100}", b"").replace(b'"', b""))
"""Its part has a ``Content-Disposition`` that is malformed."""


@pytest.mark.parametrize("log_format", ["console", "json"])
async def test_no_secret_appears_in_logs_metrics_or_responses(
    settings: Settings, dsn: str, pool: Pool, log_format: str
) -> None:
    await pool.execute("INSERT INTO clients (client_id, name) VALUES (1, 'One')")
    good, expired = token(), token(exp=1)
    forged = good[:-8] + "AAAAAAAA"
    answers: list[Answer] = []
    async with serve_with_log(settings, dsn, log_format) as (service, log):
        tokens = (good, expired, forged, "not.a.token", "x" * 7000, "x" * 70_000)
        answers += [await upload(service, FILE, token=each) for each in tokens]
        answers.append(await upload(service, FILE, path=f"/x?token={good}"))
        answers.append(await upload(service, FILE, f"X-Request-Id: {good}", token=None))
        answers.append(await upload(service, UNQUOTED, token=good))
        await pool.execute("ALTER TABLE import_results RENAME TO gone")
        answers.append(await upload(service, FILE, token=good))
        await pool.execute("ALTER TABLE gone RENAME TO import_results")
        await pool.execute("ALTER TABLE schema_migrations RENAME TO hidden")
        answers.append(await get(service, "/readyz"))
        await pool.execute("ALTER TABLE hidden RENAME TO schema_migrations")
        answers.append(await get(service, "/metrics"))
        log_text = log.read_text()
    assert [each.status for each in answers][:6] == [207, 401, 401, 401, 401, 400]
    assert answers[9].status == 500
    assert "import failed" in log_text
    revealed = log_text + "".join(f"{each.headers}{each.body!r}" for each in answers)
    for secret in (SECRET, DATABASE_PASSWORD, good, expired, forged, good.split(".")[2], "x" * 100):
        assert secret not in revealed


async def test_no_response_reveals_the_versions_of_the_software(service: Service) -> None:
    answers = [
        await get(service, "/healthz"),
        await get(service, "/nowhere"),
        await upload(service, FILE),
        await upload(service, FILE, token=None),
        await get(service, "/" + "x" * 9000),
    ]
    assert [each.status for each in answers] == [200, 404, 207, 401, 400]
    for each in answers:
        assert each.headers["server"] == "bulk-import"
        assert each.headers["cache-control"] == "no-store"
        assert each.headers["x-content-type-options"] == "nosniff"
        assert each.headers["content-security-policy"].startswith("default-src 'none'")
        assert each.headers["referrer-policy"] == "no-referrer"
