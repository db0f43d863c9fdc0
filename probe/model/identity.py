"""Whether the addresses that were probed are one machine: the keys that services show, and the signs."""

from enum import StrEnum

from msgspec import Struct


class KeyKind(StrEnum):
    """What a service shows of itself before any login."""

    SSH = "ssh"  # a host key
    TLS = "tls"  # the certificate that comes without a server name


class Key(Struct, frozen=True, order=True, omit_defaults=True):
    """One key that a service showed. `fingerprint` is `SHA256:` and base64, as OpenSSH writes it.

    A host key was shown, not proven: whoever knows it can show it. A certificate came with a proof.
    `public_key` is the fingerprint of the key in a certificate, which a renewed one may keep; None: not read.
    """

    kind: KeyKind
    type: str  # ssh-ed25519, ...; of a certificate: x509
    fingerprint: str
    public_key: str | None = None


class Sameness(StrEnum):
    """What is known of an address beside the others of the target."""

    SAME = "same"  # proven to be one machine with at least one other probed address
    OTHER = "other"  # another machine answers here than on the other addresses
    ASSUMED = "assumed"  # nothing proves or excludes it: one host on the user's word


class AliasSign(StrEnum):
    """What distinguishes addresses of one machine from addresses of several."""

    FRAME_ANSWERED = "frame-answered"
    FRAME_FORWARDED = "frame-forwarded"
    UDP_SENDER = "udp-sender"
    ARP_SAME = "arp-same"
    SSH_SAME = "ssh-same"
    SSH_OTHER = "ssh-other"
    LINK_SAME = "link-same"
    ARP_OTHER = "arp-other"
    TTL_OTHER = "ttl-other"
    UDP_FORWARDED = "udp-forwarded"
    SSH_FORWARDED_SAME = "ssh-forwarded-same"
    SSH_FORWARDED_OTHER = "ssh-forwarded-other"
    TTL_FRONT = "ttl-front"
    TLS_SAME = "tls-same"
    TLS_KEY_SAME = "tls-key-same"
    GREETING_SAME = "greeting-same"
    GREETING_OTHER = "greeting-other"
    GREETING_MIXED = "greeting-mixed"
    GREETING_FORWARDED_OTHER = "greeting-forwarded-other"
