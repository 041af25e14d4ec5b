"""The issuer's keys: which of a set are used, and how the set is kept fresh."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import jwt
import pytest
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from pydantic import SecretStr

from service.errors import Unauthorized, Unavailable
from service.http.auth import issuer_document, jwks
from service.http.auth.issuer_document import MAX_BYTES
from service.http.auth.jwks import KeySet
from service.http.auth.tokens import Verifier
from service.settings import Settings

OLD: Final = rsa.generate_private_key(public_exponent=65537, key_size=2048)
NEW: Final = rsa.generate_private_key(public_exponent=65537, key_size=2048)
CURVE: Final = ec.generate_private_key(ec.SECP256R1())
SECRET: Final = "a secret for tests, longer than 32 bytes"


def public(key: Any, kid: str | None = None, **fields: Any) -> dict[str, Any]:
    """Return a public key as an entry of a set."""
    kind = jwt.algorithms.ECAlgorithm if key is CURVE else jwt.algorithms.RSAAlgorithm
    named = {} if kid is None else {"kid": kid}
    return kind.to_jwk(key.public_key(), as_dict=True) | named | fields


def key_set(*keys: dict[str, Any]) -> bytes:
    return json.dumps({"keys": keys}).encode()


def sign_token(key: Any, kid: str | None, algorithm: str = "RS256") -> str:
    claims = {"exp": time.time() + 3600, "sub": kid or "me"}
    return jwt.encode(claims, key, algorithm, headers={"kid": kid} if kid else None)


@dataclass
class Issuer:
    """Serves ``document``, or an error of ``status``, and counts requests."""

    document: bytes = b""
    status: int = 200
    asked: int = 0
    url: str = ""
    held: asyncio.Event = field(default_factory=asyncio.Event)
    called: asyncio.Event = field(default_factory=asyncio.Event)

    async def answer(self, request: web.Request) -> web.Response:
        self.asked += 1
        self.called.set()
        await self.held.wait()
        return web.Response(status=self.status, body=self.document, headers={"Location": "/other"})


@pytest.fixture
async def issuer() -> AsyncIterator[Issuer]:
    issuer = Issuer()
    issuer.held.set()
    app = web.Application()
    app.router.add_get("/{path:.*}", issuer.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    issuer.url = f"http://127.0.0.1:{runner.addresses[0][1]}/keys"
    yield issuer
    await runner.cleanup()


def verifier(place: object, **settings: Any) -> Verifier:
    return Verifier(Settings(jwt_jwks=str(place), **settings))


def _a_minute_later(checking: Verifier) -> None:
    assert checking._issued is not None
    checking._issued._next = 0.0


async def test_a_withdrawn_key_is_refused(issuer: Issuer) -> None:
    issuer.document = key_set(public(OLD, "old"))
    keys = KeySet(issuer.url, pause=0)
    async with keys.refreshed():
        assert keys.get("old", "RS256") is not None
        issuer.document = key_set(public(NEW, "new"))
        await keys.renew()
        assert keys.get("old", "RS256") is None


async def test_unknown_keys_reload_the_set_at_most_once_a_minute(issuer: Issuer) -> None:
    issuer.document = key_set(public(OLD, "old"))
    checking = verifier(issuer.url)
    async with checking.refreshed():
        for kid in ["new", "newer"]:
            with pytest.raises(Unauthorized, match="JWT token key is not known"):
                await checking.verify(sign_token(NEW, kid))
        assert issuer.asked == 1
        _a_minute_later(checking)
        together = [checking.verify(sign_token(NEW, str(number))) for number in range(5)]
        assert len(await asyncio.gather(*together, return_exceptions=True)) == 5
        assert issuer.asked == 2


async def test_the_first_token_with_a_new_key_loads_it(issuer: Issuer) -> None:
    issuer.document = key_set(public(OLD, "old"))
    checking = verifier(issuer.url)
    async with checking.refreshed():
        issuer.document = key_set(public(OLD, "old"), public(NEW, "new"))
        _a_minute_later(checking)
        assert (await checking.verify(sign_token(NEW, "new")))["sub"] == "new"
        assert (await checking.verify(sign_token(OLD, "old")))["sub"] == "old"
        assert issuer.asked == 2


@pytest.mark.parametrize(
    ("status", "document"),
    [
        (500, b""),
        (302, b""),
        (200, b"<html>"),
        (200, b"[]"),
        (200, b"[" * 100_000),
        (200, b'{"keys": []}'),
        (200, b" " * (MAX_BYTES + 1) + key_set(public(NEW, "new"))),
    ],
)
async def test_the_last_good_set_is_used_while_the_issuer_fails(
    issuer: Issuer, status: int, document: bytes
) -> None:
    issuer.document = key_set(public(OLD, "old"))
    keys = KeySet(issuer.url, pause=0)
    async with keys.refreshed():
        issuer.status, issuer.document = status, document
        await keys.renew()
        assert issuer.asked == 2
        assert keys.get("old", "RS256") is not None
        assert keys.get("new", "RS256") is None


async def test_a_silent_issuer_does_not_delay_tokens_with_known_keys(issuer: Issuer) -> None:
    issuer.document = key_set(public(OLD, "old"))
    checking = verifier(issuer.url)
    async with checking.refreshed():
        issuer.held.clear()
        issuer.called.clear()
        _a_minute_later(checking)
        waiting = asyncio.create_task(checking.verify(sign_token(NEW, "new")))
        await issuer.called.wait()
        assert (await checking.verify(sign_token(OLD, "old")))["sub"] == "old"
        assert not waiting.done()
        issuer.held.set()
        with pytest.raises(Unauthorized):
            await waiting


async def test_a_request_to_a_silent_issuer_times_out(
    issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(issuer_document, "READ_TIMEOUT", 0.05)
    issuer.held.clear()
    keys = KeySet(issuer.url)
    async with keys.refreshed():
        with pytest.raises(Unavailable):
            keys.has_key("old")
    issuer.held.set()


async def test_a_token_is_not_blamed_while_no_set_was_loaded(issuer: Issuer) -> None:
    issuer.status = 503
    checking = verifier(issuer.url, jwt_secret=SecretStr(SECRET))
    async with checking.refreshed():
        with pytest.raises(Unavailable):
            await checking.verify(sign_token(OLD, "old"))
        assert (await checking.verify(sign_token(SECRET, None, "HS256")))["sub"] == "me"


async def test_a_key_file_is_reloaded(tmp_path: Path) -> None:
    file = tmp_path / "jwks.json"
    file.write_bytes(key_set(public(OLD, "old")))
    checking = verifier(file)
    async with checking.refreshed():
        file.write_bytes(key_set(public(NEW, "new")))
        _a_minute_later(checking)
        assert (await checking.verify(sign_token(NEW, "new")))["sub"] == "new"


def test_a_key_verifies_only_its_own_algorithm() -> None:
    keys = jwks.parse_key_set(
        key_set(public(OLD, "r"), public(NEW, "p", alg="PS256"), public(CURVE, "e", use="sig"))
    )
    assert set(keys) == {("r", "RS256"), ("p", "PS256"), ("e", "ES256")}


def test_a_sender_can_move_from_the_secret_to_the_set(tmp_path: Path) -> None:
    file = tmp_path / "jwks.json"
    file.write_bytes(key_set(public(NEW, "new")))
    before = sign_token(SECRET, None, "HS256")
    both = verifier(file, jwt_secret=SecretStr(SECRET))
    assert both.claims(before)["sub"] == "me"
    assert both.claims(sign_token(NEW, "new"))["sub"] == "new"
    with pytest.raises(Unauthorized, match="algorithm is not accepted"):
        verifier(file).claims(before)


def test_a_key_of_the_set_is_refused_as_an_hmac_secret(tmp_path: Path) -> None:
    file = tmp_path / "jwks.json"
    file.write_bytes(key_set(public(OLD, "old"), public(CURVE, "curve")))
    checking = verifier(file, jwt_secret=SecretStr(SECRET))
    for token in [
        sign_token(SECRET, "old", "HS256"),
        sign_token(str(public(OLD)["n"]), "old", "HS256"),
        sign_token(OLD, "old", "PS256"),
        sign_token(OLD, "curve", "RS256"),
    ]:
        with pytest.raises(Unauthorized, match="algorithm is not accepted"):
            checking.claims(token)
    with pytest.raises(Unauthorized, match="signature is invalid"):
        checking.claims(sign_token(NEW, "old"))


@pytest.mark.parametrize(
    "key",
    [
        {"kty": "oct", "kid": "x", "k": "c2VjcmV0" * 8},
        {"kty": "oct", "kid": "x", "k": "c2VjcmV0" * 8, "alg": "HS256"},
        {"kty": "RSA", "kid": "x", "n": "AQAB"},
        {"kty": ["RSA"], "kid": "x"},
        public(OLD),
        public(OLD, "x", use="enc"),
        public(OLD, "x", key_ops=["encrypt"]),
        public(OLD, "x", alg="RS512"),
        public(OLD, "x", alg="ES256"),
        public(rsa.generate_private_key(public_exponent=65537, key_size=1024), "x"),
        jwt.algorithms.RSAAlgorithm.to_jwk(OLD, as_dict=True) | {"kid": "x"},
        "no key",
    ],
)
def test_an_unusable_key_is_ignored(key: Any) -> None:
    assert set(jwks.parse_key_set(key_set(key, public(NEW, "new")))) == {("new", "RS256")}
    with pytest.raises(ValueError, match="no supported key"):
        jwks.parse_key_set(key_set(key))


@pytest.mark.parametrize(
    "place",
    [
        "http://example.org/keys",
        "http://localhost.example.org/keys",
        "ftp://localhost/keys",
        "file:///etc/passwd",
        "https:///keys",
        "/no/such/file",
        "/",
    ],
)
def test_an_untrusted_or_unreadable_location_prevents_the_start(place: str) -> None:
    with pytest.raises(ValueError, match="BULK_IMPORT_JWT_JWKS: "):
        verifier(place)


@pytest.mark.parametrize("place", ["https://example.org/keys", "http://[::1]:80/keys"])
def test_https_is_accepted_and_http_only_to_the_local_host(place: str) -> None:
    KeySet(place)
