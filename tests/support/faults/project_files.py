"""Files whose projects have children of every kind, and settings for tests of faults."""

from typing import Final

from tests.support.native import FILE_START

QUICK: Final = {
    "batch_projects": 50,
    "connect_timeout": 5.0,
    "retry_timeout": 5.0,
    "heartbeat_every": 0.2,
    "heartbeat_expiry": 3.0,
}
"""Settings with which the service notices a fault within seconds."""


def content_of(projects: int, mark: str = "") -> bytes:
    """Return a native file whose projects differ in size; ``mark`` changes their ids."""
    return b"".join(
        (
            FILE_START.encode(),
            *(_project(f"P{mark}{number}", 1 + number % 7) for number in range(projects)),
            b"</projects>",
        )
    )


def _project(name: str, tasks: int) -> bytes:
    numbers = range(tasks)
    rows = "".join(f'<task id="T{n}"><name>Task {n}</name></task>' for n in numbers)
    links = "".join(
        f'<dependency predecessor="T{n - 1}" successor="T{n}" type="FS"/>' for n in numbers if n
    )
    work = "".join(f'<assignment task="T{n}" resource="R" units="1"/>' for n in numbers)
    return (
        f'<project id="{name}"><name>{name}</name><tasks>{rows}</tasks>'
        f"<dependencies>{links}</dependencies>"
        '<resources><resource id="R" type="work"><name>Crew</name></resource></resources>'
        f"<assignments>{work}</assignments></project>\n"
    ).encode()
