"""What a prober meets in a world with a trouble, by sockets and ping alone; started by `netns_tasks.run`."""

import re
import socket
import struct
import subprocess
import time
from typing import Any

from probe.lab.netns.world import open_network
from probe.lab.scenario import Scenario, address_of

PATIENCE = 0.7  # seconds
_UNACKED = struct.Struct("24xI")  # tcpi_unacked of struct tcp_info, include/uapi/linux/tcp.h
_REPORT = re.compile(r"^From (\S+?):? icmp_seq=\d+ (.*)$", re.MULTILINE)


def met(world: Scenario, addresses: list[str], port: int) -> dict[str, list[str]]:
    """How ping, a connection and the route to each address fare."""
    with open_network(world):
        literal = {symbol: str(address_of(symbol)) for symbol in addresses}
        return {
            symbol: [_ping(address), _connect(address, port), _interface(address)]
            for symbol, address in literal.items()
        }


def _ping(address: str) -> str:
    command = ["ping", "-c", "1", "-W", "1", address]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = _REPORT.search(done.stdout)
    return f"{found[1]}: {found[2]}" if found else "silence" if done.returncode else "reply"


def _connect(address: str, port: int) -> str:
    try:
        with socket.create_connection((address, port), timeout=PATIENCE) as peer:
            peer.settimeout(PATIENCE)
            return repr(peer.recv(100))
    except OSError as error:
        return type(error).__name__


def _interface(address: str) -> str:
    route = subprocess.run(["ip", "route", "get", address], capture_output=True, text=True, check=True).stdout
    found = re.search(r" dev (\S+)", route)
    return found[1] if found else route


def carried(world: Scenario, symbol: str, port: int, segment: int) -> dict[str, Any]:
    """Send full and then small segments through a service; what stays unacknowledged, and the MTU learnt."""
    address = str(address_of(symbol))
    with open_network(world):
        full, small = _sent(address, port, None), _sent(address, port, segment)
        route = subprocess.run(["ip", "route", "get", address], capture_output=True, text=True, check=True)
        mtu = re.search(r" mtu (\d+)", route.stdout)
    return {"full": full, "small": small, "mtu": int(mtu[1]) if mtu else None}


def _sent(address: str, port: int, segment: int | None) -> int:
    """Segments without acknowledgement, half a second after 20,000 bytes went out."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as peer:
        if segment is not None:
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, segment)
        peer.settimeout(PATIENCE)
        peer.connect((address, port))
        peer.send(bytes(20_000))
        time.sleep(0.5)
        unacked: int = _UNACKED.unpack(peer.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _UNACKED.size))[0]
        return unacked


def looked_up(world: Scenario, name: str) -> dict[str, Any]:
    """What the C library finds for names, and what each name server has for one."""
    import dns.message  # noqa: PLC0415 - the other tasks need no names
    import dns.query  # noqa: PLC0415

    with open_network(world):
        asked = {server: _asked(dns, server, name) for server in ("198.18.53.10", "198.18.53.11")}
        system = {one: _system(one) for one in (name, "localhost", "unknown.example")}
    return {"system": system, "asked": asked}


def _asked(dns: Any, server: str, name: str) -> list[str]:
    return [
        str(record)
        for kind in ("A", "AAAA")
        for answer in dns.query.udp(dns.message.make_query(name, kind), server, timeout=1).answer
        for record in answer
    ]


def _system(name: str) -> str:
    try:
        return str(socket.getaddrinfo(name, None, socket.AF_INET)[0][4][0])
    except socket.gaierror as error:
        return errors_name(error)


def errors_name(error: socket.gaierror) -> str:
    """The symbol of a resolver's error."""
    return next(
        name for name in dir(socket) if name.startswith("EAI_") and getattr(socket, name) == error.errno
    )
