"""Certificates for the test servers: a good one, one for another host, an expired one, one of a stranger."""

import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path

KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]


@dataclass(frozen=True)
class Certificates:
    """Where the files lie; `ca` is what a client trusts."""

    folder: Path

    @property
    def ca(self) -> Path:
        return self.folder / "ca.pem"

    def server(self, name: str) -> ssl.SSLContext:
        """Give a server's context with the certificate of that name."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.folder / f"{name}.pem", self.folder / f"{name}.key")
        return context


def make_certificates(folder: Path) -> Certificates:
    """Make all of them with the openssl command."""
    _authority(folder, "ca")
    _authority(folder, "stranger-ca")
    _leaf(folder, "good", "DNS:localhost,IP:127.0.0.1")
    _leaf(folder, "other-host", "DNS:mail.elsewhere.example")
    _leaf(folder, "expired", "DNS:localhost,IP:127.0.0.1", days=-1)
    _leaf(folder, "stranger", "DNS:localhost,IP:127.0.0.1", authority="stranger-ca")
    return Certificates(folder)


def _authority(folder: Path, name: str) -> None:
    out = ["-keyout", folder / f"{name}.key", "-out", folder / f"{name}.pem", "-days", "2", "-subj", f"/CN={name}"]
    _openssl("req", "-x509", *KEY, *out, "-addext", "keyUsage=critical,keyCertSign")


def _leaf(folder: Path, name: str, names: str, *, days: int = 2, authority: str = "ca") -> None:
    out = ["-keyout", folder / f"{name}.key", "-out", folder / f"{name}.csr", "-subj", f"/CN={name}"]
    _openssl("req", "-new", *KEY, *out, "-addext", f"subjectAltName={names}")
    signer = ["-CA", folder / f"{authority}.pem", "-CAkey", folder / f"{authority}.key", "-CAcreateserial"]
    request = ["-in", folder / f"{name}.csr", "-out", folder / f"{name}.pem", "-copy_extensions", "copy"]
    _openssl("x509", "-req", *request, *signer, "-days", str(days))


def _openssl(*words: object) -> None:
    subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True)
