"""Misspelt settings, and addresses of databases, before anything uses them."""

from pathlib import Path

import pytest

from service.cli.database import load_settings
from service.cli.environment import read_database_url
from service.cli.output import CommandError

URL = "postgresql://u:s3cret@db.example.com:5432/plans"


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.delenv("PGSSLMODE", raising=False)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("BULK_IMPORT_MAX_IMPORT", "9", r"not a setting: did you mean BULK_IMPORT_MAX_IMPORTS\?$"),
        ("bulk_import_prot", "9", r"bulk_import_prot is .* did you mean BULK_IMPORT_PORT\?$"),
        ("BULK_IMPORT_XYZ", "", "BULK_IMPORT_XYZ is not a setting of this version$"),
        ("BULK_IMPORT_DATABASE_URL", URL, "BULK_IMPORT_DATABASE_URL is .*: set DATABASE_URL$"),
        ("BULK_IMPORT_PORT", "tcp://10.0.0.1:80", "set `enableServiceLinks: false` in the pod"),
    ],
)
def test_an_unknown_setting_is_refused_with_the_most_similar_one(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, message: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(CommandError, match=message) as caught:
        load_settings()
    assert "s3cret" not in str(caught.value)


def test_all_unknown_settings_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BULK_IMPORT_A", "")
    monkeypatch.setenv("BULK_IMPORT_B", "")
    with pytest.raises(CommandError, match=r"BULK_IMPORT_A is .*; BULK_IMPORT_B is "):
        load_settings()


def test_known_names_and_addresses_of_other_services_are_accepted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in {
        "BULK_IMPORT_TOKEN": "x",
        "bulk_import_host": "::",
        "BULK_IMPORT_SERVICE_HOST": "10.0.0.1",
        "BULK_IMPORT_SERVICE_PORT_HTTP": "80",
        "BULK_IMPORT_PORT_80_TCP": "tcp://10.0.0.1:80",
        "BULK_IMPORT_PORT_80_TCP_ADDR": "10.0.0.1",
        "BULK_IMPORT_PGBOUNCER_PORT": "tcp://10.0.0.1:6432",
    }.items():
        monkeypatch.setenv(name, value)
    assert load_settings().host == "::"


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("mysql://u:s3cret@db/plans", r"begins with mysql:// : the service needs PostgreSQL"),
        ("jdbc:postgresql://db/plans?password=s3cret", r"jdbc:postgresql:// : write postgresql://"),
        ("postgresql+asyncpg://u:s3cret@db/plans", r"postgresql\+asyncpg:// : write postgresql://"),
        ("host=db password=s3cret", "is not a URL: write postgresql://"),
        ("postgresql://u:s3cret/x@db/plans", "percent-encode special characters"),
        ("postgresql://u:s3cret[@db/plans", "percent-encode special characters"),
        ("postgresql://u:s3cret@db/plans?sslmode", "cannot be read"),
        ("postgresql://u:s3cret@db:65536/plans", "a port is at most 65535"),
        (f"{URL}?sslmode=verify-ca&sslrootcert=/no.pem", "sslrootcert: there is no readable"),
        (f"{URL}?sslcert=/no.pem", "sslcert: there is no readable file /no.pem"),
        (f"{URL}?sslrootcert=system&sslmode=require", "sslmode=verify-full, and not require"),
    ],
)
def test_an_unusable_address_is_refused_without_its_password(
    monkeypatch: pytest.MonkeyPatch, url: str, message: str
) -> None:
    monkeypatch.setenv("DATABASE_URL", url)
    with pytest.raises(CommandError, match=message) as caught:
        load_settings()
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        URL,
        "postgres:///plans?host=/run/postgresql",
        "postgresql://u@[::1]:5432,db2/plans?target_session_attrs=read-write",
        f"{URL}?sslmode=verify-full&sslrootcert={__file__}",
        f"{URL}?sslmode=require&sslrootcert=/no.pem",  # not used
    ],
)
def test_a_usable_address_is_not_changed(url: str) -> None:
    assert read_database_url(url) == url


def test_the_systems_authorities_are_a_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    roots = tmp_path / "roots.pem"
    roots.touch()
    monkeypatch.setenv("SSL_CERT_FILE", str(roots))
    named = read_database_url(f"{URL}?sslrootcert=system&application_name=x%20y")
    assert named == f"{URL}?sslrootcert={roots}&application_name=x%20y&sslmode=verify-full".replace(
        str(roots), str(roots).replace("/", "%2F")
    )
    monkeypatch.setenv("PGSSLROOTCERT", "system")
    assert "roots.pem" in read_database_url(URL)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none"))
    monkeypatch.setattr("service.cli.environment.ROOTS", ())
    with pytest.raises(CommandError, match="install ca-certificates"):
        read_database_url(URL)
