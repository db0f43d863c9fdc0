"""Shell commands that mend: one function a command, each for a root shell."""

from probe.model.machine import Chain, Hook
from probe.model.target import IPAddress

_IPV4 = 4


def alone(ip: IPAddress) -> str:
    """An address as a network of its own."""
    return f"{ip}/{ip.max_prefixlen}"


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
        return f"nft insert rule {chain.family} {chain.table} {chain.name} {word} {field} {ip} accept"
    if (chain.tool == "ip6tables") != (ip.version != _IPV4):
        return None
    return f"{chain.tool} -I {chain.name} {'-d' if outward else '-s'} {ip} -j ACCEPT"


def narrow_route(ip: IPAddress, interface: str, size: int) -> str:
    """Tell the kernel how much the way to one address carries, by the route that it takes now."""
    words = f"$(ip route get {ip} | grep -o 'via [^ ]*') dev {interface}"
    return f"ip route replace {alone(ip)} {words} mtu {size}"
