"""The settings: environment variables, each with a safe default.

``DATABASE_URL`` has its usual name; all other names start with ``BULK_IMPORT_``.
``make reference`` writes the descriptions into ``docs/reference/settings``.
"""

from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, AliasChoices, DirectoryPath, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB

MAX_PROCESSES = 64
"""Largest number of processes, far more than can be useful on one machine."""

MIN_SECRET: Final = 32
"""Shortest HS256 secret, in bytes: RFC 7518 section 3.2."""


def check_secret(secret: SecretStr) -> SecretStr:
    """Return a secret that signs tokens.

    Raises:
        ValueError: it is too short; the text continues the name of the setting or file.
    """
    if len(secret.get_secret_value().encode()) < MIN_SECRET:
        raise ValueError(f"is shorter than {MIN_SECRET} bytes: `openssl rand -base64 48` makes one")
    return secret


class Settings(BaseSettings):
    """Sizes are bytes and times are seconds, unless a description states another unit."""

    model_config = SettingsConfigDict(
        env_prefix="BULK_IMPORT_", env_ignore_empty=True, extra="ignore", frozen=True
    )

    # Database
    database_url: str | None = Field(
        None,
        validation_alias=AliasChoices("DATABASE_URL", "database_url"),
        description="PostgreSQL database to use; if not set, the embedded server is started",
    )
    data_dir: Path | None = Field(
        None,
        description="directory of the embedded server's data; by default `.data` in a checkout; "
        "otherwise it depends on the user",
    )
    embedded_version: Literal["16", "18"] = Field(
        "18", description="version of the embedded server"
    )
    pool_size: int = Field(20, ge=4, description="largest number of connections to the database")
    statement_cache_size: int = Field(
        100,
        ge=0,
        description="prepared statements kept for each connection; 0 for a PgBouncer without "
        "prepared statements",
    )
    connect_timeout: float = Field(10, gt=0, description="longest wait for a database connection")
    notify: bool = Field(
        False,
        description="whether the end of an import, archiving and restoring send an event on the "
        "channel `bulk_import`; see [events](../events.md)",
    )

    # HTTP
    host: str = Field(
        "127.0.0.1",
        description="address to listen on; `0.0.0.0` is every IPv4 address of the machine, and "
        "`::` every IPv4 and IPv6 address",
    )
    port: int = Field(8080, ge=0, le=65535, description="port to listen on; 0 selects a free one")
    admin_port: int | None = Field(
        None,
        ge=0,
        le=65535,
        description="port for `/healthz`, `/readyz` and `/metrics`, which `BULK_IMPORT_PORT` then "
        "no longer answers; 0 selects a free one",
    )
    processes: int = Field(
        1,
        ge=1,
        le=MAX_PROCESSES,
        description="number of server processes; each limit applies to each of them",
    )
    log_format: Literal["console", "json"] = Field(
        "console", description="format of the log: `console` or `json`"
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="lowest level that is logged: `debug`, `info`, `warning` or `error`"
    )

    # Authentication
    jwt_secret: Annotated[SecretStr, AfterValidator(check_secret)] | None = Field(
        None, description="secret that verifies HS256 tokens, at least 32 bytes"
    )
    jwt_public_key: str | None = Field(
        None, description="public key in PEM that verifies RS256 tokens"
    )
    jwt_jwks: str | None = Field(
        None, description="key set (JWKS) of the issuer: an https URL or the path of a file"
    )
    jwt_issuer: str | None = Field(
        None, description="value that the claim `iss` must have; if not set, `iss` is not checked"
    )
    jwt_audience: str | None = Field(
        None, description="value that the claim `aud` must have; if not set, `aud` is not checked"
    )
    jwt_leeway: float = Field(
        30, ge=0, description="clock skew that is accepted in the times of a token"
    )
    jwt_scope_claim: str = Field("scope", description="claim that holds the scopes")
    jwt_clients_claim: str = Field(
        "clients", description="claim that holds the client ids, or `*` for all clients"
    )
    oidc_client_id: str | None = Field(
        None,
        description="id of the page at the issuer `BULK_IMPORT_JWT_ISSUER`; if set, users sign in "
        "there with OpenID Connect; see [sign-in.md](../../how-to/sign-in.md)",
    )
    oidc_scopes: str = Field(
        "profile",
        description="scopes that the page asks of the issuer besides `openid`, separated by spaces",
    )
    import_scope: str = Field(
        "projects:import",
        description="scope that allows importing, restoring, locking and cancelling",
    )
    read_scope: str = Field("projects:read", description="scope that allows reading")
    undo_scope: str = Field("projects:undo", description="scope that allows undoing an import")
    delete_scope: str = Field(
        "projects:delete", description="scope that allows archiving a project with `DELETE`"
    )
    break_scope: str = Field(
        "projects:break-locks", description="scope that allows ending the lock of another user"
    )

    # Connections
    max_connections: int = Field(
        800,
        gt=0,
        description="open HTTP connections; at the limit, one is closed for each new one",
    )
    header_timeout: float = Field(
        30, gt=0, description="longest time that the head of a request may take"
    )
    keepalive_timeout: float = Field(
        75, gt=0, description="time after which a connection without a request is closed"
    )
    send_timeout: float = Field(
        60,
        gt=0,
        description="time that a client may stop reading a response before it is disconnected",
    )

    # Limits of an upload
    max_upload_bytes: int = Field(
        16 * GIB, gt=0, description="size of a request's body as received"
    )
    max_file_bytes: int = Field(64 * GIB, gt=0, description="size of a file after decompression")
    max_inflate_ratio: int = Field(
        200, gt=1, description="ratio of decompressed to compressed size"
    )
    max_projects: int = Field(1_000_000, gt=0, description="projects in one file")
    max_files: int = Field(
        10_000, gt=0, description="files in one upload, each member of a ZIP counted"
    )
    max_project_bytes: int = Field(1 * GIB, gt=0, description="size of one project's rows")
    max_attributes_bytes: int = Field(
        16 * MIB, gt=0, description="size of the attributes of one record"
    )
    max_tag_names: int = Field(
        20_000, gt=0, description="distinct names of elements and XML attributes in one file"
    )
    max_notes_length: int = Field(4000, ge=0, description="length of the notes in characters")
    max_parts: int = Field(100, gt=0, description="parts in one request that are no files")
    max_part_bytes: int = Field(1 * MIB, gt=0, description="size of a part that is no file")

    # Formats
    formats_dir: DirectoryPath | None = Field(
        None,
        description="directory of own formats: each file `*.toml` describes one; it is read at "
        "the start",
    )

    # Times of an upload
    idle_timeout: float = Field(
        30, gt=0, description="time without a byte after which an upload is interrupted"
    )
    upload_timeout: float = Field(
        4 * 3600, gt=0, description="longest time that an upload may take"
    )
    drain_timeout: float = Field(
        540, ge=0, description="time that running imports have to end after SIGTERM"
    )
    status_after: float = Field(
        15,
        gt=0,
        description="time after the last byte of an upload at which the response starts, if no "
        "outcome has decided its status",
    )
    keepalive_every: float = Field(
        10, gt=0, description="interval of the spaces that keep a started response alive"
    )
    refused_timeout: float = Field(
        60, gt=0, description="longest time that the service reads the body of a refused request"
    )
    refused_bytes: int = Field(
        1 * GIB, gt=0, description="bytes that the service reads of the body of a refused request"
    )
    max_refused: int = Field(
        64, gt=0, description="refused requests whose bodies are read at the same time"
    )

    # The fast path
    fast_path_bytes: int = Field(
        256 * 1024,
        ge=0,
        description="size of a request up to which the import is written in one transaction once "
        "it has arrived; 0 turns that off",
    )

    # The pipeline
    max_imports: int = Field(
        16, gt=0, description="imports that run at the same time in one process; more get a 503"
    )
    max_imports_per_client: int = Field(
        8,
        gt=0,
        description="imports of one client that run at the same time in one process; more get a "
        "429",
    )
    writers: int = Field(4, gt=0, description="writers of one import")
    batch_projects: int = Field(200, gt=0, description="projects in one batch")
    batch_bytes: int = Field(4 * MIB, gt=0, description="size of the rows in one batch")
    pipe_bytes: int = Field(
        1 * MIB, gt=0, description="bytes of one upload that are received but not yet parsed"
    )
    spill_bytes: int = Field(
        4 * MIB, gt=0, description="size of a project's rows above which they go to a working file"
    )
    shared_bytes: int = Field(
        8 * MIB,
        gt=0,
        description="size of an import's shared objects above which they go to a working file",
    )
    spool_dir: DirectoryPath | None = Field(
        None, description="directory of working files; by default the directory for temporary files"
    )
    spool_bytes: int = Field(
        16 * GIB, gt=0, description="size of the working files of all imports in one process"
    )
    import_spool_bytes: int = Field(
        4 * GIB, gt=0, description="size of the working files of one import"
    )
    spool_reserve_bytes: int = Field(
        256 * MIB, ge=0, description="space that working files leave free on their disk"
    )

    # Locks, heartbeat, retries
    lock_timeout: float = Field(
        10, gt=0, description="longest wait of a project for its advisory lock"
    )
    max_lock_ttl: int = Field(
        86_400, gt=0, description="longest duration of a lock that a user takes on a project"
    )
    retry_timeout: float = Field(
        60,
        gt=0,
        description="time that a batch is retried while the database or the lock of its client "
        "is unavailable, and that `serve` waits for the database at its start",
    )
    heartbeat_every: float = Field(2, gt=0, description="interval of an import's heartbeats")
    heartbeat_expiry: float = Field(
        15, gt=0, description="time without a heartbeat after which an import is interrupted"
    )

    # Keeping
    prune: bool = Field(True, description="whether the service prunes in the background")
    prune_every: float = Field(300, gt=0, description="interval of pruning in the background")
    keep_versions: int = Field(
        10, ge=1, description="latest versions that are kept of each project"
    )
    keep_days: int = Field(
        30,
        ge=0,
        le=36_500,
        description="days at whose ends the version that was current is kept; a day ends at "
        "midnight UTC",
    )
    keep_months: int = Field(
        12,
        ge=0,
        le=1_200,
        description="months at whose ends the version that was current is kept",
    )
    keep_superseded: float = Field(
        3600, ge=0, description="shortest time that a superseded version is kept"
    )
    keep_results_days: int = Field(
        30, ge=1, description="days that the outcomes of an ended import are kept"
    )
    keep_imports_days: int | None = Field(
        None,
        ge=365,
        description="days that an ended import is kept in the history; by default forever",
    )
    keep_keys_hours: float = Field(
        24, gt=0, le=24 * 7, description="hours that an `Idempotency-Key` refers to its import"
    )

    @property
    def scopes(self) -> tuple[str, ...]:
        """The names of all scopes."""
        return (
            self.read_scope,
            self.import_scope,
            self.undo_scope,
            self.delete_scope,
            self.break_scope,
        )
