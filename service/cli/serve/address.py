"""The address of a service: where clients reach it, and what is wrong with it."""

from service.cli.output import CommandError


def base_url(host: str, port: int) -> str:
    """Return the address at which this machine reaches a service that listens on ``host``."""
    reachable = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, host)
    if ":" in reachable and not reachable.startswith("["):
        reachable = f"[{reachable}]"
    return f"http://{reachable}:{port}"


def cannot_listen(host: str, port: int, error: OSError) -> CommandError:
    """Return the error for an address that is not available."""
    return CommandError(f"cannot listen on {host}:{port}: {error.strerror}")
