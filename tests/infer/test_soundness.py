"""Soundness, exhaustively in the simulated world: the truth always stays among the candidates.

Every bind state x every filter on each of three addresses (LAN IPv4, VPN IPv4, public IPv6): rules for the port,
and zones that deny by default and may let the port pass.
"""

from collections.abc import Iterator
from itertools import product

from probe import app
from probe.lab.scenario import Action, Expected, Listen, Rule, Scan, Scenario, Serves, TargetHost, realm_of
from probe.lab.sim.world import open_sim
from probe.lab.truth import Truth, truth
from probe.model.plan import Timing
from probe.model.report import PortReport
from probe.model.target import Port, Protocol

ADDRESSES = ("lan", "vpn", "public6")
PORT = 8000
KEPT = 0.005

BINDS: dict[str, tuple[Listen, ...]] = {
    "nothing": (),
    "127.0.0.1": (Listen(port=PORT, bind="127.0.0.1"),),
    "127.0.0.2": (Listen(port=PORT, bind="127.0.0.2"),),
    "::1": (Listen(port=PORT, bind="::1"),),
    "0.0.0.0": (Listen(port=PORT, bind="0.0.0.0"),),
    ":: dual": (Listen(port=PORT, bind="::"),),
    ":: v6only": (Listen(port=PORT, bind="::", v6only=True),),
    "lan": (Listen(port=PORT, bind="lan"),),
    "vpn": (Listen(port=PORT, bind="vpn"),),
    "public6": (Listen(port=PORT, bind="public6"),),
    "lan and vpn": (Listen(port=PORT, bind="lan"), Listen(port=PORT, bind="vpn")),
    "lan and public6": (Listen(port=PORT, bind="lan"), Listen(port=PORT, bind="public6")),
    "device public": (Listen(port=PORT, bind="::", device="public"),),
    "device vpn": (Listen(port=PORT, bind="0.0.0.0", device="vpn"),),
    "full queue": (Listen(port=PORT, bind="0.0.0.0", serves=Serves.FULL),),
    "full queue on lan": (Listen(port=PORT, bind="lan", serves=Serves.FULL),),
}
PORT_RULES = (None, Action.DROP, Action.RESET, Action.PORT_UNREACH, Action.ADMIN_PROHIBITED)
ZONES = tuple(
    (action, allowed)
    for action in (Action.DROP, Action.RESET, Action.PORT_UNREACH)
    for allowed in (False, True)
)


def world(name: str, listen: tuple[Listen, ...], rules: tuple[Rule, ...]) -> Scenario:
    """One world with one port."""
    return Scenario(
        name=name,
        about="one bind state behind one filter per address",
        addresses=ADDRESSES,
        target=TargetHost(listen=listen, filter=rules),
        scan=Scan(ports=str(PORT)),
        expect={str(PORT): Expected(binding="undetermined")},
    )


def rules_of_port(actions: tuple[Action | None, ...]) -> tuple[Rule, ...]:
    """One rule for the port on each address that has one."""
    return tuple(
        Rule(action=action, ports=str(PORT), on=(realm_of(symbol),))
        for symbol, action in zip(ADDRESSES, actions, strict=True)
        if action is not None
    )


def rules_of_zones(zones: tuple[tuple[Action, bool] | None, ...]) -> tuple[Rule, ...]:
    """A default for each address that has one, after the port's own pass."""
    out: list[Rule] = []
    for symbol, zone in zip(ADDRESSES, zones, strict=True):
        if zone is not None:
            action, allowed = zone
            if allowed:
                out.append(Rule(action=Action.ACCEPT, ports=str(PORT), on=(realm_of(symbol),)))
            out.append(Rule(action=action, on=(realm_of(symbol),)))
    return tuple(out)


def worlds() -> Iterator[Scenario]:
    """All of them."""
    for (bind, listen), actions in product(BINDS.items(), product(PORT_RULES, repeat=len(ADDRESSES))):
        yield world(f"{bind} | port rules {actions}", listen, rules_of_port(actions))
    for (bind, listen), zones in product(BINDS.items(), product((None, *ZONES), repeat=len(ADDRESSES))):
        if any(zone is not None for zone in zones):
            yield world(f"{bind} | zones {zones}", listen, rules_of_zones(zones))


def probability(verdict: PortReport, true: Truth) -> float:
    """What the verdict gives to the truth."""
    bound_to = set(map(str, true.bound_to))
    return sum(
        c.probability for c in verdict.candidates if c.binding == true.binding and set(c.bound_to) == bound_to
    )


def scan(scenario: Scenario) -> tuple[PortReport, object]:
    """The verdict on the port, and everything that was seen, as one comparable value."""
    with open_sim(scenario) as w:
        report = app.scan(w.target, Timing(), backend=w.backend, host=w.host)
    (verdict,) = report.ports
    seen = tuple(
        (o.state, o.reason, o.sender, o.origin, o.aftermath, o.attempts) for o in verdict.observations
    )
    controls = tuple((c.role, c.reason, c.sender) for a in report.addresses for c in a.controls)
    return verdict, (seen, controls)


def test_the_truth_is_never_lost_and_equal_looks_give_equal_verdicts():
    """In every world the true binding keeps at least 0.005, and worlds that look alike are judged alike."""
    verdicts: dict[object, PortReport] = {}
    lost, count = [], 0
    for scenario in worlds():
        count += 1
        verdict, seen = scan(scenario)
        true = truth(scenario)[Port(Protocol.TCP, PORT)]
        share = probability(verdict, true)
        if share < KEPT:
            lost.append((scenario.name, true, share))
        known = verdicts.setdefault(seen, verdict)
        assert (known.binding, known.candidates) == (verdict.binding, verdict.candidates), scenario.name
    assert not lost, f"{len(lost)} of {count}: {lost[:10]}"
    assert count == 16 * (5**3 + 7**3 - 1)
