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
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from probe.inference.address_likelihood import AddressLikelihood, Case, Rule
from probe.inference.columns import PortColumn, Table
from probe.inference.policy import AddressModel, PolicyKey
from probe.inference.priors import (
    EVERYWHERE,
    FORWARD_LIMITED,
    HEALTH,
    ONE_POLICY,
    UNLIMITED,
    Health,
    policy_prior,
)
from probe.inference.tables import ELSEWHERE_IF_NOT_WILDCARD, Policy, openings_of
from probe.model.binding import Binding, Owner

KEPT = 64  # combinations that are carried from one address to the next
NEGLIGIBLE = 1e-6  # share of the likeliest combination below which one is dropped
_NEGLIGIBLE_SO_FAR = 1e-12  # ... while addresses are still to come
UNLIKELY = 1e-5  # share of an address's likeliest key below which one is not tried
_FAINT = 2e-8  # share of what explains a column below which an explanation is dropped
_NO_REACH = (PolicyKey(Owner.UNKNOWN, Policy.ACCEPTS),)
_TINY = 1e-300

Combination = tuple[PolicyKey, ...]
Tables = tuple[AddressLikelihood, ...]


@dataclass(slots=True)
class Branch:
    """One explanation of a column: what bindings and the port's own latents make of each address."""

    number: int  # of the class
    share: float  # prior of its rule, health and limits
    full: bool  # a full accept queue
    cases: tuple[Case, ...]  # by address
    values: list[float]  # share, and P(evidence so far) by combination


@dataclass(slots=True)
class Weighed:
    """A column with its explanations. Bindings that no answer tells apart are one class."""

    column: PortColumn
    tables: Tables
    classes: tuple[int, ...]  # of each binding
    weights: tuple[tuple[float, ...], ...]  # of each style: prior weight by class
    branches: list[Branch]

    def by_class(self) -> list[list[float]]:
        """P(evidence) of each class, by combination."""
        found: list[list[float] | None] = [None] * len(self.weights[0])
        for branch in self.branches:
            before = found[branch.number]
            found[branch.number] = (
                branch.values
                if before is None
                else [a + b for a, b in zip(before, branch.values, strict=True)]
            )
        none = [0.0] * len(self.branches[0].values)
        return [none if values is None else values for values in found]


@dataclass(frozen=True, slots=True)
class Joint:
    """Everything that was learned of a host together: combinations of keys with their weights."""

    combinations: tuple[Combination, ...]
    weights: tuple[tuple[float, ...], ...]  # log, normalised: by style, by combination
    columns: tuple[Weighed, ...]

    def of_address(self, index: int) -> dict[PolicyKey, float]:
        """P(key) of one address."""
        out: dict[PolicyKey, float] = {}
        for position, combination in enumerate(self.combinations):
            share = sum(math.exp(of_style[position]) for of_style in self.weights)
            out[combination[index]] = out.get(combination[index], 0.0) + share
        return out


def weigh_jointly(table: Table, models: Sequence[AddressModel], kept: int = KEPT) -> Joint:
    """Weigh all combinations of the addresses' keys against all columns."""
    known: dict[tuple[object, ...], AddressLikelihood] = {}
    weighed = [_weighed(column, models, known) for column in table.columns]
    combinations: list[Combination] = [()]
    rows = _by_style(combinations, weighed, (), table.styles)
    for index, model in enumerate(models):
        keys = _keys(model, {column.tables[index]: column.column.counted for column in weighed})
        for column in weighed:
            _extend(column, index, keys)
            _drop_faint(column, table.styles)
        combinations = [(*before, key) for before in combinations for key in keys]
        rows = _by_style(combinations, weighed, models[: index + 1], table.styles)
        least = NEGLIGIBLE if index + 1 == len(models) else _NEGLIGIBLE_SO_FAR
        left = _likeliest([max(of_styles) for of_styles in zip(*rows, strict=True)], kept, least)
        combinations = [combinations[i] for i in left]
        rows = [[row[i] for i in left] for row in rows]
        for branch in (branch for column in weighed for branch in column.branches):
            branch.values = [branch.values[i] for i in left]
    return Joint(tuple(combinations), _normal(rows), tuple(weighed))


def _by_style(
    combinations: Sequence[Combination],
    weighed: Sequence[Weighed],
    models: Sequence[AddressModel],
    styles: Sequence[float],
) -> list[list[float]]:
    """Log of each style and combination with all columns, as far as the addresses have been heard."""
    priors = [_prior(one, models) for one in combinations]
    rows = [[log + math.log(share) for log in priors] for share in styles]
    for column in weighed:
        values = column.by_class()
        rows = [
            _with(row, column, mixed(weights, values))
            for row, weights in zip(rows, column.weights, strict=True)
        ]
    return rows


def _normal(rows: Sequence[Sequence[float]]) -> tuple[tuple[float, ...], ...]:
    top = max(max(row) for row in rows)
    total = math.log(sum(math.exp(log - top) for row in rows for log in row)) + top
    return tuple(tuple(log - total for log in row) for row in rows)


def _keys(model: AddressModel, heard: Mapping[AddressLikelihood, float]) -> tuple[PolicyKey, ...]:
    """The keys worth a try: by what is known beforehand, and by the best that they make of each answer.

    An address that no probe reached has one, which says nothing.
    """
    if not model.reached:
        return _NO_REACH
    keys = tuple(model.weights)
    logs = [model.weights[key] for key in keys]
    for table, counted in heard.items():
        rows = [table.row(case, keys) for case in _EXTREMES]
        logs = [
            log + counted * math.log(max(row)) for log, row in zip(logs, zip(*rows, strict=True), strict=True)
        ]
    least = max(logs) + math.log(UNLIKELY)
    return tuple(key for key, log in zip(keys, logs, strict=True) if log >= least)


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
    """Log of how likely these keys are with the controls: each address by itself, or one policy for all."""
    reached = [
        (key, model)
        for key, model in zip(combination, models, strict=True)
        if model.reached and not model.address.ip.is_loopback
    ]
    alone = sum(model.weights[key] for key, model in zip(combination, models, strict=True) if model.reached)
    policies = {(key.policy, key.opening) for key, _ in reached}
    if len(reached) < 2 or len(policies) > 1 or any(key.owner is not Owner.TARGET for key, _ in reached):  # noqa: PLR2004
        return alone + (math.log(1 - ONE_POLICY) if len(reached) > 1 else 0.0)
    ((policy, opening),) = policies
    by_opening = openings_of(policy)[opening]
    shared = (1 - len(reached)) * math.log(by_opening)
    shared += math.log(policy_prior("")[policy])
    shared -= sum(math.log(model.prior[policy]) for _, model in reached)
    return alone + math.log(1 - ONE_POLICY + ONE_POLICY * math.exp(shared))


def _weighed(
    column: PortColumn, models: Sequence[AddressModel], known: dict[tuple[object, ...], AddressLikelihood]
) -> Weighed:
    """Give every binding of a column a class, and every class its explanations."""
    tables = tuple(_table(index, model, column, known) for index, model in enumerate(models))
    elsewhere = any(said is not None and said.hints.elsewhere for said in column.evidence)
    latents: list[_Latents] = [
        (rule, health, limited, of_rule * of_health * of_limit)
        for rule, of_rule in EVERYWHERE.items()
        for health, of_health in HEALTH.items()
        if health is Health.FINE or any(table.silent for table in tables)
        for limited, of_limit in (FORWARD_LIMITED if column.forwarded else UNLIMITED).items()
    ]
    numbers: dict[tuple[object, ...], int] = {}
    classes: list[int] = []
    branches: list[Branch] = []
    for hypothesis in column.bindings:
        odd = elsewhere and hypothesis.binding is not Binding.WILDCARD
        plain = tuple(table.case(hypothesis, None, Health.FINE, limited=False) for table in tables)
        signature = (odd, plain)
        if signature not in numbers:
            numbers[signature] = len(numbers)
            cases = [
                tuple(table.case(hypothesis, rule, health, limited=limited) for table in tables)
                for rule, health, limited, _ in latents
            ]
            branches += _branches(numbers[signature], cases, latents, odd=odd)
        classes.append(numbers[signature])
    weights = tuple(_sums(of_style, classes, len(numbers)) for of_style in column.weights)
    return Weighed(column, tables, tuple(classes), weights, branches)


_Latents = tuple[Rule, Health, bool, float]


def _table(
    index: int, model: AddressModel, column: PortColumn, known: dict[tuple[object, ...], AddressLikelihood]
) -> AddressLikelihood:
    """One address's likelihoods, shared by the columns in which it answered alike."""
    said = column.evidence[index]
    key = index, said, column.protocol, column.forwarded
    if key not in known:
        known[key] = AddressLikelihood(model, said, column.protocol, forwarded=column.forwarded)
    return known[key]


def _branches(
    number: int, cases: Sequence[tuple[Case, ...]], latents: Sequence[_Latents], *, odd: bool
) -> list[Branch]:
    """The explanations of one class; those that make the same of every address are one."""
    merged: dict[tuple[bool, tuple[Case, ...]], float] = {}
    for of_addresses, (_, _, _, share) in zip(cases, latents, strict=True):
        full = any(case.health is Health.FULL for case in of_addresses)
        key = (full, of_addresses)
        merged[key] = merged.get(key, 0.0) + share * (ELSEWHERE_IF_NOT_WILDCARD if odd else 1.0)
    return [
        Branch(number, share, full, of_addresses, [share]) for (full, of_addresses), share in merged.items()
    ]


def _sums(weights: Sequence[float], classes: Sequence[int], count: int) -> tuple[float, ...]:
    """The sum of the weights of each class."""
    out = [0.0] * count
    for weight, number in zip(weights, classes, strict=True):
        out[number] += weight
    return tuple(out)


def _extend(column: Weighed, index: int, keys: tuple[PolicyKey, ...]) -> None:
    """Carry every explanation of a column on to one more address."""
    table = column.tables[index]
    for branch in column.branches:
        row = table.row(branch.cases[index], keys)
        branch.values = [before * one for before in branch.values for one in row]


def _drop_faint(column: Weighed, styles: Sequence[float]) -> None:
    """Forget the explanations that others make negligible under any keys."""
    weights = [
        sum(share * weight for share, weight in zip(styles, of_class, strict=True))
        for of_class in zip(*column.weights, strict=True)
    ]
    chances = mixed(weights, column.by_class())
    least = [chance * _FAINT for chance in chances]
    column.branches = [
        branch
        for branch in column.branches
        if any(value > bound for value, bound in zip(branch.values, least, strict=True))
    ]


def _with(logs: Sequence[float], column: Weighed, chances: Sequence[float]) -> list[float]:
    counted = column.column.counted
    return [log + counted * math.log(max(chance, _TINY)) for log, chance in zip(logs, chances, strict=True)]


def mixed(weights: Sequence[float], values: Sequence[Sequence[float]]) -> list[float]:
    """The weighted sum of rows."""
    out = [weights[0] * value for value in values[0]]
    for weight, row in zip(weights[1:], values[1:], strict=True):
        out = [before + weight * value for before, value in zip(out, row, strict=True)]
    return out


def _likeliest(logs: Sequence[float], kept: int, share: float) -> list[int]:
    """Positions of the combinations to go on with, in their order."""
    least = max(logs) + math.log(share)
    found = sorted((i for i, log in enumerate(logs) if log >= least), key=lambda i: (-logs[i], i))
    return sorted(found[:kept])
