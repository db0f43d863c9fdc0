"""Runs the score: random worlds, each probed by us and then by nmap, both graded against the truth."""

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from time import monotonic

from probe.app.scan import scan
from probe.lab.open_world import backends_of, open_world
from probe.lab.truth import truth
from probe.lab.world import World
from probe.model.plan import Timing
from probe.model.report import PortReport
from probe.model.target import Port
from score import nmap
from score.card import Column, Mistake, ScoreCard
from score.generate import generate
from score.grade import Claim, Fact, grade


@dataclass(frozen=True, slots=True)
class _Round:
    """What one prober concluded of one world."""

    seed: int
    claims: dict[Port, Claim]
    facts: dict[Port, Fact]
    seconds: float


def score(worlds: int, seed: int, engine: str, world: str = "netns") -> ScoreCard:
    """Probe `worlds` random worlds from `seed` on, one after the other, and grade the verdicts on them.

    Args:
        worlds: how many; world number n has the seed `seed + n`.
        seed: of the first world.
        engine: what the world probes with; named on the card.
        world: `netns`, or `sim`, where nmap cannot run.

    Raises:
        BackendError: a world cannot be opened here, or nmap failed.
    """
    skipped = None if world == "netns" and nmap.available() else _why_skipped(world)
    ours: list[_Round] = []
    theirs: list[_Round] = []
    for number in range(seed, seed + worlds):
        scenario = generate(number)
        facts = {port: Fact(one.binding, frozenset(one.bound_to)) for port, one in truth(scenario).items()}
        with open_world(scenario, world, raw=engine == "raw") as opened:
            ours.append(_ask_us(number, opened, facts, engine))
            if skipped is None:
                theirs.append(_ask_nmap(number, opened, facts))
    return ScoreCard(
        seed=seed,
        worlds=worlds,
        engine=engine,
        world=world,
        ours=_column(ours),
        nmap=_column(theirs) if skipped is None else None,
        skipped=skipped,
    )


def _why_skipped(world: str) -> str:
    return "it is not installed" if world == "netns" else "it needs a real network"


def _ask_us(seed: int, world: World, facts: dict[Port, Fact], engine: str) -> _Round:
    started = monotonic()
    report = scan(world.target, Timing(), backends_of(world, engine))
    seconds = monotonic() - started
    claims = {Port(one.protocol, one.port): claim_of(one) for one in report.ports}
    return _Round(seed, claims, facts, seconds)


def _ask_nmap(seed: int, world: World, facts: dict[Port, Fact]) -> _Round:
    addresses = [address.ip for address in world.target.addresses]
    started = monotonic()
    answers = nmap.ask(addresses, world.target.ports)
    seconds = monotonic() - started
    claims = {port: nmap.conclude(answers, port, addresses) for port in world.target.ports}
    return _Round(seed, claims, facts, seconds)


def claim_of(verdict: PortReport) -> Claim:
    """What a port's entry in a report claims."""
    return Claim(
        binding=verdict.binding,
        bound_to=frozenset(map(ip_address, verdict.bound_to)),
        confidence=verdict.confidence,
        candidates=verdict.candidates,
    )


def _column(rounds: Sequence[_Round]) -> Column:
    cards = [
        Mistake(one.seed, port, one.claims[port], fact) for one in rounds for port, fact in one.facts.items()
    ]
    return Column(
        grade=grade([(one.claim, one.fact) for one in cards]),
        seconds=sum(one.seconds for one in rounds) / max(len(rounds), 1),
        mistakes=tuple(one for one in cards if one.claim.decided and not one.claim.names(one.fact)),
    )
