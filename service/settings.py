"""Every setting: an environment variable with a default that is safe.

``DATABASE_URL`` has the name that platforms give it; all others carry the prefix ``BULK_IMPORT_``.
``docs/operations.md`` lists them, and a test holds the two together.
"""

from pathlib import Path
from typing import Literal

from pydantic import AliasChoices, DirectoryPath, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB

MAX_PROCESSES = 64
"""Far more than help: each is a server of its own."""


class Settings(BaseSettings):
    """Sizes are bytes and times seconds, unless a description says otherwise."""

    model_config = SettingsConfigDict(
        env_prefix="BULK_IMPORT_", env_ignore_empty=True, extra="ignore", frozen=True
    )

    # Database
    database_url: str | None = Field(
        None,
        validation_alias=AliasChoices("DATABASE_URL", "database_url"),
        description="PostgreSQL to use; without it the embedded one is started",
    )
    data_dir: Path | None = Field(
        None, description="directory of the embedded database; default by user and system"
    )
    embedded_version: Literal["16", "18"] = Field("18", description="embedded server's version")
    pool_size: int = Field(20, ge=4, description="connections to the database")
    statement_cache_size: int = Field(
        100, ge=0, description="prepared statements kept; 0 behind an old PgBouncer"
    )
    connect_timeout: float = Field(10, gt=0, description="to get a connection")

    # HTTP
    host: str = Field("127.0.0.1", description="address to listen on")
    port: int = Field(8080, ge=0, le=65535, description="port to listen on; 0 takes a free one")
    processes: int = Field(
        1, ge=1, le=MAX_PROCESSES, description="processes that serve; each has all limits to itself"
    )
    log_format: Literal["console", "json"] = Field("console", description="how the log is written")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="log level")

    # Authentication
    jwt_secret: SecretStr | None = Field(None, description="HS256 secret, at least 32 bytes")
    jwt_public_key: str | None = Field(None, description="RS256 public key, PEM")
    jwt_jwks: str | None = Field(
        None, description="issuer's key set (JWKS): an https URL or a file's path"
    )
    jwt_issuer: str | None = Field(None, description="required `iss`, where set")
    jwt_audience: str | None = Field(None, description="required `aud`, where set")
    jwt_leeway: float = Field(30, ge=0, description="clock skew allowed")
    jwt_scope_claim: str = Field("scope", description="claim that holds the scopes")
    jwt_clients_claim: str = Field("clients", description="claim that holds the client ids, or `*`")
    import_scope: str = Field("projects:import", description="scope that allows an import")
    read_scope: str = Field("projects:read", description="scope that allows reading")
    undo_scope: str = Field("projects:undo", description="scope that allows undoing an import")
    break_scope: str = Field(
        "projects:break-locks", description="scope that allows ending the lock of somebody else"
    )

    # Connections
    max_connections: int = Field(800, gt=0, description="connections at once; past it one is ended")
    header_timeout: float = Field(30, gt=0, description="for the head of a request, once begun")
    keepalive_timeout: float = Field(75, gt=0, description="without a request; then it is ended")
    send_timeout: float = Field(60, gt=0, description="in which a client takes none of an answer")

    # Limits of an upload
    max_upload_bytes: int = Field(16 * GIB, gt=0, description="a request's body, as it comes")
    max_file_bytes: int = Field(64 * GIB, gt=0, description="a file, inflated")
    max_inflate_ratio: int = Field(200, gt=1, description="inflated size over compressed size")
    max_projects: int = Field(1_000_000, gt=0, description="projects in a file")
    max_project_bytes: int = Field(1 * GIB, gt=0, description="rows of one project")
    max_attributes_bytes: int = Field(16 * MIB, gt=0, description="attributes of one record")
    max_tag_names: int = Field(20_000, gt=0, description="distinct element and attribute names")
    max_notes_length: int = Field(4000, ge=0, description="characters of the notes")
    max_parts: int = Field(100, gt=0, description="parts of a request")
    max_part_bytes: int = Field(1 * MIB, gt=0, description="a part that is not the file")

    # Times of an upload
    idle_timeout: float = Field(30, gt=0, description="silence before an upload is interrupted")
    upload_timeout: float = Field(4 * 3600, gt=0, description="an upload as a whole")
    drain_timeout: float = Field(540, ge=0, description="what is left of an import after SIGTERM")
    status_after: float = Field(15, gt=0, description="after the last byte, before a 207 is begun")
    keepalive_every: float = Field(
        10, gt=0, description="between spaces sent while the rest is done"
    )
    refused_timeout: float = Field(60, gt=0, description="reading away an unauthorised body")
    refused_bytes: int = Field(1 * GIB, gt=0, description="of an unauthorised body read away")
    max_refused: int = Field(64, gt=0, description="refused bodies being read away at once")

    # The pipeline
    max_imports: int = Field(16, gt=0, description="imports running at once; past it 503")
    max_imports_per_client: int = Field(8, gt=0, description="of one client; past it 429")
    writers: int = Field(4, gt=0, description="writers of one import")
    batch_projects: int = Field(200, gt=0, description="projects in a batch")
    batch_bytes: int = Field(4 * MIB, gt=0, description="rows in a batch")
    pipe_bytes: int = Field(1 * MIB, gt=0, description="read from the socket, not yet parsed")
    spill_bytes: int = Field(4 * MIB, gt=0, description="of a project's rows kept in memory")
    shared_bytes: int = Field(8 * MIB, gt=0, description="of shared objects kept in memory")
    spool_dir: DirectoryPath | None = Field(
        None, description="where working files go; the system's by default"
    )
    spool_bytes: int = Field(16 * GIB, gt=0, description="working files of all imports")
    import_spool_bytes: int = Field(4 * GIB, gt=0, description="working files of one import")
    spool_reserve_bytes: int = Field(
        256 * MIB, ge=0, description="left free on the disk of the working files"
    )

    # Locks, heartbeat, retries
    lock_timeout: float = Field(10, gt=0, description="a project's wait for its advisory lock")
    max_lock_ttl: int = Field(86_400, gt=0, description="a lock that somebody takes on a project")
    retry_timeout: float = Field(
        60, gt=0, description="a batch's retries while the database is away"
    )
    heartbeat_every: float = Field(2, gt=0, description="between an import's heartbeats")
    heartbeat_expiry: float = Field(
        15, gt=0, description="silence that makes an import interrupted"
    )

    # Keeping
    prune: bool = Field(True, description="prune in the background while serving")
    prune_every: float = Field(300, gt=0, description="between rounds of pruning")
    keep_versions: int = Field(3, ge=1, description="versions kept of each project")
    keep_superseded: float = Field(
        3600, ge=0, description="time a superseded version stays at least"
    )
    keep_results_days: int = Field(30, ge=1, description="days that outcomes are kept")
    keep_keys_hours: float = Field(
        24, gt=0, le=24 * 7, description="hours that an `Idempotency-Key` finds its import"
    )
