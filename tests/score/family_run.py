"""Grades verdicts on families of made-up hosts: ours, two plain rules', and the best possible.

Ours are of what a scan would measure, or of a scan by the whole program in a world of packets. There the best
possible is by the answers of ports and by distances alone: a scan may learn more.
"""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from math import sqrt
from multiprocessing import get_context
from pathlib import Path
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
from score import careful, kept, nmap
from score.best import best
from score.families import FAMILIES, IN_WORLD, draw
from score.family_scenario import scenario_of
from score.grade import Claim, Fact, Grade, grade
from score.hosts import ip_of, port_number, surveys_of
from score.made_up import Bound, Family, MadeUpHost
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


_MANY = 80  # hosts
WHO = ("ours", "best", "careful", "nmap")


@dataclass(frozen=True, slots=True)
class _Asked:
    """Hosts of a family, each by its seed, and how they are scanned."""

    name: str
    raw: bool
    world: str

    def key(self, seed: int) -> kept.Key:
        """Of one host, in a file."""
        return self.name, "raw" if self.raw else "connect", self.world, seed


def score_family(
    name: str,
    hosts: int,
    seed: int,
    *,
    raw: bool,
    world: str = "abstract",
    file: Path | None = None,
) -> Graded:
    """Draw hosts of a family from `seed` on and grade the verdicts on their ports.

    `world`: `abstract`, without a packet; or the kind of world that the whole program scans them in. `file`
    keeps each host as soon as it is graded; those that it has already are graded with the others.
    """
    asked = _Asked(name, raw, world)
    known = {} if file is None else kept.read(file)
    found = {key: pairs for key, pairs in known.items() if key[:3] == asked.key(0)[:3]}
    missing = [number for number in range(seed, seed + hosts) if asked.key(number) not in found]
    for number, pairs in zip(missing, _graded(asked, missing), strict=True):
        found[asked.key(number)] = pairs
        if file is not None:
            kept.append(file, asked.key(number), pairs)
    return Graded(
        name,
        asked.key(seed)[1],
        world,
        len(found),
        **{who: grade([pair for key in sorted(found) for pair in found[key][who]]) for who in WHO},
    )


def _graded(asked: _Asked, seeds: Sequence[int]) -> Iterator[kept.Pairs]:
    """By two processes where they are many; real hosts are built by one, one after the other."""
    if asked.world == "netns" or len(seeds) < _MANY:
        yield from map(partial(_grade_host, asked), seeds)
        return
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        yield from pool.map(partial(_grade_host, asked), seeds, chunksize=4)


def _grade_host(asked: _Asked, seed: int) -> kept.Pairs:
    abstract = asked.world == "abstract"
    rng = Random(f"{asked.name} {seed}")  # noqa: S311 - hosts must be repeatable
    host = draw(IN_WORLD[asked.world][asked.name], rng)
    if not abstract:  # its boxes are alike, and what they show beside ports is their own
        host = replace(host, alike={}, claims=None)
    facts = [_fact(one) for one in host.truth]
    claims = {
        "ours": _ours(host, raw=asked.raw) if abstract else _scanned(host, asked.world, raw=asked.raw),
        "best": _best(host, raw=asked.raw),
        "careful": careful.conclude(host),
        "nmap": _nmap(host),
    }
    return {who: list(zip(some, facts, strict=True)) for who, some in claims.items()}


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
