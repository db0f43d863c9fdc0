"""The exact posterior of one port's binding, shared over all addresses.

For every binding it sums over what else may be true: a rule for the port on all addresses, a full accept
queue, each address's policy, and the fate of the probe there. Addresses are independent given those.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from probe.inference.bindings import Hypothesis, hypotheses
from probe.inference.forwarded import forwards
from probe.inference.policy import AddressModel
from probe.inference.priors import (
    CONTRADICTED,
    EVERYWHERE,
    FLOOR,
    FLOOR_TOTAL,
    FORWARD_LIMITED,
    HEALTH,
    UNLIMITED,
    BindPrior,
    Health,
)
from probe.inference.responses import OPENED
from probe.inference.situation import FateWeights, Rule, Situation
from probe.inference.tables import ELSEWHERE_IF_NOT_WILDCARD, Fate, Policy
from probe.model.binding import Binding, Candidate
from probe.model.target import IPAddress, Port, Seen


@dataclass(frozen=True, slots=True)
class Posterior:
    """What is believed of one port: its candidates, the families of a wildcard, each probe's likely fate."""

    candidates: tuple[Candidate, ...]  # most probable first; probabilities sum to 1
    seen_families: tuple[int, ...]  # IP versions for which a wildcard would show in the answers
    fates: Mapping[Seen, Mapping[Fate, float]]
    full_queue: float  # probability of a full accept queue
    by_device: Mapping[frozenset[IPAddress], float]  # of a socket on these: P(bound to their device)


def infer_ports(
    ports: Iterable[Port], models: Sequence[AddressModel], prior: BindPrior, running: Collection[Port]
) -> dict[Port, Posterior]:
    """Weigh every port; those with the same evidence everywhere have the same posterior."""
    known: dict[object, Posterior] = {}
    out: dict[Port, Posterior] = {}
    for port in ports:
        alike = port.protocol, port in running, tuple(model.evidence.get(port) for model in models)
        if alike not in known:
            known[alike] = infer_port(port, models, prior, running=port in running)
        out[port] = known[alike]
    return out


def infer_port(port: Port, models: Sequence[AddressModel], prior: BindPrior, *, running: bool) -> Posterior:
    """Weigh every binding of a port against what all addresses said of it."""
    addresses = tuple({model.address.ip: model.address for model in models}.values())
    opened = frozenset(
        m.address.ip for m in models if port in m.evidence and m.evidence[port].heard in OPENED
    )
    weighed = hypotheses(addresses, prior, running=running, seen_open=opened)
    forwarded = forwards(port, models)
    situations = [Situation(model, port, forwarded=forwarded) for model in models]
    rules = _rules(models)
    limits = FORWARD_LIMITED if forwarded else UNLIMITED
    fates: dict[Seen, FateWeights] = {m.seen: dict.fromkeys(Fate, 0.0) for m in models}
    full = 0.0
    likelihoods: list[float] = []
    for hypothesis in weighed:
        found, found_full = _weigh(hypothesis, situations, _Shared(rules, limits), fates)
        likelihoods.append(found)
        full += found_full * hypothesis.weight
    return _posterior(weighed, likelihoods, fates, full)


@dataclass(frozen=True, slots=True)
class _Shared:
    """What may be true on every address at once, with its shares: rules, and limits to a forwarding."""

    rules: Mapping[Rule, float]
    limits: Mapping[bool, float]

    def cases(self) -> Iterator[tuple[Health, Rule, bool, float]]:
        """Every case, with its share."""
        for health, of_health in HEALTH.items():
            for rule, of_rule in self.rules.items():
                for limited, of_limit in self.limits.items():
                    yield health, rule, limited, of_health * of_rule * of_limit


def _rules(models: Sequence[AddressModel]) -> dict[Rule, float]:
    """What may hold on every address, with its shares."""
    host_wide = models[0].host_wide
    rules: dict[Rule, float] = {rule: share * (1 - host_wide) for rule, share in EVERYWHERE.items()}
    return rules | {Policy.RESETS: host_wide}


def _weigh(
    hypothesis: Hypothesis,
    situations: Sequence[Situation],
    shared: _Shared,
    fates: dict[Seen, FateWeights],
) -> tuple[float, float]:
    """Likelihood of a hypothesis, and its part with a full queue; adds to the fates' weights."""
    total = full = 0.0
    odd = any(s.evidence.hints.elsewhere for s in situations) and hypothesis.binding is not Binding.WILDCARD
    for health, rule, limited, share in shared.cases():
        rows = [s.weights(s.case(hypothesis, rule, health, limited=limited)) for s in situations]
        sums = [sum(row.values()) for row in rows]
        product = share * (ELSEWHERE_IF_NOT_WILDCARD if odd else 1.0)
        for value in sums:
            product *= value
        total += product
        full += product if health is Health.FULL and hypothesis.covers else 0.0
        _credit(fates, situations, rows, sums, product * hypothesis.weight)
    return total, full


def _credit(
    fates: dict[Seen, FateWeights],
    situations: Sequence[Situation],
    rows: Sequence[FateWeights],
    sums: Sequence[float],
    weight: float,
) -> None:
    for situation, row, total in zip(situations, rows, sums, strict=True):
        mine = fates[situation.seen]
        for fate, part in row.items():
            mine[fate] += weight * part / total if total else 0.0


def _posterior(
    weighed: Sequence[Hypothesis],
    likelihoods: Sequence[float],
    fates: dict[Seen, FateWeights],
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
    by_device = _by_device(weighed, likelihoods)
    shares = _with_floor({key: weight / total for key, weight in joint.items()}, possible)
    variant = max(families, key=lambda f: families[f])
    return Posterior(_candidates(shares), _shown(variant, weighed), _normal(fates), full / total, by_device)


def _by_device(
    weighed: Sequence[Hypothesis], likelihoods: Sequence[float]
) -> dict[frozenset[IPAddress], float]:
    """For every set of addresses: how likely a socket on exactly these is bound to their device."""
    device: dict[frozenset[IPAddress], float] = {}
    whole: dict[frozenset[IPAddress], float] = {}
    for hypothesis, found in zip(weighed, likelihoods, strict=True):
        if hypothesis.binding is Binding.SPECIFIC:
            weight = hypothesis.weight * found
            whole[hypothesis.covers] = whole.get(hypothesis.covers, 0.0) + weight
            if hypothesis.device is not None:
                device[hypothesis.covers] = weight
    return {covers: device[covers] / whole[covers] for covers in device if whole[covers]}


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
        Candidate(
            binding=binding,
            bound_to=tuple(sorted(covers, key=lambda ip: (ip.version, int(ip)))),
            probability=share,
        )
        for (binding, covers), share in shares.items()
    ]
    return tuple(sorted(found, key=lambda c: (-c.probability, c.binding, str(c.bound_to))))


def _normal(fates: dict[Seen, FateWeights]) -> dict[Seen, FateWeights]:
    out = {}
    for seen, weights in fates.items():
        total = sum(weights.values())
        out[seen] = {fate: weight / total for fate, weight in weights.items()} if total else {}
    return out
