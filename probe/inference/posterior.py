"""Each port's part of the joint posterior: its candidates, each probe's likely disposition, who accepts."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import add

from probe.inference.address_likelihood import Case
from probe.inference.bindings import Hypothesis
from probe.inference.explanations import Branch, Weighed, dot, mixed
from probe.inference.joint import Joint
from probe.inference.likelihood import Evidence
from probe.inference.policy import AddressModel, PolicyKey, serves_itself
from probe.inference.priors import CONTRADICTED, FLOOR, FLOOR_TOTAL, FORGED_UNSEEN
from probe.model.binding import Binding, Candidate, ranked
from probe.model.disposition import Disposition
from probe.model.evidence import Response
from probe.model.target import IPAddress, Port, Seen, in_order

DispositionShares = dict[Disposition, float]
_Key = tuple[Binding, frozenset[IPAddress]]
_WILDCARD = Binding.WILDCARD
_TINY = 1e-300
_UNLIKELY = 1e-6  # share of a column's explanations below which an explanation adds to no disposition


@dataclass(frozen=True, slots=True)
class Posterior:
    """What is believed of one port: its candidates, a wildcard's families, its probes' dispositions."""

    candidates: tuple[Candidate, ...]  # most probable first; probabilities sum to 1
    seen_families: tuple[int, ...]  # IP versions for which a wildcard would show in the answers
    dispositions: Mapping[Seen, Mapping[Disposition, float]]
    full_queue: float  # probability of a full accept queue
    by_device: Mapping[frozenset[IPAddress], float]  # of a socket on these: P(bound to their device)


def posteriors(joint: Joint, models: Sequence[AddressModel]) -> dict[Port, Posterior]:
    """The posterior of every port; ports of one column share it."""
    found: dict[Port, Posterior] = {}
    for column in joint.columns:
        found.update(dict.fromkeys(column.column.ports, _of_column(column, joint, models)))
    return found


def _of_column(column: Weighed, joint: Joint, models: Sequence[AddressModel]) -> Posterior:
    """Weigh a column's bindings. Its own evidence counts once, as one port's; the others' teach the rest."""
    values = column.by_class()
    weights = [column.weights[style] for style in joint.styles]
    shares = _without_own(column, weights, values, joint)
    priors = [mixed(zip(of_class, shares, strict=True)) for of_class in zip(*weights, strict=True)]
    by_class = [dot(prior, row) for prior, row in zip(priors, values, strict=True)]
    any_style = _of_one_host([sum(of_style) for of_style in zip(*shares, strict=True)], joint)
    evidence = [dot(any_style, row) for row in values]
    found = _Found(
        column,
        _split(column, shares, by_class, joint.styles),
        [evidence[number] for number in column.classes],
    )
    total = sum(by_class)
    credited = _credited(column, priors, total)
    full = sum(sum(parts) for branch, parts in credited if branch.full)
    return _posterior(found, _dispositions(credited, column, joint, models), full / total)


def _without_own(
    column: Weighed,
    weights: Sequence[Sequence[float]],
    values: Sequence[Sequence[float]],
    joint: Joint,
) -> tuple[tuple[float, ...], ...]:
    """Shares of styles and combinations, as they are but for what one port of the column showed."""
    own = column.column.counted / len(column.column.ports)
    return tuple(
        tuple(
            share / max(chance, _TINY) ** own
            for share, chance in zip(row, mixed(zip(of_style, values, strict=True)), strict=True)
        )
        for row, of_style in zip(joint.shares, weights, strict=True)
    )


_BESIDE_ANOTHER = 1e-12  # of these weights: they decide only where there are no others


def _of_one_host(shares: Sequence[float], joint: Joint) -> list[float]:
    """The weights of combinations in which no other machine answers: one would explain every answer away."""
    return [
        share * (_BESIDE_ANOTHER if any(map(serves_itself, combination)) else 1.0)
        for share, combination in zip(shares, joint.combinations, strict=True)
    ]


@dataclass(frozen=True, slots=True)
class _Found:
    """Weight, and likelihood of the responses, of each binding of a column."""

    column: Weighed
    weights: Sequence[float]
    likelihoods: Sequence[float]

    @property
    def bindings(self) -> tuple[Hypothesis, ...]:
        return self.column.column.bindings


def _split(
    column: Weighed, shares: Sequence[Sequence[float]], by_class: Sequence[float], styles: Sequence[int]
) -> list[float]:
    """The weight of each binding: its class's, shared out as beforehand by what is learned of the style."""
    of_styles = [column.column.weights[style] for style in styles]
    prior = mixed(zip(map(sum, shares), of_styles, strict=True))
    totals = [0.0] * len(by_class)
    for weight, number in zip(prior, column.classes, strict=True):
        totals[number] += weight
    return [
        by_class[number] * weight / totals[number] if totals[number] else 0.0
        for weight, number in zip(prior, column.classes, strict=True)
    ]


_Credited = Sequence[tuple[Branch, Sequence[float]]]


def _credited(column: Weighed, priors: Sequence[Sequence[float]], total: float) -> _Credited:
    """What explains the column, each with its weight by combination."""
    found = (
        (
            branch,
            [
                branch.share * prior * value
                for prior, value in zip(priors[branch.number], branch.values, strict=True)
            ],
        )
        for branch in column.branches
    )
    return [(branch, parts) for branch, parts in found if sum(parts) > _UNLIKELY * total]


def _dispositions(
    credited: _Credited, column: Weighed, joint: Joint, models: Sequence[AddressModel]
) -> dict[Seen, DispositionShares]:
    """P(disposition) of the probe to each address: every explanation's weight, shared out over them."""
    out: dict[Seen, DispositionShares] = {}
    for index, (model, table) in enumerate(zip(models, column.tables, strict=True)):
        mine = dict.fromkeys(Disposition, 0.0)
        for case, key, weight in _by_case(credited, index, [one[index] for one in joint.combinations]):
            dispositions = table.dispositions(case, key)
            of_all = sum(dispositions.values())
            for disposition, part in dispositions.items():
                mine[disposition] += weight * part / of_all
        whole = sum(mine.values())
        out[model.seen] = {disposition: weight / whole for disposition, weight in mine.items()}
    return out


def _by_case(
    credited: _Credited, index: int, keys: Sequence[PolicyKey]
) -> Iterator[tuple[Case, PolicyKey, float]]:
    """The weight of each case and key of one address."""
    of_case: dict[Case, Sequence[float]] = {}
    for branch, parts in credited:
        known = of_case.get(branch.cases[index])
        of_case[branch.cases[index]] = parts if known is None else list(map(add, known, parts))
    for case, parts in of_case.items():
        of_key: dict[PolicyKey, float] = {}
        for key, part in zip(keys, parts, strict=True):
            of_key[key] = of_key.get(key, 0.0) + part
        yield from ((case, key, weight) for key, weight in of_key.items())


def _posterior(found: _Found, dispositions: Mapping[Seen, DispositionShares], full: float) -> Posterior:
    best = max(found.likelihoods)
    joint: dict[_Key, float] = {}
    possible: set[_Key] = set()
    families: dict[tuple[int, ...], float] = {}
    for hypothesis, weight, likelihood in zip(found.bindings, found.weights, found.likelihoods, strict=True):
        key = _key(hypothesis)
        joint[key] = joint.get(key, 0.0) + weight
        if likelihood > CONTRADICTED * best:
            possible.add(key)
        if hypothesis.binding is Binding.WILDCARD:
            families[hypothesis.families] = weight
    total = sum(joint.values())
    shares = _with_floor({key: weight / total for key, weight in joint.items()}, possible)
    if is_untraced(found.column.column.evidence):
        shares = _with_forgery(shares)
    variant = max(families, key=lambda f: families[f], default=())
    return Posterior(
        _candidates(shares), _shown(variant, found.bindings), dispositions, full, _by_device(found)
    )


def _by_device(found: _Found) -> dict[frozenset[IPAddress], float]:
    """For every set of addresses: how likely a socket on exactly these is bound to their device."""
    device: dict[frozenset[IPAddress], float] = {}
    whole: dict[frozenset[IPAddress], float] = {}
    for hypothesis, weight in zip(found.bindings, found.weights, strict=True):
        if hypothesis.binding is Binding.SPECIFIC:
            whole[hypothesis.covers] = whole.get(hypothesis.covers, 0.0) + weight
            if hypothesis.device is not None:
                device[hypothesis.covers] = weight
    return {covers: device[covers] / whole[covers] for covers in device if whole[covers]}


def _key(hypothesis: Hypothesis) -> _Key:
    """Wildcards are one candidate; specific bindings differ by their addresses."""
    specific = hypothesis.binding is Binding.SPECIFIC
    return hypothesis.binding, hypothesis.covers if specific else frozenset()


def _shown(variant: tuple[int, ...], weighed: Sequence[Hypothesis]) -> tuple[int, ...]:
    """Families of the likeliest wildcard, limited to those of the probed addresses."""
    probed = {ip.version for hypothesis in weighed for ip in hypothesis.covers}
    return tuple(family for family in variant if family in probed)


def _with_floor(shares: Mapping[_Key, float], possible: Collection[_Key]) -> dict[_Key, float]:
    """Give every rival that the answers do not contradict a small share: the table may be wrong."""
    floor = min(FLOOR, FLOOR_TOTAL / max(1, len(possible)))
    raised = {key: max(share, floor) if key in possible else share for key, share in shares.items()}
    lifted = {key for key in raised if raised[key] == floor}
    rest = sum(share for key, share in raised.items() if key not in lifted)
    scale = (1 - floor * len(lifted)) / rest if rest else 1.0
    return {key: share if key in lifted else share * scale for key, share in raised.items()}


def is_untraced(evidence: Sequence[Evidence | None]) -> bool:
    """Whether a refusal is among the responses that a filter may have forged, for all that shows."""
    return any(
        one is not None and one.response in {Response.CLOSED, Response.REFUSED} and one.raw.mark is None
        for one in evidence
    )


def _with_forgery(shares: Mapping[_Key, float]) -> dict[_Key, float]:
    """Keep for all interfaces what sockets cannot exclude: a filter that forges the resets."""
    wildcard = _WILDCARD, frozenset[IPAddress]()
    if shares.get(wildcard, 1.0) >= FORGED_UNSEEN:  # or what the user stated excludes it
        return dict(shares)
    scale = (1 - FORGED_UNSEEN) / (1 - shares[wildcard])
    return {key: FORGED_UNSEEN if key == wildcard else share * scale for key, share in shares.items()}


def _candidates(shares: Mapping[_Key, float]) -> tuple[Candidate, ...]:
    found = [
        Candidate(
            binding=binding,
            bound_to=in_order(covers),
            probability=share,
        )
        for (binding, covers), share in shares.items()
    ]
    return ranked(found)
