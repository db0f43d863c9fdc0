"""The exact posterior of one port's binding, shared over all addresses.

For every binding it sums over what else may be true: a rule for the port on all addresses, a full accept
queue, each address's policy, and the fate of the probe there. Addresses are independent given those.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from probe.infer.bindings import Hypothesis, hypotheses
from probe.infer.heard import OPENED, Heard
from probe.infer.hypotheses import EPSILON, MANNERS, Fate, Policy
from probe.infer.policy import AddressModel, Evidence, likelihood
from probe.infer.priors import CONTRADICTED, EVERYWHERE, FLOOR, FLOOR_TOTAL, HEALTH, BindPrior, Health
from probe.model.target import IPAddress, Port
from probe.model.verdict import Binding, Candidate

FateWeights = dict[Fate, float]


@dataclass(frozen=True, slots=True)
class Posterior:
    """What is believed of one port: its candidates, the families of a wildcard, each probe's likely fate."""

    candidates: tuple[Candidate, ...]  # most probable first; probabilities sum to 1
    seen_families: tuple[int, ...]  # IP versions for which a wildcard would show in the answers
    fates: Mapping[IPAddress, Mapping[Fate, float]]
    full_queue: float  # probability of a full accept queue


@dataclass(frozen=True, slots=True)
class _Situation:
    """One address's fates for one port, by whether it is exposed, covered, ruled everywhere, and healthy."""

    address: IPAddress
    weights: Mapping[tuple[bool, bool, Fate | None, Health], FateWeights]


def infer_port(port: Port, models: Sequence[AddressModel], prior: BindPrior, *, running: bool) -> Posterior:
    """Weigh every binding of a port against what all addresses said of it."""
    addresses = [model.address for model in models]
    opened = frozenset(
        m.address.ip for m in models if port in m.evidence and m.evidence[port].heard in OPENED
    )
    weighed = hypotheses(addresses, prior, running=running, seen_open=opened)
    situations = [_situation(model, port) for model in models]
    fates: dict[IPAddress, FateWeights] = {a.ip: dict.fromkeys(Fate, 0.0) for a in addresses}
    full = 0.0
    likelihoods: list[float] = []
    for hypothesis in weighed:
        found, found_full = _weigh(hypothesis, situations, fates)
        likelihoods.append(found)
        full += found_full * hypothesis.weight
    return _posterior(weighed, likelihoods, fates, full)


def _situation(model: AddressModel, port: Port) -> _Situation:
    """Weigh one address's fates in every case that a hypothesis can ask for."""
    evidence = model.evidence.get(port, Evidence(Heard.UNMEASURED, 0))
    policies = model.policies(without=port)
    sounds = {
        (fate, covered, stealth): likelihood(
            evidence, port.protocol, fate, covered=covered, noise=model.noise, stealth=stealth
        )
        for fate in Fate
        for covered in (True, False)
        for stealth in (True, False)
    }
    weights = {
        (exposed, covered, rule, health): _fates(
            policies, sounds, exposed=exposed, covered=covered, rule=rule
        )
        if health is Health.FINE
        else _fates_of_full(policies, sounds, rule, silent=evidence.heard is Heard.SILENT)
        for exposed in (True, False)
        for covered in ((True, False) if exposed else (False,))
        for rule in EVERYWHERE
        for health in (HEALTH if covered else (Health.FINE,))
    }
    return _Situation(model.address.ip, weights)


_Sounds = Mapping[tuple[Fate, bool, bool], float]  # P(heard | fate, covered, stealth)
_REACHING = frozenset({Fate.PASS, Fate.FORWARDED})


def _fates(
    policies: Mapping[Policy, float], sounds: _Sounds, *, exposed: bool, covered: bool, rule: Fate | None
) -> FateWeights:
    """P(fate and what was heard) on one address, summed over its policies."""
    out: FateWeights = {}
    for policy, weight in policies.items():
        manners = MANNERS[policy]
        for fate, share in (manners.exposed if exposed else manners.unexposed).items():
            met = rule if rule is not None and fate is Fate.PASS else fate
            out[met] = out.get(met, 0.0) + weight * share * sounds[met, covered, manners.stealth]
    return out


def _fates_of_full(
    policies: Mapping[Policy, float], sounds: _Sounds, rule: Fate | None, *, silent: bool
) -> FateWeights:
    """The same for a socket whose accept queue is full: what reaches it stays unanswered."""
    heard = 1.0 if silent else EPSILON
    quiet = {key: heard if key[0] in _REACHING else sound for key, sound in sounds.items()}
    return _fates(policies, quiet, exposed=True, covered=True, rule=rule)


def _weigh(
    hypothesis: Hypothesis, situations: Sequence[_Situation], fates: dict[IPAddress, FateWeights]
) -> tuple[float, float]:
    """Likelihood of a hypothesis, and its part with a full queue; adds to the fates' weights."""
    total = full = 0.0
    for health, health_share in HEALTH.items():
        for rule, rule_share in EVERYWHERE.items():
            rows = [s.weights[_case(hypothesis, s.address, rule, health)] for s in situations]
            sums = [sum(row.values()) for row in rows]
            product = health_share * rule_share
            for value in sums:
                product *= value
            total += product
            full += product if health is Health.FULL and hypothesis.covers else 0.0
            _credit(fates, situations, rows, sums, product * hypothesis.weight)
    return total, full


def _case(
    hypothesis: Hypothesis, address: IPAddress, rule: Fate | None, health: Health
) -> tuple[bool, bool, Fate | None, Health]:
    covered = address in hypothesis.covers
    return hypothesis.exposed, covered, rule, health if covered else Health.FINE


def _credit(
    fates: dict[IPAddress, FateWeights],
    situations: Sequence[_Situation],
    rows: Sequence[FateWeights],
    sums: Sequence[float],
    weight: float,
) -> None:
    for situation, row, total in zip(situations, rows, sums, strict=True):
        mine = fates[situation.address]
        for fate, part in row.items():
            mine[fate] += weight * part / total


def _posterior(
    weighed: Sequence[Hypothesis],
    likelihoods: Sequence[float],
    fates: dict[IPAddress, FateWeights],
    full: float,
) -> Posterior:
    best = max(likelihoods)
    joint: dict[tuple[Binding, frozenset[IPAddress]], float] = {}
    possible: set[tuple[Binding, frozenset[IPAddress]]] = set()
    families: dict[tuple[int, ...], float] = {}
    for hypothesis, found in zip(weighed, likelihoods, strict=True):
        key = _key(hypothesis)
        joint[key] = joint.get(key, 0.0) + hypothesis.weight * found
        if found > CONTRADICTED * best:
            possible.add(key)
        if hypothesis.binding is Binding.WILDCARD:
            families[hypothesis.families] = hypothesis.weight * found
    total = sum(joint.values())
    shares = _with_floor({key: weight / total for key, weight in joint.items()}, possible)
    variant = max(families, key=lambda f: families[f])
    return Posterior(_candidates(shares), _shown(variant, weighed), _normal(fates), full / total)


def _key(hypothesis: Hypothesis) -> tuple[Binding, frozenset[IPAddress]]:
    """Wildcards are one candidate; specific bindings are told apart by their addresses."""
    specific = hypothesis.binding is Binding.SPECIFIC
    return hypothesis.binding, hypothesis.covers if specific else frozenset()


def _shown(variant: tuple[int, ...], weighed: Sequence[Hypothesis]) -> tuple[int, ...]:
    """Families of the likeliest wildcard, limited to those of the probed addresses."""
    probed = {ip.version for hypothesis in weighed for ip in hypothesis.covers}
    return tuple(family for family in variant if family in probed)


def _with_floor(
    shares: dict[tuple[Binding, frozenset[IPAddress]], float],
    possible: set[tuple[Binding, frozenset[IPAddress]]],
) -> dict[tuple[Binding, frozenset[IPAddress]], float]:
    """Give every rival that the answers do not contradict a small share: the table may be wrong."""
    floor = min(FLOOR, FLOOR_TOTAL / max(1, len(possible)))
    raised = {key: max(share, floor) if key in possible else share for key, share in shares.items()}
    lifted = {key for key in raised if raised[key] == floor}
    rest = sum(share for key, share in raised.items() if key not in lifted)
    scale = (1 - floor * len(lifted)) / rest if rest else 1.0
    return {key: share if key in lifted else share * scale for key, share in raised.items()}


def _candidates(shares: dict[tuple[Binding, frozenset[IPAddress]], float]) -> tuple[Candidate, ...]:
    found = [
        Candidate(binding, share, tuple(sorted(covers, key=lambda ip: (ip.version, int(ip)))))
        for (binding, covers), share in shares.items()
    ]
    return tuple(sorted(found, key=lambda c: (-c.probability, c.binding, str(c.bound_to))))


def _normal(fates: dict[IPAddress, FateWeights]) -> dict[IPAddress, FateWeights]:
    out = {}
    for address, weights in fates.items():
        total = sum(weights.values())
        out[address] = {fate: weight / total for fate, weight in weights.items()} if total else {}
    return out
