"""Keys that services of a scenario show: of a certificate in real ones, made up in memory. Pure."""

from base64 import b64encode, encodebytes
from collections.abc import Iterator
from hashlib import sha256

from probe.errors import ScenarioError
from probe.lab.scenario_hosts import Service, ServiceKind
from probe.model.identity import Key, KeyKind
from probe.model.target import Port, Protocol

_P256 = bytes.fromhex("06082a8648ce3d030107")  # the identifier of prime256v1 (RFC 5480 section 2.1.1.1)


def private_key(name: str) -> str:
    """The EC private key of this name in PEM (RFC 5915); programs work out its public half."""
    number = sha256(name.encode()).digest()
    body = b"\x02\x01\x01" + _of(0x04, number) + _of(0xA0, _P256)
    text = encodebytes(_of(0x30, body)).decode("ascii")
    return f"-----BEGIN EC PRIVATE KEY-----\n{text}-----END EC PRIVATE KEY-----\n"


def _of(tag: int, content: bytes) -> bytes:
    """One element of DER; all are short here."""
    return bytes([tag, len(content)]) + content


def shown_keys(service: Service, number: int, ports: tuple[int, ...]) -> Iterator[tuple[Port, Key]]:
    """What a service shows in memory, by port. `number` is its place among those of its host.

    Raises:
        ScenarioError: a service has a `key` that takes none.
    """
    if service.key is not None and service.kind is not ServiceKind.NGINX:
        raise ScenarioError(f"{service.kind} takes no key: only nginx does")
    own = f"{number}-{service.kind}"
    if service.kind is ServiceKind.SSHD:
        yield Port(Protocol.TCP, ports[0]), Key(KeyKind.SSH, "ssh-ed25519", _fingerprint(own))
    if service.kind is ServiceKind.NGINX:
        public = _fingerprint(f"key {service.key or own}")
        yield Port(Protocol.TCP, ports[1]), Key(KeyKind.TLS, "x509", _fingerprint(own), public)


def _fingerprint(text: str) -> str:
    return f"SHA256:{b64encode(sha256(text.encode()).digest()).decode('ascii').rstrip('=')}"
