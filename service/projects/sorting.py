"""Lists a client's projects in the order of a column, with keyset pages."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Final, NamedTuple

from service.projects.listing import ProjectQuery, bind_arguments, list_conditions, read_projects
from service.projects.records import SQL, Page, RunQuery, bind_query

_LONGEST_KEY: Final = 400
"""Characters of a key; some letters have several in lower case."""
_INTEGER: Final = re.compile(r"[0-9]{1,9}", re.ASCII)
_PERCENTAGE: Final = re.compile(r"[0-9]{1,3}(\.[0-9])?", re.ASCII)
_TIME: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:]{8}(\.[0-9]{1,6})?(\+00)?", re.ASCII)
"""A time as PostgreSQL prints it; it refuses some forms that Python reads."""


def _check_text(key: str) -> None:
    if len(key) > _LONGEST_KEY or "\0" in key:
        raise ValueError
    key.encode()


def _check_form(form: re.Pattern[str]) -> Callable[[str], None]:
    def check(key: str) -> None:
        if not form.fullmatch(key):
            raise ValueError

    return check


def _check_time(key: str) -> None:
    if not _TIME.fullmatch(key):
        raise ValueError
    datetime.fromisoformat(key)


@dataclass(frozen=True, slots=True)
class _Key:
    """What the list is sorted by.

    Attributes:
        expression: of SQL.
        type: PostgreSQL type of the expression.
        check: raises ValueError for a text that is no value of the type.
    """

    expression: str
    type: str
    check: Callable[[str], object]


_KEYS: Final = {
    "title": _Key(f"lower(left({SQL.title}, 100))", "text", _check_text),
    "start": _Key("v.start", "timestamp", _check_time),
    "finish": _Key("v.finish", "timestamp", _check_time),
    "progress": _Key("v.progress", "numeric", _check_form(_PERCENTAGE)),
    "tasks": _Key("v.task_count", "integer", _check_form(_INTEGER)),
    "warnings": _Key("v.warning_count", "integer", _check_form(_INTEGER)),
    "updated_at": _Key("v.created_at", "timestamptz", _check_time),
}
SORT_KEYS: Final = tuple(_KEYS)


class Place(NamedTuple):
    """The place of a project in a sorted list: its key as text, or None, and its id."""

    key: str | None
    project_id: int


@dataclass(frozen=True, slots=True)
class Sort:
    """An order of the list: by ``name``, and by id where that is equal."""

    name: str
    descending: bool = False

    def check_place(self, place: Place) -> None:
        """Check a place that a client sent.

        Raises:
            ValueError: no project can have its key.
        """
        if place.key is not None:
            _KEYS[self.name].check(place.key)


_LATEST: Final = Sort("updated_at", descending=True)


async def list_sorted(
    run_query: RunQuery,
    client_id: int,
    query: ProjectQuery,
    sort: Sort,
    after: Place | None,
    limit: int,
) -> tuple[Page, Place | None]:
    """Return the projects after a place in the order of ``sort``.

    Args:
        query: has neither ``external_id`` nor ``changed`` nor ``missing_from``.

    Returns:
        Rows as ``list_projects`` returns them, and the place after which the next page begins; None
        if this page is the last. A project that changes meanwhile can be missing from the page.
    """
    values: list[Any] = [client_id, limit]
    bind = partial(bind_arguments, values)
    key = _KEYS[sort.name]
    conditions = [*list_conditions(query, bind)]
    # With a filter, the index could lead to all versions of the client, one by one.
    by_index = sort == _LATEST and query == ProjectQuery(archived=query.archived)
    if after is not None:
        texts = {"key": key.expression, "type": key.type, "beyond": "<" if sort.descending else ">"}
        if after.key is None:
            conditions.append(bind(SQL.after_no_key, after.project_id, **texts))
        else:
            conditions.append(bind(SQL.after_key, *after, **texts))
            if by_index:
                conditions.append(bind(SQL.from_latest, after.key, **texts))
    text = (SQL.list_updated if by_index else SQL.list_sorted).format(
        key=key.expression,
        conditions="\n".join(conditions),
        direction="DESC" if sort.descending else "ASC",
    )
    settings = SQL.follow_keys if by_index else SQL.sort_rows
    places = await run_query(bind_query(text, *values, settings=settings))
    ids = [row["project_id"] for row in places]
    found = {
        row["project_id"]: row for row in await read_projects(run_query, client_id, query, ids)
    }
    page = [found[each] for each in ids if each in found]
    last = Place(places[-1]["key"], ids[-1]) if len(places) == limit else None
    return page, last
