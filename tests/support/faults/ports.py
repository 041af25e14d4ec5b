"""Ports that stay a test's own while nobody listens on them."""

import socket


def kept_port() -> socket.socket:
    """A port of 127.0.0.1 that nobody else is given meanwhile, and that a server may listen on."""
    kept = socket.socket()
    kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    kept.bind(("127.0.0.1", 0))
    return kept
