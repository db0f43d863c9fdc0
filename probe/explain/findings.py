"""The findings of a scan in a few sentences, the most important first: what stands above the table."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from probe.explain.phrases import listed, named_of_many, realm_words
from probe.model.advice import AdviceRule
from probe.model.binding import BLOCKING, Binding, Condition, Owner, Via
from probe.model.evidence import AddressRule
from probe.model.probing import State
from probe.model.report import AddressReport, ObservationReport, PortReport, Report, RestReport
from probe.model.target import Protocol, Realm
from probe.services.port_list import parse_ports

_NAMELESS = "-alt"  # of names that say no more than the port does
_MOST_NAMED = 6  # ports of one kind
_SHORT_LIST = 12  # characters of a list of ports that is named as it is
_FEW_BLOCKED = 2  # ports that are named although their address drops all that nothing uses

_OTHER_MACHINE = "another machine answers"
# Why nothing is known of an address.
NOT_REACHED: Mapping[Condition, str] = {
    Condition.HOST_DOWN: "no host at this address",
    Condition.LINK_DOWN: "the link of this machine is down",
    Condition.OFF_NETWORK: "no link of this machine leads there",
    Condition.NO_ROUTE: "no route to it",
    Condition.TUNNEL_DOWN: "the tunnel is down",
    Condition.WRONG_ROUTE: "its packets do not take the tunnel",
    Condition.LOCAL_FIREWALL: "this machine's own firewall stops the probes",
    Condition.WRONG_HOST: _OTHER_MACHINE,
    Condition.INTERCEPTED: "a box on the way answers for every port",
    Condition.UNKNOWN: "nothing came back",
}
_SILENT_MACHINE = "the host is up, but answers nothing"
_NOT_THE_TARGET = frozenset({_OTHER_MACHINE, NOT_REACHED[Condition.INTERCEPTED]})
_SOMEBODY_ELSE = frozenset({Owner.OTHER_MACHINE, Owner.THIS_MACHINE})
_NOT_RUNNING: Mapping[Binding, str] = {
    Binding.LOOPBACK: " (loopback only)",
    Binding.NOT_LISTENING: " (nothing listens)",
    Binding.LOOPBACK_OR_NOT_LISTENING: " (not running, or loopback only)",
}


@dataclass(frozen=True, slots=True)
class _Item:
    """A port or a group of ports, and the addresses by what they answered."""

    name: str
    count: int
    verdict: PortReport | RestReport
    open_at: tuple[str, ...]
    exposed_at: tuple[str, ...]
    blocked_at: tuple[str, ...]
    refused_at: tuple[str, ...]


def findings(report: Report) -> tuple[str, ...]:
    """What was found, as sentences that each begin with what they are about (`Exposed:`, `Open:`).

    Exposed are services that should stay inside, at addresses from which others reach them. Without a port
    there is no finding.
    """
    found = _Findings(report)
    if not found.items:
        return ()
    if not found.reached:
        about = named_of_many([item.name for item in found.items], _MOST_NAMED)
        return (f"{found.not_reached()} Nothing is known about {about}.",)
    sentences = (
        found.exposed(),
        found.not_reached(),
        found.forwarded(),
        found.opened(),
        found.fronted(),
        found.blocked(),
        found.closed(),
        found.own(),
    )
    return tuple(filter(None, sentences))


def _verdicts(report: Report) -> list[PortReport | RestReport]:
    return [*report.ports, *(report.rest or ())]


_REALM_FLAGS: Mapping[str, str] = {Realm.LAN: "--lan", Realm.VPN: "--vpn", Realm.PUBLIC: "--public"}


def what_one_address_leaves(report: Report) -> str:
    """What a scan of one address cannot show, and what would; empty where nothing is left open by it."""
    opened = any(
        one.binding is Binding.UNDETERMINED and any(o.state is State.OPEN for o in one.observations)
        for one in _verdicts(report)
    )
    realms = {one.realm for one in report.addresses}
    if len({one.address for one in report.addresses}) != 1 or not opened:
        return ""
    flags = " or ".join(flag for realm, flag in _REALM_FLAGS.items() if realm not in realms)
    return (
        "One address does not show whether an open port is bound to it alone or to all interfaces:"
        f" add another ({flags}), or run ss -tlnp on the target."
    )


class _Findings:
    """One report, its ports sorted by what they answered."""

    def __init__(self, report: Report) -> None:
        self._addresses = tuple({one.address: one for one in report.addresses}.values())
        self.reached = tuple(one for one in self._addresses if not _is_lost(one, report))
        answering = {one.address: one for one in self.reached}
        self.items = tuple(_item(verdict, answering) for verdict in _verdicts(report))

    def exposed(self) -> str:
        """Services that should stay inside and do not."""
        groups = self._grouped((item, item.exposed_at) for item in self.items if item.exposed_at)
        return _sentence("Exposed", (f"{names} on {where}" for where, names in groups))

    def opened(self) -> str:
        """All other ports that accept."""
        accepting = [item for item in self.items if item.open_at]
        if not accepting:
            return "Nothing is open."
        others = [item for item in accepting if not item.exposed_at]
        alike: dict[str, list[tuple[_Item, tuple[str, ...]]]] = {"": []}
        for item in others:
            alike.setdefault(_only_there(item.verdict), []).append((item, item.open_at))
        parts = (
            f"{names} on {where}{only}"
            for only, items in alike.items()
            for where, names in self._grouped(items)
        )
        return _sentence("Open", parts)

    def forwarded(self) -> str:
        """Ports that reach a container or another host without meeting the host's own rules."""
        passed = [
            item
            for item in self.items
            if any(one.rule is AdviceRule.PUBLISHED_PAST_FIREWALL for one in item.verdict.advice)
        ]
        return _sentence("Past the host's firewall", [_names(passed)] if passed else [])

    def fronted(self) -> str:
        """Addresses that a box in front of the host has: what is refused there shows nothing of the host."""
        front = [one.address for one in self.reached if one.owner is Owner.GATEWAY]
        if not front:
            return ""
        kind = "is a router or load balancer" if len(front) == 1 else "are routers or load balancers"
        return f"{listed(front)} {kind}: only what is forwarded is seen."

    def blocked(self) -> str:
        """Ports that a filter keeps from an address; all but a few where it drops what nothing uses."""
        left = {one.address for one in self.reached}
        parts = []
        for address in self.reached:
            stopped = [item for item in self.items if address.address in item.blocked_at]
            if address.condition in BLOCKING and sum(one.count for one in stopped) > _FEW_BLOCKED:
                passing = [item.name for item in self.items if address.address not in item.blocked_at]
                but = f"all but {named_of_many(passing, _MOST_NAMED)}" if passing else "every port"
                parts.append((but, address.address))
                left.discard(address.address)
        alike: dict[str, list[str]] = {}
        for but, where in parts:
            alike.setdefault(but, []).append(where)
        rest = ((item, tuple(a for a in item.blocked_at if a in left)) for item in self.items)
        groups = self._grouped((item, where) for item, where in rest if where)
        whole = (f"{but} on {self._where(tuple(where))}" for but, where in alike.items())
        return _sentence("Blocked", (*whole, *(f"{names} on {where}" for where, names in groups)))

    def closed(self) -> str:
        """Ports that refuse wherever they answer; all others where there are many."""
        shut = [i for i in self.items if i.refused_at and not i.open_at and not i.blocked_at]
        alike: dict[str, list[_Item]] = {}
        for item in shut:
            alike.setdefault(_NOT_RUNNING.get(item.verdict.binding, ""), []).append(item)
        return _sentence("Closed", (f"{_names(items)}{why}" for why, items in alike.items()))

    def not_reached(self) -> str:
        """Addresses of which nothing is known, and why."""
        alike: dict[str, list[str]] = {}
        for one in self._addresses:
            if one not in self.reached:
                alike.setdefault(_why_lost(one), []).append(f"{one.realm} {one.address}")
        parts = {why: f"{listed(where)} ({why})" for why, where in alike.items()}
        silent = _sentence("No answer", (part for why, part in parts.items() if why not in _NOT_THE_TARGET))
        others = _sentence("Not the target", (part for why, part in parts.items() if why in _NOT_THE_TARGET))
        return " ".join(filter(None, (silent, others)))

    def own(self) -> str:
        """This machine's own addresses, which show nothing of what others reach."""
        own = [one.address for one in self.reached if one.condition is Condition.THIS_MACHINE]
        return f"Own address: {listed(own)}, so what others reach was not tested." if own else ""

    def _grouped(self, items: Iterable[tuple[_Item, tuple[str, ...]]]) -> Iterator[tuple[str, str]]:
        """Ports with the same addresses together: where, and their names."""
        alike: dict[tuple[str, ...], list[_Item]] = {}
        for item, where in items:
            alike.setdefault(where, []).append(item)
        for where, members in alike.items():
            yield self._where(where), _names(members)

    def _where(self, addresses: Sequence[str]) -> str:
        """Addresses as prose: all of them, or the realms, or those of a realm that are meant."""
        if len(addresses) == len(self._addresses) > 1:
            return "both addresses" if len(addresses) == 2 else f"all {len(addresses)} addresses"  # noqa: PLR2004 - two are both
        words = []
        for realm in dict.fromkeys(one.realm for one in self._addresses):
            of_realm = [one.address for one in self._addresses if one.realm == realm]
            meant = [one for one in of_realm if one in addresses]
            if len(meant) == len(of_realm):
                words.append(realm_words(realm, len(of_realm)))
            else:
                words += meant
        return listed(words)


def _is_lost(address: AddressReport, report: Report) -> bool:
    """Whether nothing is known of the target at an address; one that answers anything is reached."""
    if address.owner is Owner.OTHER_MACHINE:
        return True
    if address.condition is not Condition.UNKNOWN:
        return address.condition in NOT_REACHED
    answers = [
        o for verdict in _verdicts(report) for o in verdict.observations if o.address == address.address
    ]
    return all(o.state not in {State.OPEN, State.CLOSED} for o in answers)


def _why_lost(address: AddressReport) -> str:
    if address.owner is Owner.OTHER_MACHINE:
        return _OTHER_MACHINE
    on_link = any(one.rule is AddressRule.ANSWERS_ON_LINK for one in address.evidence)
    return _SILENT_MACHINE if on_link else NOT_REACHED[address.condition]


def _only_there(verdict: PortReport | RestReport) -> str:
    """That an open port is bound to its addresses, or forwarded on them, and to no others."""
    if verdict.binding is not Binding.SPECIFIC:
        return ""
    return " (forwarded there only)" if verdict.via is Via.FORWARD else " (bound there only)"


def _item(verdict: PortReport | RestReport, answering: Mapping[str, AddressReport]) -> _Item:
    seen = [o for o in verdict.observations if o.address in answering]
    private = isinstance(verdict, PortReport) and verdict.private
    return _Item(
        *_name(verdict),
        verdict,
        open_at=_at(o for o in seen if o.state is State.OPEN),
        exposed_at=_at(o for o in seen if private and _lets_others_in(o, answering[o.address])),
        blocked_at=_at(o for o in seen if o.condition in BLOCKING),
        refused_at=_at(o for o in seen if o.state is State.CLOSED),
    )


def _at(observations: Iterable[ObservationReport]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(o.address for o in observations))


def _lets_others_in(o: ObservationReport, address: AddressReport) -> bool:
    """Whether who probes is let in as others are: not on the machine itself, and not turned away."""
    others = address.realm != Realm.LOOPBACK and address.owner not in _SOMEBODY_ELSE
    return o.state is State.OPEN and o.condition is Condition.CLEAR and others


def _name(verdict: PortReport | RestReport) -> tuple[str, int]:
    """What a port or a group is called, and how many ports it is."""
    suffix = "" if verdict.protocol is Protocol.TCP else f"/{verdict.protocol}"
    if isinstance(verdict, RestReport):
        count = len(parse_ports(verdict.ports))
        ports = verdict.ports if len(verdict.ports) <= _SHORT_LIST else f"{count:,} ports"
        return f"{ports}{suffix}", count
    label, service = f"{verdict.port}{suffix}", verdict.service
    return (f"{service} {label}" if service and not service.endswith(_NAMELESS) else label), 1


def _names(items: Sequence[_Item]) -> str:
    """Ports by name; many as their number."""
    count = sum(item.count for item in items)
    if len(items) > _MOST_NAMED and not any(item.open_at for item in items):
        return f"{count:,} ports"
    return named_of_many([item.name for item in items], _MOST_NAMED)


def _sentence(head: str, parts: Iterable[str]) -> str:
    found = "; ".join(parts)
    return f"{head}: {found}." if found else ""
