"""Made-up hosts as scenarios, so that the whole program scans them: in memory, or as real hosts."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from probe.lab.scenario import Scenario, ScenarioScan, realm_of
from probe.lab.scenario_hosts import Action, Dnat, Listen, Router, Rule, Serves, TargetHost
from probe.model.target import Protocol
from score.hosts import FIRST_PORT
from score.made_up import QUIET, MadeUpHost, Zone, covered, own_answer

_ACTIONS = {
    "S": Action.DROP,
    "I": Action.ADMIN_PROHIBITED,
    "P": Action.ADMIN_PROHIBITED,
    "F": Action.RESET,
}
_ANY, _ANY6 = "0.0.0.0", "::"
_BOUND = {"wildcard": _ANY, "wildcard 4": _ANY, "wildcard 6": _ANY6, "closing": _ANY, "loopback": "127.0.0.1"}


@dataclass(slots=True)
class _Boxes:
    """What becomes of the target and of the router before it."""

    rules: list[Rule] = field(default_factory=list)
    router_rules: list[Rule] = field(default_factory=list)
    forward: tuple[int, ...] = ()
    held: tuple[int, ...] = ()
    nat: bool = False
    program: bool = False


def scenario_of(host: MadeUpHost) -> Scenario:
    """The world in which the host answers as it was drawn.

    Its packets have more to show: distances, TTLs, and all that an engine asks beside the ports.
    """
    boxes = _Boxes()
    for symbol, zone in host.zones.items():
        _stand_before(symbol, zone, host, boxes)
    ports = [FIRST_PORT + index for index in range(len(host.truth))]
    prefix = "U:" if host.family.protocol == "udp" else ""
    return Scenario(
        about="A made-up host.",
        name="made-up",
        addresses=tuple(host.zones),
        target=TargetHost(
            listen=tuple(_listens(host)),
            filter=tuple(boxes.rules),
            dnat=tuple(_published(host)),
            vpn_program=boxes.program,
        ),
        router=Router(
            filter=tuple(boxes.router_rules),
            nat=boxes.nat,
            forward=boxes.forward,
            listen=tuple(Listen(port=port, bind="public") for port in boxes.held),
        ),
        scan=ScenarioScan(ports=prefix + ",".join(map(str, ports))),
        expect={},
    )


def _listens(host: MadeUpHost) -> Iterator[Listen]:
    protocol = Protocol(host.family.protocol)
    for number, bind in enumerate(host.binds, FIRST_PORT):
        name = bind.removeprefix(QUIET)
        if name == "nothing" or name.startswith("docker"):
            continue
        serves = Serves.CLOSE if name.startswith("closing") else Serves.HOLD
        if protocol is Protocol.UDP and name == bind:
            serves = Serves.ANSWER
        for address in _bound_to(name, host.family.addresses):
            only = name == "wildcard 6"
            yield Listen(port=number, bind=address, protocol=protocol, v6only=only, serves=serves)


def _bound_to(name: str, addresses: Sequence[str]) -> Sequence[str]:
    """Addresses of its sockets; one on all interfaces is of both families where both are probed."""
    if name in {"wildcard", "closing"} and any(symbol.endswith("6") for symbol in addresses):
        return (_ANY6,)
    return (_BOUND[name],) if name in _BOUND else sorted(covered(name, tuple(addresses)))


def _published(host: MadeUpHost) -> Iterator[Dnat]:
    for number, bind in enumerate(host.binds, FIRST_PORT):
        if bind.startswith("docker"):
            yield Dnat(port=number, address=None if bind == "docker" else bind.rsplit(" ", maxsplit=1)[-1])


# --- what stands before an address ---


def _stand_before(symbol: str, zone: Zone, host: MadeUpHost, boxes: _Boxes) -> None:
    """Add the zone's rules, so that every port answers its letter."""
    letters = dict(enumerate(host.answers[symbol], FIRST_PORT))
    link = f"{realm_of(symbol)}{6 if symbol.endswith('6') else 4}"
    if zone.owner == "relay":
        boxes.program = True
    elif zone.owner == "front":
        boxes.nat = True
        boxes.forward = tuple(port for port, letter in letters.items() if letter == "B")
        boxes.held = tuple(port for port, letter in letters.items() if letter == "O")
        if zone.unused != "R":
            boxes.router_rules += _deny(zone.unused, [*boxes.forward, *boxes.held], link)
    elif zone.unused != "R":
        passed = [port for port, letter in letters.items() if letter != zone.unused]
        (boxes.router_rules if zone.by_router else boxes.rules).extend(_deny(zone.unused, passed, link))
    else:
        own = [_own_letter(bind, symbol, host) for bind in host.binds]
        for (port, letter), expected in zip(letters.items(), own, strict=True):
            if letter != expected:
                boxes.rules.append(Rule(action=_ACTIONS[letter], ports=_both(port), on=(link,)))


def _own_letter(bind: str, symbol: str, host: MadeUpHost) -> str:
    takes = symbol in covered(bind, host.family.addresses)
    (letter,) = own_answer(bind, host.family.protocol, takes=takes)
    return letter


def _deny(letter: str, passed: Sequence[int], link: str) -> Iterator[Rule]:
    if passed:
        yield Rule(action=Action.ACCEPT, ports=",".join(map(_both, passed)), on=(link,))
    yield Rule(action=_ACTIONS[letter], on=(link,))


def _both(port: int) -> str:
    return f"T:{port},U:{port}"
