"""Ports with equal responses on every address, as one column each: weighed once, with their count."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import log

from probe.inference.bindings import ALL_SETS_UP_TO, Hypothesis, hypotheses
from probe.inference.forwarded import forwards
from probe.inference.likelihood import Evidence
from probe.inference.owner_evidence import is_behind_first_hop
from probe.inference.policy import AddressModel
from probe.inference.priors import (
    BOUND_HARDLY,
    BOUND_TO_SET,
    BOUND_TO_SETS,
    COUNTED_IN_FULL,
    HARDLY_STYLE,
    PUBLIC_TOO,
    SETS_STYLE,
    Standard,
)
from probe.inference.responses import OPENED
from probe.inference.same_service import services_of
from probe.inference.stated import Statement
from probe.model.binding import Binding
from probe.model.evidence import Response
from probe.model.target import IPAddress, Port, Protocol, Realm, TargetAddress


@dataclass(frozen=True, slots=True)
class PortColumn:
    """Ports with the same evidence on every address, and what they may be bound to."""

    ports: tuple[Port, ...]
    evidence: tuple[Evidence | None, ...]  # in the order of the addresses
    forwarded: bool  # the host forwards it to something that serves
    several: bool  # different services answer on addresses inside
    bindings: tuple[Hypothesis, ...]
    weights: tuple[tuple[float, ...], ...]  # of each style: prior weight by binding

    @property
    def protocol(self) -> Protocol:
        """Of all its ports."""
        return self.ports[0].protocol

    @property
    def counted(self) -> float:
        """How many ports it counts for where a host's habits are learned.

        Ports that one filter treats alike do not speak independently, so that many count by their logarithm.
        """
        count = len(self.ports)
        return count if count <= COUNTED_IN_FULL else COUNTED_IN_FULL * (1 + log(count / COUNTED_IN_FULL))


@dataclass(frozen=True, slots=True)
class Table:
    """All columns of a host, and the styles by which their bindings are weighed."""

    columns: tuple[PortColumn, ...]
    styles: tuple[float, ...]  # prior weights


def table_of(
    ports: Iterable[Port],
    models: Sequence[AddressModel],
    standard: Standard,
    stated: Mapping[Port, Statement],
) -> Table:
    """Sort the ports into columns. What is stated of a port excludes bindings of it."""
    several = _serving_several(models)
    alike: dict[tuple[object, ...], list[Port]] = {}
    for port in ports:
        evidence = tuple(model.evidence.get(port) for model in models)
        alike.setdefault((port.protocol, stated.get(port), port in several, evidence), []).append(port)
    sets = _chosen_sets(alike, models) if standard.one_set else ()
    public = frozenset(m.address.ip for m in models if m.address.realm == Realm.PUBLIC)
    likely = [standard.one_set * (PUBLIC_TOO if ips & public else 1.0) for ips in sets]
    weigh = _Priors(tuple({m.address.ip: m.address for m in models}.values()), standard, sets)
    return Table(
        tuple(
            _column(tuple(few), models, weigh, stated.get(few[0]), several=few[0] in several)
            for few in alike.values()
        ),
        (
            *(share for share, _ in standard.styles),
            *likely,
            *(one * HARDLY_STYLE for one in likely[:_SETS_OF_FEW]),
            *((max(likely) * SETS_STYLE,) if sets else ()),
        ),
    )


_Evidence = tuple[Evidence | None, ...]
_MOST_SETS = 6
_SETS_OF_FEW = 2  # sets to which few of the ports may be bound
_BY_FILTERS = frozenset({Response.SILENT, Response.ICMP_HOST, Response.ICMP_PATH})


def _hidden(responses: _Evidence, models: Sequence[AddressModel]) -> frozenset[IPAddress]:
    """The addresses on which a filter, or loss, leaves open whether a socket covers them."""
    return frozenset(
        model.address.ip
        for model, one in zip(models, responses, strict=True)
        if model.reached and one is not None and one.response in _BY_FILTERS
    )


def _opened(evidence: _Evidence, models: Sequence[AddressModel]) -> frozenset[IPAddress]:
    return frozenset(
        model.address.ip
        for model, one in zip(models, evidence, strict=True)
        if one is not None and one.response in OPENED
    )


def _chosen_sets(
    alike: Mapping[tuple[object, ...], Sequence[Port]], models: Sequence[AddressModel]
) -> tuple[frozenset[IPAddress], ...]:
    """The sets of addresses on which ports are open, or may be behind a filter, those of most ports first.

    What a filter hides on one address may be bound there as well: the larger set explains a port as the
    smaller one does. All addresses, or those of one family, are what a wildcard covers; one that answers for
    every port, or that is the gateway's, shows nothing.
    """
    informative = [
        m for m in models if not OPENED & set(m.control_counts()) and not is_behind_first_hop(m.survey)
    ]
    every = {
        frozenset(m.address.ip for m in informative if m.address.family in of) for of in ((4,), (6,), (4, 6))
    }
    counts: dict[frozenset[IPAddress], int] = {}
    for ports in alike.values():
        responses = tuple(model.evidence.get(ports[0]) for model in informative)
        opened = _opened(responses, informative)
        for ips in {opened, opened | _hidden(responses, informative)} - every if opened else ():
            counts[ips] = counts.get(ips, 0) + len(ports)
    return tuple(sorted(counts, key=lambda ips: (-counts[ips], sorted(map(str, ips))))[:_MOST_SETS])


class _Priors:
    """The bindings of a column and their weights by style, each made once."""

    def __init__(
        self,
        addresses: Sequence[TargetAddress],
        standard: Standard,
        sets: Sequence[frozenset[IPAddress]],
    ) -> None:
        self._addresses, self._standard, self._sets = addresses, standard, sets
        self._known: dict[
            tuple[Statement | None, frozenset[IPAddress]],
            tuple[tuple[Hypothesis, ...], tuple[tuple[float, ...], ...]],
        ] = {}

    def of(
        self, opened: frozenset[IPAddress], stated: Statement | None
    ) -> tuple[tuple[Hypothesis, ...], tuple[tuple[float, ...], ...]]:
        """Bindings, and their weights by style: with few addresses the same, whichever of them accepted."""
        shown = opened if len(self._addresses) > ALL_SETS_UP_TO else frozenset[IPAddress]()
        if (stated, shown) not in self._known:
            self._known[stated, shown] = self._made(shown, stated)
        return self._known[stated, shown]

    def _made(
        self, opened: frozenset[IPAddress], stated: Statement | None
    ) -> tuple[tuple[Hypothesis, ...], tuple[tuple[float, ...], ...]]:
        styles = [
            _left(hypotheses(self._addresses, prior, seen_open=opened), stated)
            for prior in (
                *(p for _, p in self._standard.styles),
                self._standard.beside,
                self._standard.hardly,
            )
            if prior is not None
        ]
        weights = [_shares([one.weight for one in style]) for style in styles]
        if self._standard.beside is None:
            return styles[0], tuple(weights)
        *weights, beside, hardly = weights
        of_sets = [
            *(_beside_sets(beside, styles[0], (ips,), BOUND_TO_SET) for ips in self._sets),
            *(_beside_sets(hardly, styles[0], (ips,), BOUND_HARDLY) for ips in self._sets[:_SETS_OF_FEW]),
        ]
        if self._sets:
            of_sets.append(_beside_sets(beside, styles[0], self._sets, BOUND_TO_SETS))
        return styles[0], (*weights, *of_sets)


def _left(bindings: tuple[Hypothesis, ...], stated: Statement | None) -> tuple[Hypothesis, ...]:
    return bindings if stated is None else stated.left_of(bindings)


def _beside_sets(
    weights: Sequence[float],
    bindings: Sequence[Hypothesis],
    sets: Sequence[frozenset[IPAddress]],
    bound: float,
) -> tuple[float, ...]:
    """The weights where a share of all services is `bound` to these sets of addresses, evenly."""
    out = [(1 - bound) * weight for weight in weights]
    for ips in sets:
        mine = [
            index
            for index, one in enumerate(bindings)
            if one.binding is Binding.SPECIFIC and one.covers == ips
        ]
        whole = sum(weights[index] for index in mine)
        for index in mine:
            out[index] += bound / len(sets) * weights[index] / whole
    return tuple(out)


def _column(
    ports: tuple[Port, ...],
    models: Sequence[AddressModel],
    priors: _Priors,
    stated: Statement | None,
    *,
    several: bool,
) -> PortColumn:
    evidence = tuple(model.evidence.get(ports[0]) for model in models)
    bindings, weights = priors.of(_opened(evidence, models), stated)
    return PortColumn(ports, evidence, forwards(ports[0], models), several, bindings, weights)


def _serving_several(models: Sequence[AddressModel]) -> frozenset[Port]:
    """The ports on which different services answer inside: one socket on all interfaces has one service.

    A public address may be somebody else's, so that another service there is no second socket of the host.
    """
    inside = [model.survey for model in models if model.address.realm != Realm.PUBLIC]
    showing = {port for survey in inside for port in (*survey.keys, *survey.greetings)}
    return frozenset(p for p in showing if any(one.other_than for one in services_of(p, inside)))


def _shares(weights: Sequence[float]) -> tuple[float, ...]:
    total = sum(weights)
    return tuple(weight / total for weight in weights)
