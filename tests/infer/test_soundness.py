"""Soundness, exhaustively in the simulated world: the truth always stays among the candidates.

Every bind state x every filter on each of three addresses (LAN IPv4, VPN IPv4, public IPv6): rules for the
port, and zones that deny by default and may let the port pass.
"""

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import islice, product
from multiprocessing import get_context

from probe import app
from probe.infer import infer
from probe.lab.door import means_of
from probe.lab.scenario import Action, Expected, Listen, Rule, Scan, Scenario, Serves, TargetHost, realm_of
from probe.lab.sim.world import open_sim
from probe.lab.truth import Truth, truth
from probe.model.facts import AddressSurvey
from probe.model.plan import Timing
from probe.model.target import Port, Protocol
from probe.model.verdict import PortVerdict

ADDRESSES = ("lan", "vpn", "public6")
PORT = 8000
KEPT = 0.005
SHARES = 2  # processes that divide the worlds

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


Look = tuple[object, ...]


def look(survey: AddressSurvey) -> Look:
    """Everything that was seen of an address but for times, as one comparable value."""
    seen = tuple(replace(o, rtt=None, started=None) for o in survey.observations)
    return survey.address, seen, survey.hops, survey.reply_ttl, survey.neighbour, survey.path


def scan(scenario: Scenario) -> tuple[AddressSurvey, ...]:
    """Survey a world in memory."""
    with open_sim(scenario) as w:
        return app.survey(w.target, Timing(), means_of(w, "connect"))


def probability(verdict: PortVerdict, true: Truth) -> float:
    """What the verdict gives to the truth."""
    return sum(
        c.probability
        for c in verdict.candidates
        if c.binding == true.binding and set(c.bound_to) == set(true.bound_to)
    )


@dataclass
class Judged:
    """What one share of the worlds showed."""

    worlds: int = 0
    verdicts: dict[Look, PortVerdict] = field(default_factory=dict)
    twice: set[Look] = field(default_factory=set)  # looks judged from two worlds
    lost: list[str] = field(default_factory=list)


def judge_share(first: int, step: int) -> Judged:
    """Judge every `step`-th world from the `first` one on; a look is judged at most twice."""
    out = Judged()
    for scenario in islice(worlds(), first, None, step):
        out.worlds += 1
        surveys = scan(scenario)
        seen = tuple(map(look, surveys))
        if seen not in out.verdicts:
            (out.verdicts[seen],) = infer(surveys).ports
        elif seen not in out.twice:
            out.twice.add(seen)
            assert infer(surveys).ports == (out.verdicts[seen],), scenario.name
        share = probability(out.verdicts[seen], truth(scenario)[Port(Protocol.TCP, PORT)])
        if share < KEPT:
            out.lost.append(f"{scenario.name}: {share:.4f}")
    return out


def test_the_truth_is_never_lost_and_equal_looks_give_equal_verdicts():
    """In every world the true binding keeps at least 0.005, and worlds that look alike are judged alike."""
    with ProcessPoolExecutor(SHARES, mp_context=get_context("spawn")) as pool:
        shares = list(pool.map(judge_share, range(SHARES), [SHARES] * SHARES))
    lost = [name for share in shares for name in share.lost]
    assert not lost, f"{len(lost)}: {lost[:10]}"
    verdicts: dict[Look, PortVerdict] = {}
    for share in shares:
        for seen, verdict in share.verdicts.items():
            assert verdicts.setdefault(seen, verdict) == verdict
    count = sum(share.worlds for share in shares)
    assert count == len(BINDS) * (len(PORT_RULES) ** 3 + (len(ZONES) + 1) ** 3 - 1)
    assert sum(len(share.twice) for share in shares) > len(verdicts) / 2
