"""A small OpenID Connect issuer: discovery, a form, PKCE, tokens, refresh and sign-out."""

import base64
import contextlib
import hashlib
import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from html import escape
from typing import Any, Final
from urllib.parse import urlencode

import jwt
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import rsa

CLIENT_ID: Final = "bulk-import-page"
AUDIENCE: Final = "bulk-import"
_KEY: Final = rsa.generate_private_key(public_exponent=65537, key_size=2048)
_FORM: Final = (
    "<!doctype html><html lang=en><title>Accounts</title><h1>Accounts of the company</h1>"
    "<form method=post><label>User <input name=user autofocus></label>"
    "<button>Continue</button> <button name=refuse value=1>Cancel</button></form>"
)


@dataclass
class Issuer:
    """The issuer, and what its next tokens have.

    Attributes:
        url: the issuer's name, such as ``http://127.0.0.1:40123``.
        claims: of the access tokens.
        lifetime: of the access tokens, in seconds.
        refreshes: whether a refresh token is given; a used one is no longer valid.
        idle: seconds for which a refresh token is valid, if the issuer tells it.
        requests: bodies of the requests for tokens.
        prompts: the ``prompt`` of each request for the form.
    """

    url: str = ""
    claims: dict[str, Any] = field(default_factory=dict)
    lifetime: int = 3600
    refreshes: bool = False
    idle: int | None = None
    requests: list[dict[str, str]] = field(default_factory=list)
    prompts: list[str] = field(default_factory=list)
    _codes: dict[str, tuple[dict[str, str], str]] = field(default_factory=dict)
    _refresh_tokens: dict[str, str] = field(default_factory=dict)

    def settings(self) -> dict[str, Any]:
        """Return the settings of a service that trusts this issuer."""
        return {
            "jwt_issuer": self.url,
            "jwt_jwks": f"{self.url}/keys",
            "jwt_audience": AUDIENCE,
            "oidc_client_id": CLIENT_ID,
        }

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/.well-known/openid-configuration", self._discover),
            web.get("/keys", self._keys),
            web.get("/authorize", self._ask),
            web.post("/authorize", self._answer),
            web.post("/token", self._give),
            web.get("/end", self._end),
        ]

    def end_sessions(self) -> None:
        """Make all refresh tokens invalid."""
        self._refresh_tokens.clear()

    async def _discover(self, _: web.Request) -> web.Response:
        names = {"authorization": "authorize", "token": "token", "end_session": "end"}
        endpoints = {f"{name}_endpoint": f"{self.url}/{path}" for name, path in names.items()}
        return web.json_response({"issuer": self.url, **endpoints})

    async def _keys(self, _: web.Request) -> web.Response:
        key = jwt.algorithms.RSAAlgorithm.to_jwk(_KEY.public_key(), as_dict=True)
        return web.json_response({"keys": [{**key, "kid": "k"}]})

    async def _ask(self, request: web.Request) -> web.Response:
        assert request.query["code_challenge_method"] == "S256"
        assert request.query["client_id"] == CLIENT_ID
        self.prompts.append(request.query.get("prompt", ""))
        return web.Response(text=_FORM, content_type="text/html")

    async def _answer(self, request: web.Request) -> web.Response:
        asked, form = dict(request.query), await request.post()
        if "refuse" in form:
            answer = {"error": "access_denied", "error_description": "The user cancelled."}
        else:
            answer = {"code": f"code-{len(self._codes)}"}
            self._codes[answer["code"]] = asked, escape(str(form["user"]))
        place = f"{asked['redirect_uri']}#{urlencode({**answer, 'state': asked['state']})}"
        return web.Response(status=303, headers={"Location": place})

    async def _give(self, request: web.Request) -> web.Response:
        form = {name: str(value) for name, value in (await request.post()).items()}
        self.requests.append(form)
        headers = {"Access-Control-Allow-Origin": request.headers["Origin"]}
        found = self._user(form)
        if found is None:
            return web.json_response({"error": "invalid_grant"}, status=400, headers=headers)
        user, nonce = found
        return web.json_response(self._tokens(user, nonce), headers=headers)

    def _user(self, form: dict[str, str]) -> tuple[str, str] | None:
        """Return the user and the nonce of a valid code or refresh token."""
        if form["grant_type"] == "refresh_token":
            user = self._refresh_tokens.pop(form["refresh_token"], None)
            return None if user is None else (user, "")
        asked, user = self._codes.pop(form["code"])
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        proven = challenge == asked["code_challenge"]
        same = form["redirect_uri"] == asked["redirect_uri"]
        return (user, asked["nonce"]) if proven and same else None

    def _tokens(self, user: str, nonce: str) -> dict[str, Any]:
        now = int(time.time())
        common = {"iss": self.url, "sub": user, "exp": now + self.lifetime, "iat": now}
        identity = {"aud": CLIENT_ID, "name": user.title(), **({"nonce": nonce} if nonce else {})}
        tokens = {
            "access_token": sign({**common, "aud": AUDIENCE, **self.claims}),
            "id_token": sign({**common, **identity}),
            "token_type": "Bearer",
            "expires_in": self.lifetime,
        }
        if self.refreshes:
            tokens["refresh_token"] = f"refresh-{len(self.requests)}"
            self._refresh_tokens[str(tokens["refresh_token"])] = user
        if self.idle is not None:
            tokens["refresh_expires_in"] = self.idle
        return tokens

    async def _end(self, request: web.Request) -> web.Response:
        jwt.decode(request.query["id_token_hint"], _KEY.public_key(), ["RS256"], audience=CLIENT_ID)
        place = request.query["post_logout_redirect_uri"]
        return web.Response(status=303, headers={"Location": place})


def sign(claims: dict[str, Any]) -> str:
    """Return a token with the issuer's key."""
    return jwt.encode(json.loads(json.dumps(claims)), _KEY, "RS256", headers={"kid": "k"})


@contextlib.asynccontextmanager
async def running_issuer() -> AsyncIterator[Issuer]:
    """Serve an issuer on a free port of this machine until the block ends."""
    issuer = Issuer()
    app = web.Application()
    app.add_routes(issuer.routes())
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    issuer.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield issuer
    await runner.cleanup()
