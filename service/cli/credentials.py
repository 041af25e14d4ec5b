"""The key that verifies tokens, and tokens for commands.

The embedded database needs no settings: the first command creates a secret in its data directory.
With ``DATABASE_URL``, the key is a setting, because all replicas must have the same one.
"""

import contextlib
import os
import secrets
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from service.cli.database import data_dir
from service.cli.output import CommandError

if TYPE_CHECKING:
    from service.settings import Settings

SECRET_FILE: Final = "jwt-secret"


def with_key(settings: "Settings") -> "Settings":
    """Return the settings with a key that verifies tokens.

    Raises:
        CommandError: there is no key, or the one of the data directory is too short.
    """
    from pydantic import SecretStr

    from service.settings import check_secret

    if settings.jwt_secret or settings.jwt_public_key or settings.jwt_jwks:
        return settings
    if settings.database_url is not None:
        raise CommandError(
            "set BULK_IMPORT_JWT_SECRET (HS256, at least 32 bytes), BULK_IMPORT_JWT_PUBLIC_KEY "
            "(RS256, PEM) or BULK_IMPORT_JWT_JWKS: with DATABASE_URL there is no default key"
        )
    path = data_dir(settings) / SECRET_FILE
    try:
        secret = check_secret(SecretStr(_read_or_create_secret(path)))
    except ValueError as error:
        raise CommandError(f"{path} {error}; without the file, one is created") from error
    return settings.model_copy(update={"jwt_secret": secret})


def sign_token(
    settings: "Settings",
    clients: list[int],
    *,
    scope: str | None = None,
    subject: str = "cli",
    hours: float = 1,
) -> str:
    """Return a token that a service with these settings accepts.

    Args:
        settings: with ``jwt_secret``, or for the embedded database.
        clients: ids of the clients that the token gives access to.
        scope: scopes, separated by spaces; by default importing and reading.
        subject: who uses the token; project locks and the history name it.
        hours: until the token expires.

    Raises:
        CommandError: the settings have no secret, so another program signs the tokens.
    """
    import jwt

    key = with_key(settings).jwt_secret
    if key is None:
        source = settings.jwt_issuer or "their issuer"
        raise CommandError(
            f"tokens are signed elsewhere, because BULK_IMPORT_JWT_SECRET is not set: get one from "
            f"{source}, and set BULK_IMPORT_TOKEN to it"
        )
    now = int(time.time())
    claims: dict[str, Any] = {
        "sub": subject,
        settings.jwt_scope_claim: scope or f"{settings.import_scope} {settings.read_scope}",
        settings.jwt_clients_claim: clients,
        "iat": now,
        "exp": now + int(hours * 3600),
    }
    if settings.jwt_issuer is not None:
        claims["iss"] = settings.jwt_issuer
    if settings.jwt_audience is not None:
        claims["aud"] = settings.jwt_audience
    return jwt.encode(claims, key.get_secret_value(), algorithm="HS256")


def _read_or_create_secret(path: Path) -> str:
    """Read the secret, or create one. A link publishes it, so that no process reads half of it."""
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        partial = path.with_name(f"{path.name}.{os.getpid()}")
        with open(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(48))
        with contextlib.suppress(FileExistsError):  # another command created it first
            os.link(partial, path)
        partial.unlink()
    return path.read_text().strip()
