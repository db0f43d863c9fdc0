"""Worlds with one port: ways to bind it, filters on its addresses, and how to compare what was seen.

Three addresses: LAN IPv4, VPN IPv4, public IPv6.
"""

from varied import replace

from probe.lab.scenario import Expected, Scenario, ScenarioScan, realm_of
from probe.lab.scenario_hosts import Action, Listen, Rule, Serves, TargetHost
from probe.lab.truth import Truth
from probe.model.facts import AddressSurvey
from probe.model.probing import Observation
from probe.model.verdict import PortVerdict

ADDRESSES = ("lan", "vpn", "public6")
PORT = 8000

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
        scan=ScenarioScan(ports=str(PORT)),
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


Look = tuple[object, ...]


def look(survey: AddressSurvey) -> Look:
    """Everything that was seen of an address but for times, as one comparable value."""
    seen = tuple(map(timeless, survey.observations))
    traces = tuple(timeless(trace.observation) for trace in survey.traces)
    return survey.address, seen, survey.hops, survey.reply_ttl, survey.neighbour, survey.path, traces


def timeless(seen: Observation) -> Observation:
    """An observation without what is chance: its times, and the value of a flow label."""
    header = seen.header
    if header is not None and header.flow_label:
        header = replace(header, flow_label=1)
    return replace(seen, rtt=None, started=None, header=header)


def probability(verdict: PortVerdict, true: Truth) -> float:
    """What the verdict gives to the truth."""
    return sum(
        c.probability
        for c in verdict.candidates
        if c.binding == true.binding and set(c.bound_to) == set(true.bound_to)
    )
