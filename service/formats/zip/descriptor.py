"""Recognises the descriptor after a member's data, in one of its four forms."""

import struct
from typing import Final, NamedTuple

from service.formats.zip.header import MEMBER

EMPTY: Final = b"PK\x05\x06"
"""The signature with which a ZIP without members begins."""

AFTER_MEMBER: Final = (
    MEMBER,
    b"PK\x01\x02",
    EMPTY,
    b"PK\x06\x06",
    b"PK\x06\x07",
    b"PK\x06\x08",
)
"""The signatures that can follow a member."""

SIGNATURE: Final = b"PK\x07\x08"
"""The signature that most programs write before a descriptor."""

LONGEST: Final = 24
"""Bytes of the longest form."""

_FORMS: Final = ((struct.Struct("<III"), 2**32), (struct.Struct("<IQQ"), 2**64))


class Descriptor(NamedTuple):
    """A descriptor: its length in bytes, and the checksum in it."""

    length: int
    crc: int


def match_descriptor(
    data: bytes, size: int, inflated_size: int | None, *, signed: bool = False
) -> Descriptor | None:
    """Return the descriptor at the beginning of some data, or None.

    Only the sizes in it, and the signature after it, distinguish its forms.

    Args:
        data: at least ``LONGEST`` bytes and a signature, or all that is left.
        size: of the member's data in the ZIP.
        inflated_size: None if it is not known.
        signed: only with its signature.
    """
    for form, modulus in _FORMS:
        for signature in (SIGNATURE,) if signed else (SIGNATURE, b""):
            length = len(signature) + form.size
            if len(data) < length or not data.startswith(signature):
                continue
            crc, found, found_inflated = form.unpack_from(data, len(signature))
            after = data[length : length + len(SIGNATURE)]  # incomplete where the ZIP is cut off
            if (
                found == size % modulus
                and (inflated_size is None or found_inflated == inflated_size % modulus)
                and any(each.startswith(after) for each in AFTER_MEMBER)
            ):
                return Descriptor(length, crc)
    return None
