"""Shell commands that mend: one function a command, each for a root shell.

A name of this machine's own (an interface, a chain) is quoted: almost any character may be in it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from shlex import quote
from typing import Final

from probe.model.machine import Chain, FirewallTool, Hook, Network
from probe.model.target import IPAddress, Port, Protocol

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


# --- packet filters ---


@dataclass(frozen=True, slots=True)
class Permit:
    """What is to pass: from this machine to an address of the target, on these of its ports.

    `source` is this machine's own address there; without `ports`, all that goes between the two.
    """

    ip: IPAddress
    ports: tuple[Port, ...] = ()
    source: IPAddress | None = None
    interface: str | None = None  # of this machine

    def by_protocol(self) -> Iterator[tuple[Protocol | None, tuple[int, ...]]]:
        """The numbers of the ports of each protocol; one pair without either where there are no ports."""
        if not self.ports:
            yield None, ()
        for protocol in dict.fromkeys(port.protocol for port in self.ports):
            yield protocol, tuple(port.number for port in self.ports if port.protocol is protocol)


def accept_in(chain: Chain, permit: Permit) -> tuple[str, ...]:
    """Let probes out, or their answers in, before anything in a chain of this machine blocks them.

    One command for each protocol; none for a chain of the other IP version.
    """
    ip = permit.ip
    if chain.tool == "nft":
        if chain.family not in {_family(ip), "inet"}:
            return ()
    elif (chain.tool == "ip6tables") != (ip.version != _IPV4):
        return ()
    make = _nft_here if chain.tool == "nft" else _iptables_here
    return tuple(make(chain, permit, protocol, ports) for protocol, ports in permit.by_protocol())


def _family(ip: IPAddress) -> str:
    return "ip" if ip.version == _IPV4 else "ip6"


def _nft_here(chain: Chain, permit: Permit, protocol: Protocol | None, ports: Sequence[int]) -> str:
    outward = chain.hook is Hook.OUTPUT
    words = [f"insert rule {chain.family} {chain.table} {chain.name}"]
    if permit.interface is not None and '"' not in permit.interface:
        words.append(f'{"oifname" if outward else "iifname"} "{permit.interface}"')
    words.append(f"{_family(permit.ip)} {'daddr' if outward else 'saddr'} {permit.ip}")
    if protocol is not None:
        words.append(f"{protocol} {'dport' if outward else 'sport'} {_nft_ports(ports)}")
    return f"nft {quote(' '.join([*words, 'accept' if outward else 'ct state established accept']))}"


def _nft_ports(ports: Sequence[int]) -> str:
    listed = ", ".join(map(str, ports))
    return listed if len(ports) == 1 else f"{{ {listed} }}"


def _iptables_here(chain: Chain, permit: Permit, protocol: Protocol | None, ports: Sequence[int]) -> str:
    outward = chain.hook is Hook.OUTPUT
    words = [f"{chain.tool} -I {quote(chain.name)}"]
    if permit.interface is not None:
        words.append(f"{'-o' if outward else '-i'} {quote(permit.interface)}")
    words.append(f"{'-d' if outward else '-s'} {permit.ip}")
    if protocol is not None:
        words.append(_iptables_ports(protocol, ports, "dport" if outward else "sport"))
    if not outward:
        words.append("-m conntrack --ctstate ESTABLISHED")
    return " ".join([*words, "-j ACCEPT"])


def _iptables_ports(protocol: Protocol, ports: Sequence[int], field: str) -> str:
    listed = ",".join(map(str, ports))
    return f"-p {protocol} " + (
        f"--{field} {listed}" if len(ports) == 1 else f"-m multiport --{field}s {listed}"
    )


def ufw_allow_out(permit: Permit) -> tuple[str, ...]:
    """Let probes out by ufw, which keeps that (ufw(8)); one command for each protocol."""
    on = "" if permit.interface is None else f" on {quote(permit.interface)}"
    return tuple(
        f"ufw allow out{on} to {permit.ip}"
        if protocol is None
        else f"ufw allow out{on} proto {protocol} to {permit.ip} port {','.join(map(str, ports))}"
        for protocol, ports in permit.by_protocol()
    )


def accept_at_target(tool: FirewallTool, permit: Permit) -> tuple[str, ...]:
    """Let this machine in at the target, to these ports of one address, by the tool that is used there."""
    return tuple(
        command
        for protocol, ports in permit.by_protocol()
        if protocol is not None
        for command in _AT_TARGET[tool](permit, protocol, ports)
    )


def _ufw_in(permit: Permit, protocol: Protocol, ports: Sequence[int]) -> Iterator[str]:
    listed = ",".join(map(str, ports))
    yield f"ufw allow proto {protocol} from {permit.source} to {permit.ip} port {listed}"


def _firewalld_in(permit: Permit, protocol: Protocol, ports: Sequence[int]) -> Iterator[str]:
    ends = f'source address="{permit.source}" destination address="{permit.ip}"'
    pair = f'family="ipv{permit.ip.version}" {ends}'
    rules = (quote(f'rule {pair} port port="{number}" protocol="{protocol}" accept') for number in ports)
    yield " ".join(["firewall-cmd", *(f"--add-rich-rule={rule}" for rule in rules)])


def _nft_in(permit: Permit, protocol: Protocol, ports: Sequence[int]) -> Iterator[str]:
    word = _family(permit.ip)
    pair = f"{word} saddr {permit.source} {word} daddr {permit.ip}"
    rule = f"insert rule inet filter input {pair} {protocol} dport {_nft_ports(ports)} accept"
    yield f"nft {quote(rule)}"


def _iptables_in(permit: Permit, protocol: Protocol, ports: Sequence[int]) -> Iterator[str]:
    pair = f"-s {permit.source} -d {permit.ip}"
    yield f"{_iptables(permit)} -I INPUT {pair} {_iptables_ports(protocol, ports, 'dport')} -j ACCEPT"


def _iptables(permit: Permit) -> str:
    return "iptables" if permit.ip.version == _IPV4 else "ip6tables"


def _docker_in(permit: Permit, protocol: Protocol, ports: Sequence[int]) -> Iterator[str]:
    """A published port is translated before it is filtered: the chain sees the original port in conntrack."""
    for number in ports:
        asked = f"--ctorigdst {permit.ip} --ctorigdstport {number} --ctdir ORIGINAL"
        pair = f"-s {permit.source} -p {protocol} -m conntrack {asked}"
        yield f"{_iptables(permit)} -I DOCKER-USER {pair} -j ACCEPT"


_AT_TARGET: Mapping[FirewallTool, Callable[[Permit, Protocol, Sequence[int]], Iterator[str]]] = {
    FirewallTool.UFW: _ufw_in,
    FirewallTool.FIREWALLD: _firewalld_in,
    FirewallTool.NFT: _nft_in,
    FirewallTool.IPTABLES: _iptables_in,
    FirewallTool.DOCKER: _docker_in,
}


# --- sizes ---


def narrow_route(ip: IPAddress, interface: str, size: int) -> str:
    """Set in the kernel how much the way to one address carries, by the route that it takes now."""
    words = f"$(ip route get {ip} | grep -o 'via [^ ]*') dev {quote(interface)}"
    return f"ip route replace {alone(ip)} {words} mtu {size}"
