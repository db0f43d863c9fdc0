"""Random worlds: repeatable, valid, and set up in the documented shares."""

from collections import Counter
from functools import cache

import msgspec
import pytest

from probe.lab.scenario import Scenario, address_of, parse_scenario, realm_of
from probe.lab.scenario_hosts import Action, Rule, Segment, Serves
from score.generate import LOOPBACKS, PORTS, REJECTS, WILDCARDS, generate

WORLDS = 2000


@cache
def worlds() -> tuple[Scenario, ...]:
    return tuple(generate(seed) for seed in range(WORLDS))


def kind_of(scenario: Scenario, port: int) -> str:
    entries = [entry for entry in scenario.target.listen if entry.port == port]
    if len(entries) != 1:
        return "two" if entries else "nothing"
    (entry,) = entries
    if entry.device:
        return "device"
    if entry.serves is Serves.FULL:
        return "full"
    return "wildcard" if entry.bind in WILDCARDS else "loopback" if entry.bind in LOOPBACKS else "one"


def zone_of(scenario: Scenario, realm: str) -> str:
    if scenario.router.filter and realm == "public":
        return "router"
    denies = [
        rule.action
        for rule in scenario.target.filter
        if rule.ports is None and realm in rule.on and rule.action is not Action.ACCEPT
    ]
    return "open" if not denies else "drop" if denies == [Action.DROP] else "reject"


def ports_of(scenario: Scenario) -> list[int]:
    return [int(text) for text in scenario.scan.ports.split(",")]


def test_same_seed_same_world() -> None:
    """A seed names one world, on every run and machine."""
    assert [generate(seed) for seed in range(50)] == list(worlds()[:50])
    assert len({world.scan.ports for world in worlds()}) == WORLDS


def test_a_seed_stays_what_it_was() -> None:
    """World 1 as it was once drawn: a change of the generator is a change of the score."""
    world = generate(1)
    assert world.addresses == ("lan", "vpn", "public")
    assert ports_of(world) == FIRST_PORTS


FIRST_PORTS = [4155, 6171, 7747, 13779, 16736, 24898, 29477, 30969, 32488, 42722]


def test_every_world_is_a_valid_scenario() -> None:
    """Each survives the way through YAML's types, and names only addresses that exist."""
    for world in worlds():
        document = msgspec.to_builtins(world)
        assert parse_scenario(world.name, document) == world
        assert len(set(ports_of(world))) == PORTS
        for symbol in (*world.addresses, *(entry.bind for entry in world.target.listen)):
            assert address_of(symbol) is not None
        realms = {realm_of(symbol) for symbol in world.addresses}
        for rule in (*world.target.filter, *world.router.filter):
            assert set(rule.on) <= realms
            assert {int(text) for text in (rule.ports or "").split(",") if text} <= set(ports_of(world))
        assert {entry.device for entry in world.target.listen} <= realms | {None}


@pytest.mark.parametrize(
    ("kind", "low", "high"),
    [
        ("wildcard", 0.33, 0.37),
        ("one", 0.135, 0.17),
        ("two", 0.02, 0.04),
        ("loopback", 0.18, 0.22),
        ("nothing", 0.23, 0.27),
        ("full", 0.006, 0.014),
        ("device", 0.006, 0.014),
    ],
)
def test_shares_of_binds(kind: str, low: float, high: float) -> None:
    """Binds come in the shares of the table."""
    kinds = Counter(kind_of(world, port) for world in worlds() for port in ports_of(world))
    assert low <= kinds[kind] / kinds.total() <= high


@pytest.mark.parametrize(
    ("realm", "zone", "low", "high"),
    [
        ("public", "open", 0.51, 0.59),
        ("public", "drop", 0.21, 0.29),
        ("public", "reject", 0.11, 0.19),
        ("public", "router", 0.03, 0.07),
        ("lan", "open", 0.54, 0.62),
        ("vpn", "drop", 0.22, 0.30),
        ("vpn", "reject", 0.12, 0.20),
        ("lan", "router", 0.0, 0.0),
    ],
)
def test_shares_of_zones(realm: str, zone: str, low: float, high: float) -> None:
    """Zones come in the shares of the table, and only the public realm has a router."""
    having = [world for world in worlds() if realm in map(realm_of, world.addresses)]
    share = sum(zone_of(world, realm) == zone for world in having) / len(having)
    assert low <= share <= high


def test_shares_of_let_in_ports() -> None:
    """A default-deny zone lets most of the served ports in and few of the others."""
    let_in: Counter[bool] = Counter()
    all_ports: Counter[bool] = Counter()
    for world in worlds():
        for realm in {realm_of(symbol) for symbol in world.addresses}:
            if zone_of(world, realm) == "open":
                continue
            rules = (*world.target.filter, *world.router.filter)
            accepts = [
                rule.ports or "" for rule in rules if rule.action is Action.ACCEPT and realm in rule.on
            ]
            allowed = {int(text) for texts in accepts for text in texts.split(",")}
            for port in ports_of(world):
                served = kind_of(world, port) not in {"loopback", "nothing"}
                all_ports[served] += 1
                let_in[served] += port in allowed
    assert 0.67 <= let_in[True] / all_ports[True] <= 0.73
    assert 0.13 <= let_in[False] / all_ports[False] <= 0.17


def test_shares_of_single_rules_and_loss() -> None:
    """Rules for single ports and lossy links come in the shares of the table."""
    single = sum(
        rule.ports is not None and rule.action is not Action.ACCEPT
        for w in worlds()
        for rule in w.target.filter
    )
    assert 0.05 <= single / (WORLDS * PORTS) <= 0.07
    losses = [max((link.loss for link in world.links.values()), default=0.0) for world in worlds()]
    assert 0.67 <= sum(loss == 0 for loss in losses) / WORLDS <= 0.73
    assert 0.17 <= sum(0.02 <= loss <= 0.05 for loss in losses) / WORLDS <= 0.23
    assert 0.08 <= sum(0.10 <= loss <= 0.20 for loss in losses) / WORLDS <= 0.12


def rules_of(scenario: Scenario) -> tuple[Rule, ...]:
    return (*scenario.target.filter, *scenario.router.filter)


@pytest.mark.parametrize(("action", "low", "high"), [(a, s - 0.04, s + 0.04) for a, s in REJECTS.items()])
def test_shares_of_rejects(action: Action, low: float, high: float) -> None:
    """Rejects of zones and of single ports come in the shares of the table."""
    kinds = Counter(rule.action for world in worlds() for rule in rules_of(world))
    assert set(kinds) == {Action.ACCEPT, Action.DROP, *REJECTS}
    assert low <= kinds[action] / sum(kinds[kind] for kind in REJECTS) <= high


def test_a_router_forges_resets_too() -> None:
    """A forged reset may be the router's own."""
    assert any(rule.action is Action.RESET for world in worlds() for rule in world.router.filter)


def test_shares_of_stacks_and_paths() -> None:
    """Stealth stacks, other TTLs, bleached links and filters for SYNs come in the shares of the table."""
    assert 0.02 <= sum(world.target.never_resets for world in worlds()) / WORLDS <= 0.04
    ttls = Counter(world.target.ttl for world in worlds())
    assert set(ttls) == {None, 128}
    assert 0.04 <= ttls[128] / WORLDS <= 0.06
    bleached = [{link.bleaches for link in world.links.values()} for world in worlds()]
    assert 0.04 <= bleached.count({True}) / WORLDS <= 0.06
    assert {True, False} not in bleached
    drops = [rule.segment for world in worlds() for rule in rules_of(world) if rule.action is Action.DROP]
    assert 0.03 <= drops.count(Segment.SYN) / len(drops) <= 0.05
    others = {
        rule.segment for world in worlds() for rule in rules_of(world) if rule.action is not Action.DROP
    }
    assert others == {None}


def test_two_addresses_differ_from_a_wildcard() -> None:
    """Nothing is bound to every one of the given addresses: no prober could separate it from a wildcard."""
    for world in worlds():
        for port in ports_of(world):
            binds = {entry.bind for entry in world.target.listen if entry.port == port}
            assert not set(world.addresses) <= binds
