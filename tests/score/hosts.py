"""Made-up hosts as the surveys that a scan of them would bring, and as nmap would report them."""

from collections.abc import Iterator
from functools import cache
from ipaddress import ip_address

from probe.lab.scenario import PROBER_ADDRESSES, TARGET_ADDRESSES, realm_of
from probe.model.facts import AddressSurvey, LinkKind, Route, Trace
from probe.model.probing import (
    MARK_TOS,
    Aftermath,
    Header,
    NextHop,
    Observation,
    Origin,
    PurposeRule,
    Question,
    Reason,
    Role,
    Shape,
    TcpFacts,
)
from probe.model.target import IPAddress, Port, Protocol, TargetAddress
from score.made_up import MadeUpHost, Zone

FIRST_PORT = 8000
CONTROLS = (1006, 18233, 61417)
TRIES = 4
ROUTER = ip_address("198.51.100.1")
_REASONS = {
    "O": Reason.SYN_ACK,
    "B": Reason.SYN_ACK,
    "X": Reason.SYN_ACK,
    "R": Reason.RESET,
    "F": Reason.RESET,
    "S": Reason.NO_RESPONSE,
    "I": Reason.ADMIN_PROHIBITED,
    "P": Reason.ADMIN_PROHIBITED,
}
_OF_UDP = {"O": Reason.UDP_RESPONSE, "R": Reason.PORT_UNREACH, "F": Reason.PORT_UNREACH}
_ORIGINS = {"O": Origin.HOST, "B": Origin.BEHIND}
_STACKS = {same: TcpFacts(1448, 7 if same else 9, timestamps=True, sack=True) for same in (True, False)}
_CARD = "52:54:00:12:34:56"
_MARKED, _PLAIN = Header(tos=MARK_TOS, flow_label=0x8BD75), Header(flow_label=0)


def ip_of(symbol: str) -> IPAddress:
    """The address that a symbol stands for."""
    return ip_address(TARGET_ADDRESSES[symbol])


def port_number(index: int, protocol: str) -> Port:
    """The port of an index."""
    return Port(Protocol(protocol), FIRST_PORT + index)


def surveys_of(host: MadeUpHost, *, raw: bool) -> list[AddressSurvey]:
    """What a scan of the host would measure."""
    return [_survey(host, symbol, host.zones[symbol], raw=raw) for symbol in host.answers]


def _survey(host: MadeUpHost, symbol: str, zone: Zone, *, raw: bool) -> AddressSurvey:
    protocol = host.family.protocol
    tested = [
        observation(
            symbol, port_number(index, protocol), letter, Role.TESTED, alike=host.alike.get(symbol, True)
        )
        for index, letter in enumerate(host.answers[symbol])
    ]
    controls = [
        observation(symbol, Port(Protocol(protocol), number), zone.unused, Role.CONTROL)
        for number in CONTROLS
    ]
    letters = dict(zip(tested, host.answers[symbol], strict=True)) | dict.fromkeys(controls, zone.unused)
    traces = tuple(t for o, letter in letters.items() for t in _traces(o, letter)) if raw else ()
    near = raw and symbol == "lan"
    if near and "vpn" in host.answers and host.claims is not None:
        traces = (*traces, _who_has_the_vpn_address(answered=host.claims))
    return AddressSurvey(
        TargetAddress(ip_of(symbol), realm_of(symbol)),
        (*controls, *tested),
        route=_route(symbol),
        hops=zone.hops if zone.hops is not None else _DISTANCE[realm_of(symbol)],
        reply_ttl=64,
        traces=traces,
        link_address=_CARD if near else None,
    )


_DISTANCE = {"lan": 1, "vpn": 1, "public": 3}
_KINDS = {"lan": LinkKind.ETHERNET, "vpn": LinkKind.TUNNEL, "public": LinkKind.ETHERNET}


def _route(symbol: str) -> Route:
    realm = realm_of(symbol)
    source = ip_address(PROBER_ADDRESSES[symbol])
    return Route(ip_of(symbol), source, realm, _KINDS[realm], 1500, on_link=realm != "public")


@cache
def observation(symbol: str, port: Port, letter: str, role: Role, *, alike: bool = True) -> Observation:
    """What connect() gets. `alike`: an accepted connection has the scale of the host's own."""
    question = Question(ip_of(symbol), port, role)
    udp = port.protocol is Protocol.UDP
    reason = _OF_UDP.get(letter, _REASONS[letter]) if udp else _REASONS[letter]
    if reason is Reason.NO_RESPONSE:
        return Observation(question, reason, attempts=TRIES)
    return Observation(
        question,
        reason,
        attempts=1,
        answered=1,
        rtt=0.01,
        sender=ROUTER if letter == "P" else question.address,
        icmp=(3, 13) if reason is Reason.ADMIN_PROHIBITED else None,
        ttl=64,
        aftermath=Aftermath.CLOSED if letter == "X" else None,
        origin=None if udp else _ORIGINS.get(letter),
        tcp=_STACKS[alike or letter == "B"] if reason is Reason.SYN_ACK else None,
    )


def _traces(seen: Observation, letter: str) -> Iterator[Trace]:
    """What raw packets add: whose reset it is, and whether an ACK comes through where SYNs do not."""
    port, address = seen.question.port, seen.question.address
    if port.protocol is Protocol.UDP:
        return
    if letter in "RF":
        yield _trace(seen.question, Reason.RESET, _MARKED if letter == "R" else _PLAIN, address)
    if letter == "S":
        ack = Question(address, port, seen.question.role, shape=Shape.ACK)
        yield Trace(Observation(ack, Reason.NO_RESPONSE, attempts=3), PurposeRule.WHAT_IS_DROPPED)


def _who_has_the_vpn_address(*, answered: bool) -> Trace:
    """ARP for the VPN address on the LAN."""
    hop = NextHop("lan", ip_address(PROBER_ADDRESSES["lan"]), "ff:ff:ff:ff:ff:ff")
    asked = Question(ip_of("vpn"), Port(Protocol.TCP, 0), Role.CONTROL, shape=Shape.WHO_HAS, hop=hop)
    found = Observation(asked, Reason.NO_RESPONSE, attempts=2)
    if answered:
        header = Header(interface="lan", link_address=_CARD)
        found = Observation(asked, Reason.ARP_RESPONSE, 1, 1, sender=ip_of("vpn"), header=header)
    return Trace(found, PurposeRule.ONE_MACHINE_BY_ARP)


def _trace(question: Question, reason: Reason, header: Header, sender: IPAddress) -> Trace:
    answer = Observation(question, reason, 1, 1, sender=sender, header=header)
    return Trace(answer, PurposeRule.WHOSE_RESET)
