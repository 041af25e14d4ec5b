"""What kind of program sends, by the name that it gives itself."""

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
"""How a ``User-Agent`` begins, in lower case, and its class."""

CLASSES: Final = frozenset(name for _, name in _CLASSES) | {OTHER}


def classify_user_agent(user_agent: str) -> str:
    """One of ``CLASSES``: few, so that a metric can be told by them, and no client's id.

    Args:
        user_agent: the header, or nothing.
    """
    begins = user_agent[:32].lower()
    return next((name for start, name in _CLASSES if begins.startswith(start)), OTHER)
