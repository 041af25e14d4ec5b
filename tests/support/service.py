"""The application on a real socket, and tokens for it."""

import contextlib
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import jwt
import pytest

from service.cli.serve.site import serve_at
from service.settings import Settings

SECRET: Final = "a secret for tests, longer than 32 bytes"


@dataclass(frozen=True)
class Service:
    """A service that answers at ``base``, such as ``http://127.0.0.1:40123``.

    ``service.bulk`` is the address that client 1 uploads to; ``service.headers()`` authorises.
    """

    base: str
    dsn: str
    settings: Settings

    def url(self, path: str, *, client: int = 1) -> str:
        """An address below the client, such as ``projects/bulk`` or ``imports/1``."""
        return f"{self.base}/api/v2/clients/{client}/{path}"

    @property
    def bulk(self) -> str:
        return self.url("projects/bulk")

    def headers(self, **claims: Any) -> dict[str, str]:
        return {"Authorization": f"Bearer {token(**claims)}", "Accept": "application/json"}


def token(
    *,
    clients: Iterable[int] | str = (1,),
    scope: str = "projects:import projects:read projects:delete",
    sub: str | None = "tester",
    **claims: Any,
) -> str:
    """An HS256 token of the tests' secret, good for an hour; a claim of None is left out."""
    named = clients if isinstance(clients, str) else list(clients)
    said = {"clients": named, "scope": scope, "sub": sub, "exp": int(time.time()) + 3600}
    said |= claims
    kept = {name: value for name, value in said.items() if value is not None}
    return jwt.encode(kept, SECRET, algorithm="HS256")


@contextlib.asynccontextmanager
async def served(settings: Settings, dsn: str) -> AsyncIterator[Service]:
    """Serve on a free port of 127.0.0.1 until the block ends."""
    async with serve_at(settings.model_copy(update={"port": 0}), dsn) as addresses:
        yield Service(addresses.base, dsn, settings)


def limits(**setting: int) -> Sequence[Any]:
    """Return parameters for a test: True with the setting, and False with one byte less."""
    [(name, size)] = setting.items()
    return [
        pytest.param(fits, marks=pytest.mark.settings(**{name: size if fits else size - 1}))
        for fits in (True, False)
    ]
