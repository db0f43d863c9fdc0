"""Shell commands that mend: one function a command, each for a root shell.

A name of this machine's own (an interface, a chain) is quoted: almost any character may be in it.
"""

from collections.abc import Iterable
from shlex import quote
from typing import Final

from probe.model.machine import Chain, Hook, Network
from probe.model.target import IPAddress, Port

_IPV4 = 4

LOOSEN_REVERSE_PATH: Final = "sysctl -w net.ipv4.conf.all.rp_filter=2"
PERMIT_PING: Final = 'sysctl -w net.ipv4.ping_group_range="0 2147483647"'
START_TAILSCALE: Final = "tailscale up"


def alone(ip: IPAddress) -> str:
    """An address as a network of its own."""
    return f"{ip}/{ip.max_prefixlen}"


def socket_of(end: tuple[IPAddress, int]) -> str:
    """An address and a port as RFC 3986 section 3.2.2 writes them: IPv6 in brackets."""
    host, port = end
    return f"[{host}]:{port}" if ":" in str(host) else f"{host}:{port}"


def switch_on(interface: str, system: str = "linux") -> str:
    """Switch an interface on; `system` as in `Machine`."""
    if system != "linux":
        return f"ifconfig {quote(interface)} up"
    return f"ip link set {quote(interface)} up"


def set_peer(interface: str) -> str:
    """Give a WireGuard tunnel a peer; what only the user knows is in capitals."""
    return f"wg set {quote(interface)} peer PUBLIC_KEY endpoint HOST:PORT allowed-ips NETWORKS"


def raise_open_files(limit: int) -> str:
    """Let programs of this shell open that many files at once."""
    return f"ulimit -n {limit}"


def set_mtu(interface: str, size: int) -> str:
    """Have an interface send packets of at most `size` bytes."""
    return f"ip link set {quote(interface)} mtu {size}"


def route_by(ip: IPAddress, interface: str) -> str:
    """Send to one address by an interface, whatever the other routes are."""
    return f"ip route replace {alone(ip)} dev {quote(interface)}"


def allow_peer(interface: str, key: str, networks: Iterable[Network]) -> str:
    """Let a WireGuard peer have these networks, and no others."""
    return f"wg set {quote(interface)} peer {key} allowed-ips {','.join(map(str, networks))}"


def return_route(source: IPAddress, ip: IPAddress) -> str:
    """Have a host send to `source` by the interface that has its address `ip`."""
    interface = f"\"$(ip -o addr show to {ip} | awk '{{print $2; exit}}')\""
    return f"ip route replace {alone(source)} dev {interface}"


def widen_allowed(key: str, source: IPAddress) -> str:
    """Add an address to what a peer may send, and keep what it has."""
    name = f"$(wg show all peers | awk '$2 == \"{key}\" {{print $1}}')"
    had = (
        f'$(wg show all allowed-ips | awk \'$2 == "{key}"'
        ' {for (i = 3; i <= NF; i++) if ($i != "(none)") printf "%s,", $i}\')'
    )
    return f'wg set "{name}" peer {key} allowed-ips "{had}{alone(source)}"'


def accept_in(chain: Chain, ip: IPAddress) -> str | None:
    """Let an address pass before anything in a chain blocks it; None for a chain of the other family."""
    outward = chain.hook is Hook.OUTPUT
    if chain.tool == "nft":
        word = "ip" if ip.version == _IPV4 else "ip6"
        if chain.family not in {word, "inet"}:
            return None
        field = "daddr" if outward else "saddr"
        place = f"{chain.family} {quote(chain.table)} {quote(chain.name)}"
        return f"nft insert rule {place} {word} {field} {ip} accept"
    if (chain.tool == "ip6tables") != (ip.version != _IPV4):
        return None
    return f"{chain.tool} -I {quote(chain.name)} {'-d' if outward else '-s'} {ip} -j ACCEPT"


def accept_at_target(source: IPAddress, port: Port | None) -> str:
    """Let an address pass in the usual input chain of nft: to one port, or to all (None)."""
    word = "ip" if source.version == _IPV4 else "ip6"
    match = "" if port is None else f" {port.protocol} dport {port.number}"
    return f"nft insert rule inet filter input {word} saddr {source}{match} accept"


def narrow_route(ip: IPAddress, interface: str, size: int) -> str:
    """Set in the kernel how much the way to one address carries, by the route that it takes now."""
    words = f"$(ip route get {ip} | grep -o 'via [^ ]*') dev {quote(interface)}"
    return f"ip route replace {alone(ip)} {words} mtu {size}"
