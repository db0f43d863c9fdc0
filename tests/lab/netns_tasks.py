"""What the netns tests do inside a world. `run` starts this file there as a program, which prints JSON.

Packets are sent only in worlds that it built itself.
"""

import contextlib
import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import fault_tasks
import psutil
import tunnel_tasks

from probe.errors import BindprobeError
from probe.lab.netns import enter
from probe.lab.netns.world import open_network
from probe.lab.scenario import PROBER_ADDRESSES, Scenario, address_of, load_scenario, parse_scenario
from probe.model.probing import Probe, Question
from probe.model.target import Port, Protocol
from probe.services.port_list import format_ports, parse_ports

SCENARIOS = Path(__file__).parents[2] / "scenarios"

NAMESPACE = Path("/proc/self/ns/net")

# nmap has words of its own for two ICMPv6 errors; here they share those of their IPv4 twins.
NMAP_WORDS = {"no-route": "net-unreach", "reject-route": "net-prohibited"}
NMAP_SCANS = {"tcp": "-sS", "udp": "-sU"}
NMAP_PACE = ("--max-retries", "2", "--initial-rtt-timeout", "250ms", "--max-rtt-timeout", "500ms")
NMAP_ROW = re.compile(r"^(\d+)/(tcp|udp)\s+\S+\s+\S+\s+(\S+)(?: ttl (\d+))?", re.MULTILINE)


def run(task: str, *arguments: object, user: Sequence[str] = (), python: str = sys.executable) -> Any:
    """Run one of the tasks below inside a namespace made for worlds; skip where there can be none.

    `user` is a command that becomes another user first.
    """
    why_not = enter.available()
    if why_not is not None:
        import pytest  # noqa: PLC0415 - the program that runs the task has no need of it

        pytest.skip(why_not)
    program = enter.command([python, __file__, task, *map(json.dumps, arguments)])
    done = subprocess.run(
        [*user, *program],
        capture_output=True,
        text=True,
        check=False,
        env={**environment(), enter.MARKER: "1"},
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def environment() -> dict[str, str]:
    """Let an interpreter outside the virtual environment find the same packages."""
    places = [str(Path(__file__).parents[2]), *(place for place in sys.path if place.endswith("-packages"))]
    usual = {name: value for name, value in enter.environment().items() if name != enter.MARKER}
    return {**usual, "PYTHONPATH": ":".join(places), "PYTHONDONTWRITEBYTECODE": "1"}


def scenario(given: str | dict[str, Any]) -> Scenario:
    """Read a scenario by its name, or fill up the parts that a test cares about."""
    if isinstance(given, str):
        return load_scenario(SCENARIOS / f"{given}.yaml")
    return parse_scenario("test", {"about": "a test", "scan": {"ports": "80"}, "expect": {}, **given})


def nmap(symbol: str, ports: str, protocol: str) -> dict[str, tuple[str, int]]:
    """Ask nmap for the reason and the TTL of each port, keyed as in `expect`."""
    address = address_of(symbol)
    family = ("-6",) if address.version == 6 else ()
    how = (NMAP_SCANS[protocol], "-n", "-Pn", "--disable-arp-ping", "--reason", *NMAP_PACE, *family)
    command = ["nmap", *how, "-p", ports, str(address)]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    prefix = {"tcp": "", "udp": "U:"}[protocol]
    rows = NMAP_ROW.findall(text)
    return {f"{prefix}{port}": (NMAP_WORDS.get(word, word), int(ttl or 0)) for port, _, word, ttl in rows}


def observe(name: str) -> dict[str, dict[str, tuple[str, int]]]:
    """Return what nmap sees of a scenario: port, then symbol, then reason and TTL."""
    world = scenario(name)
    ports = parse_ports(world.scan.ports)
    seen: dict[str, dict[str, tuple[str, int]]] = {}
    with open_network(world):
        for symbol in world.addresses:
            for protocol in NMAP_SCANS:
                numbers = [port.number for port in ports if port.protocol == protocol]
                answers = nmap(symbol, format_ports(numbers), protocol) if numbers else {}
                for port, answer in answers.items():
                    seen.setdefault(port, {})[symbol] = answer
    return seen


def round_trips(given: dict[str, Any], symbols: list[str], port: int) -> dict[str, float]:
    """Return the shortest of 15 handshakes by symbol, in milliseconds: a busy machine adds to the others."""
    with open_network(scenario(given)):
        return {symbol: min(_handshake(symbol, port) for _ in range(15)) for symbol in symbols}


def _handshake(symbol: str, port: int) -> float:
    started = time.perf_counter()
    with socket.create_connection((str(address_of(symbol)), port), timeout=5):
        return (time.perf_counter() - started) * 1000


def answered(given: dict[str, Any], symbols: list[str], port: int, datagrams: int) -> dict[str, float]:
    """Return the share of datagrams that a UDP service answers, by symbol."""
    with open_network(scenario(given)):
        return {symbol: _answered(symbol, port, datagrams) for symbol in symbols}


def _answered(symbol: str, port: int, datagrams: int) -> float:
    address = address_of(symbol)
    family = socket.AF_INET6 if address.version == 6 else socket.AF_INET
    received = set()
    with socket.socket(family, socket.SOCK_DGRAM) as opened:
        opened.connect((str(address), port))
        for number in range(datagrams):
            opened.send(str(number).encode())
            opened.settimeout(0.2 if number == datagrams - 1 else 0.001)
            try:
                while True:
                    received.add(opened.recv(100))
            except TimeoutError:
                continue  # lost, or late: then it comes in a later round
    return len(received) / datagrams


def aftermaths(given: dict[str, Any], symbol: str, ports: list[int]) -> dict[str, str]:
    """Return what an accepted connection does within half a second, by port."""
    with open_network(scenario(given)):
        return {str(port): _aftermath(symbol, port) for port in ports}


def _aftermath(symbol: str, port: int) -> str:
    try:  # a reset that follows the handshake at once may already be reported by connect()
        with socket.create_connection((str(address_of(symbol)), port), timeout=2) as peer:
            peer.settimeout(0.5)
            return repr(peer.recv(100))
    except OSError as error:
        return type(error).__name__


def in_a_row(given: str | dict[str, Any], worlds: int) -> dict[str, Any]:
    """Open worlds one after the other; return the seconds that each took, and what is left behind."""
    world = scenario(given)
    before = _belongings()
    up, down = [], []
    for _ in range(worlds):
        started = time.perf_counter()
        with open_network(world):
            up.append(time.perf_counter() - started)
            started = time.perf_counter()
        down.append(time.perf_counter() - started)
    return {"up": up, "down": down, "before": before, "after": _belongings()}


def _belongings() -> dict[str, Any]:
    process = psutil.Process()
    return {
        "namespace": NAMESPACE.stat().st_ino,
        "interfaces": [name for _, name in socket.if_nameindex()],
        "children": len(process.children(recursive=True)),
        "files": process.num_fds(),
        "mounts": len(Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines()),
    }


def broken(given: dict[str, Any], body: bool = False) -> dict[str, Any]:  # noqa: FBT001, FBT002 - from JSON
    """Open a world that cannot be, or whose body fails; return the error and what is left behind."""
    before = _belongings()
    try:
        with open_network(scenario(given)):
            if body:
                raise LookupError("in the middle")  # noqa: TRY301 - it must cross the clean-up of the world
            outcome = "it opened"
    except LookupError as error:
        outcome = str(error)
    except BindprobeError as error:
        outcome = f"{type(error).__name__}: {error}"
    return {"outcome": outcome, "before": before, "after": _belongings()}


def host_dies(given: dict[str, Any]) -> dict[str, Any]:
    """End a host of an open world from outside; return the error and what is left behind."""
    before = _belongings()
    try:
        with open_network(scenario(given)):
            child = psutil.Process().children()[0]
            child.kill()
            child.wait(2)
        outcome = "nobody noticed"
    except BindprobeError as error:
        outcome = f"{type(error).__name__}: {error}"
    return {"outcome": outcome, "before": before, "after": _belongings()}


def prober(name: str) -> dict[str, Any]:
    """Return what the prober's machine knows of the way to each address, and what a question brings."""
    from probe.lab.open_world import open_world  # noqa: PLC0415 - only here are the engine and the host needed

    with open_world(scenario(name), "netns") as world:
        routes = {str(given.ip): world.host.route(given.ip) for given in world.target.addresses}
        given = world.target.addresses[0]
        world.backend.send(Probe(1, Question(given.ip, Port(Protocol.TCP, 8000))))
        replies = world.backend.receive(world.backend.now() + 2.0)
        return {
            "routes": {ip: (route.interface, str(route.source)) for ip, route in routes.items()},
            "replies": [reply.reason for reply in replies],
            "neighbour": world.host.neighbour(given.ip),
        }


def met(given: dict[str, Any], addresses: list[str], port: int) -> dict[str, list[str]]:
    """Return how ping, a connection and the route to each address fare."""
    return fault_tasks.met(scenario(given), addresses, port)


def carried(given: dict[str, Any], symbol: str, port: int, segment: int) -> dict[str, Any]:
    """Return what becomes of full and of small segments."""
    return fault_tasks.carried(scenario(given), symbol, port, segment)


def looked_up(given: dict[str, Any], name: str) -> dict[str, Any]:
    """Return what is found for a name."""
    return fault_tasks.looked_up(scenario(given), name)


def facts(given: dict[str, Any], wanted: list[str]) -> dict[str, Any]:
    """Return what is seen of a tunnel."""
    return tunnel_tasks.facts(scenario(given), wanted)


def lines(given: dict[str, Any], commands: list[tuple[str, str]]) -> list[list[str]]:
    """Return what shell commands print on the hosts of a world."""
    return tunnel_tasks.lines(scenario(given), commands)


def scanned(given: dict[str, Any]) -> dict[str, list[str]]:
    """Return what a scan finds of each address."""
    return tunnel_tasks.scanned(scenario(given))


def itself(given: dict[str, Any], engine: str) -> dict[str, Any]:
    """Scan and examine two addresses of the prober's own, behind a filter that keeps everybody else out.

    8000 is bound to all interfaces, 8001 to loopback, 8002 to the first of the addresses.
    """
    from probe import EngineRequest, Target, doctor, scan  # noqa: PLC0415 - slow to load, and only for this

    with open_network(scenario(given)), contextlib.ExitStack() as servers:
        for bind, port in (("0.0.0.0", 8000), ("127.0.0.1", 8001), (PROBER_ADDRESSES["lan"], 8002)):
            servers.enter_context(socket.create_server((bind, port)))
        subprocess.run(["nft", "-f", "-"], input=KEEPS_OTHERS_OUT, text=True, check=True)
        own = {"lan": PROBER_ADDRESSES["lan"], "vpn": PROBER_ADDRESSES["vpn"]}
        report = scan(Target(**own, ports="8000-8002"), engine=EngineRequest(engine))
        found = doctor(Target(**own, ports="8000"), engine=EngineRequest(engine))
    return {
        "bindings": {row.port: row.binding for row in report.ports},
        "conditions": [address.condition for address in report.addresses],
        "of_ports": sorted({one.condition for row in report.ports for one in row.observations}),
        "evidence": [address.evidence[0].rule for address in report.addresses],
        "causes": [address.causes[0].cause for address in found.addresses],
        "shown_by": [address.causes[0].evidence[0].rule for address in found.addresses],
    }


KEEPS_OTHERS_OUT = """
table inet keeps_others_out {
  chain input {
    type filter hook input priority filter; policy drop;
    iif lo accept
  }
}
"""


def way_out_of(interface: str) -> str | None:
    """Make an interface that is up and return what the check for a way out finds."""
    subprocess.run(["ip", "link", "add", "name", interface, "type", "bridge"], check=True)
    subprocess.run(["ip", "link", "set", interface, "up"], check=True)
    return enter.way_out()


def identity() -> dict[str, Any]:
    """Return who this process is in here, and whether it is inside."""
    return {"uid": os.getuid(), "inside": enter.inside(), "namespace": NAMESPACE.stat().st_ino}


TASKS: dict[str, Callable[..., Any]] = {
    task.__name__: task
    for task in (
        observe,
        round_trips,
        answered,
        aftermaths,
        in_a_row,
        broken,
        host_dies,
        way_out_of,
        identity,
        prober,
        met,
        carried,
        looked_up,
        facts,
        lines,
        scanned,
        itself,
    )
}


def main(task: str, *arguments: str) -> None:
    """Run one task and print its result."""
    sys.stdout.write(json.dumps(TASKS[task](*map(json.loads, arguments))))


if __name__ == "__main__":
    main(*sys.argv[1:])
