"""Advisory lock keys: 64-bit hashes of what is locked, the same in every replica."""

from hashlib import blake2b


def _key(*parts: object) -> int:
    text = "\0".join(map(str, parts))
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big", signed=True)


def import_key(client_id: int, import_id: int) -> int:
    """Held shared by every batch of an import, exclusively by whoever takes it over or ends it."""
    return _key("import", client_id, import_id)


def client_key(client_id: int) -> int:
    """Held shared by every batch of a client's imports, exclusively by what needs it alone."""
    return _key("client", client_id)


def project_key(client_id: int, external_id: str) -> int:
    """Held exclusively by the batch that writes the project."""
    return _key("project", client_id, external_id)


def prune_key() -> int:
    """Held exclusively by the one replica that prunes."""
    return _key("prune")
