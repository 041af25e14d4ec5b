"""Checks of the environment: names that are no settings, and the address of the database.

Every command that reads settings makes them, so that a misspelt setting is not silently ignored.
"""

import os
import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Final
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from service.cli.output import CommandError

PREFIX: Final = "BULK_IMPORT_"
OTHER_NAMES: Final = ("TOKEN",)
"""Names that an option of a command reads, without the prefix."""
ROOTS: Final = (
    "/etc/ssl/certs/ca-certificates.crt",  # Debian, Ubuntu, Alpine, Arch
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",  # Fedora, RHEL
    "/etc/ssl/ca-bundle.pem",  # openSUSE
)
"""Files that can have the system's certificate authorities, beside OpenSSL's default."""

MAX_PORT: Final = 65_535
_TLS: Final = ("sslmode", "sslrootcert", "sslcert", "sslkey")
"""Parameters of an address, which can also be variables, such as PGSSLMODE."""

_EXAMPLE: Final = "postgresql://USER:PASSWORD@HOST:PORT/NAME"
_SCHEME: Final = re.compile(r"((?:jdbc:)?([a-z]+)[a-z0-9+.-]*)://", re.I)
_POSTGRESQL: Final = ("postgresql", "postgres")
_PROTOCOLS: Final = ("tcp://", "udp://", "sctp://")
_LINK: Final = re.compile(
    r"(\w+_)?(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)"
)
"""What Kubernetes sets for a Service, ``…PORT=tcp://…`` apart."""


def check_names(environment: Mapping[str, str], settings: Collection[str]) -> None:
    """Refuse variables with our prefix that no setting has.

    Variables that Kubernetes sets in each pod for a Service ``bulk-import…`` are ignored, unless
    one of them has the name of a setting.

    Args:
        environment: the variables.
        settings: the names of all settings, without the prefix.

    Raises:
        CommandError: at least one name is unknown; the text has the most similar ones.
    """
    known = {*settings, *OTHER_NAMES}
    faults = []
    for variable, value in sorted(environment.items()):
        name = variable.upper().removeprefix(PREFIX)
        if not variable.upper().startswith(PREFIX) or _LINK.fullmatch(name):
            continue
        if name.endswith("PORT") and value.startswith(_PROTOCOLS):
            if name in known:
                faults.append(
                    f"{variable} is the address of a Service of Kubernetes: set "
                    "`enableServiceLinks: false` in the pod"
                )
        elif name == "DATABASE_URL":
            faults.append(f"{variable} is not a setting: set DATABASE_URL")
        elif name not in known:
            faults.append(f"{variable} is not a setting{_find_similar(name, known)}")
    if faults:
        raise CommandError("; ".join(faults))


def _find_similar(name: str, known: Collection[str]) -> str:
    import difflib

    similar = difflib.get_close_matches(name, known, n=1, cutoff=0.7)
    return f": did you mean {PREFIX}{similar[0]}?" if similar else " of this version"


def read_database_url(url: str) -> str:
    """Return ``DATABASE_URL`` as asyncpg, dbmate and psql understand it.

    ``sslrootcert=system`` becomes the file of the system's certificate authorities, because only
    psql knows that word.

    Raises:
        CommandError: it is not a URL of PostgreSQL. The text has no part that may be a password.
    """
    found = _SCHEME.match(url)
    if found is None:
        raise CommandError(f"DATABASE_URL is not a URL: write {_EXAMPLE}")
    if found[1].lower() not in _POSTGRESQL:
        if found[2].lower() in _POSTGRESQL:
            raise CommandError(f"DATABASE_URL begins with {found[1]}:// : write {_EXAMPLE}")
        raise CommandError(
            f"DATABASE_URL begins with {found[1]}:// : the service needs PostgreSQL, {_EXAMPLE}"
        )
    try:
        parts = urlsplit(url)
        parameters = dict(parse_qsl(parts.query, strict_parsing=bool(parts.query)))
        hosts = parts.netloc.rpartition("@")[2].split(",")
        ports = [int(host.rpartition("]")[2].partition(":")[2] or 0) for host in hosts]
    except ValueError:
        raise CommandError(
            "DATABASE_URL cannot be read: percent-encode special characters of the password, such "
            "as %40 for @, %2F for /, %3A for : and %23 for #"
        ) from None
    if max(ports) > MAX_PORT:
        raise CommandError(f"DATABASE_URL: a port is at most {MAX_PORT}")
    given = {name: parameters.get(name) or os.environ.get(f"PG{name.upper()}") for name in _TLS}
    if given["sslrootcert"] != "system":
        _check_files(given)
        return url
    mode = given["sslmode"] or "verify-full"
    if mode != "verify-full":
        raise CommandError(
            f"DATABASE_URL: sslrootcert=system needs sslmode=verify-full, and not {mode}"
        )
    parameters |= {"sslmode": mode, "sslrootcert": _find_roots()}
    # psql does not read + as a space.
    return parts._replace(query=urlencode(parameters, quote_via=quote)).geturl()


def _check_files(given: Mapping[str, str | None]) -> None:
    """Refuse files that cannot be read: asyncpg's error has no name, and looks like a lost server.

    Raises:
        CommandError: a file that the mode uses cannot be read.
    """
    mode = given["sslmode"] or "prefer"
    for name in ("sslrootcert", "sslcert", "sslkey"):
        path = given[name]
        used = mode.startswith("verify-") if name == "sslrootcert" else mode != "disable"
        if path and used and not os.access(path, os.R_OK):
            raise CommandError(f"DATABASE_URL: {name}: there is no readable file {path}")


def _find_roots() -> str:
    import ssl

    for path in (ssl.get_default_verify_paths().cafile, *ROOTS):
        if path is not None and Path(path).is_file():
            return path
    raise CommandError(
        "DATABASE_URL: sslrootcert=system, but the system has no file of certificate authorities: "
        "install ca-certificates, or set sslrootcert to a file"
    )
