"""The short words that the text formats share: ports, verdicts, marks of reasons, percentages."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from probe.explain.phrases import percent
from probe.model.binding import BLOCKING, UNREACHED, Binding, BoundBy, Via
from probe.model.evidence import AddressEvidence, AddressRule
from probe.model.probing import Reason, State
from probe.model.report import AddressReport, ObservationReport, PortReport, Report, RestReport
from probe.services.port_list import format_ports, parse_ports

# Mark and meaning. Those with `!` are the ones that traceroute prints, as far as it has one.
MARKS: Mapping[Reason, tuple[str, str]] = {
    Reason.SYN_ACK: ("", "the connection was accepted"),
    Reason.UDP_RESPONSE: ("", "a datagram came back"),
    Reason.RESET: ("rst", "TCP reset"),
    Reason.REFUSED: ("ref", "a reset or an ICMP error, this platform does not show which"),
    Reason.NO_RESPONSE: ("*", "no answer"),
    Reason.PORT_UNREACH: ("!U", "ICMP port unreachable"),
    Reason.HOST_UNREACH: ("!H", "ICMP host unreachable"),
    Reason.NET_UNREACH: ("!N", "ICMP network unreachable"),
    Reason.PROTO_UNREACH: ("!P", "ICMP protocol unreachable"),
    Reason.ADMIN_PROHIBITED: ("!X", "ICMP administratively prohibited"),
    Reason.HOST_PROHIBITED: ("!Z", "ICMP host prohibited"),
    Reason.NET_PROHIBITED: ("!Y", "ICMP network prohibited"),
    Reason.TIME_EXCEEDED: ("!T", "ICMP time exceeded"),
    Reason.FRAG_NEEDED: ("!F", "ICMP fragmentation needed"),
    Reason.NO_ROUTE: ("!R", "this machine has no route"),
    Reason.NOT_SENT: ("-", "could not be sent"),
    Reason.ECHO_REPLY: ("", "an ICMP echo reply"),
    Reason.ARP_RESPONSE: ("", "an ARP reply"),
}
RAW_ONLY = ("^", "received by raw packets only, no program on this machine got it")
NOT_MEASURED = "not measured"
_LONGEST_LABEL = 16


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a text format: a port, or a group of ports that share their verdict."""

    label: str  # `5432/tcp`, `1-21,23-79/tcp`, or `1,234 others/tcp` where the list is long
    service: str | None
    ports: str  # the full list
    verdict: PortReport | RestReport

    @property
    def title(self) -> str:
        """The label with the name of the service."""
        return f"{self.label} {self.service}" if self.service else self.label

    @property
    def shortened(self) -> bool:
        """Whether the label does not name these ports."""
        return not self.label.startswith(self.ports)


def rows(report: Report) -> Iterator[Row]:
    """Every port and every group of a report, in its order."""
    for port in report.ports:
        yield port_row(port)
    for group in report.rest or ():
        yield rest_row(group)


def port_row(port: PortReport) -> Row:
    """The row of one port."""
    return Row(f"{port.port}/{port.protocol}", port.service, str(port.port), port)


def rest_row(group: RestReport) -> Row:
    """The row of a group of ports."""
    shown = group.ports
    if len(shown) > _LONGEST_LABEL:
        shown = f"{len(parse_ports(group.ports)):,} others"
    return Row(f"{shown}/{group.protocol}", None, group.ports, group)


def listed_ports(members: Sequence[Row]) -> str:
    """Ports of some rows as ranges; one port alone with its name, a long group by its count."""
    singles = [row for row in members if not row.shortened]
    parts = [row.label for row in members if row.shortened]
    if len(singles) == 1:
        return ", ".join([singles[0].title, *parts])
    for protocol in reversed(dict.fromkeys(row.verdict.protocol for row in singles)):
        ports = ",".join(row.ports for row in singles if row.verdict.protocol is protocol)
        numbers = format_ports(port.number for port in parse_ports(ports))
        parts.insert(0, f"{numbers.replace(',', ', ')}/{protocol}")
    return ", ".join(parts)


def answer(observation: ObservationReport) -> str:
    """State and marks of one answer, such as `closed rst` or `filtered !X`."""
    mark = MARKS[observation.reason][0] + (RAW_ONLY[0] if observation.raw_only else "")
    return f"{observation.state or NOT_MEASURED} {mark}".rstrip()


def answer_on(address: AddressReport, row: Row) -> ObservationReport | None:
    """What one address answered for a row; None where it was not asked."""
    for observation in row.verdict.observations:
        if (observation.vantage, observation.address) == (address.vantage, address.address):
            return observation
    return None


def heading(address: AddressReport) -> tuple[str, ...]:
    """What stands above the answers of an address: realm, address, and why no probe reached it."""
    condition = (f"({address.condition})",) if address.condition in UNREACHED else ()
    return (address.realm, address.address, *vantage_words(address), *condition)


_OF_OWNERS = frozenset(
    {
        AddressRule.GATEWAY_ANSWERS,
        AddressRule.OTHER_MACHINE_ANSWERS,
        AddressRule.VPN_PROGRAM_ANSWERS,
        AddressRule.ASKED_FROM_INSIDE,
    }
)
OWNERS = "Addresses that are not the target's own"


def of_owners(address: AddressReport) -> list[AddressEvidence]:
    """Who answers on an address, where it is not the target."""
    return [one for one in address.evidence if one.rule in _OF_OWNERS]


def of_path(address: AddressReport) -> list[AddressEvidence]:
    """All other evidence of an address, but for the user's word that it is the target's."""
    unsaid = _OF_OWNERS | {AddressRule.TAKEN_AS_ONE_HOST}
    return [one for one in address.evidence if one.rule not in unsaid]


def vantage_words(seen: AddressReport | ObservationReport) -> tuple[str, ...]:
    """From where something was seen, where there are several vantages; else nothing."""
    return () if seen.vantage is None else (f"from {seen.vantage}",)


def place(seen: AddressReport | ObservationReport) -> str:
    """An address with its realm, and from where it was seen if there are several vantages."""
    return " ".join((seen.realm, seen.address, *vantage_words(seen)))


def legend(report: Report) -> str:
    """The meaning of every mark that occurs, in one line; empty where none does."""
    answers = [observation for row in rows(report) for observation in row.verdict.observations]
    used = {observation.reason for observation in answers}
    marks = [MARKS[reason] for reason in MARKS if reason in used]
    marks += [RAW_ONLY] if any(observation.raw_only for observation in answers) else []
    return "; ".join(f"{mark} = {meaning}" for mark, meaning in marks if mark)


_PLAIN_WAYS = frozenset({Via.DIRECT, Via.SEVERAL, Via.UNKNOWN})  # which services, stands elsewhere


def verdict_words(row: Row, addresses: Sequence[AddressReport]) -> str:
    """The binding with what it needs to be read alone: bound addresses, family, forwarding."""
    verdict = row.verdict
    words = str(verdict.binding)
    if verdict.binding is Binding.SPECIFIC and verdict.bound_to:
        words += f": {', '.join(short_names(verdict.bound_to, addresses))}"
        words += " (by device)" if verdict.bound_by is BoundBy.DEVICE else ""
    elif verdict.binding is Binding.WILDCARD and 0 < len(verdict.families) < len(
        {a.family for a in addresses}
    ):
        words += f" (IPv{verdict.families[0]})"
    if verdict.via not in _PLAIN_WAYS:
        words += f" via {verdict.via}"
    return words


def short_names(bound_to: Sequence[str], addresses: Sequence[AddressReport]) -> list[str]:
    """Each address by its realm where the realm has one address only, else the address itself."""
    realms = [address.realm for address in addresses]
    names = {a.address: a.realm for a in addresses if realms.count(a.realm) == 1}
    return [names.get(address, address) for address in bound_to]


def sureness(row: Row) -> str:
    """How sure the verdict is; a dash where there is none."""
    return "-" if row.verdict.binding is Binding.UNDETERMINED else percent(row.verdict.confidence)


def milliseconds(value: float | None) -> str | None:
    """A round-trip time with its unit."""
    return None if value is None else f"{value:g} ms"


# SGR codes (ECMA-48). All else is plain: a colour is a thing to look at.
EXPOSED, BLOCKED, UNSURE = 31, 33, 35


def answer_colour(observation: ObservationReport, row: Row) -> int | None:
    """The colour of an answer: of a service that should stay inside and accepts, and of what is blocked."""
    if observation.state is State.OPEN and getattr(row.verdict, "private", False):
        return EXPOSED
    return BLOCKED if observation.condition in BLOCKING else None


def coloured(text: str, colour: int | None) -> str:
    """The text in a colour, line by line; None: as it is."""
    if colour is None:
        return text
    return "\n".join(f"\x1b[{colour}m{line}\x1b[0m" for line in text.split("\n"))
