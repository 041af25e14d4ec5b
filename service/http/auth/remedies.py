"""What a caller without a sufficient token can do."""

from service.settings import Settings


def how_to_get_token(settings: Settings, client_id: str | None, scopes: str = "") -> str:
    """Return where a caller gets a token, as the end of a sentence.

    Args:
        settings: they decide who signs tokens.
        client_id: client that the token must be for; None if the request names none.
        scopes: scopes that it must have, separated by spaces; empty for the usual ones.
    """
    sources = []
    if settings.jwt_public_key is not None or settings.jwt_jwks is not None:
        sources.append(f"from {settings.jwt_issuer or 'the issuer of your tokens'}")
    if settings.jwt_secret is not None:
        options = f" --scope '{scopes}'" if scopes else ""
        sources.append(
            f"with `bulk-import token --client {client_id or 'ID'}{options}` where the service runs"
        )
    return f"get a token {' or '.join(sources)}"
