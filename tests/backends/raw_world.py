"""Asks the raw backend in worlds of real kernels; a script that prints JSON, started by `run`.

Packets are sent only in worlds that it built itself.
"""

import contextlib
import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import errors_cases
import errors_world
from msgspec import structs
from raw_cases import CASES, HERE, MUTE, PROBER_RULES, SCENARIO, RawCase, target
from tun_world import tunnel

from probe.backends.connect import ConnectBackend
from probe.backends.raw import open_raw
from probe.backends.system_host import SystemHost
from probe.engine.backend import Backend
from probe.lab.netns import enter
from probe.lab.netns.hosts import configure
from probe.lab.netns.world import open_network
from probe.lab.scenario import PROBER_ADDRESSES, Scenario, parse_scenario
from probe.model.probing import NextHop, Probe, Question, Reply, Shape
from probe.model.target import Port, Protocol
from probe.wire.pcapng import Capture

TOP = Path(__file__).parents[2]
WAIT = 0.4  # seconds for an answer
# An unanswered ARP request is an error after 3 s. A router without a route answers only after a second
# without other errors (rate_tokens in net/ipv4/route.c ip_error()).
PATIENT = (3.5, 1.2, 0.4)


def run(task: str, *arguments: object) -> Any:
    """Run one of the tasks below inside a namespace made for worlds; skip where there can be none."""
    why_not = enter.available()
    if why_not is not None:
        import pytest  # noqa: PLC0415 - the program that runs the task has no need of it

        pytest.skip(why_not)
    done = subprocess.run(
        enter.command([sys.executable, __file__, task, *map(json.dumps, arguments)]),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env={**enter.environment(), "PYTHONPATH": str(TOP), "PYTHONDONTWRITEBYTECODE": "1"},
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def ask(
    backend: Backend, questions: dict[str, Question], waits: tuple[float, ...] = (WAIT, WAIT)
) -> dict[str, list[Reply]]:
    """All replies to each question; what stays silent is asked again, as ICMP errors are limited.

    `waits`: how long each try waits, in seconds.
    """
    replies: dict[str, list[Reply]] = {name: [] for name in questions}
    names: dict[int, str] = {}
    for attempt, wait in enumerate(waits, 1):
        for name in [name for name, got in replies.items() if not got]:
            number = len(names)
            names[number] = name
            backend.send(Probe(number, questions[name], attempt))
        until = backend.now() + wait
        while backend.now() < until:
            for reply in backend.receive(until):
                replies[names[reply.probe_id]].append(reply)
    backend.forget(names)
    return replies


def shown(replies: list[Reply]) -> dict[str, Any] | None:
    """The one reply to a question, as plain data."""
    if not replies:
        return None
    assert len(replies) == 1, replies
    (reply,) = replies
    header = reply.header
    results: dict[str, Any] = {
        "reason": reply.reason,
        "sender": str(reply.sender) if reply.sender else None,
        "ttl": reply.ttl,
        "icmp": reply.icmp,
        "header": None,
    }
    if header is None:
        return results
    options = header.options
    return results | {
        "header": "seen",
        "tos": header.tos,
        "labelled": None if header.flow_label is None else header.flow_label != 0,
        "window": header.window,
        "options": options and structs.asdict(options),
        "link": header.interface,
        "link_address": header.link_address,
    }


def question(case: RawCase, host: SystemHost) -> Question:
    """What a case asks."""
    hop = None
    if case.hop is not None:
        link_address = host.link_address(ip_address(target(case.hop)))
        assert link_address is not None, case
        interface = case.hop.removesuffix("6")
        hop = NextHop(interface, ip_address(PROBER_ADDRESSES[case.hop]), link_address)
    port = Port(case.protocol, case.port)
    return Question(ip_address(target(case.address)), port, ttl=case.ttl, shape=case.shape, hop=hop)


def scenario() -> Scenario:
    """The network of the cases."""
    return parse_scenario("raw", SCENARIO)


@contextlib.contextmanager
def cases_world() -> Iterator[SystemHost]:
    """The network of the cases, with the prober's own rules and service."""
    with (
        open_network(scenario()),
        socket.create_server(("::", HERE), family=socket.AF_INET6, dualstack_ipv6=True),
    ):
        configure("nft", PROBER_RULES)
        host = SystemHost()
        with contextlib.closing(open_raw(host)) as backend:  # lets the neighbours be known
            ask(backend, {a: Question(ip_address(target(a)), Port(Protocol.TCP, 9)) for a in ("lan", "lan6")})
        yield host


def all_cases() -> dict[str, Any]:
    """Ask every case, each family's ICMP errors in few at a time."""
    with cases_world() as host, contextlib.closing(open_raw(host)) as backend:
        questions = {case.name: question(case, host) for case in CASES}
        return {name: shown(got) for name, got in ask(backend, questions).items()}


def cases_of_connect() -> dict[str, Any]:
    """Ask what the connect backend is asked of its own world: the meanings must be the same."""
    with errors_world.world(), contextlib.closing(open_raw(SystemHost())) as backend:
        questions = {case.name: case.question() for case in errors_cases.CASES}
        answers = ask(backend, questions, waits=PATIENT)
        return {name: shown(got) for name, got in answers.items()}


def received_by_both() -> dict[str, Any]:
    """What connect() and raw packets get where the prober's own input rules drop the answers."""
    with cases_world() as host:
        asked = {"muted": Question(ip_address(target("lan")), Port(Protocol.TCP, MUTE))}
        results = {}
        for name, backend in (("connect", ConnectBackend()), ("raw", open_raw(host))):
            with contextlib.closing(backend):
                got = ask(backend, asked)["muted"]
                results[name] = [reply.reason for reply in got if reply.aftermath is None]
        return results


def through_tunnel() -> dict[str, Any]:
    """Every shape through a tun device, which has no link-layer header."""
    with tunnel() as (near, far, near6, far6):
        del near, near6
        host = SystemHost()
        shapes = [(Shape.OPENING, 9), (Shape.OPENING, HERE), (Shape.ACK, 9), (Shape.FIN, 9), (Shape.ECHO, 0)]
        questions = {
            f"{shape} {port} {address}": Question(ip_address(address), Port(Protocol.TCP, port), shape=shape)
            for address in (far, far6)
            for shape, port in (*shapes, (Shape.WHO_HAS, 0))
        }
        questions |= {
            f"udp {address}": Question(ip_address(address), Port(Protocol.UDP, 9)) for address in (far, far6)
        }
        with contextlib.closing(open_raw(host)) as backend:
            return {name: shown(got) for name, got in ask(backend, questions).items()}


def loopback_from_outside() -> list[Any]:
    """Frames for 127.0.0.1 handed to a target that takes them: to a listener on loopback, and to none."""
    listen = [{"port": 80, "bind": "127.0.0.1"}]
    given = {**SCENARIO, "addresses": ["lan"], "target": {"listen": listen, "route_localnet": True}}
    with open_network(parse_scenario("raw", given)), contextlib.closing(open_raw(SystemHost())) as backend:
        lan, port = ip_address(target("lan")), Port(Protocol.TCP, 9)
        link_address = shown(ask(backend, {"closed": Question(lan, port)})["closed"])["link_address"]
        hop = NextHop("lan", ip_address(PROBER_ADDRESSES["lan"]), link_address)
        ports = {str(number): Port(Protocol.TCP, number) for number in (80, 81)}
        loopback = ip_address("127.0.0.1")
        asked = {name: Question(loopback, port, ttl=1, hop=hop) for name, port in ports.items()}
        return [shown(got) for got in ask(backend, asked).values()]


def link_lost() -> list[Any]:
    """Probes before and after the link goes down: nothing is raised."""
    with cases_world() as host, contextlib.closing(open_raw(host)) as backend:
        lan = ip_address(target("lan"))
        link_address = host.link_address(lan)
        assert link_address is not None
        hop = NextHop("lan", ip_address(PROBER_ADDRESSES["lan"]), link_address)
        silent = Question(lan, Port(Protocol.TCP, 8002))
        asked = {
            "routed": Question(lan, Port(Protocol.TCP, 80)),
            "direct": Question(lan, Port(Protocol.TCP, 80), hop=hop),
            "asked": Question(lan, Port(Protocol.TCP, 0), shape=Shape.WHO_HAS),
        }
        ask(backend, {"before": silent}, waits=(WAIT,))
        configure("ip", "link set lan down\n")
        return [shown(got) for got in ask(backend, asked, waits=(WAIT,)).values()]


def open_files() -> int:
    """How many descriptors this process holds."""
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def captured(path: str) -> list[int]:
    """Keep a few packets of every kind in a file; count the files that stay open."""
    with cases_world() as host:
        before = open_files()
        capture = Capture(path)
        with contextlib.closing(capture), contextlib.closing(open_raw(host, capture)) as backend:
            wanted = (
                "SYN, closed",
                "SYN, closed 6",
                "who has",
                "SYN, dropped",
                "TTL 2 is enough",
                "no route",
            )
            ask(
                backend,
                {case.name: question(case, host) for case in CASES if case.name in wanted},
                waits=(WAIT,),
            )
            during = open_files()
        return [before, during, open_files(), threading.active_count()]


TASKS = {
    task.__name__: task
    for task in (
        all_cases,
        cases_of_connect,
        received_by_both,
        through_tunnel,
        loopback_from_outside,
        link_lost,
        captured,
    )
}

if __name__ == "__main__":
    enter.require_no_way_out()
    name, *arguments = sys.argv[1:]
    json.dump(TASKS[name](*map(json.loads, arguments)), sys.stdout)
