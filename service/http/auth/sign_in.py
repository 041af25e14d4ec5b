"""What the pages must know to sign users in, and to offer only what a token allows.

The pages are a public client of the issuer: they have no secret. The service reads the issuer's
endpoints (OpenID Connect Discovery 1.0), because a page may connect only to origins that its
Content-Security-Policy names before it is loaded.
"""

import json
import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from service.http.auth.issuer_document import MIN_INTERVAL, IssuerDocument, fetch, is_trusted
from service.settings import Settings

_HOST: Final = re.compile(r"[A-Za-z0-9.:\[\]-]+", re.ASCII)
_ENDPOINTS: Final = ("authorization_endpoint", "token_endpoint")


class SignIn(IssuerDocument):
    """The configuration of the pages.

    Args:
        settings: if ``oidc_client_id`` is set, users sign in at ``jwt_issuer``.
        pause: least seconds between two reads of the issuer's document.

    Raises:
        ValueError: a setting is missing or cannot be used; the text names it.
    """

    def __init__(self, settings: Settings, *, pause: float = MIN_INTERVAL) -> None:
        super().__init__("oidc", pause=pause)
        self._settings = settings
        self._endpoints: Mapping[str, str] = {}
        if settings.oidc_client_id is not None:
            if settings.jwt_issuer is None or settings.jwt_jwks is None:
                raise ValueError(
                    "BULK_IMPORT_OIDC_CLIENT_ID needs BULK_IMPORT_JWT_ISSUER and "
                    "BULK_IMPORT_JWT_JWKS"
                )
            if not is_trusted(settings.jwt_issuer):
                raise ValueError(
                    "BULK_IMPORT_JWT_ISSUER must be an https URL, or http to localhost, if "
                    "BULK_IMPORT_OIDC_CLIENT_ID is set"
                )

    @property
    def token_origin(self) -> str | None:
        """The origin that the pages fetch tokens from, once it is known."""
        return _origin(self._endpoints["token_endpoint"]) if self._endpoints else None

    def configuration(self) -> str:
        """Return the JSON that the pages read."""
        settings = self._settings
        return json.dumps(
            {
                "clients_claim": settings.jwt_clients_claim,
                "scope_claim": settings.jwt_scope_claim,
                "scopes": {
                    "read": settings.read_scope,
                    "import": settings.import_scope,
                    "undo": settings.undo_scope,
                    "delete": settings.delete_scope,
                    "break": settings.break_scope,
                },
                "issuer": self._issuer(),
            }
        )

    def _issuer(self) -> dict[str, Any] | None:
        settings = self._settings
        if settings.oidc_client_id is None:
            return None
        return {
            "issuer": settings.jwt_issuer,
            "client_id": settings.oidc_client_id,
            "scope": f"openid {settings.oidc_scopes}".strip(),
            "audience": settings.jwt_audience,
            **self._endpoints,
        }

    @property
    def _loaded(self) -> bool:
        return bool(self._endpoints) or self._settings.oidc_client_id is None

    async def _load(self) -> None:
        if self._settings.oidc_client_id is not None and self._settings.jwt_issuer is not None:
            issuer = self._settings.jwt_issuer
            document = await fetch(f"{issuer.removesuffix('/')}/.well-known/openid-configuration")
            self._endpoints = parse_discovery(document, issuer)


def parse_discovery(document: bytes, issuer: str) -> dict[str, str]:
    """Return the endpoints of an issuer's document.

    Args:
        document: JSON of OpenID Connect Discovery 1.0.
        issuer: the issuer that must have published it.

    Raises:
        ValueError: the document is of another issuer, lacks an endpoint, or names one that is
            neither https nor on this machine.
    """
    try:
        found = json.loads(document)
    except RecursionError:
        found = None
    if not isinstance(found, dict) or found.get("issuer") != issuer:
        raise ValueError("the document is not that of BULK_IMPORT_JWT_ISSUER")
    methods = found.get("code_challenge_methods_supported")
    if isinstance(methods, list) and "S256" not in methods:
        raise ValueError("the issuer does not support PKCE with S256")
    names = [*_ENDPOINTS, *(["end_session_endpoint"] if "end_session_endpoint" in found else [])]
    for name in names:
        url = found.get(name)
        if not isinstance(url, str) or not is_trusted(url) or not _HOST.fullmatch(_host(url)):
            raise ValueError(f"{name} is neither an https URL nor http to localhost")
    return {name: found[name] for name in names}


def _host(url: str) -> str:
    return urlsplit(url).netloc


def _origin(url: str) -> str:
    return f"{urlsplit(url).scheme}://{_host(url)}"
