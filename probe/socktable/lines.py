"""One line of a socket list as a listener: ss, netstat of three systems, lsof, /proc/net, docker ps.

Each reader returns what a line lists that listens: nothing where it lists something else, None where the line
is not of its tool. Formats: ss(8), netstat(8) of net-tools, BSD and Windows, lsof(8), proc_net_tcp(5).
"""

import re
from collections.abc import Callable, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address

from msgspec.structs import replace

from probe.model.sockets import IPV4, IPV6, Listener, TableTool
from probe.model.target import IPAddress, Protocol

Found = Sequence[Listener]

_HIGHEST, _DIGITS = 65535, 5
_ANY = frozenset({"*", "0.0.0.0", "::", "[::]"})  # noqa: S104 - read, not bound to
_PROTOCOL = {
    "tcp": (Protocol.TCP, (IPV4,)),
    "tcp4": (Protocol.TCP, (IPV4,)),
    "tcp6": (Protocol.TCP, None),
    "tcp46": (Protocol.TCP, (IPV4, IPV6)),
    "udp": (Protocol.UDP, (IPV4,)),
    "udp4": (Protocol.UDP, (IPV4,)),
    "udp6": (Protocol.UDP, None),
    "udp46": (Protocol.UDP, (IPV4, IPV6)),
}


def listener(
    tool: TableTool,
    protocol: Protocol,
    address: str,
    port: str,
    families: tuple[int, ...] | None,
    *,
    line: str,
) -> Listener | None:
    """A listener of the texts of a line; None where they are no address or no port.

    An address gives its family. Of all addresses it is the one that is given.
    """
    address, _, device = address.replace("[", "").replace("]", "").partition("%")
    if not (port.isascii() and port.isdecimal() and len(port) <= _DIGITS and int(port) <= _HIGHEST):
        return None
    ip: IPAddress | None = None
    if address not in _ANY:
        try:
            ip = _plain(ip_address(address))
        except ValueError:
            return None
        families = (ip.version,)
    scoped = ip is not None and ip.is_link_local  # what follows the % is then the scope of the address
    return Listener(
        tool=tool,
        protocol=protocol,
        port=int(port),
        ip=ip,
        families=families,
        device=None if scoped else device or None,
        line=line,
    )


def _plain(ip: IPAddress) -> IPAddress:
    """The IPv4 address that an IPv4-mapped one means (RFC 4291 section 2.5.5.2)."""
    mapped = ip.ipv4_mapped if isinstance(ip, IPv6Address) else None
    return ip if mapped is None else mapped


def _some(found: Listener | None) -> Found:
    return () if found is None else (found,)


# --- ss ---


_SS = re.compile(
    r"(?:(?P<netid>tcp|udp)\s+)?(?P<state>[A-Z][A-Z0-9-]+)\s+\d+\s+\d+\s+(?P<address>\S+):(?P<port>[^\s:]+)\s+"
    r"(?P<peer>\S+:\S+)(?P<rest>.*)"
)
_SS_STATES = {"LISTEN": Protocol.TCP, "UNCONN": Protocol.UDP}
_SS_PROCESS = re.compile(r'users:\(\("(?P<process>[^"]*)",pid=(?P<pid>\d{1,10})')
_SS_V6ONLY = re.compile(r"\bv6only:(?P<only>[01])")


def of_ss(line: str) -> Found | None:
    """A line of ss. `*` is all addresses of both families, `[::]` those of IPv6 alone."""
    found = _SS.fullmatch(line)
    if found is None:
        return None
    protocol = _SS_STATES.get(found["state"])
    if protocol is None or (found["netid"] and found["netid"] != protocol):
        return ()
    address = found["address"]
    families = _ss_families(address.partition("%")[0])
    v6only = _SS_V6ONLY.search(found["rest"])
    if v6only is not None and families != (IPV4,):
        families = (IPV6,) if v6only["only"] == "1" else (IPV4, IPV6)
    one = listener(TableTool.SS, protocol, address, found["port"], families, line=line)
    process = _SS_PROCESS.search(found["rest"])
    if one is None or process is None:
        return _some(one)
    return (replace(one, process=process["process"], pid=int(process["pid"])),)


def _ss_families(address: str) -> tuple[int, ...]:
    """Of a socket on all addresses: ss writes `*` for an IPv6 socket that takes IPv4 too (misc/ss.c)."""
    return {"*": (IPV4, IPV6), "[::]": (IPV6,), "::": (IPV6,)}.get(address, (IPV4,))


# --- netstat ---


_LINUX_NETSTAT = re.compile(
    r"(?P<netid>(?:tcp|udp)6?)\s+\d+\s+\d+\s+(?P<address>\S+):(?P<port>\d{1,5})\s+\S+:(?P<peer>\*|\d+)(?P<rest>.*)"
)
_NETSTAT_PROCESS = re.compile(r"(?P<pid>\d{1,10})/(?P<process>.+?)\s*")
_BSD_NETSTAT = re.compile(
    r"(?P<netid>(?:tcp|udp)(?:4|6|46))\s+\d+\s+\d+\s+(?P<address>\S+)\.(?P<port>\*|\d{1,5})\s+(?P<peer>\S+)(?P<rest>.*)"
)
_WINDOWS_NETSTAT = re.compile(
    r"\s*(?P<netid>TCP|UDP)\s+(?P<address>\S+):(?P<port>\d{1,5})\s+(?P<peer>\S+:(?:\d+|\*))(?P<rest>.*)"
)
_WINDOWS_PID = re.compile(r"(?P<pid>\d{1,10})\s*")


def of_linux_netstat(line: str) -> Found | None:
    """A line of net-tools' netstat: it does not list whether `:::80` takes IPv4 too."""
    found = _LINUX_NETSTAT.fullmatch(line)
    if found is None:
        return None
    protocol, families = _PROTOCOL[found["netid"]]
    rest = found["rest"]
    if (protocol is Protocol.TCP and "LISTEN" not in rest.split()) or found["peer"] != "*":
        return ()
    if found["address"] == "::":  # that of busybox writes tcp for both
        families = None
    one = listener(TableTool.NETSTAT, protocol, found["address"], found["port"], families, line=line)
    last = re.search(r"\d{1,10}/\S.*", rest)
    process = None if last is None else _NETSTAT_PROCESS.fullmatch(last[0])
    if one is None or process is None:
        return _some(one)
    name = process["process"].rstrip(":")  # "sshd: /usr/sbin" where the title is longer than the column
    return (replace(one, process=name.partition(":")[0], pid=int(process["pid"])),)


def of_bsd_netstat(line: str) -> Found | None:
    """A line of netstat of macOS or a BSD: the port follows the last dot."""
    found = _BSD_NETSTAT.fullmatch(line)
    if found is None:
        return None
    protocol, families = _PROTOCOL[found["netid"]]
    families = (IPV6,) if families is None else families  # one of both is tcp46
    listens = "LISTEN" in found["rest"].split() if protocol is Protocol.TCP else found["peer"] == "*.*"
    if not listens:
        return ()
    return _some(listener(TableTool.NETSTAT, protocol, found["address"], found["port"], families, line=line))


def of_windows_netstat(line: str) -> Found | None:
    """A line of Windows' netstat. The state's word is of the system's language; what listens has no peer."""
    found = _WINDOWS_NETSTAT.fullmatch(line)
    if found is None:
        return None
    if found["peer"] not in {"0.0.0.0:0", "[::]:0", "*:*"}:
        return ()
    protocol = Protocol(found["netid"].lower())
    families = (IPV6,) if found["address"].startswith("[") else (IPV4,)
    one = listener(TableTool.NETSTAT, protocol, found["address"], found["port"], families, line=line.strip())
    words = found["rest"].split()
    pid = _WINDOWS_PID.fullmatch(words[-1]) if words else None
    return _some(one if one is None or pid is None else replace(one, pid=int(pid["pid"])))


# --- lsof ---


_LSOF = re.compile(
    r"(?P<process>\S+)\s+(?P<pid>\d{1,10})\s+.*\s(?P<family>IPv[46])\s+.*?\b(?P<protocol>TCP|UDP)\s+"
    r"(?P<address>\S+):(?P<port>\d{1,5})\s*(?P<state>\(\w+\))?\s*"
)
_LSOF_OTHER = re.compile(r"\S+\s+\d+\s+.*\sIPv[46]\s+.*\b(?:TCP|UDP|ICMP|ICMPV6|RAW)\b.*", re.ASCII)


def of_lsof(line: str) -> Found | None:
    """A line of lsof -nP -i. It does not list whether an IPv6 socket takes IPv4 too."""
    found = _LSOF.fullmatch(line)
    if found is None or "->" in found["address"]:
        return () if found or _LSOF_OTHER.fullmatch(line) else None
    protocol = Protocol(found["protocol"].lower())
    if protocol is Protocol.TCP and found["state"] != "(LISTEN)":
        return ()
    families = (IPV4,) if found["family"] == "IPv4" else None
    one = listener(TableTool.LSOF, protocol, found["address"], found["port"], families, line=line)
    process = found["process"].replace("\\x20", " ")
    return _some(one and replace(one, process=process, pid=int(found["pid"])))


# --- /proc/net ---


_PROC = re.compile(
    r"\s*\d+: (?P<address>[0-9A-F]{8}|[0-9A-F]{32}):(?P<port>[0-9A-F]{4}) (?:[0-9A-F]{8}|[0-9A-F]{32}):"
    r"(?P<peer>[0-9A-F]{4}) (?P<state>[0-9A-F]{2}) .*"
)
_PROC_STATES = {"0A": Protocol.TCP, "07": Protocol.UDP}  # TCP_LISTEN, TCP_CLOSE (include/net/tcp_states.h)
_IPV4_DIGITS = 8


def of_proc(line: str) -> Found | None:
    """A line of /proc/net/{tcp,udp}{,6}: words of 32 bits in the host's byte order, here little-endian."""
    found = _PROC.fullmatch(line)
    if found is None:
        return None
    protocol = _PROC_STATES.get(found["state"])
    if protocol is None or found["peer"] != "0000":
        return ()
    ip, port = _of_words(found["address"]), str(int(found["port"], 16))
    families = (IPV4,) if len(found["address"]) == _IPV4_DIGITS else None
    return _some(listener(TableTool.PROC, protocol, str(ip), port, families, line=line.strip()))


def _of_words(digits: str) -> IPAddress:
    raw = bytes.fromhex(digits)
    swapped = b"".join(raw[at : at + 4][::-1] for at in range(0, len(raw), 4))
    return IPv4Address(swapped) if len(digits) == _IPV4_DIGITS else IPv6Address(swapped)


# --- docker ps ---


_PUBLISHED = re.compile(
    r"(?P<address>\[?[0-9A-Fa-f.:]+\]?):(?P<first>\d{1,5})(?:-(?P<last>\d{1,5}))?->\d+(?:-\d+)?/(?P<protocol>tcp|udp)"
)
_CONTAINER = re.compile(r"(?P<id>[0-9a-f]{12})\s+\S+.*\s(?P<name>\S+)\s*")


def of_docker(line: str) -> Found | None:
    """A line of docker ps: a container, whose published ports the engine forwards."""
    container = _CONTAINER.fullmatch(line)
    if container is None:
        return None
    return [one for published in _PUBLISHED.finditer(line) for one in _forwards(published, container["name"])]


def _forwards(published: re.Match[str], name: str) -> Found:
    first, last = int(published["first"]), int(published["last"] or published["first"])
    line, protocol = published[0], Protocol(published["protocol"])
    families = (IPV6,) if ":" in published["address"] else (IPV4,)
    ports = range(first, min(last, _HIGHEST) + 1)
    made = (
        listener(TableTool.DOCKER, protocol, published["address"], str(port), families, line=line)
        for port in ports
    )
    return [replace(one, container=name, line=f"{line} ({name})") for one in made if one is not None]


READERS: Sequence[Callable[[str], Found | None]] = (
    of_ss,
    of_linux_netstat,
    of_bsd_netstat,
    of_windows_netstat,
    of_proc,
    of_docker,
    of_lsof,
)
