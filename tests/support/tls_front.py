"""A PostgreSQL that insists on TLS: the embedded server cannot, so this ends the encryption."""

import asyncio
import contextlib
import datetime
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

_SSL_REQUEST: Final = bytes.fromhex("0000000804d2162f")
_HOST: Final = "localhost"


@dataclass(frozen=True)
class TlsFront:
    """A server at ``localhost``.

    Attributes:
        netloc: its host and port.
        authority: file of the certificate that has signed its own.
    """

    netloc: str
    authority: Path


@contextlib.asynccontextmanager
async def run_tls_front(dsn: str, folder: Path) -> AsyncIterator[TlsFront]:
    """Accept connections with TLS only, and pass them on to the Unix socket of a DSN."""
    query = parse_qs(urlsplit(dsn).query)
    path = f"{query['host'][0]}/.s.PGSQL.{query['port'][0]}"
    certificate = _make_certificate(folder)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)

    async def accept(near: asyncio.StreamReader, answers: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError), contextlib.closing(answers):
            if await near.readexactly(len(_SSL_REQUEST)) != _SSL_REQUEST:
                return
            answers.write(b"S")
            await answers.start_tls(context)
            far, requests = await asyncio.open_unix_connection(path)
            with contextlib.closing(requests):
                await asyncio.gather(_pass(near, requests), _pass(far, answers))

    async with await asyncio.start_server(accept, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        yield TlsFront(f"{_HOST}:{port}", certificate)


async def _pass(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    while data := await source.read(1 << 16):
        sink.write(data)
        await sink.drain()
    sink.close()


def _make_certificate(folder: Path) -> Path:
    """Write a certificate that has signed itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, _HOST)])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(_HOST)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "server.pem"
    path.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return path
