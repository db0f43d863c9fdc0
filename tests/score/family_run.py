"""Grades verdicts on families of made-up hosts: ours, two plain rules', and the best possible.

Ours are of what a scan would measure, or of a scan by the whole program in a world of packets. There the best
possible is by the answers of ports and by distances alone: a scan may learn more.
"""

from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from math import sqrt
from multiprocessing import get_context
from random import Random

from probe.app.scan import scan
from probe.inference.host import infer_host
from probe.inference.policy import AddressModel
from probe.inference.posterior import Posterior
from probe.inference.priors import USUAL
from probe.inference.verdict import name_port
from probe.lab.open_world import backends_of, open_world
from probe.model.binding import Binding, Candidate
from probe.model.plan import Timing
from probe.model.target import IPAddress, Port
from score import careful, nmap
from score.best import best
from score.families import FAMILIES, IN_WORLD, Bound, Family, MadeUpHost, draw
from score.family_scenario import scenario_of
from score.grade import Claim, Fact, Grade, grade
from score.hosts import ip_of, port_number, surveys_of
from score.run import claim_of

POINT = 0.80  # what a binding must have to be named
_STATES = {"O": "open", "B": "open", "X": "open", "R": "closed", "F": "closed"}


@dataclass(frozen=True, slots=True)
class Graded:
    """How all did on the hosts of one family."""

    name: str
    engine: str
    world: str
    hosts: int
    ours: Grade
    best: Grade
    careful: Grade
    nmap: Grade

    @property
    def family(self) -> Family:
        """What was graded."""
        return FAMILIES[self.name]

    @property
    def gap(self) -> float:
        """Log loss above the best possible."""
        return (self.ours.log_loss or 0.0) - (self.best.log_loss or 0.0)


Pair = tuple[Claim, Fact]


@dataclass(frozen=True, slots=True)
class _Share:
    """The claims of one share of the hosts, beside the truth."""

    ours: list[Pair]
    best: list[Pair]
    careful: list[Pair]
    nmap: list[Pair]


@dataclass(frozen=True, slots=True)
class _Asked:
    """Hosts of a family: the first of them by its seed, how many, and how they are scanned."""

    name: str
    hosts: int
    seed: int
    raw: bool
    world: str


def score_family(
    name: str, hosts: int, seed: int, *, raw: bool, processes: int = 1, world: str = "abstract"
) -> Graded:
    """Draw hosts of a family from `seed` on and grade the verdicts on their ports.

    `world`: `abstract`, without a packet; or the kind of world that the whole program scans them in.
    """
    grade_share = partial(_grade_share, _Asked(name, hosts, seed, raw, world), processes)
    if processes == 1:
        found = [grade_share(0)]
    else:
        with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
            found = list(pool.map(grade_share, range(processes)))
    return Graded(
        name,
        "raw" if raw else "connect",
        world,
        hosts,
        **{who: grade([pair for one in found for pair in getattr(one, who)]) for who in _Share.__slots__},
    )


def _grade_share(asked: _Asked, of: int, share: int) -> _Share:
    out = _Share([], [], [], [])
    abstract = asked.world == "abstract"
    for number in range(share, asked.hosts, of):
        rng = Random(f"{asked.name} {asked.seed + number}")  # noqa: S311 - hosts must be repeatable
        host = draw(IN_WORLD[asked.world][asked.name], rng)
        if not abstract:  # its boxes are alike, and what they show beside ports is their own
            host = replace(host, alike={}, claims=None)
        facts = [_fact(one) for one in host.truth]
        ours = _ours(host, raw=asked.raw) if abstract else _scanned(host, asked.world, raw=asked.raw)
        out.ours.extend(zip(ours, facts, strict=True))
        out.best.extend(zip(_best(host, raw=asked.raw), facts, strict=True))
        out.careful.extend(zip(careful.conclude(host), facts, strict=True))
        out.nmap.extend(zip(_nmap(host), facts, strict=True))
    return out


def _fact(bound: Bound) -> Fact:
    return Fact(bound.binding, _ips(bound.bound_to))


def _ips(symbols: Iterable[str]) -> frozenset[IPAddress]:
    return frozenset(map(ip_of, symbols))


def _ours(host: MadeUpHost, *, raw: bool) -> list[Claim]:
    found = infer_host(surveys_of(host, raw=raw), USUAL)
    ports = [port_number(index, host.family.protocol) for index in range(len(host.truth))]
    return [_claim(port, found.models, found.ports[port]) for port in ports]


def _scanned(host: MadeUpHost, world: str, *, raw: bool) -> list[Claim]:
    """What a scan reports of its ports, in their order."""
    engine = "raw" if raw else "connect"
    with open_world(scenario_of(host), world, raw=raw) as opened:
        report = scan(opened.target, Timing(), backends_of(opened, engine))
    found = {Port(one.protocol, one.port): claim_of(one) for one in report.ports}
    return [found[port_number(index, host.family.protocol)] for index in range(len(host.truth))]


def _claim(port: Port, models: Sequence[AddressModel], posterior: Posterior) -> Claim:
    binding, named = name_port(port, models, posterior, None, USUAL.point)
    bound_to = next(iter(named)).bound_to if binding is Binding.SPECIFIC else ()
    confidence = sum(one.probability for one in named)
    return Claim(binding, frozenset(bound_to), confidence, posterior.candidates)


def _best(host: MadeUpHost, *, raw: bool) -> list[Claim]:
    return [_named(posterior) for posterior in best(host, raw=raw)]


def _named(posterior: dict[Bound, float]) -> Claim:
    """What has the point, or the pair that no packet can separate."""
    candidates = tuple(
        Candidate(binding=one.binding, probability=share, bound_to=tuple(_ips(one.bound_to)))
        for one, share in posterior.items()
    )
    likeliest = max(candidates, key=lambda one: one.probability)
    if likeliest.probability >= POINT:
        bound_to = frozenset(likeliest.bound_to)
        return Claim(likeliest.binding, bound_to, likeliest.probability, candidates)
    pair = sum(
        one.probability for one in candidates if one.binding in {Binding.LOOPBACK, Binding.NOT_LISTENING}
    )
    if pair >= POINT:
        return Claim(Binding.LOOPBACK_OR_NOT_LISTENING, frozenset(), pair, candidates)
    return Claim(Binding.UNDETERMINED, frozenset(), 0.0, candidates)


def _nmap(host: MadeUpHost) -> list[Claim]:
    ips = [ip_of(symbol) for symbol in host.answers]
    ports = [port_number(index, host.family.protocol) for index in range(len(host.truth))]
    answers: dict[tuple[IPAddress, Port], nmap.Answer] = {
        (ip_of(symbol), port): nmap.Answer(_STATES.get(letter, "filtered"), "")
        for symbol, letters in host.answers.items()
        for port, letter in zip(ports, letters, strict=True)
    }
    return [nmap.conclude(answers, port, ips) for port in ports]


def interval(count: int, of: int) -> float:
    """Half the width of a 95 % interval of a share: Wilson's."""
    if not of:
        return 0.0
    share, z = count / of, 1.96
    return z * sqrt(share * (1 - share) / of + z * z / (4 * of * of)) / (1 + z * z / of)


def overconfident(graded: Grade) -> Sequence[str]:
    """Bins of confidence with more errors than they claim and two sigma."""
    out = []
    for one in graded.bins:
        claimed = one.count * (1 - one.confidence)
        spread = 2 * sqrt(max(one.count * one.confidence * (1 - one.confidence), 0.25))
        if one.count * (1 - one.right) > claimed + spread:
            out.append(f"{one.low:.1f}: {1 - one.right:.3f} wrong, {1 - one.confidence:.3f} claimed")
    return out
