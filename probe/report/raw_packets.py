"""Raw packets in words: what was sent, what came back with the header fields that matter, and why."""

from collections.abc import Callable, Iterator, Sequence

from probe.model.probing import DSCP_BITS, MARK_TOS, Reason, Shape
from probe.model.report import AddressReport, ProbeReport
from probe.model.target import Protocol
from probe.report.probes import alike, merged
from probe.report.words import MARKS, Row
from probe.wire.kinds import kind_of

_ANSWERS = {Reason.SYN_ACK: "SYN/ACK", Reason.ARP_RESPONSE: "ARP reply", Reason.ECHO_REPLY: "echo reply"}


def probe_lines(row: Row, addresses: Sequence[AddressReport]) -> Iterator[str]:
    """One line for each raw packet about a port, then those about its addresses, to compare with.

    Controls that answered alike share a line.
    """
    for probe in row.verdict.probes or ():
        yield probe_line(probe, row.verdict.protocol, addresses)
    for address in addresses:
        groups: dict[object, list[ProbeReport]] = {}
        for probe in address.probes or ():
            groups.setdefault((probe.protocol, *alike(probe)), []).append(probe)
        for group in groups.values():
            ports = ", ".join(str(probe.port) for probe in group if probe.port is not None)
            yield probe_line(merged(group), group[0].protocol, addresses, ports)


def probe_line(
    probe: ProbeReport, protocol: Protocol | None, addresses: Sequence[AddressReport], ports: str = ""
) -> str:
    """What was sent where, what came back, and why it was asked; `ports` are named where they are given."""
    realms = {address.address: f"{address.realm} {address.address}" for address in addresses}
    sent = kind_of(probe.probe, protocol or Protocol.TCP).title
    to = realms.get(probe.address, probe.address)
    where = f"{to} at {ports}/{protocol}" if ports else to
    back = ", ".join(part for field_of in _FIELDS if (part := field_of(probe)))
    return f"{sent} to {where}{_way(probe)}: {back} (why: {probe.why.text})"


def _way(probe: ProbeReport) -> str:
    if probe.probe is Shape.WHO_HAS:
        return f" on {probe.through}" if probe.through else ""  # to everybody there
    ttl = "" if probe.ttl is None else f" with TTL {probe.ttl}"
    return ttl if probe.through is None else f"{ttl}, handed to {probe.handed_to} on {probe.through}"


def _reason(probe: ProbeReport) -> str:
    return _ANSWERS.get(probe.reason) or MARKS[probe.reason][1]


def _sender(probe: ProbeReport) -> str | None:
    return f"from {probe.sender}" if probe.sender not in {None, probe.address} else None


def _tos(probe: ProbeReport) -> str | None:
    """Whether the mark of our probe came back: a stack's own reset has it, a filter's has 0."""
    if probe.tos is None:
        return None
    echoed = probe.tos & DSCP_BITS == MARK_TOS & DSCP_BITS
    return f"TOS {probe.tos:#04x} echoed" if echoed else f"TOS {probe.tos:#x}" if probe.tos else "TOS 0"


def _flow_label(probe: ProbeReport) -> str | None:
    if probe.flow_label is None:
        return None
    return f"flow label {probe.flow_label:#x}" if probe.flow_label else "flow label 0"


def _reply_ttl(probe: ProbeReport) -> str | None:
    return None if probe.reply_ttl is None else f"TTL {probe.reply_ttl}"


def _window(probe: ProbeReport) -> str | None:
    """Of a SYN/ACK: 0 there is a middlebox that stalls; a reset's means nothing."""
    return f"window {probe.window}" if probe.reason is Reason.SYN_ACK and probe.window is not None else None


def _link_address(probe: ProbeReport) -> str | None:
    return None if probe.link_address is None else f"by {probe.link_address}"


def _tries(probe: ProbeReport) -> str | None:
    return f"{probe.attempts} tries" if probe.attempts != 1 else None


_FIELDS: Sequence[Callable[[ProbeReport], str | None]] = (
    _reason,
    _sender,
    _tos,
    _flow_label,
    _reply_ttl,
    _window,
    _link_address,
    _tries,
)
