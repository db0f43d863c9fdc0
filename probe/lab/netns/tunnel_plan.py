"""What a tunnel of a scenario is made of: who accepts what, and the configurations of both ends. Pure.

Both kinds run between the ends of the link `wan`. OpenVPN's far end is a server that gives the prober its
address, so the prober's interface is there only once it has got through.
"""

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address, ip_network

from probe.errors import ScenarioError
from probe.lab.scenario import CARRIER_ADDRESSES, PROBER_ADDRESSES, TARGET_ADDRESSES, Vpn, VpnKind

CARRIER = "wan"
DEVICE = "vpn"
PORTS: dict[VpnKind, int] = {VpnKind.WIREGUARD: 51820, VpnKind.OPENVPN: 1194}

# For nft at the target: the carrier loses everything, both ways.
CUT = f"""table inet cut {{
  chain prerouting {{
    type filter hook prerouting priority -400; policy accept;
    iifname "{CARRIER}" drop
  }}
  chain postrouting {{
    type filter hook postrouting priority 400; policy accept;
    oifname "{CARRIER}" drop
  }}
}}
"""

_MASK = "255.255.255.0"
_KEEPALIVE = "1 10"  # seconds between pings, and without one until a new attempt


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A WireGuard key pair, in base64."""

    private: str
    public: str


@dataclass(frozen=True, slots=True)
class Certificate:
    """A self-signed certificate with its key, both PEM, and its SHA-256 fingerprint in hexadecimal."""

    text: str
    key: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class TunnelPlan:
    """A tunnel with its allowed IPs as networks: `allowed` at the prober, `accepts` at the target."""

    vpn: Vpn
    allowed: tuple[str, ...]
    accepts: tuple[str, ...]


def plan_tunnel(vpn: Vpn | None, symbols: Sequence[str]) -> TunnelPlan | None:
    """Work out a tunnel that has the addresses of these symbols; None without one.

    Raises:
        ScenarioError: it has no address, one is not to be read, or OpenVPN is to do what is WireGuard's.
    """
    if vpn is None:
        return None
    if not symbols:
        raise ScenarioError("a tunnel needs an address in use: vpn or vpn6")
    if vpn.kind is VpnKind.OPENVPN:
        _require_openvpn_can(vpn, symbols)
    allowed = symbols if vpn.allowed is None else vpn.allowed
    accepts = symbols if vpn.accepts is None else vpn.accepts
    return TunnelPlan(
        vpn,
        tuple(_network(TARGET_ADDRESSES.get(one, one)) for one in allowed),
        tuple(_network(PROBER_ADDRESSES.get(one, one)) for one in accepts),
    )


def _require_openvpn_can(vpn: Vpn, symbols: Sequence[str]) -> None:
    if vpn.allowed is not None or vpn.accepts is not None:
        raise ScenarioError("allowed IPs are WireGuard's: OpenVPN has none")
    if tuple(symbols) != ("vpn",):
        raise ScenarioError("the tunnel of OpenVPN is for IPv4: vpn, not vpn6")


def _network(text: str) -> str:
    """Make a network of an address; a network stays as it is.

    Raises:
        ScenarioError: neither.
    """
    try:
        return str(ip_network(text))
    except ValueError as error:
        raise ScenarioError(f"allowed IPs: {error}") from None


def private_key(host: str) -> str:
    """WireGuard's private key of a host, in base64: any 32 bytes are one (RFC 7748 section 5). No secret."""
    return base64.b64encode(hashlib.sha256(f"a lab's {host}".encode()).digest()).decode("ascii")


def wireguard_here(plan: TunnelPlan, own: KeyPair, peer: str) -> str:
    """The prober's end, for `wg setconf`. `peer`: the target's public key."""
    endpoint = f"Endpoint = {CARRIER_ADDRESSES['target']}:{PORTS[VpnKind.WIREGUARD]}\n"
    return f"[Interface]\nPrivateKey = {own.private}\n" + _peer(peer, plan.allowed) + endpoint


def wireguard_there(plan: TunnelPlan, own: KeyPair, peer: str) -> str:
    """The target's end, for `wg setconf`. It learns the prober's endpoint."""
    head = f"[Interface]\nPrivateKey = {own.private}\nListenPort = {PORTS[VpnKind.WIREGUARD]}\n"
    return head + _peer(peer, plan.accepts)


def _peer(public_key: str, allowed: Sequence[str]) -> str:
    return f"[Peer]\nPublicKey = {public_key}\nAllowedIPs = {', '.join(allowed)}\n"


def openvpn_here(plan: TunnelPlan, own: Certificate, peer: str) -> str:
    """The prober's end: a client that keeps its interface while it tries again. `peer`: a fingerprint."""
    lines = (
        "client",
        f"remote {CARRIER_ADDRESSES['target']} {PORTS[VpnKind.OPENVPN]}",
        "nobind",
        "persist-tun",
        "persist-key",
        "connect-retry 1 1",
    )
    return _openvpn(plan, lines, own, peer)


def openvpn_there(plan: TunnelPlan, own: Certificate, peer: str) -> str:
    """The target's end: a server on an interface that it finds made. The pool's first address is ours."""
    first = ip_address(PROBER_ADDRESSES["vpn"])
    lines = (
        "mode server",
        "tls-server",
        f"port {PORTS[VpnKind.OPENVPN]}",
        "topology subnet",
        f"ifconfig {TARGET_ADDRESSES['vpn']} {_MASK}",
        "ifconfig-noexec",
        f"ifconfig-pool {first} {first + 1} {_MASK}",  # it takes two at least
        'push "topology subnet"',
        f"keepalive {_KEEPALIVE}",
        "dh none",
    )
    return _openvpn(plan, lines, own, peer)


def _openvpn(plan: TunnelPlan, lines: Sequence[str], own: Certificate, peer: str) -> str:
    size = () if plan.vpn.mtu is None else (f"tun-mtu {plan.vpn.mtu}",)
    both = (
        "proto udp4",
        f"dev {DEVICE}",
        "dev-type tun",
        "disable-dco",
        "verb 1",
        f"peer-fingerprint {peer}",
    )
    inline = ("<cert>", own.text.strip(), "</cert>", "<key>", own.key.strip(), "</key>")
    return "\n".join((*lines, *size, *both, *inline, ""))
