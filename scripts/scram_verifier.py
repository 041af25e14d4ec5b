"""Turn a password into the verifier that PostgreSQL stores.

    python3 scripts/scram_verifier.py <password-file

Reads the password from standard input, without its line break. Prints ``SCRAM-SHA-256$…`` for
``CREATE ROLE`` and for PgBouncer's list of users. The salt is random: both need the same output.
Needs Python 3.11 and nothing else."""

import base64
import hashlib
import hmac
import os
import sys
from typing import Final

ITERATIONS: Final = 4096
"""PostgreSQL's own default."""


def verifier(password: str, salt: bytes) -> str:
    """Return the verifier of RFC 5802 for a password, in PostgreSQL's form.

    Raises:
        ValueError: the password is empty, or has characters beyond printable ASCII, which each
            program would have to normalize in the same way.
    """
    if not password or not (password.isascii() and password.isprintable()):
        raise ValueError("the password must consist of printable ASCII characters")
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, ITERATIONS)
    client_key = hmac.digest(salted, b"Client Key", "sha256")
    stored_key = hashlib.sha256(client_key).digest()
    server_key = hmac.digest(salted, b"Server Key", "sha256")
    keys = f"{_base64(stored_key)}:{_base64(server_key)}"
    return f"SCRAM-SHA-256${ITERATIONS}:{_base64(salt)}${keys}"


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode()


if __name__ == "__main__":
    try:
        print(verifier(sys.stdin.read().rstrip("\n"), os.urandom(16)))
    except ValueError as error:
        sys.exit(str(error))
