"""Classifies clients by ``User-Agent``, for the metrics."""

from typing import Final

OTHER: Final = "other"
_CLASSES: Final = (
    ("bulk-import/", "bulk-import"),
    ("mozilla/", "browser"),
    ("curl/", "curl"),
    ("python", "python"),
    ("rest-client/", "ruby"),
    ("ruby", "ruby"),
    ("guzzlehttp/", "php"),
    ("java", "java"),
    ("apache-httpclient/", "java"),
    ("okhttp/", "java"),
    ("go-http-client/", "go"),
    ("node", "node"),
    ("undici", "node"),
)
"""Starts of ``User-Agent`` in lower case, and their classes."""

CLASSES: Final = frozenset(name for _, name in _CLASSES) | {OTHER}


def classify_user_agent(user_agent: str) -> str:
    """Return one of ``CLASSES``, few enough for a metric's label, and without any identity.

    Args:
        user_agent: the header; may be empty.
    """
    start_of_header = user_agent[:32].lower()
    return next((name for start, name in _CLASSES if start_of_header.startswith(start)), OTHER)
