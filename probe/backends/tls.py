"""TLS over connections to services that are not trusted, and what their certificates are compared by.

A module of its own, for it loads the TLS library, 4 MB that most scans never need.
"""

import base64
import hashlib
import ssl
import warnings
from collections.abc import Callable
from typing import TypeVar

from probe.backends.stream import PIECE, Plain
from probe.model.identity import Key, KeyKind

T = TypeVar("T")


class Encrypted:
    """TLS over a connection. Certificates are not verified: they are compared, not trusted.

    Raises:
        OSError: no TLS, or not in time.
    """

    def __init__(self, plain: Plain) -> None:
        self._plain = plain
        self._arrived, self._leaving = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = _context().wrap_bio(self._arrived, self._leaving)
        self._carried(self._tls.do_handshake)

    def certificate(self) -> bytes | None:
        """The server's own certificate in DER."""
        return self._tls.getpeercert(binary_form=True)

    def until(self, end: float) -> None:
        """See `Stream`."""
        self._plain.until(end)

    def send(self, data: bytes) -> None:
        """See `Stream`."""
        self._carried(lambda: self._tls.write(data))

    def receive(self) -> bytes:
        """See `Stream`."""
        try:
            return self._carried(lambda: self._tls.read(PIECE))
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
            return b""

    def _carried(self, step: Callable[[], T]) -> T:
        """Take a step of TLS, with the bytes that it sends and waits for."""
        while True:
            try:
                done = step()
            except ssl.SSLWantReadError:
                self._flush()
                data = self._plain.receive()
                if data:
                    self._arrived.write(data)
                else:
                    self._arrived.write_eof()
            else:
                self._flush()
                return done

    def _flush(self) -> None:
        if self._leaving.pending:
            self._plain.send(self._leaving.read())


def _context() -> ssl.SSLContext:
    """A client that takes every certificate, and old protocols too: weak ones identify as well as others."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    return context


# --- certificates ---


def certificate_key(certificate: bytes | None) -> Key | None:
    """The key that a certificate in DER is compared by; None without one."""
    if not certificate:
        return None
    public = public_key_of(certificate)
    return Key(
        KeyKind.TLS,
        "x509",
        fingerprint=fingerprint(certificate),
        public_key=None if public is None else fingerprint(public),
    )


def fingerprint(data: bytes) -> str:
    """SHA-256 of a key or certificate, written as OpenSSH does."""
    digest = base64.b64encode(hashlib.sha256(data).digest()).decode("ascii")
    return f"SHA256:{digest.rstrip('=')}"


def public_key_of(certificate: bytes) -> bytes | None:
    """The SubjectPublicKeyInfo (RFC 5280 section 4.1.2.7) of a certificate, both in DER.

    None without `cryptography`, and where that cannot read the certificate.
    """
    try:
        from cryptography import x509  # noqa: PLC0415 - optional, and 0.06 s
        from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415
        from cryptography.hazmat.primitives import serialization  # noqa: PLC0415
    except ImportError:
        return None
    # It warns of certificates that break a rule, such as one of serial number 0: that is no affair of the
    # prober. A filter for this module alone holds in every thread.
    warnings.filterwarnings("ignore", module=__name__)
    try:
        key = x509.load_der_x509_certificate(certificate).public_key()
    except (ValueError, UnsupportedAlgorithm, x509.InvalidVersion):
        return None
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_bytes(serialization.Encoding.DER, form)
