"""What explains a column of ports: bindings, and what else holds for a port on all of its addresses.

An explanation makes a case of every address, and is as likely as the product of what these make of the
answers. Many make the same of all addresses so far, so that one product stands for them.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from operator import mul

from probe.inference.address_likelihood import AddressLikelihood, Case, Latents
from probe.inference.bindings import Hypothesis
from probe.inference.columns import PortColumn
from probe.inference.openings import list_share
from probe.inference.policy import AddressModel, PolicyKey, follows_a_list
from probe.inference.priors import EVERYWHERE, FORWARD_LIMITED, HEALTH, UNLIMITED, Health
from probe.inference.tables import (
    ELSEWHERE_IF_NOT_WILDCARD,
    SEVERAL_IF_ALL,
    SEVERAL_IF_SOME,
    SEVERAL_IF_WILDCARD,
)
from probe.model.binding import Binding
from probe.model.disposition import Disposition
from probe.model.target import Protocol

_FAINT = 2e-8  # share of what explains a column below which an explanation is dropped
_START = [1.0]

Tables = tuple[AddressLikelihood, ...]
Row = tuple[float, ...]


@dataclass(slots=True)
class Branch:
    """One explanation of a column: what bindings and the port's own latents make of each address."""

    number: int  # of the class
    share: float  # prior of its rule, health and limits
    full: bool  # a full accept queue
    cases: tuple[Case, ...]  # by address
    values: list[float]  # P(evidence so far) by combination: one list for all that explain it alike

    def counts_beside(self, least: Sequence[float]) -> bool:
        """Whether it reaches this for some combination."""
        return any(self.share * value > one for value, one in zip(self.values, least, strict=True))


@dataclass(slots=True)
class Weighed:
    """A column with its explanations. Bindings that no answer separates are one class."""

    column: PortColumn
    tables: Tables
    classes: tuple[int, ...]  # of each binding
    weights: tuple[tuple[float, ...], ...]  # of each style: prior weight by class
    branches: list[Branch]

    def by_class(self) -> list[list[float]]:
        """P(evidence) of each class, by combination."""
        found = [[0.0] * len(self.branches[0].values) for _ in self.weights[0]]
        for branch in self.branches:
            found[branch.number] = _plus(found[branch.number], branch.share, branch.values)
        return found

    def chances(self, index: int, keys: tuple[PolicyKey, ...]) -> Iterator[list[float]]:
        """For each style: P(evidence) with one address more, by its key and the combination before.

        Explanations that make the same of the addresses so far, and of this one, are summed up first.
        """
        alike: dict[Row, dict[int, tuple[list[float], list[float]]]] = {}
        for branch in self.branches:
            of_row = alike.setdefault(self.tables[index].row(branch.cases[index], keys), {})
            _, shares = of_row.setdefault(id(branch.values), (branch.values, [0.0] * len(self.weights[0])))
            shares[branch.number] += branch.share
        for weights in self.weights:
            sums = [
                (row, mixed((dot(weights, shares), values) for values, shares in few.values()))
                for row, few in alike.items()
            ]
            yield [
                one for place in range(len(keys)) for one in mixed((row[place], total) for row, total in sums)
            ]

    def carry_on(
        self,
        index: int,
        keys: tuple[PolicyKey, ...],
        left: Sequence[tuple[int, int]],
        styles: Sequence[float],
    ) -> None:
        """Carry the explanations on to one more address; `left`: its key and the combination before.

        Those are forgotten that others make negligible under any keys.
        """
        known: dict[tuple[int, Row], list[float]] = {}
        for branch in self.branches:
            row = self.tables[index].row(branch.cases[index], keys)
            at = id(branch.values), row
            if at not in known:
                known[at] = [branch.values[before] * row[key] for key, before in left]
            branch.values = known[at]
        weights = [dot(styles, of_class) for of_class in zip(*self.weights, strict=True)]
        least = [_FAINT * chance for chance in mixed(zip(weights, self.by_class(), strict=True))]
        self.branches = [branch for branch in self.branches if branch.counts_beside(least)]


class Explainer:
    """Gives every binding of a column a class, and every class its explanations.

    Columns in which an address answered alike share its likelihoods.
    """

    def __init__(self, models: Sequence[AddressModel]) -> None:
        self._models = models
        self._lists = sum(map(follows_a_list, models)) > 1
        self._tables: dict[tuple[object, ...], AddressLikelihood] = {}

    def explain(self, column: PortColumn) -> Weighed:
        """Every explanation of a column, before any address is weighed."""
        tables = tuple(self._table(index, column) for index in range(len(self._models)))
        elsewhere = any(one is not None and one.raw.elsewhere for one in column.evidence)
        addresses = len({model.address.ip for model in self._models})
        shares = [_of_whole_port(one, column, addresses, elsewhere=elsewhere) for one in column.bindings]
        plain = zip(*(table.cases(column.bindings) for table in tables), strict=True)
        signatures = list(zip(shares, plain, strict=True))
        numbers = {one: number for number, one in enumerate(dict.fromkeys(signatures))}
        classes = tuple(numbers[one] for one in signatures)
        latents = _latents(
            column.protocol,
            any(table.silent for table in tables),
            column.forwarded,
            any(table.seems_taken for table in tables),
            self._lists,
        )
        return Weighed(
            column,
            tables,
            classes,
            tuple(_sums(of_style, classes, len(numbers)) for of_style in column.weights),
            [
                branch
                for (share, cases), number in numbers.items()
                for branch in _branches(number, tables, cases, latents, share)
            ],
        )

    def _table(self, index: int, column: PortColumn) -> AddressLikelihood:
        evidence = column.evidence[index]
        key = index, evidence, column.protocol, column.forwarded
        if key not in self._tables:
            self._tables[key] = AddressLikelihood(
                self._models[index], evidence, column.protocol, forwarded=column.forwarded
            )
        return self._tables[key]


def _of_whole_port(one: Hypothesis, column: PortColumn, addresses: int, *, elsewhere: bool) -> float:
    """P(what is known of the whole port) under a binding: who else answers a datagram, how many services."""
    if one.binding is Binding.WILDCARD:
        return SEVERAL_IF_WILDCARD if column.several else 1.0
    share = ELSEWHERE_IF_NOT_WILDCARD if elsewhere else 1.0
    if column.several:
        share *= SEVERAL_IF_ALL if len(one.covers) == addresses else SEVERAL_IF_SOME
    return share


@cache
def _latents(
    protocol: Protocol,
    silent: bool,  # noqa: FBT001 - cached
    forwarded: bool,  # noqa: FBT001
    taken: bool,  # noqa: FBT001
    lists: bool,  # noqa: FBT001
) -> tuple[tuple[Latents, float], ...]:
    """What may hold for a port on all addresses, with its share.

    A full queue only where one is silent, and a program of the prober's own machine only where it shows. A
    UDP service may always be one that keeps quiet.
    """
    return tuple(
        (Latents(rule, health, limited, listed), of_rule * of_health * of_limit)
        for rule, of_rule in EVERYWHERE.items()
        if taken or rule is not Disposition.TAKEN_HERE
        for health, of_health in HEALTH[protocol].items()
        if silent or health is not Health.FULL
        for limited, of_limit in (FORWARD_LIMITED if forwarded else UNLIMITED).items()
        for listed in ((True, False) if lists else (None,))
    )


def _branches(
    number: int,
    tables: Tables,
    plain: tuple[Case, ...],
    latents: tuple[tuple[Latents, float], ...],
    shown: float,
) -> Iterator[Branch]:
    """The explanations of one class; those that make the same of every address are one.

    `shown`: P(what is known of the whole port), beside the answers of its addresses.
    """
    cases = zip(*(table.under(case, latents) for table, case in zip(tables, plain, strict=True)), strict=True)
    merged: dict[tuple[Case, ...], float] = {}
    on_list = list_share(exposed=plain[0].exposed)
    by_list = {None: 1.0, True: on_list, False: 1 - on_list}
    for of_addresses, (one, share) in zip(cases, latents, strict=True):
        merged[of_addresses] = merged.get(of_addresses, 0.0) + share * by_list[one.listed]
    for of_addresses, share in merged.items():
        full = any(case.health is Health.FULL for case in of_addresses)
        yield Branch(number, share * shown, full, of_addresses, _START)


def _sums(weights: Sequence[float], classes: Sequence[int], count: int) -> tuple[float, ...]:
    """The sum of the weights of each class."""
    out = [0.0] * count
    for weight, number in zip(weights, classes, strict=True):
        out[number] += weight
    return tuple(out)


def mixed(parts: Iterable[tuple[float, Sequence[float]]]) -> list[float]:
    """The weighted sum of rows; two at a time, for each walk over the rows takes its time."""
    (weight, first), *others = parts
    out = [weight * value for value in first]
    some = iter([part for part in others if part[0]])
    for one, row in some:
        two, beside = next(some, (0.0, ()))
        if beside:
            out = [
                before + one * value + two * other
                for before, value, other in zip(out, row, beside, strict=True)
            ]
        else:
            out = _plus(out, one, row)
    return out


def _plus(row: Sequence[float], weight: float, values: Sequence[float]) -> list[float]:
    return [before + weight * value for before, value in zip(row, values, strict=True)]


def dot(one: Sequence[float], two: Sequence[float]) -> float:
    """The sum of products."""
    return float(sum(map(mul, one, two)))
