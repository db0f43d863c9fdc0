"""Random scenarios with a known truth: the same seed gives the same world.

The shares below describe how servers are set up; they are not taken from the inference's priors, and
the inference must not read them.

| What                   | Shares                                                                        |
|------------------------|-------------------------------------------------------------------------------|
| addresses of a world   | lan, vpn, public 70 %; those and lan6 15 %; two of the three 15 %             |
| ports of a world       | ten TCP ports, even over 20-49151                                             |
| bind of a port         | wildcard 35 %, one address 15 %, two addresses 3 %, loopback 20 %,            |
|                        | nothing 25 %, wildcard with a full accept queue 1 %, bound to a device 1 %    |
| kind of wildcard       | 0.0.0.0 60 %, [::] for both families 40 %                                     |
| kind of loopback       | 127.0.0.1 80 %, ::1 20 %                                                      |
| zone of a realm        | open 55 %, default-drop 25 %, default-reject 15 %,                            |
|                        | denied by the router 5 % (of these drop 60 %, reject 40 %)                    |
| ports a zone lets in   | 70 % of the ports with a listener that is not on loopback, 15 % of the others |
| kind of reject         | port-unreach 30 %, admin-prohibited 35 %, host-prohibited 15 %, a forged TCP  |
|                        | reset 20 %                                                                    |
| rule for a single port | 6 % of ports: drop 60 %, reject 40 %; on one realm 50 %, on all 50 %          |
| what a drop drops      | every packet 96 %, only SYNs 4 %                                              |
| loss, on every link    | none 70 %, 2-5 % 20 %, 10-20 % 10 %                                           |
| DSCP, on every link    | kept 95 %, set to 0 5 %                                                       |
| stack of the host      | never resets 3 %, starts with TTL 128 5 %                                     |

Only the public realm has a router; in the others the three other zones share the whole. Two addresses are
bound only where three or more are given, so that they differ from a wildcard; with fewer it is one address.
"""

from collections.abc import Mapping, Sequence
from random import Random
from typing import TypeVar

from msgspec.structs import replace

from probe.lab.scenario import Scenario, ScenarioLink, ScenarioScan, realm_of
from probe.lab.scenario_hosts import Action, Listen, Router, Rule, Segment, Serves, TargetHost

PORTS = 10
PORT_RANGE = range(20, 49152)

ADDRESSES: dict[tuple[str, ...], float] = {
    ("lan", "vpn", "public"): 0.70,
    ("lan", "lan6", "vpn", "public"): 0.15,
    ("lan", "vpn"): 0.05,
    ("lan", "public"): 0.05,
    ("vpn", "public"): 0.05,
}
BINDS = {
    "wildcard": 0.35,
    "one": 0.15,
    "two": 0.03,
    "loopback": 0.20,
    "nothing": 0.25,
    "full": 0.01,
    "device": 0.01,
}
WILDCARDS = {"0.0.0.0": 0.6, "::": 0.4}
LOOPBACKS = {"127.0.0.1": 0.8, "::1": 0.2}
ZONES = {"open": 0.55, "drop": 0.25, "reject": 0.15, "router": 0.05}
LET_IN = {True: 0.70, False: 0.15}  # by whether the port has a listener that is not on loopback
REJECTS = {
    Action.PORT_UNREACH: 0.30,
    Action.ADMIN_PROHIBITED: 0.35,
    Action.HOST_PROHIBITED: 0.15,
    Action.RESET: 0.20,
}
ROUTER_REJECTS = 0.4
SINGLE_RULES = 0.06
SINGLE_IS_DROP = 0.6
SINGLE_IS_LOCAL = 0.5
SYN_ONLY = 0.04
BLEACHED = 0.05
STEALTH = 0.03
TTL_128 = 0.05
LOSSES: dict[tuple[float, float], float] = {(0.0, 0.0): 0.7, (0.02, 0.05): 0.2, (0.10, 0.20): 0.1}

_Choice = TypeVar("_Choice")


def generate(seed: int) -> Scenario:
    """Make the world of this seed; `expect` stays empty, its truth follows from what listens where."""
    rng = Random(seed)  # noqa: S311 - worlds must be repeatable, not secret
    addresses = _choose(rng, ADDRESSES)
    ports = sorted(rng.sample(PORT_RANGE, PORTS))
    listen = tuple(entry for port in ports for entry in _listeners(rng, port, addresses))
    realms = tuple(dict.fromkeys(realm_of(symbol) for symbol in addresses))
    target_rules, router_rules = _zones(rng, ports, listen, realms)
    loss = round(rng.uniform(*_choose(rng, LOSSES)), 3)
    target_rules = _single_rules(rng, ports, realms) + target_rules
    link = ScenarioLink(loss=loss, bleaches=rng.random() < BLEACHED)
    return Scenario(
        about=f"Random world of seed {seed}.",
        name=f"random-{seed}",
        addresses=addresses,
        target=TargetHost(
            listen=listen,
            filter=_some_only_syns(rng, target_rules),
            never_resets=rng.random() < STEALTH,
            ttl=128 if rng.random() < TTL_128 else None,
        ),
        router=Router(filter=_some_only_syns(rng, router_rules)),
        links=dict.fromkeys(realms, link) if link != ScenarioLink() else {},
        scan=ScenarioScan(ports=",".join(map(str, ports))),
        expect={},
    )


def _choose(rng: Random, shares: Mapping[_Choice, float]) -> _Choice:
    return rng.choices(tuple(shares), weights=tuple(shares.values()))[0]


def _listeners(rng: Random, port: int, addresses: Sequence[str]) -> tuple[Listen, ...]:
    kind = _choose(rng, BINDS)
    wildcard = _choose(rng, WILDCARDS)
    one, two = rng.sample(addresses, 2)
    both = (one, two) if len(addresses) > 2 else (one,)
    device = realm_of(rng.choice(addresses))
    found = {
        "wildcard": (Listen(port=port, bind=wildcard),),
        "one": (Listen(port=port, bind=one),),
        "two": tuple(Listen(port=port, bind=symbol) for symbol in both),
        "loopback": (Listen(port=port, bind=_choose(rng, LOOPBACKS)),),
        "nothing": (),
        "full": (Listen(port=port, bind=wildcard, serves=Serves.FULL),),
        "device": (Listen(port=port, bind=wildcard, device=device),),
    }
    return found[kind]


def _zones(
    rng: Random, ports: Sequence[int], listen: Sequence[Listen], realms: Sequence[str]
) -> tuple[tuple[Rule, ...], tuple[Rule, ...]]:
    """Rules of the target and of the router, one zone a realm."""
    served = {entry.port for entry in listen if entry.bind not in LOOPBACKS}
    target: list[Rule] = []
    router: list[Rule] = []
    for realm in realms:
        zone = _choose(
            rng, {name: share for name, share in ZONES.items() if name != "router" or realm == "public"}
        )
        let_in = [port for port in ports if rng.random() < LET_IN[port in served]]
        rejects = zone == "reject" or (zone == "router" and rng.random() < ROUTER_REJECTS)
        action = _choose(rng, REJECTS) if rejects else Action.DROP
        if zone != "open":
            (router if zone == "router" else target).extend(_default_deny(action, let_in, realm))
    return tuple(target), tuple(router)


def _default_deny(action: Action, let_in: Sequence[int], realm: str) -> tuple[Rule, ...]:
    deny = Rule(action=action, on=(realm,))
    if not let_in:
        return (deny,)
    return Rule(action=Action.ACCEPT, ports=",".join(map(str, let_in)), on=(realm,)), deny


def _single_rules(rng: Random, ports: Sequence[int], realms: Sequence[str]) -> tuple[Rule, ...]:
    chosen = [port for port in ports if rng.random() < SINGLE_RULES]
    return tuple(
        Rule(
            action=Action.DROP if rng.random() < SINGLE_IS_DROP else _choose(rng, REJECTS),
            ports=str(port),
            on=(rng.choice(realms),) if rng.random() < SINGLE_IS_LOCAL else (),
        )
        for port in chosen
    )


def _some_only_syns(rng: Random, rules: Sequence[Rule]) -> tuple[Rule, ...]:
    """Let some of the drops pass all segments but SYNs."""
    return tuple(
        replace(rule, segment=Segment.SYN) if rule.action is Action.DROP and rng.random() < SYN_ONLY else rule
        for rule in rules
    )
