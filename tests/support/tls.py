"""A certificate authority of a test's own, and certificates of servers on 127.0.0.1."""

import datetime
import ipaddress
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_ADDRESS: Final = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
_PEM: Final = serialization.Encoding.PEM


class Authority:
    """Signs certificates that are valid for a day.

    Args:
        name: of the authority.
    """

    def __init__(self, name: str) -> None:
        self._name = _named(name)
        self._key = ec.generate_private_key(ec.SECP256R1())
        constraints = x509.BasicConstraints(ca=True, path_length=0)
        builder = self._builder(self._name, self._key.public_key())
        made = builder.add_extension(constraints, critical=True).sign(self._key, hashes.SHA256())
        self.certificate: bytes = made.public_bytes(_PEM)
        """In PEM."""

    def issue(self, folder: Path) -> None:
        """Write ``tls.crt`` and ``tls.key`` of a server on 127.0.0.1 into a folder, as a Secret."""
        key = ec.generate_private_key(ec.SECP256R1())
        hosts = x509.SubjectAlternativeName([_ADDRESS])
        builder = self._builder(_named("server"), key.public_key())
        made = builder.add_extension(hosts, critical=False).sign(self._key, hashes.SHA256())
        (folder / "tls.crt").write_bytes(made.public_bytes(_PEM))
        (folder / "tls.key").write_bytes(
            key.private_bytes(_PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        )

    def _builder(
        self, subject: x509.Name, key: ec.EllipticCurvePublicKey
    ) -> x509.CertificateBuilder:
        now = datetime.datetime.now(datetime.UTC)
        day = datetime.timedelta(days=1)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - day)
            .not_valid_after(now + day)
        )


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
