"""What the pages learn of the issuer, and which documents and settings are refused."""

import json
from typing import Any

import pytest

from service.http.auth.sign_in import SignIn, parse_discovery
from service.settings import Settings

ISSUER = "https://id.example.com/realms/office"
ENDPOINTS = {
    "authorization_endpoint": f"{ISSUER}/auth",
    "token_endpoint": "https://tokens.example.com/token",
}


def discovery(**changes: Any) -> bytes:
    return json.dumps({"issuer": ISSUER, **ENDPOINTS, "jwks_uri": "x", **changes}).encode()


def test_the_endpoints_are_read_and_nothing_else() -> None:
    assert parse_discovery(discovery(), ISSUER) == ENDPOINTS
    end = {"end_session_endpoint": f"{ISSUER}/logout"}
    pkce = {"code_challenge_methods_supported": ["plain", "S256"]}
    assert parse_discovery(discovery(**end, **pkce), ISSUER) == ENDPOINTS | end


@pytest.mark.parametrize(
    ("document", "fault"),
    [
        (b"<html>", "Expecting value"),
        (b"[" * 100_000, "not that of BULK_IMPORT_JWT_ISSUER"),
        (b"[]", "not that of BULK_IMPORT_JWT_ISSUER"),
        (discovery(issuer="https://other.example.com"), "not that of BULK_IMPORT_JWT_ISSUER"),
        (discovery(token_endpoint=None), "token_endpoint is neither"),
        (discovery(token_endpoint="http://tokens.example.com/t"), "token_endpoint is neither"),
        (discovery(token_endpoint="https://a;script-src *//t"), "token_endpoint is neither"),
        (discovery(authorization_endpoint="javascript:alert(1)"), "authorization_endpoint is"),
        (discovery(end_session_endpoint="ftp://id.example.com/logout"), "end_session_endpoint is"),
        (discovery(code_challenge_methods_supported=["plain"]), "PKCE"),
    ],
)
def test_a_document_that_cannot_be_used_is_refused(document: bytes, fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        parse_discovery(document, ISSUER)


@pytest.mark.parametrize(
    "settings",
    [{}, {"jwt_issuer": ISSUER}, {"jwt_issuer": "office", "jwt_jwks": f"{ISSUER}/keys"}],
)
def test_settings_that_do_not_fit_together_are_named(settings: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="BULK_IMPORT_OIDC_CLIENT_ID"):
        SignIn(Settings(oidc_client_id="page", **settings))


def test_a_page_without_an_issuer_learns_only_names_of_claims_and_scopes() -> None:
    sign_in = SignIn(Settings(jwt_clients_claim="tenants"))
    found = json.loads(sign_in.configuration())
    assert (found["clients_claim"], found["issuer"]) == ("tenants", None)
    assert found["scopes"]["undo"] == "projects:undo"
    assert sign_in.token_origin is None
