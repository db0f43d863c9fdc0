"""Shell commands that mend: one function a command, each for a root shell.

A name of this machine's own (an interface, a chain) is quoted: almost any character may be in it.
"""

from collections.abc import Iterable
from shlex import quote

from probe.model.machine import Chain, Hook, Network
from probe.model.target import IPAddress

_IPV4 = 4


def alone(ip: IPAddress) -> str:
    """An address as a network of its own."""
    return f"{ip}/{ip.max_prefixlen}"


def switch_on(interface: str) -> str:
    """Switch an interface on."""
    return f"ip link set {quote(interface)} up"


def set_mtu(interface: str, size: int) -> str:
    """Have an interface send packets of at most `size` bytes."""
    return f"ip link set {quote(interface)} mtu {size}"


def route_by(ip: IPAddress, interface: str) -> str:
    """Send to one address by an interface, whatever the other routes say."""
    return f"ip route replace {alone(ip)} dev {quote(interface)}"


def allow_peer(interface: str, key: str, networks: Iterable[Network]) -> str:
    """Let a WireGuard peer have these networks, and no others."""
    return f"wg set {quote(interface)} peer {key} allowed-ips {','.join(map(str, networks))}"


def interface_with(ip: IPAddress) -> str:
    """A shell's word for the interface that has an address."""
    return f"\"$(ip -o addr show to {ip} | awk '{{print $2; exit}}')\""


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


def narrow_route(ip: IPAddress, interface: str, size: int) -> str:
    """Tell the kernel how much the way to one address carries, by the route that it takes now."""
    words = f"$(ip route get {ip} | grep -o 'via [^ ]*') dev {quote(interface)}"
    return f"ip route replace {alone(ip)} {words} mtu {size}"
