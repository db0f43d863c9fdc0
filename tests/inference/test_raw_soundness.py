"""Soundness of raw evidence, in a systematic sample of simulated worlds.

Every bind state x every filter on each of three addresses, on ways that keep the mark of the probes or bleach
it, at hosts that let their links reach loopback or not: each world that the step meets is surveyed with raw
packets. Forged resets and sockets on a device are among them.
"""

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from itertools import islice, product
from multiprocessing import get_context

import msgspec
import pytest
from one_port_worlds import (
    ADDRESSES,
    BINDS,
    PORT,
    ZONES,
    Look,
    look,
    probability,
    rules_of_zones,
    world,
)

from probe.app.scan import collect
from probe.inference import infer
from probe.lab.open_world import backends_of
from probe.lab.scenario import Scenario, ScenarioLink, realm_of
from probe.lab.scenario_hosts import Action, Listen, Rule, Segment
from probe.lab.sim.world import open_sim
from probe.lab.truth import truth
from probe.model.binding import Binding
from probe.model.facts import AddressSurvey
from probe.model.plan import Timing
from probe.model.target import Port, Protocol
from probe.model.verdict import PortVerdict

pytestmark = [pytest.mark.takes_minutes, pytest.mark.timeout(900)]

KEPT = 0.005
SURE = 0.8
STEP = 239  # prime: it meets every value of every axis beside every other
SHARES = 2  # processes that divide the worlds

RAW_BINDS = {**BINDS, "device lan": (Listen(port=PORT, bind="0.0.0.0", device="lan"),)}
RULES: tuple[tuple[Action, Segment | None] | None, ...] = (
    None,
    (Action.DROP, None),
    (Action.RESET, None),
    (Action.PORT_UNREACH, None),
    (Action.DROP, Segment.SYN),
    (Action.DROP, Segment.SYN_ACK),
)
BLEACHED: tuple[tuple[str, ...], ...] = ((), ("vpn",), ("lan", "vpn", "public"))
POINTS = {Binding.WILDCARD, Binding.SPECIFIC, Binding.LOOPBACK}


@dataclass(frozen=True)
class RawSetting:
    """One world, and what is hard about it."""

    scenario: Scenario
    bind: str
    filtered: bool
    forged: frozenset[str]  # realms where resets are forged
    bleached: frozenset[str]

    @property
    def excuse(self) -> str | None:
        """Why a point may be wrong: worlds that are as rare as the point claims. None: it may not."""
        if self.forged & self.bleached:
            return "a forged reset looks like the stack's own on a bleached way"
        if self.filtered and self.bind.startswith("device"):
            return "a device accepts across its link, as all interfaces do"
        if self.filtered and " and " in self.bind:
            return "two sockets look like all interfaces, or like one, where a filter hides an address"
        return None


def cases() -> Iterator[RawSetting]:
    """All of them."""
    filters = [*product(RULES, repeat=len(ADDRESSES))]
    zones = [*product((None, *ZONES), repeat=len(ADDRESSES))]
    for (bind, listen), rules, *conditions in product(
        RAW_BINDS.items(),
        [*map(_of_port, filters), *map(rules_of_zones, zones)],
        BLEACHED,
        (False, True),
    ):
        bleached, localnet = conditions
        name = f"{bind} | {[rule_name(rule) for rule in rules]} | bleached {bleached}, localnet {localnet}"
        plain = world(name, listen, rules)
        yield RawSetting(
            msgspec.structs.replace(
                plain,
                links=dict.fromkeys(bleached, ScenarioLink(bleaches=True)),
                target=msgspec.structs.replace(plain.target, route_localnet=localnet),
            ),
            bind=bind,
            filtered=bool(rules),
            forged=frozenset(on for rule in rules if rule.action is Action.RESET for on in rule.on),
            bleached=frozenset(bleached),
        )


def _of_port(actions: tuple[tuple[Action, Segment | None] | None, ...]) -> tuple[Rule, ...]:
    """One rule for the port on each address that has one."""
    return tuple(
        Rule(action=one[0], segment=one[1], ports=str(PORT), on=(realm_of(symbol),))
        for symbol, one in zip(ADDRESSES, actions, strict=True)
        if one is not None
    )


def rule_name(rule: Rule) -> str:
    """A rule in few words."""
    return " ".join(filter(None, (rule.action, rule.segment, "port" if rule.ports else "all", *rule.on)))


def surveyed(scenario: Scenario) -> tuple[AddressSurvey, ...]:
    """Survey a world in memory with raw packets, all of them permitted."""
    with open_sim(scenario) as w:
        return collect(w.target, Timing(), backends_of(w, "raw")).surveys


@dataclass
class RawVerdict:
    """What one share of the worlds showed."""

    worlds: int = 0
    points: int = 0
    verdicts: dict[tuple[Look, ...], PortVerdict] = field(default_factory=dict)
    lost: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    excused: list[str] = field(default_factory=list)


def judge_share(first: int, step: int) -> RawVerdict:
    """Judge every `step`-th world from the `first` one on."""
    out = RawVerdict()
    for case in islice(cases(), first, None, step):
        out.worlds += 1
        surveys = surveyed(case.scenario)
        (verdict,) = infer(surveys).ports
        seen = tuple(map(look, surveys))
        assert out.verdicts.setdefault(seen, verdict) == verdict, case.scenario.name
        _judge(case, verdict, out)
    return out


def _judge(case: RawSetting, verdict: PortVerdict, out: RawVerdict) -> None:
    true = truth(case.scenario)[Port(Protocol.TCP, PORT)]
    share = probability(verdict, true)
    if share < KEPT:
        out.lost.append(f"{case.scenario.name}: {share:.4f}")
    if verdict.binding not in POINTS or verdict.confidence < SURE:
        return
    out.points += 1
    if (verdict.binding, set(verdict.bound_to)) != (true.binding, set(true.bound_to)):
        claim = f"{case.scenario.name}: {verdict.binding} {verdict.bound_to} {verdict.confidence:.3f}"
        (out.excused if case.excuse else out.wrong).append(claim)


def test_raw_evidence_keeps_the_truth_and_makes_no_wrong_point():
    """The truth keeps at least 0.005, worlds that look alike are judged alike, and points are true."""
    with ProcessPoolExecutor(SHARES, mp_context=get_context("spawn")) as pool:
        firsts = range(0, STEP * SHARES, STEP)
        shares = list(pool.map(judge_share, firsts, [STEP * SHARES] * SHARES))
    lost = [name for share in shares for name in share.lost]
    assert not lost, f"{len(lost)}: {lost[:10]}"
    wrong = [name for share in shares for name in share.wrong]
    assert not wrong, f"{len(wrong)}: {wrong[:10]}"
    verdicts: dict[tuple[Look, ...], PortVerdict] = {}
    for share in shares:
        for seen, verdict in share.verdicts.items():
            assert verdicts.setdefault(seen, verdict) == verdict
    assert sum(share.worlds for share in shares) >= 200
    points, excused = sum(share.points for share in shares), sum(len(share.excused) for share in shares)
    assert points > 5 * excused
