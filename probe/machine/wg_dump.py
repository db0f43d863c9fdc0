"""What `wg show all dump` prints (wg(8), wireguard-tools), as peers. Pure: text and a clock in, facts out.

Fields are separated by tabs. An interface has four: private key, public key, port, mark; a peer eight: public
key, preshared key, endpoint, allowed networks, latest handshake (Unix seconds, 0 for never), bytes received,
bytes sent, keepalive. Before each stands the interface's name, unless one interface alone was asked for.
Secret keys are taken out before anything else reads them.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address, ip_network

from probe.model.machine import Network, Peer
from probe.model.target import IPAddress

_OF_INTERFACE, _OF_PEER = 5, 9  # fields, the interface's name included
_NONE, _OFF = "(none)", "off"
_HIDDEN = "(hidden)"  # as `wg show` has it for people
_SECRETS = {4: -4, 5: -4, 8: -7, 9: -7}  # place of the secret field, by the number of fields in its line
_REFUSED = re.compile(r"Unable to access interface (\S+): ")


@dataclass(frozen=True, slots=True)
class WireGuard:
    """One WireGuard interface."""

    public_key: str | None
    peers: tuple[Peer, ...]


def without_secrets(text: str) -> str:
    """Take private and preshared keys out of a dump.

    A line of another shape is left out: nobody knows which of its fields is a secret.
    """
    lines = [line.split("\t") for line in text.splitlines()]
    known = [fields for fields in lines if len(fields) in _SECRETS]
    for fields in known:
        fields[_SECRETS[len(fields)]] = _HIDDEN
    return "".join("\t".join(fields) + "\n" for fields in known)


def parse_dump(text: str, now: float) -> Mapping[str, WireGuard]:
    """Read every interface of a dump; `now` in Unix seconds. What is not as it should be is left out."""
    keys: dict[str, str | None] = {}
    peers: dict[str, list[Peer]] = {}
    for line in text.splitlines():
        name, *fields = line.split("\t")
        if len(fields) == _OF_INTERFACE - 1:
            keys[name] = _known(fields[1])
        elif len(fields) == _OF_PEER - 1 and (peer := _peer(fields, now)) is not None:
            peers.setdefault(name, []).append(peer)
    return {name: WireGuard(key, tuple(peers.get(name, ()))) for name, key in keys.items()}


def refused_names(complaints: str) -> frozenset[str]:
    """Names of the WireGuard interfaces that `wg` found and may not read, by its complaints."""
    return frozenset(_REFUSED.findall(complaints))


def _known(field: str) -> str | None:
    return None if field == _NONE else field


def _peer(fields: list[str], now: float) -> Peer | None:
    key, _preshared, endpoint, allowed, handshake, received, sent, keepalive = fields
    try:
        shaken = int(handshake)
        return Peer(
            public_key=key,
            allowed_ips=_networks(allowed),
            endpoint=read_endpoint(endpoint),
            handshake_age_s=max(0.0, now - shaken) if shaken else None,
            sent_bytes=int(sent),
            received_bytes=int(received),
            keepalive_s=None if keepalive == _OFF else int(keepalive),
        )
    except (ValueError, OverflowError):
        return None


def _networks(field: str) -> tuple[Network, ...]:
    if field == _NONE:
        return ()
    return tuple(ip_network(network, strict=False) for network in field.split(","))


def read_endpoint(field: str) -> tuple[IPAddress, int] | None:
    """Read `192.0.2.1:51820` or `[2001:db8::1]:51820`; None where none is known.

    Raises:
        ValueError: it is neither.
    """
    if field in {"", _NONE}:
        return None
    host, _, port = field.rpartition(":")
    return ip_address(host.removeprefix("[").removesuffix("]")), int(port)
