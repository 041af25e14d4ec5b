"""Whether this machine has IPv6."""

import socket
from typing import Final


def _can_bind() -> bool:
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


HAS_IPV6: Final = _can_bind()
EVERY_ADDRESS: Final = "::" if HAS_IPV6 else "0.0.0.0"
