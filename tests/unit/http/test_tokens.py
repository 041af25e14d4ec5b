"""Which tokens are accepted, and the messages for the others."""

import hashlib
import hmac
import json
import time
from typing import Any, Final

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from jwt.algorithms import RSAAlgorithm
from jwt.utils import base64url_encode
from pydantic import SecretStr

from service.errors import Unauthorized
from service.http.auth.permissions import parse_client_ids, parse_scopes
from service.http.auth.tokens import Verifier
from service.settings import Settings

SECRET: Final = "a secret for tests, longer than 32 bytes"
PRIVATE: Final = rsa.generate_private_key(public_exponent=65537, key_size=2048)
NOW: Final = int(time.time())


def pem(key: Any) -> str:
    public = key.public_key()
    return str(
        public.public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        ),
        "ascii",
    )


def verifier(**settings: Any) -> Verifier:
    return Verifier(Settings(**({"jwt_secret": SecretStr(SECRET)} | settings)))


def sign_token(key: str | RSAPrivateKey = SECRET, algorithm: str = "HS256", **claims: Any) -> str:
    said = {"exp": NOW + 3600} | claims
    kept = {name: value for name, value in said.items() if value is not None}
    return jwt.encode(kept, key, algorithm=algorithm)


def crafted(header: dict[str, Any]) -> str:
    """Return an unsigned token with the given header."""
    return f"{base64url_encode(json.dumps(header).encode()).decode()}.e30.e30"


def test_a_valid_token_returns_its_claims() -> None:
    assert verifier().claims(sign_token(sub="me"))["sub"] == "me"


def test_each_configured_key_verifies_its_own_algorithm() -> None:
    both = verifier(jwt_public_key=pem(PRIVATE))
    assert both.claims(sign_token(PRIVATE, "RS256", sub="rsa"))["sub"] == "rsa"
    assert both.claims(sign_token(sub="hmac"))["sub"] == "hmac"


def test_a_clock_skew_of_30_seconds_is_tolerated() -> None:
    now = int(time.time())
    verifier().claims(sign_token(exp=now - 20, nbf=now + 20, iat=now + 20))


def test_an_audience_is_ignored_when_none_is_configured() -> None:
    verifier().claims(sign_token(aud="somebody else", iss="anybody"))


def test_a_token_needs_the_configured_issuer_and_audience() -> None:
    verifier(jwt_issuer="us", jwt_audience="here").claims(sign_token(iss="us", aud=["x", "here"]))


OTHER_KEY: Final = (
    "JWT token signature is invalid: it was changed, or another key signed it, such as that of "
    "another data directory"
)


@pytest.mark.parametrize(
    ("token", "settings", "details"),
    [
        (sign_token(exp=None), {}, "JWT token has no exp claim"),
        (sign_token(exp=NOW - 31), {}, "JWT token has expired"),
        (sign_token(nbf=NOW + 3600), {}, "JWT token is not yet valid"),
        (sign_token("another secret, longer than 32 bytes!"), {}, OTHER_KEY),
        (sign_token(PRIVATE, "RS256"), {}, "JWT token algorithm is not accepted"),
        (sign_token(SECRET * 2, "HS512"), {}, "JWT token algorithm is not accepted"),
        (jwt.encode({}, "", algorithm="none"), {}, "JWT token algorithm is not accepted"),
        (sign_token(), {"jwt_issuer": "us"}, "JWT token has no iss claim"),
        (sign_token(iss="them"), {"jwt_issuer": "us"}, "JWT token issuer is not accepted"),
        (sign_token(), {"jwt_audience": "here"}, "JWT token has no aud claim"),
        (sign_token(aud="there"), {"jwt_audience": "here"}, "JWT token audience is not accepted"),
        (sign_token(sub=7), {}, "JWT token subject is not a string"),
        (
            sign_token(sub="a" * 256),
            {},
            "JWT token subject is not at most 255 printable characters",
        ),
        (sign_token(sub="a\0b"), {}, "JWT token subject is not at most 255 printable characters"),
        (sign_token(more="x" * 6000), {}, "JWT token is longer than 6144 bytes"),
        (sign_token(PRIVATE, "PS256"), {}, "JWT token algorithm is not accepted"),
        (crafted({"alg": "None"}), {}, "JWT token algorithm is not accepted"),
        (crafted({"alg": ["HS256"]}), {}, "JWT token algorithm is not accepted"),
        (crafted({"alg": "HS256", "kid": 7}), {}, "JWT token is malformed"),
        (crafted({"alg": "HS256", "crit": ["x"], "x": 1}), {}, "JWT token is malformed"),
        (crafted({"alg": "HS256", "b64": False}), {}, "JWT token is malformed"),
        (base64url_encode(b"[" * 4000).decode() + ".e30.e30", {}, "JWT token is malformed"),
        ("abc", {}, "JWT token is malformed"),
        ("a.b.c", {}, "JWT token is malformed"),
    ],
)
def test_each_fault_of_a_token_has_its_own_message(
    token: str, settings: dict[str, Any], details: str
) -> None:
    with pytest.raises(Unauthorized) as caught:
        verifier(**settings).claims(token)
    assert caught.value.details == details


NO_NUMBERS: Final = ("9999999999", "soon", True, [9999999999], {}, *map(float, ("nan", "inf")))


@pytest.mark.parametrize("name", ["exp", "nbf", "iat"])
@pytest.mark.parametrize("value", NO_NUMBERS, ids=repr)
def test_a_time_that_is_not_a_number_is_refused(name: str, value: Any) -> None:
    with pytest.raises(Unauthorized) as caught:
        verifier().claims(sign_token(**{name: value}))
    assert caught.value.details == f"JWT token {name} is not a number"


@pytest.mark.parametrize("text", ["null", "1e400", "-1e400"])
def test_a_time_that_json_reads_as_no_number_is_refused(text: str) -> None:
    claims = base64url_encode(f'{{"exp": {NOW + 3600}, "nbf": {text}}}'.encode())
    signed = base64url_encode(b'{"alg": "HS256"}') + b"." + claims
    signature = base64url_encode(hmac.digest(SECRET.encode(), signed, hashlib.sha256))
    with pytest.raises(Unauthorized) as caught:
        verifier().claims(f"{signed.decode()}.{signature.decode()}")
    assert caught.value.details == "JWT token nbf is not a number"


def test_a_time_may_have_a_fraction_or_any_size() -> None:
    for exp in (NOW + 3600.5, 10**400):
        assert verifier().claims(sign_token(exp=exp, nbf=NOW - 0.5, iat=0))["exp"] == exp
    with pytest.raises(Unauthorized, match="not yet valid"):
        verifier().claims(sign_token(iat=10**400))


def test_a_key_inside_a_token_is_ignored() -> None:
    mine = RSAAlgorithm.to_jwk(PRIVATE.public_key(), as_dict=True)
    brought = {"jwk": mine, "jku": "http://127.0.0.1/", "x5u": "http://127.0.0.1/", "kid": "../x"}
    forged = jwt.encode({"exp": NOW + 3600}, PRIVATE, "RS256", headers=brought)
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    with pytest.raises(Unauthorized, match="signature is invalid"):
        verifier(jwt_public_key=pem(other)).claims(forged)


def test_the_public_key_is_refused_as_an_hmac_secret() -> None:
    both = verifier(jwt_public_key=pem(PRIVATE))
    header, claims = sign_token().split(".")[:2]
    said = f"{header}.{claims}".encode()
    forged = hmac.digest(pem(PRIVATE).encode(), said, hashlib.sha256)
    with pytest.raises(Unauthorized, match="signature is invalid"):
        both.claims(f"{header}.{claims}.{base64url_encode(forged).decode()}")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"jwt_secret": None}, "set BULK_IMPORT_JWT_SECRET, "),
        ({"jwt_secret": SecretStr("short")}, "shorter than 32 bytes"),
        ({"jwt_public_key": "no key"}, "not a public key in PEM"),
        ({"jwt_public_key": pem(ec.generate_private_key(ec.SECP256R1()))}, "not an RSA key"),
        (
            {"jwt_public_key": pem(rsa.generate_private_key(public_exponent=3, key_size=1024))},
            "at least 2048 bits",
        ),
    ],
)
def test_a_missing_or_weak_key_prevents_the_start(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        verifier(**settings)


@pytest.mark.parametrize(
    ("claim", "said"),
    [
        ("a b:c  d", {"a", "b:c", "d"}),
        (["a", 1, "b"], {"a", "b"}),
        (None, set()),
        ({"a": 1}, set()),
    ],
)
def test_scopes_are_read_from_a_string_or_a_list(claim: object, said: set[str]) -> None:
    assert parse_scopes(claim) == said


@pytest.mark.parametrize(
    ("claim", "said"),
    [
        ([1, "2", "007"], {"1", "2", "7"}),
        (3, {"3"}),
        ("4", {"4"}),
        ("*", {"*"}),
        ([1, "*"], {"1", "*"}),
        ([True, 1.0, "1_0", " 1", "١", "", None, [1]], set()),
        (None, set()),
    ],
)
def test_client_ids_are_read_from_integers_digits_or_all(claim: object, said: set[str]) -> None:
    assert parse_client_ids(claim) == said
