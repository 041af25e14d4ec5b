"""The queries of ``sql/queries``, by name.

Each query in a file starts with a line ``-- name: query_name``, followed by a comment with its
reasons. ``Queries("writer").fence`` is the text of the query ``fence`` in ``writer.sql``.
"""

import re
from pathlib import Path
from typing import Final

_PACKAGED = Path(__file__).parents[1] / "sql"
SQL: Final = _PACKAGED if _PACKAGED.is_dir() else Path(__file__).parents[2] / "sql"
"""The folder ``sql``: inside the installed package, or beside the package in a checkout."""

_NAME: Final = re.compile(r"^-- name: (\w+)[ \t]*\n", re.MULTILINE)
_REASONS: Final = re.compile(r"\A(?:--.*\n)+")
"""The comment of a query, which is not sent with it."""


class Queries:
    """The queries of one file.

    Args:
        file: name of the file in ``sql/queries``, without its suffix.

    Raises:
        AttributeError: on access to a query that the file does not have.
    """

    def __init__(self, file: str) -> None:
        text = (SQL / "queries" / f"{file}.sql").read_text("utf-8")
        parts = _NAME.split(text)[1:]
        self._file = file
        self._texts = {
            name: _REASONS.sub("", body).strip()
            for name, body in zip(parts[::2], parts[1::2], strict=True)
        }

    def __getattr__(self, name: str) -> str:
        try:
            return self._texts[name]
        except KeyError:
            raise AttributeError(f"sql/queries/{self._file}.sql has no query {name!r}") from None
