"""Ports that stay reserved for a test while no process listens on them."""

import socket


def kept_port() -> socket.socket:
    """Reserve a port of 127.0.0.1 that no other process gets, but that a server may listen on."""
    kept = socket.socket()
    kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    kept.bind(("127.0.0.1", 0))
    return kept
