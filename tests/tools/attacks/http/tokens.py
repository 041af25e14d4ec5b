"""Invalid tokens: each is refused with its own message, which never repeats the token."""

import hashlib
import hmac
import json
import math
import secrets
import time
from collections.abc import Callable
from functools import cache
from typing import Any, Final

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import RSAAlgorithm
from jwt.utils import base64url_encode

from tests.support.raw_http import XML, form, part, upload
from tests.support.service import SECRET, Service
from tests.tools.attacks.attack import Attack, told

_FILE: Final = form(part("file", XML))


_HS256: Final = b'{"alg": "HS256"}'


@cache
def _private() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@cache
def _stranger() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@cache
def _pem() -> str:
    public = _private().public_key()
    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def _claims(**changes: Any) -> dict[str, Any]:
    claims = {
        "clients": [1],
        "scope": "projects:import",
        "iss": "issuer",
        "aud": "import",
        "exp": int(time.time()) + 3600,
    } | changes
    return {name: value for name, value in claims.items() if value is not None}


def _signed(key: Any = SECRET, algorithm: Any = "HS256", **changes: Any) -> str:
    return jwt.encode(_claims(**changes), key, algorithm)


def _confused() -> str:
    """HS256, with the text of the public key as its secret: PyJWT refuses to make one."""
    said = f"{_encoded(_HS256)}.{_encoded(json.dumps(_claims()).encode())}"
    return f"{said}.{_encoded(hmac.digest(_pem().encode(), said.encode(), hashlib.sha256))}"


def _brought() -> str:
    key = RSAAlgorithm.to_jwk(_stranger().public_key(), as_dict=True)
    return jwt.encode(_claims(), _stranger(), "RS256", {"jwk": key, "kid": "mine"})


def _nested() -> str:
    return f"{_encoded(b'[' * 4000)}.e30.e30"


def _encoded(said: bytes) -> str:
    return base64url_encode(said).decode()


def _tampered() -> str:
    """The claims of one token under the signature of another."""
    head, _, signature = _signed(clients=[9]).split(".")
    return ".".join([head, _signed(clients=[1]).split(".")[1], signature])


def _token(name: str, make: Callable[[], str], words: str) -> Attack:
    async def send(service: Service) -> str:
        said = make()
        answer = await upload(service, _FILE, token=said)
        assert said.encode() not in answer.body
        return told(answer)

    return Attack(f"a token {name}", send, f"{words}.*", SETTINGS)


def _untimed(claim: str, value: object) -> Attack:
    def make() -> str:
        return _signed(**{claim: value})

    return _token(f"whose {claim} is {value!r}", make, f"401 JWT token {claim} is not a number")


_ALGORITHM: Final = "401 JWT token algorithm is not accepted"
_SIGNATURE: Final = "401 JWT token signature is invalid"
_NO_NUMBERS: Final[list[object]] = ["4102444800", True, math.inf, math.nan, []]
_NOT: Final = "is not accepted"
SETTINGS: Final[dict[str, object]] = {
    "jwt_public_key": _pem(),
    "jwt_issuer": "issuer",
    "jwt_audience": "import",
}
ATTACKS: Final = [
    _token("that holds, to compare with", _signed, "207 Projects successfully imported"),
    _token("with `alg: none`", lambda: jwt.encode(_claims(), "", "none"), _ALGORITHM),
    _token("of HS512", lambda: _signed(SECRET * 2, algorithm="HS512"), _ALGORITHM),
    _token("of HS256 signed with the RS256 public key", _confused, _SIGNATURE),
    _token("of HS256 signed with another secret", lambda: _signed("x" * 40), _SIGNATURE),
    _token("of RS256 signed with another key", lambda: _signed(_stranger(), "RS256"), _SIGNATURE),
    _token("of RS256 with its own key in the header", _brought, _SIGNATURE),
    _token("with the claims of another", _tampered, _SIGNATURE),
    _token("that has expired", lambda: _signed(exp=1), "401 JWT token has expired"),
    *(_untimed(claim, value) for claim in ("exp", "nbf", "iat") for value in _NO_NUMBERS),
    _token("from the future", lambda: _signed(nbf=2e9 * 2), "401 JWT token is not yet valid"),
    _token("without exp", lambda: _signed(exp=None), "401 JWT token has no exp claim"),
    _token("without aud", lambda: _signed(aud=None), "401 JWT token has no aud claim"),
    _token("for another audience", lambda: _signed(aud="x"), f"401 JWT token audience {_NOT}"),
    _token("without iss", lambda: _signed(iss=None), "401 JWT token has no iss claim"),
    _token("from another issuer", lambda: _signed(iss="x"), f"401 JWT token issuer {_NOT}"),
    _token("of 7,000 bytes", lambda: _signed(x="x" * 5000), "401 JWT token is longer than "),
    _token("that is no token", lambda: secrets.token_hex(50), "401 JWT token is malformed"),
    _token("with a header nested 4,000 deep", _nested, "401 JWT token is malformed"),
    _token("with a NUL in its sub", lambda: _signed(sub="a\0"), "401 JWT token subject is not "),
    _token("for client 2 alone", lambda: _signed(clients=[2]), "403 Insufficient permissions"),
    _token("without the scope", lambda: _signed(scope="x"), "403 Insufficient permissions"),
]
