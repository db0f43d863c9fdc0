"""What the tests of tunnels do inside a world; started by `netns_tasks.run`."""

import socket
from collections.abc import Callable
from typing import Any

from probe.lab.netns.world import open_network
from probe.lab.scenario import CARRIER_ADDRESSES, TARGET_ADDRESSES, Scenario
from probe.lab.world import Shell
from probe.model.fixes import Place

PATIENCE = 0.7  # seconds
PORT = 80
_UDP = 51820


def facts(world: Scenario, wanted: list[str]) -> dict[str, Any]:
    """Open a world and look at it in some ways, in their order."""
    with open_network(world) as shell:
        return {name: FACTS[name](shell) for name in wanted}


def lines(world: Scenario, commands: list[tuple[str, str]]) -> list[list[str]]:
    """Open a world, run shell commands in places of it, and return the lines that each printed."""
    with open_network(world) as shell:
        return [_lines(shell, Place(place), command) for place, command in commands]


def _lines(shell: Shell, place: Place, command: str) -> list[str]:
    ended = shell(place, command)
    return [line.strip() for line in (ended.stdout + ended.stderr).splitlines()]


def _handshake(place: Place) -> Callable[[Shell], bool]:
    """Whether WireGuard remembers a handshake there."""
    return lambda shell: shell(place, "wg show vpn latest-handshakes").stdout.split()[-1:] not in ([], ["0"])


def _allowed(place: Place) -> Callable[[Shell], list[str]]:
    return lambda shell: shell(place, "wg show vpn allowed-ips").stdout.split()[1:]


def _mtu(place: Place) -> Callable[[Shell], int]:
    return lambda shell: int(shell(place, "ip -o link show vpn").stdout.split(" mtu ")[1].split()[0])


def _links(place: Place) -> Callable[[Shell], list[str]]:
    """Which interfaces there are, and which of them are switched off."""

    def look(shell: Shell) -> list[str]:
        rows = (line.split() for line in shell(place, "ip -br link").stdout.splitlines())
        return sorted(row[0].split("@")[0] + ("" if ",UP" in row[-1] else " off") for row in rows)

    return look


def _echo(address: str) -> Callable[[Shell], bool]:
    return lambda shell: shell(Place.HERE, f"ping -n -c 1 -W {PATIENCE} {address}").returncode == 0


def _tcp(symbol: str, patience: float = PATIENCE) -> Callable[[Shell], str]:
    """What a connection to the service brings: its greeting, or the error."""

    def look(_: Shell) -> str:
        try:
            with socket.create_connection((TARGET_ADDRESSES[symbol], PORT), timeout=patience) as peer:
                return peer.recv(100).decode().strip()
        except OSError as error:
            return type(error).__name__ if error.errno is None else f"errno {error.errno}"

    return look


def _carrier_port(_: Shell) -> str:
    """What the UDP port of the far end answers to garbage."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as opened:
        opened.settimeout(PATIENCE)
        opened.connect((CARRIER_ADDRESSES["target"], _UDP))
        opened.send(b"garbage")
        try:
            return opened.recv(100).decode()
        except OSError as error:
            return type(error).__name__


FACTS: dict[str, Callable[[Shell], Any]] = {
    "handshake": _handshake(Place.HERE),
    "their handshake": _handshake(Place.TARGET),
    "allowed": _allowed(Place.HERE),
    "accepts": _allowed(Place.TARGET),
    "mtu": _mtu(Place.HERE),
    "their mtu": _mtu(Place.TARGET),
    "links": _links(Place.HERE),
    "their links": _links(Place.TARGET),
    "neighbour": lambda shell: shell(Place.HERE, "ip neigh show dev lan").stdout.split()[-1:],
    "echo": _echo(TARGET_ADDRESSES["vpn"]),
    "echo6": _echo(TARGET_ADDRESSES["vpn6"]),
    "lan echo": _echo(TARGET_ADDRESSES["lan"]),
    "carrier echo": _echo(CARRIER_ADDRESSES["target"]),
    "carrier port": _carrier_port,
    "tcp": _tcp("vpn"),
    "tcp6": _tcp("vpn6"),
    "lan tcp": _tcp("lan", 5.0),  # ARP gives up after three seconds
    "handshake after": _handshake(Place.HERE),
}


def scanned(world: Scenario) -> dict[str, Any]:
    """What the product's own scan finds of each address: interface, condition and the port's reason."""
    from probe.app.scan import scan  # noqa: PLC0415 - only here is the whole product needed
    from probe.lab.open_world import backends_of, open_world  # noqa: PLC0415
    from probe.model.plan import Timing  # noqa: PLC0415

    with open_world(world, "netns") as opened:
        report = scan(opened.target, Timing(), backends_of(opened, "connect"))
    seen = {one.address: one.reason for port in report.ports for one in port.observations}
    return {
        one.address: [one.interface, one.condition.value, seen[one.address].value] for one in report.addresses
    }
