"""States of the history of imports, and of one import."""

from typing import Any

from playwright.async_api import Route, expect

from service.codes import ErrorCode, WarningCode
from tests.support.states.catalogue import state
from tests.support.tab import Tab

_CAUSES = (
    ("kind", "banana", "is not one of activity, wbs"),
    ("colour", "red", "is an attribute that is not known here"),
    ("predecessor", "T9", "is not a task of this project"),
    ("start", "yesterday", "is not a date and time without offset, such as 2026-01-05T08:00:00"),
    ("percent-complete", "140", "is not a percentage from 0 to 100"),
    ("name", None, "is missing"),
)
"""Elements, values and problems of the failures that ``_add_failures`` stores."""
_AT = "timestamptz '2026-03-23 07:00Z'"


@state("history", stored=True)
async def history(tab: Tab) -> None:
    await tab.sign_in()
    await tab.go("History")
    await expect(tab.page.locator("tbody tr")).to_have_count(6)


@state("history-empty")
async def empty_history(tab: Tab) -> None:
    await tab.sign_in()
    await tab.go("History")
    await expect(tab.page.get_by_text("There are no imports yet.")).to_be_visible()


@state("import", stored=True)
async def imported(tab: Tab) -> None:
    await history(tab)
    await tab.page.get_by_role("link", name="Week 12.xml").click()
    await expect(tab.page.locator(".verdict")).to_be_visible()


@state("import-failures", stored=True)
async def failures(tab: Tab) -> None:
    await history(tab)
    await tab.page.get_by_role("link", name="Subcontractors.xml").click()
    await expect(tab.page.locator(".verdict")).to_be_visible()


async def _add_import(tab: Tab, **columns: Any) -> int:
    """Store an import that has ended, and return its id."""
    values = {
        "state": "completed",
        "filename": "Programme.xml",
        "subject": "anna",
        "dialect": "native",
        "bytes_read": 798_131,
        "files_read": 1,
        "files_failed": 0,
        "counts": {"created": 3, "updated": 2, "unchanged": 7, "failed": 0},
        **columns,
    }
    names, places = ", ".join(values), ", ".join(f"${n}" for n in range(2, len(values) + 2))
    import_id: int = await tab.pool.fetchval(
        f"INSERT INTO imports (client_id, started_at, ended_at, {names})"
        f" VALUES ($1, {_AT}, {_AT} + interval '42 s', {places}) RETURNING import_id",
        tab.client,
        *values.values(),
    )
    await tab.pool.execute(
        "INSERT INTO import_progress (client_id, import_id, attempt) VALUES ($1, $2, $3)",
        tab.client,
        import_id,
        values.get("attempt", 1),
    )
    return import_id


async def _add_outcomes(tab: Tab, import_id: int, rows: list[tuple[Any, ...]]) -> None:
    """Store outcomes; each row has the values of ``names``."""
    names = ("name", "file", "line", "error", "message", "extra", "warnings")
    await tab.pool.executemany(
        "INSERT INTO import_results (client_id, import_id, attempt, index, outcome, external_id,"
        f" {', '.join(names)}, project_id, version, tasks)"
        " VALUES ($1, $2, 1, $3, CASE WHEN $7::text IS NULL THEN 'created' ELSE 'failed' END,"
        " 'P-' || $3::bigint, $4, $5, $6, $7, $8, $9, $10, $3, 1, 9)",
        [(tab.client, import_id, index, *row) for index, row in enumerate(rows)],
    )


async def _open(tab: Tab, import_id: int) -> None:
    await tab.sign_in()
    await tab.page.goto(f"{tab.service.base}/#/imports/{import_id}")
    await expect(tab.page.locator(".verdict")).to_be_visible()


def _failure(number: int) -> tuple[Any, ...]:
    """Return an outcome with one of ``_CAUSES``, the first of them in most."""
    element, value, problem = _CAUSES[max(0, number % 20 - 14)]
    message = f'{element} "{value}" {problem}' if value else f"{element} {problem}"
    line = number * 40 + 12
    violation = {"line": line, "element": element, "value": value, "message": message}
    extra = {"violations": [violation], "violation_count": 1}
    name = f"Bridge section {number}"
    return name, "Programme.xml", line, ErrorCode.VALIDATION_ERROR.value, message, extra, None


@state("import-causes", whole=True, repeated=".causes > li:nth-child(n+3)")
async def causes(tab: Tab) -> None:
    """Five thousand failures with six causes."""
    counts = {"created": 3, "updated": 2, "unchanged": 7, "failed": 5000}
    import_id = await _add_import(tab, counts=counts)
    await _add_outcomes(tab, import_id, [_failure(number) for number in range(5000)])
    await _open(tab, import_id)
    await expect(tab.page.locator(".causes > li")).to_have_count(6)


@state("import-cause-open", repeated=".causes > li:nth-child(n+2), tbody tr:nth-child(n+3)")
async def open_cause(tab: Tab) -> None:
    """The projects of one cause."""
    counts = {"created": 0, "updated": 0, "unchanged": 0, "failed": 30}
    import_id = await _add_import(tab, counts=counts)
    await _add_outcomes(tab, import_id, [_failure(number) for number in range(30)])
    await _open(tab, import_id)
    await tab.page.locator(".causes summary").first.click()
    await expect(tab.page.locator(".causes tbody tr")).to_have_count(25)


@state("import-warnings")
async def warnings(tab: Tab) -> None:
    """Imported projects with warnings only."""

    def warned(number: int) -> tuple[Any, ...]:
        place = {"line": number * 40 + 9, "element": "finish", "value": "2026-01-05T08:00:00"}
        first = [{"code": WarningCode.FINISH_BEFORE_START.value, **place}]
        stored = {"count": 1 + number, "first": first}
        return f"Bridge section {number}", "Programme.xml", number * 40, None, None, None, stored

    counts = {"created": 7, "updated": 0, "unchanged": 0, "failed": 0}
    import_id = await _add_import(tab, counts=counts)
    await _add_outcomes(tab, import_id, [warned(number) for number in range(7)])
    await _open(tab, import_id)
    await expect(tab.page.locator(".causes > li")).to_have_count(1)


@state("import-interrupted")
async def interrupted(tab: Tab) -> None:
    """An interrupted import whose key continues it."""
    import_id = await _add_import(
        tab,
        state="interrupted",
        cause="The upload stopped before its end",
        idempotency_key="nightly-2026-03-23",
    )
    await tab.pool.execute(
        f"UPDATE imports SET key_claimed_at = {_AT} WHERE client_id = $1", tab.client
    )
    await _open(tab, import_id)
    await expect(tab.page.get_by_text("What to do next")).to_be_visible()


@state("import-unreadable")
async def unreadable(tab: Tab) -> None:
    """An import whose only file could not be read."""
    cause = "Validation error: the file ends in the middle of project Quay, line 4811, column 7"
    none = {"created": 0, "updated": 0, "unchanged": 0, "failed": 0}
    import_id = await _add_import(
        tab, state="failed", cause=cause, files_read=0, files_failed=1, counts=none
    )
    await _open(tab, import_id)
    await expect(tab.page.get_by_text("Why the import failed")).to_be_visible()


@state("history-states")
async def every_state(tab: Tab) -> None:
    """An import with each result."""
    failed = {"created": 0, "updated": 0, "unchanged": 0, "failed": 4}
    undone = await _add_import(tab, filename="Week 11.xml")
    await _add_import(tab, filename="Week 12.xml", counts=failed | {"created": 9})
    await _add_import(tab, filename="Week 13.xml", counts=failed)
    await _add_import(tab, filename="Week 14.xml", state="interrupted", cause="Stopped")
    await _add_import(tab, filename="Week 15.xml", state="cancelled", cause="Cancelled by anna")
    await _add_import(tab, filename="Week 16.xml", attempt=2)
    await _add_import(tab, filename=None, options={"undo": undone})
    await tab.sign_in()
    await tab.go("History")
    await expect(tab.page.locator("tbody tr")).to_have_count(7)


@state("import-causes-offline")
async def offline(tab: Tab) -> None:
    """The connection is lost before the causes arrive."""

    async def lose(route: Route) -> None:
        await route.abort()

    await tab.page.route("**/causes?*", lose)
    counts = {"created": 0, "updated": 0, "unchanged": 0, "failed": 30}
    await _open(tab, await _add_import(tab, counts=counts))
    await expect(tab.page.get_by_role("button", name="Try again")).to_be_visible()
