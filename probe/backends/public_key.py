"""The public key of a certificate, read by the optional package `cryptography` (the extra `tls`).

A certificate that is renewed differs as a whole, and mostly keeps its key. The standard library cannot take a
certificate apart; without the package certificates are compared whole.
"""

import warnings


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
