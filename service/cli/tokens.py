"""The key that tokens are signed with, and the command that makes one.

Beside the embedded database lies a secret of its own, made at the first use, so that a laptop needs
no settings. With ``DATABASE_URL`` the key is a setting: several replicas must have the same.
"""

import contextlib
import os
import secrets
import time
from pathlib import Path
from typing import Annotated, Any, Final

import jwt
import typer
from pydantic import SecretStr

from service.cli.database import data_dir, load_settings
from service.cli.screen import Failure
from service.settings import Settings

SECRET_FILE: Final = "jwt-secret"


def with_key(settings: Settings) -> Settings:
    """The settings with a key to verify tokens by.

    Raises:
        Failure: there is none.
    """
    if settings.jwt_secret or settings.jwt_public_key or settings.jwt_jwks:
        return settings
    if settings.database_url is not None:
        raise Failure(
            "set BULK_IMPORT_JWT_SECRET (HS256, at least 32 bytes), BULK_IMPORT_JWT_PUBLIC_KEY "
            "(RS256, PEM) or BULK_IMPORT_JWT_JWKS: with DATABASE_URL there is no default key"
        )
    secret = _secret(data_dir(settings) / SECRET_FILE)
    return settings.model_copy(update={"jwt_secret": SecretStr(secret)})


def sign(
    settings: Settings,
    clients: list[int],
    *,
    scope: str | None = None,
    subject: str = "cli",
    hours: float = 1,
) -> str:
    """A token that the service of these settings takes.

    Args:
        settings: with ``jwt_secret``, or else for the embedded database.
        clients: ids that it is good for.
        scope: scopes, separated by spaces; by default importing and reading.
        subject: who it is for; project locks and the history go by it.
        hours: until it expires.

    Raises:
        Failure: tokens are signed elsewhere, as only the public key is known here.
    """
    key = with_key(settings).jwt_secret
    if key is None:
        raise Failure("tokens are signed elsewhere: there is no BULK_IMPORT_JWT_SECRET")
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


def token(
    client: Annotated[
        list[int], typer.Option(min=0, help="Client that it is good for; repeatable.")
    ],
    scope: Annotated[
        str | None, typer.Option(help="Scopes; by default importing and reading.")
    ] = None,
    subject: Annotated[str, typer.Option(help="Who it is for.")] = "cli",
    hours: Annotated[float, typer.Option(min=0, help="How long it is good for.")] = 24,
) -> None:
    """Print a token, alone."""
    typer.echo(sign(load_settings(), client, scope=scope, subject=subject, hours=hours))


def _secret(path: Path) -> str:
    """Read the secret, or make it: whole at once, so that nobody ever reads half of one."""
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        partial = path.with_name(f"{path.name}.{os.getpid()}")
        with open(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(48))
        with contextlib.suppress(FileExistsError):  # another command was faster
            os.link(partial, path)
        partial.unlink()
    return path.read_text().strip()
