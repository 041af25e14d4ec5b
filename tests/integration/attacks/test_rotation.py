"""The issuer changes its keys while the service runs."""

import json
import time
from pathlib import Path
from typing import Any, Final

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from service.http.auth import jwks
from service.settings import Settings
from service.storage import Pool
from tests.support.databases import ADD_CLIENT
from tests.support.raw_http import XML, form, part, upload
from tests.support.service import served

FILE: Final = form(part("file", XML))
OLD: Final = rsa.generate_private_key(public_exponent=65537, key_size=2048)
NEW: Final = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def publish(path: Path, **keys: Any) -> None:
    """Have these be the issuer's keys, by their names."""
    listed = [
        jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key(), as_dict=True) | {"kid": kid}
        for kid, key in keys.items()
    ]
    path.write_text(json.dumps({"keys": listed}))


def sign_token(key: Any, kid: str) -> str:
    claims = {"clients": [1], "scope": "projects:import", "exp": time.time() + 3600}
    return jwt.encode(claims, key, "RS256", {"kid": kid})


@pytest.fixture
async def _client(pool: Pool) -> None:
    await pool.execute(ADD_CLIENT)


@pytest.mark.usefixtures("_client")
async def test_keys_rotate_without_a_restart(
    settings: Settings, dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jwks.KeySet.__init__, "__kwdefaults__", {"pause": 0.0})
    file = tmp_path / "keys.json"
    publish(file, old=OLD)
    asked = settings.model_copy(update={"jwt_secret": None, "jwt_jwks": str(file)})
    async with served(asked, dsn) as service:
        assert (await upload(service, FILE, token=sign_token(OLD, "old"))).status == 207
        publish(file, old=OLD, new=NEW)
        assert (await upload(service, FILE, token=sign_token(NEW, "new"))).status == 207
        publish(file, new=NEW)
        answer = await upload(service, FILE, token=sign_token(OLD, "older"))
        assert answer.status == 401
        assert answer.json["details"].startswith("JWT token key is not known; ")
        assert (await upload(service, FILE, token=sign_token(OLD, "old"))).status == 401
        file.unlink()
        assert (await upload(service, FILE, token=sign_token(NEW, "newer"))).status == 401
        assert (await upload(service, FILE, token=sign_token(NEW, "new"))).status == 207


@pytest.mark.usefixtures("_client")
async def test_the_service_waits_for_an_issuer_that_is_unreachable_at_the_start(
    settings: Settings, dsn: str
) -> None:
    """Meanwhile other tokens are accepted, and tokens of the issuer get a 503 with Retry-After."""
    place = "http://127.0.0.1:1/keys"  # no server listens here
    async with served(settings.model_copy(update={"jwt_jwks": place}), dsn) as service:
        assert (await upload(service, FILE)).status == 207
        answer = await upload(service, FILE, token=sign_token(OLD, "old"))
        assert answer.status == 503
        assert answer.headers["retry-after"]
