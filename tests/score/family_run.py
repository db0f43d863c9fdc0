"""Grades verdicts on families of made-up hosts: ours, two plain rules', and the best possible."""

from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from math import sqrt
from multiprocessing import get_context
from random import Random

from probe.inference.host import infer_host
from probe.inference.policy import AddressModel
from probe.inference.posterior import Posterior
from probe.inference.priors import USUAL
from probe.inference.verdict import name_port
from probe.model.binding import Binding, Candidate
from probe.model.target import IPAddress, Port
from score import careful, nmap
from score.best import best
from score.families import FAMILIES, Bound, Family, MadeUpHost, draw
from score.grade import Claim, Fact, Grade, grade
from score.hosts import ip_of, port_number, surveys_of

POINT = 0.80  # what a binding must have to be named
_STATES = {"O": "open", "B": "open", "X": "open", "R": "closed", "F": "closed"}


@dataclass(frozen=True, slots=True)
class Graded:
    """How all did on the hosts of one family."""

    name: str
    engine: str
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


def score_family(name: str, hosts: int, seed: int, *, raw: bool, processes: int = 1) -> Graded:
    """Draw hosts of a family from `seed` on and grade the verdicts on their ports."""
    shares = range(processes)
    asked = [(name, hosts, seed, raw, share, processes) for share in shares]
    if processes == 1:
        found = [_grade_share(*asked[0])]
    else:
        with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
            found = list(pool.map(_grade_share, *zip(*asked, strict=True)))
    return Graded(
        name,
        "raw" if raw else "connect",
        hosts,
        **{who: grade([pair for one in found for pair in getattr(one, who)]) for who in _Share.__slots__},
    )


def _grade_share(name: str, hosts: int, seed: int, raw: bool, share: int, of: int) -> _Share:  # noqa: FBT001
    out = _Share([], [], [], [])
    for number in range(share, hosts, of):
        host = draw(FAMILIES[name], Random(f"{name} {seed + number}"))  # noqa: S311 - hosts must be repeatable
        facts = [_fact(one) for one in host.truth]
        out.ours.extend(zip(_ours(host, raw=raw), facts, strict=True))
        out.best.extend(zip(_best(host, raw=raw), facts, strict=True))
        out.careful.extend(zip(careful.conclude(host), facts, strict=True))
        out.nmap.extend(zip(_nmap(host), facts, strict=True))
    return out


def _fact(bound: Bound) -> Fact:
    return Fact(bound.binding, _ips(bound.bound_to))


def _ips(symbols: Iterable[str]) -> frozenset[IPAddress]:
    return frozenset(map(ip_of, symbols))


def _ours(host: MadeUpHost, *, raw: bool) -> list[Claim]:
    found = infer_host(surveys_of(host, raw=raw), USUAL, frozenset())
    ports = [port_number(index, host.family.protocol) for index in range(len(host.truth))]
    return [_claim(port, found.models, found.ports[port]) for port in ports]


def _claim(port: Port, models: Sequence[AddressModel], posterior: Posterior) -> Claim:
    binding, named = name_port(port, models, posterior, USUAL.point)
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
