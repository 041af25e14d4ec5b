"""The address of a service: its socket, where clients reach it, and what is wrong with it."""

import errno
import os
import socket
from typing import Final

from service.cli.output import CommandError

PORT: Final = "BULK_IMPORT_PORT"
ADMIN_PORT: Final = "BULK_IMPORT_ADMIN_PORT"
ALL: Final = "::"
"""All addresses of the machine, of IPv4 and IPv6; ``0.0.0.0`` is those of IPv4."""


def bind_dual_stack(port: int) -> socket.socket:
    """Return a socket for ``ALL`` that does not listen yet. asyncio's would refuse IPv4.

    Raises:
        OSError: the port is not available, or the machine has no IPv6.
    """
    listener = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        listener.bind((ALL, port))
    except OSError:
        listener.close()
        raise
    return listener


def base_url(host: str, port: int) -> str:
    """Return the address at which this machine reaches a service that listens on ``host``."""
    reachable = {"0.0.0.0": "127.0.0.1", ALL: "::1"}.get(host, host)
    return f"http://{_join(reachable, port)}"


def cannot_listen(host: str, port: int, error: OSError, setting: str) -> CommandError:
    """Return the error for an address that is not available.

    Args:
        setting: the setting of the port.
    """
    reason = error.strerror
    remedy = "set BULK_IMPORT_HOST to an address of this machine"
    if not isinstance(error, socket.gaierror) and error.errno is not None:
        reason = os.strerror(error.errno)  # asyncio's text has the address again
    if error.errno == errno.EADDRINUSE:
        remedy = f"stop the other program, or set {setting} to another port"
    elif error.errno == errno.EACCES:
        remedy = f"set {setting} to a port from 1024"
    return CommandError(f"cannot listen on {_join(host, port)}: {reason}; {remedy}")


def _join(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
