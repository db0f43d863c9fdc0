"""The real machine's own state, in one look; see `probe.machine.sources.MachineReader`.

Lives here: only what is asked, and of whom. Nothing is changed, nothing is sent, and no privilege is needed:
each part has for itself what it may not read.
"""

import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from probe.machine.firewall import read_firewall
from probe.machine.links import read_links, read_routes
from probe.machine.tunnels import tunnel, tunnels, tunnels_of
from probe.model.machine import Machine, Resolvers, Tunnel
from probe.model.target import IPAddress

if TYPE_CHECKING:
    from dns.resolver import Resolver


# --- what is permitted without privileges ---


def ping_allowed() -> bool | None:
    """Whether echo requests need no privilege (Linux: net.ipv4.ping_group_range, icmp(7)); nothing is sent.

    None where the system has no such sockets at all.
    """
    if sys.platform == "win32":
        return None
    try:
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP).close()
    except PermissionError:
        return False
    except OSError:  # no such sockets
        return None
    return True


def open_files() -> tuple[int, int] | None:
    """Soft and hard limit of file descriptors (getrlimit(2)); no limit is given as the greatest number."""
    try:
        import resource  # noqa: PLC0415 - Windows has none
    except ImportError:
        return None
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return _number(soft), _number(hard)


def _number(limit: int) -> int:
    return sys.maxsize if limit < 0 else limit


# --- what the kernel threw away ---


_GROUP, _NAME = "TcpExt:", "IPReversePathFilter"
_DIGITS = len(str(2**64))  # a counter of the kernel has no more
# Of this thread: other threads may be in other network namespaces.
NETSTAT = Path("/proc/thread-self/net/netstat")


def reverse_path_drops(path: Path = NETSTAT) -> int | None:
    """Packets dropped by the check of the reverse path so far; None where the system has none."""
    try:
        return parse_netstat(path.read_text(encoding="ascii"))
    except (OSError, UnicodeDecodeError):  # another system, or none that shows it
        return None


def parse_netstat(text: str) -> int | None:
    """Find the counter: a line of names is followed by one of numbers, both with their group before them."""
    lines = [line.split() for line in text.splitlines() if line.startswith(_GROUP)]
    for names, numbers in pairwise(lines):
        found = dict(zip(names, numbers, strict=False)).get(_NAME, "")
        if found.isdecimal() and len(found) <= _DIGITS:
            return int(found)
    return None


# --- name resolution ---


RESOLV_CONF = Path("/etc/resolv.conf")
_REGISTRY = "the registry"


def read_resolvers(path: Path = RESOLV_CONF) -> Resolvers:
    """Read the name servers and search domains; on Windows from its registry.

    A file without servers means that this machine itself is asked (resolv.conf(5)): none are given then. What
    cannot be read is None.
    """
    from dns.exception import DNSException  # noqa: PLC0415 - 0.1 s
    from dns.resolver import NoResolverConfiguration, Resolver  # noqa: PLC0415

    resolver = Resolver(configure=False)
    in_registry = sys.platform == "win32"
    source = _REGISTRY if in_registry else str(path)
    try:
        if in_registry:
            resolver.read_registry()
        else:
            with path.open(encoding="utf-8", errors="replace") as file:
                resolver.read_resolv_conf(file)
    except NoResolverConfiguration:
        return Resolvers((), _domains(resolver), source)
    except (DNSException, OSError, ValueError):  # not there, or not as resolvers write it
        return Resolvers(source=source)
    found = (_address(str(server)) for server in resolver.nameservers)
    return Resolvers(tuple(server for server in found if server is not None), _domains(resolver), source)


def _domains(resolver: "Resolver") -> tuple[str, ...]:
    """Domains that a short name gets; without any the machine's own (resolv.conf(5))."""
    named = [str(name).removesuffix(".") for name in resolver.search or [resolver.domain]]
    return tuple(name for name in named if name)


def _address(text: str) -> IPAddress | None:
    try:
        return ip_address(text)
    except ValueError:  # a server by URL (DNS over HTTPS)
        return None


# --- everything at once ---


@dataclass(frozen=True, slots=True)
class SystemMachine:
    """Reads this machine. `raw_missing` returns why no raw packets may be sent; None: they may."""

    raw_missing: Callable[[], str | None]
    resolv_conf: Path = RESOLV_CONF

    def machine(self) -> Machine:
        """Everything, once."""
        links = read_links()
        return Machine(
            system=sys.platform,
            links=tuple(made.link for made in links),
            tunnels=tunnels_of(links),
            routes=read_routes(),
            firewall=read_firewall(),
            resolvers=read_resolvers(self.resolv_conf),
            raw_missing=self.raw_missing(),
            ping_allowed=ping_allowed(),
            open_files=open_files(),
        )

    def tunnels(self) -> tuple[Tunnel, ...]:
        """Every tunnel as it is now, as `probe.machine.sources.Host` has it."""
        return tunnels()

    def tunnel(self, interface: str) -> Tunnel | None:
        """One tunnel as it is now, counters and handshakes included; None where it is none."""
        return tunnel(interface)

    def reverse_path_drops(self) -> int | None:
        """Packets dropped by the check of the reverse path so far; None where the system has none."""
        return reverse_path_drops()
