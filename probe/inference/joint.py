"""The joint posterior of one host: its habits, every address's owner and policy, every port's binding.

All ports, addresses, families and vantages are weighed together, so that no evidence counts twice and none is
thresholded on the way. Given how the host binds its services (a *style*) and what each address is (a *key*:
owner, policy, marks), ports are independent of each other, and addresses are, given a port's binding. So
every combination of keys is carried through the addresses one by one, and weighed against all columns of
ports.

Few combinations survive the controls; then this is exact. Where there are more, the likeliest are kept after
each address, which is checked against the exact answer in tests.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from probe.inference.address_likelihood import AddressLikelihood, Case
from probe.inference.columns import Table
from probe.inference.explanations import Explainer, Weighed
from probe.inference.openings import LISTED_ALONE, Opening
from probe.inference.policy import UNLIKELY, AddressModel, PolicyKey
from probe.inference.priors import BY_LIST, ONE_LIST, ONE_POLICY, policy_prior
from probe.inference.tables import Policy, openings_of
from probe.model.binding import Owner

KEPT = 192  # combinations that are carried from one address to the next
NEGLIGIBLE = 1e-6  # share of the likeliest combination below which one is dropped
_NEGLIGIBLE_SO_FAR = 1e-8  # ... while addresses are still to come
_NO_STYLE = 1e-9  # share of the host's likeliest style below which one is no more weighed
_NO_REACH = (PolicyKey(Owner.UNKNOWN, Policy.ACCEPTS),)
_TINY = 1e-300

Combination = tuple[PolicyKey, ...]


@dataclass(frozen=True, slots=True)
class Joint:
    """Everything that was learned of a host together: combinations of keys with their shares."""

    combinations: tuple[Combination, ...]
    styles: tuple[int, ...]  # positions of those that are left
    shares: tuple[tuple[float, ...], ...]  # summing up to 1: by style that is left, by combination
    columns: tuple[Weighed, ...]

    def of_address(self, index: int) -> dict[PolicyKey, float]:
        """P(key) of one address."""
        out: dict[PolicyKey, float] = {}
        for combination, of_styles in zip(self.combinations, zip(*self.shares, strict=True), strict=True):
            out[combination[index]] = out.get(combination[index], 0.0) + sum(of_styles)
        return out


def weigh_jointly(table: Table, models: Sequence[AddressModel], kept: int = KEPT) -> Joint:
    """Weigh all combinations of the addresses' keys against all columns."""
    explainer = Explainer(models)
    weighed = [explainer.explain(column) for column in table.columns]
    combinations: list[Combination] = [()]
    rows = [[math.log(share)] for share in table.styles]
    for index, model in enumerate(models):
        keys = _keys(model, index, weighed)
        grown = [(*before, key) for key in keys for before in combinations]
        rows = _by_style(grown, weighed, models[: index + 1], keys, table.styles)
        least = NEGLIGIBLE if index + 1 == len(models) else _NEGLIGIBLE_SO_FAR
        left = _likeliest([max(of_styles) for of_styles in zip(*rows, strict=True)], kept, least)
        for column in weighed:
            column.carry_on(index, keys, [divmod(place, len(combinations)) for place in left], table.styles)
        combinations = [grown[place] for place in left]
        rows = [[row[place] for place in left] for row in rows]
    return Joint(tuple(combinations), *_normal(rows), tuple(weighed))


def _by_style(
    grown: Sequence[Combination],
    weighed: Sequence[Weighed],
    models: Sequence[AddressModel],
    keys: tuple[PolicyKey, ...],
    styles: Sequence[float],
) -> list[list[float]]:
    """Log of each style and combination with all columns; the last address has these keys."""
    priors = [_prior(one, models) for one in grown]
    rows = [[log + math.log(share) for log in priors] for share in styles]
    for column in weighed:
        counted = column.column.counted
        rows = [
            [log + counted * math.log(chance or _TINY) for log, chance in zip(row, chances, strict=True)]
            for row, chances in zip(rows, column.chances(len(models) - 1, keys), strict=True)
        ]
    return rows


def _normal(rows: Sequence[Sequence[float]]) -> tuple[tuple[int, ...], tuple[tuple[float, ...], ...]]:
    """The styles that are left, and the share of each with each combination."""
    best = [max(row) for row in rows]
    top = max(best)
    styles = tuple(place for place, log in enumerate(best) if log >= top + math.log(_NO_STYLE))
    shares = [[math.exp(log - top) for log in rows[place]] for place in styles]
    total = sum(map(sum, shares))
    return styles, tuple(tuple(share / total for share in row) for row in shares)


def _keys(model: AddressModel, index: int, weighed: Sequence[Weighed]) -> tuple[PolicyKey, ...]:
    """The keys worth a try: by what is known beforehand, and by the best that they make of each answer.

    What is best for every port is no fair comparison of owners: each that is not excluded beforehand is tried
    with its likeliest key. An address that no probe reached has one key, which shows nothing.
    """
    if not model.reached:
        return _NO_REACH
    keys = tuple(model.weights)
    logs = [model.weights[key] for key in keys]
    excluded = max(logs) + math.log(UNLIKELY)
    owners = {key.owner for key, log in zip(keys, logs, strict=True) if log >= excluded}
    counts: dict[AddressLikelihood, float] = {}
    for column in weighed:
        counts[column.tables[index]] = counts.get(column.tables[index], 0.0) + column.column.counted
    for table, counted in counts.items():
        rows = [table.row(case, keys) for case in _EXTREMES]
        logs = [
            log + counted * math.log(max(row)) for log, row in zip(logs, zip(*rows, strict=True), strict=True)
        ]
    best = {one: max(log for key, log in zip(keys, logs, strict=True) if key.owner is one) for one in owners}
    least = max(logs) + math.log(UNLIKELY)
    return tuple(
        key
        for key, log in zip(keys, logs, strict=True)
        if log >= least or log >= best.get(key.owner, math.inf)
    )


_EXTREMES = tuple(
    Case(exposed, covered, relayed)
    for exposed, covered, relayed in (
        (True, True, True),
        (True, False, False),
        (False, False, False),
        (False, False, True),
    )
)


def _prior(combination: Combination, models: Sequence[AddressModel]) -> float:
    """Log of how likely these keys are with the controls: each address by itself, or one policy for all.

    One policy, and one list, hold for the addresses of the host; what others have in front of theirs is no
    matter of it.
    """
    alone = sum(model.weights[key] for key, model in zip(combination, models, strict=True) if model.reached)
    own = [
        (key, model)
        for key, model in zip(combination, models, strict=True)
        if model.reached and not model.address.ip.is_loopback and key.owner is Owner.TARGET
    ]
    alone += _of_lists([key for key, _ in own])
    if len(own) < 2:  # noqa: PLR2004 - nothing to share
        return alone
    policies = {(key.policy, key.opening) for key, _ in own}
    if len(policies) > 1:
        return alone + math.log(1 - ONE_POLICY)
    ((policy, opening),) = policies
    by_opening = 1.0 if opening is Opening.LISTED else openings_of(policy)[opening]
    shared = (1 - len(own)) * math.log(by_opening)
    shared += math.log(policy_prior("")[policy])
    shared -= sum(math.log(model.prior[policy]) for _, model in own)
    return alone + math.log(1 - ONE_POLICY + ONE_POLICY * math.exp(shared))


def _of_lists(keys: Sequence[PolicyKey]) -> float:
    """Log of how much likelier these openings are together, since one list holds for all that follow it."""
    denying = [key.opening for key in keys if Opening.LISTED in openings_of(key.policy)]
    if not denying:
        return 0.0
    listed = denying.count(Opening.LISTED)
    others = len(denying) - listed
    share = ONE_LIST * BY_LIST**listed * (1 - BY_LIST) ** others + (0.0 if listed else 1 - ONE_LIST)
    return math.log(share) - math.log(LISTED_ALONE) * listed - math.log(1 - LISTED_ALONE) * others


def _likeliest(logs: Sequence[float], kept: int, share: float) -> list[int]:
    """Positions of the combinations to go on with, in their order."""
    least = max(logs) + math.log(share)
    found = sorted((i for i, log in enumerate(logs) if log >= least), key=lambda i: (-logs[i], i))
    return sorted(found[:kept])
