"""What `tailscale status --json` prints, as peers. Pure: text and a clock in, facts out.

Lives here: the fields of Tailscale's `ipnstate.Status` that are read, and what they mean. A time of the year
1 is Go's for "never". Tailscale sets a peer up when there is traffic for it: a peer without handshake is
idle, not broken.
"""

from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_address, ip_network

import msgspec

from probe.machine.wg_dump import read_endpoint
from probe.model.machine import Peer
from probe.model.target import IPAddress


class _Node(msgspec.Struct, rename="pascal"):
    public_key: str = ""
    tailscale_ips: list[str] | None = msgspec.field(default=None, name="TailscaleIPs")
    allowed_ips: list[str] | None = msgspec.field(default=None, name="AllowedIPs")
    cur_addr: str = ""
    last_handshake: str = ""
    rx_bytes: int = 0
    tx_bytes: int = 0


class _Status(msgspec.Struct, rename="pascal"):
    backend_state: str
    this: _Node | None = msgspec.field(default=None, name="Self")
    peer: dict[str, _Node] | None = None


@dataclass(frozen=True, slots=True)
class Tailscale:
    """Tailscale on this machine. `state` is its own word: Running, Stopped, NeedsLogin, NoState, Starting."""

    state: str
    addresses: frozenset[IPAddress]
    public_key: str | None
    peers: tuple[Peer, ...]


def parse_status(text: str, now: float) -> Tailscale | None:
    """Read the status; `now` in Unix seconds. None where it is none."""
    try:
        status = msgspec.json.decode(text, type=_Status)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    this = status.this or _Node()
    peers = (_peer(node, now) for node in (status.peer or {}).values())
    return Tailscale(
        state=status.backend_state,
        addresses=frozenset(filter(None, map(_address, this.tailscale_ips or ()))),
        public_key=this.public_key or None,
        peers=tuple(peer for peer in peers if peer is not None),
    )


def _peer(node: _Node, now: float) -> Peer | None:
    try:
        return Peer(
            public_key=node.public_key,
            allowed_ips=tuple(ip_network(network, strict=False) for network in _allowed(node)),
            endpoint=read_endpoint(node.cur_addr),
            handshake_age_s=_age(node.last_handshake, now),
            sent_bytes=node.tx_bytes,
            received_bytes=node.rx_bytes,
        )
    except ValueError:
        return None


def _allowed(node: _Node) -> list[str]:
    """What the peer may have; where that is not known, its own addresses."""
    return node.allowed_ips or node.tailscale_ips or []


def _age(moment: str, now: float) -> float | None:
    if not moment:
        return None
    then = datetime.fromisoformat(moment)
    return max(0.0, now - then.timestamp()) if then.year > 1 else None


def _address(text: str) -> IPAddress | None:
    try:
        return ip_address(text)
    except ValueError:
        return None
