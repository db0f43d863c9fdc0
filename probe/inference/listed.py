"""What the target's own list of sockets shows of a port, and how that compares with what was concluded.

A listed socket is a fact of what the port is bound to. Who accepts is another: what forwards, or another
machine, accepts where no listed socket does, and a firewall hides one that is there.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from ipaddress import ip_address

from probe.model.binding import INSEPARABLE, Binding, Owner
from probe.model.evidence import EvidenceRule, PortEvidence
from probe.model.facts import AddressSurvey
from probe.model.probing import State
from probe.model.sockets import (
    IPV4,
    IPV6,
    ConfirmOutcome,
    Contradiction,
    ListedBinding,
    Listener,
    SocketTable,
)
from probe.model.target import IPAddress, Port, in_order
from probe.model.verdict import PortVerdict, Verdict

_LOOPBACK_DEVICE = frozenset({"lo", "lo0"})
_OWN = frozenset({Owner.TARGET, Owner.UNKNOWN})


class Listed:
    """The list, port by port.

    Where something accepts, and the list has no socket of any port that does, it is cut short or another
    machine's: then it shows what is there, and nothing by what is not.
    """

    def __init__(self, table: SocketTable, surveys: Sequence[AddressSurvey]) -> None:
        self._table = table
        self._probed = frozenset(survey.address.ip for survey in surveys)
        self._accepted: dict[Port, set[IPAddress]] = {}
        self._refused: dict[Port, set[IPAddress]] = {}
        for survey in surveys:
            for port, observation in survey.tested().items():
                if observation.state is State.OPEN:
                    self._accepted.setdefault(port, set()).add(survey.address.ip)
                elif observation.state is State.CLOSED:
                    self._refused.setdefault(port, set()).add(survey.address.ip)

    @cached_property
    def _by_port(self) -> Mapping[Port, Sequence[Listener]]:
        found: dict[Port, list[Listener]] = {}
        for one in self._table.listeners:
            found.setdefault(Port(one.protocol, one.port), []).append(one)
        return found

    def accepted_on(self, port: Port) -> Collection[IPAddress]:
        """The addresses that accepted."""
        return self._accepted.get(port, ())

    def truth(self, port: Port) -> ListedBinding | None:
        """What the port is bound to; None where the list does not show it.

        Sockets win over what a container engine publishes: its own proxy listens as one.
        """
        found = self._by_port.get(port, ())
        sockets = [one for one in found if one.container is None] or found
        if sockets:
            return self._bound(sockets, found)
        whole = port.protocol in self._table.complete and self.is_of_this_host
        return ListedBinding(binding=Binding.NOT_LISTENING) if whole else None

    def covers(self, port: Port, truth: ListedBinding) -> frozenset[IPAddress]:
        """The probed addresses that the socket takes connections to.

        Those of a device whose addresses are not listed are the ones that accept.
        """
        if truth.binding is Binding.WILDCARD:
            return frozenset(ip for ip in self._probed if ip.version in truth.families)
        if truth.device is not None and not truth.bound_to:
            return frozenset(self.accepted_on(port))
        return frozenset(map(ip_address, truth.bound_to)) & self._probed

    @property
    def is_of_this_host(self) -> bool:
        """Whether the list may be the target's: it has a socket of a port that accepts, if any does."""
        return not self._accepted or any(port in self._by_port for port in self._accepted)

    def _bound(self, sockets: Sequence[Listener], found: Sequence[Listener]) -> ListedBinding:
        binding, bound_to, families, device = self._binding(sockets)
        process = next((one for one in sockets if one.process is not None), sockets[0])
        return ListedBinding(
            binding=binding,
            bound_to=tuple(map(str, in_order(bound_to))),
            families=families,
            device=device,
            process=process.process,
            pid=process.pid,
            container=next((one.container for one in found if one.container), None),
            tool=sockets[0].tool,
            lines=tuple(dict.fromkeys(one.line for one in found)),
        )

    def _binding(
        self, sockets: Sequence[Listener]
    ) -> tuple[Binding, frozenset[IPAddress], tuple[int, ...], str | None]:
        """Binding, addresses, families and device of all sockets of a port together."""
        everywhere = [one for one in sockets if one.ip is None and one.device is None]
        if everywhere:
            return Binding.WILDCARD, frozenset(), self._families(everywhere), None
        inside = [one for one in sockets if not _is_loopback(one)]
        left = inside or sockets
        families = self._families(left)
        if not inside:
            return Binding.LOOPBACK, frozenset(), families, None
        device = next((one.device for one in left if one.ip is None), None)
        bound_to = frozenset(ip for one in left for ip in self._addresses(one))
        return Binding.SPECIFIC, bound_to, families, device

    def _families(self, sockets: Sequence[Listener]) -> tuple[int, ...]:
        """IP versions that sockets of one port take: an IPv6 one IPv4 too, unless that is refused."""
        found: set[int] = set()
        for one in sockets:
            port = Port(one.protocol, one.port)
            only_v6 = any(ip.version == IPV4 for ip in self._refused.get(port, ())) and not any(
                ip.version == IPV4 for ip in self.accepted_on(port)
            )
            found.update(one.families or ((IPV6,) if only_v6 else (IPV4, IPV6)))
        return tuple(sorted(found))

    def _addresses(self, one: Listener) -> Iterator[IPAddress]:
        """The addresses that a socket is bound to: its own, or those of its device."""
        if one.ip is not None:
            yield one.ip
            return
        for text, interface in self._table.addresses.items():
            ip = ip_address(text)
            if interface == one.device and ip.version in (one.families or (IPV4, IPV6)):
                yield ip


def _is_loopback(one: Listener) -> bool:
    return one.device in _LOOPBACK_DEVICE or (one.ip is not None and one.ip.is_loopback)


# --- beside what was concluded from outside ---


def compared(outside: Verdict, joined: Verdict, listed: Listed) -> Verdict:
    """The verdict with the list joined, and how each port of it compares with the one from outside alone."""
    owners = {one.address.ip: one.owner for one in outside.addresses}
    pairs = zip(outside.ports, joined.ports, strict=True)
    return replace(joined, ports=tuple(_compared(before, after, listed, owners) for before, after in pairs))


def _compared(
    before: PortVerdict, after: PortVerdict, listed: Listed, owners: Mapping[IPAddress, Owner]
) -> PortVerdict:
    truth = listed.truth(after.port)
    if truth is None:
        return replace(after, outcome=ConfirmOutcome.UNSEEN)
    covers = listed.covers(after.port, truth)
    elsewhere = [ip for ip in listed.accepted_on(after.port) if ip not in covers and owners[ip] in _OWN]
    evidence = [_evidence(truth)]
    outcome = ConfirmOutcome.CONTRADICTED if elsewhere else _outcome(before, truth, covers)
    if outcome is ConfirmOutcome.CONTRADICTED:
        hidden = covers - frozenset(listed.accepted_on(after.port))
        evidence.append(_contradiction(elsewhere, hidden, this_host=listed.is_of_this_host))
    return replace(after, truth=truth, outcome=outcome, evidence=(*evidence, *after.evidence))


def _outcome(before: PortVerdict, truth: ListedBinding, covers: frozenset[IPAddress]) -> ConfirmOutcome:
    if before.binding is Binding.UNDETERMINED:
        return ConfirmOutcome.SHARPENED
    if before.binding is Binding.LOOPBACK_OR_NOT_LISTENING:
        hidden = truth.binding is Binding.SPECIFIC and not covers  # bound to an address that was not probed
        return (
            ConfirmOutcome.SHARPENED
            if truth.binding in INSEPARABLE or hidden
            else ConfirmOutcome.CONTRADICTED
        )
    same = before.binding is truth.binding and frozenset(before.bound_to) in {frozenset(), covers}
    return ConfirmOutcome.CONFIRMED if same else ConfirmOutcome.CONTRADICTED


def _evidence(truth: ListedBinding) -> PortEvidence:
    if not truth.lines:
        return PortEvidence(rule=EvidenceRule.NOT_LISTED)
    return PortEvidence(rule=EvidenceRule.LISTED, option=truth.tool, lines=truth.lines)


def _contradiction(
    elsewhere: Collection[IPAddress], hidden: Collection[IPAddress], *, this_host: bool
) -> PortEvidence:
    """Why, most likely, and where: accepted without a socket, or not reached though there is one."""
    kind = Contradiction.FIREWALL
    if elsewhere:
        kind = Contradiction.FORWARDER if this_host else Contradiction.OTHER_HOST
    where = tuple(map(str, in_order(elsewhere or hidden)))
    return PortEvidence(rule=EvidenceRule.UNLIKE_LIST, contradiction=kind, addresses=where)
