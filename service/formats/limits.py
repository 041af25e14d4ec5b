"""Bounds for reading one file."""

from dataclasses import dataclass, field
from typing import Final

from service.errors import FileTooLarge
from service.spool.spool import Spool, SpoolShare

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB

RATIO_GRACE: Final = 16 * MIB
"""Inflated bytes up to which the ratio is not checked: small files may be very repetitive."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one file; sizes are bytes.

    Attributes:
        max_projects: projects in the file; one more raises ``FileTooLarge``.
        max_project_bytes: rows of one project, as COPY text.
        max_attributes_bytes: attributes of one record, as JSON.
        max_tag_names: distinct names of elements and XML attributes.
        spill_bytes: rows of one project kept in memory before they go to disk.
        shared_bytes: shared objects kept in memory before they go to disk.
        spool: creates spool files, and bounds their size.
        max_file_bytes: the inflated file.
        max_inflate_ratio: inflated size divided by compressed size; it applies to more than
            ``RATIO_GRACE`` bytes.
    """

    max_projects: int = 1_000_000
    max_project_bytes: int = 1 * GIB
    max_attributes_bytes: int = 16 * MIB
    max_tag_names: int = 20_000
    spill_bytes: int = 4 * MIB
    shared_bytes: int = 8 * MIB
    spool: SpoolShare = field(default_factory=lambda: Spool().share())
    max_file_bytes: int = 64 * GIB
    max_inflate_ratio: int = 200


def check_ratio(inflated: int, compressed: int, max_ratio: int) -> None:
    """Check that inflated data is at most a multiple of the compressed data.

    Args:
        inflated: bytes so far.
        compressed: bytes that they were inflated from.
        max_ratio: the greatest ratio; it applies to more than ``RATIO_GRACE`` bytes.

    Raises:
        FileTooLarge: the ratio is greater.
    """
    if inflated > RATIO_GRACE and inflated > max_ratio * compressed:
        raise FileTooLarge(f"the data inflates to more than {max_ratio} times its size")
