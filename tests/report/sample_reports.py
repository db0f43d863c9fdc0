"""Reports made by hand, as small as a test needs them."""

from collections.abc import Sequence
from ipaddress import ip_address
from typing import Any

import msgspec

from probe.model.advice import Advice, AdviceRule, NextTest, NextTestRule, Rival, RivalRule, severity_of
from probe.model.binding import Binding, BoundBy, Candidate, Condition, Proof, Served
from probe.model.evidence import AddressEvidence, AddressRule, EvidenceRule, PortEvidence, Purpose
from probe.model.greeting import Greeting
from probe.model.identity import Key, KeyKind
from probe.model.probing import Origin, PurposeRule, Reason, Shape, State, state_of
from probe.model.report import (
    AddressReport,
    ObservationReport,
    PortReport,
    ProbeReport,
    Report,
    RestReport,
    Stats,
    Vantage,
)
from probe.model.target import Protocol

LAN, VPN, PUBLIC = ("lan", "192.168.77.10"), ("vpn", "10.88.0.10"), ("public", "203.0.113.10")
THREE = (LAN, VPN, PUBLIC)
SIX = (
    *THREE,
    ("lan", "fd77:1234:5678:9abc:def0:1234:5678:9abc"),
    ("vpn", "fd88::10"),
    ("public", "2001:db8:113::10"),
)
EIGHT = (*SIX, ("office", "10.1.2.3"), ("lab", "fe80::1%eth0"))


def state(reason: Reason, protocol: Protocol) -> State | None:
    return state_of(reason, protocol, from_target=True)


def observation(
    place: tuple[str, str], reason: Reason = Reason.SYN_ACK, protocol: Protocol = Protocol.TCP, **more: Any
) -> ObservationReport:
    fields = {"condition": Condition.CLEAR, "attempts": 1, "rtt_ms": 0.5, "ttl": 64} | more
    realm, address = place
    return ObservationReport(
        address=address, realm=realm, state=state(reason, protocol), reason=reason, **fields
    )


def address(place: tuple[str, str], condition: Condition = Condition.CLEAR, **more: Any) -> AddressReport:
    realm, text = place
    return AddressReport(
        address=text, realm=realm, family=6 if ":" in text else 4, condition=condition, **more
    )


def port(
    number: int,
    reasons: Sequence[Reason],
    binding: Binding = Binding.WILDCARD,
    places: Sequence[tuple[str, str]] = THREE,
    **more: Any,
) -> PortReport:
    fields = {
        "protocol": Protocol.TCP,
        "confidence": 0.9,
        "candidates": (Candidate(binding=Binding.WILDCARD, probability=1.0),),
        "why": f"why of {binding}",
    } | more
    answers = tuple(
        observation(place, reason, fields["protocol"]) for place, reason in zip(places, reasons, strict=True)
    )
    return PortReport(port=number, binding=binding, **{"observations": answers} | fields)


def rest(ports: str, reason: Reason = Reason.RESET, **more: Any) -> RestReport:
    fields = {
        "protocol": Protocol.TCP,
        "binding": Binding.NOT_LISTENING,
        "confidence": 0.95,
        "candidates": (Candidate(binding=Binding.NOT_LISTENING, probability=1.0),),
        "observations": tuple(observation(place, reason) for place in THREE),
    } | more
    return RestReport(ports=ports, **fields)


def report(
    ports: Sequence[PortReport] = (), places: Sequence[tuple[str, str]] = THREE, **more: Any
) -> Report:
    fields = {
        "version": "0.1.0",
        "started": "2026-11-22T05:00:00Z",
        "elapsed_s": 0.8,
        "engine": "connect",
        "vantage": Vantage(name="laptop"),
        "addresses": tuple(map(address, places)),
        "stats": Stats(sent=30, answered=28, resent=2, rate_reached=37.5),
    } | more
    return Report(ports=tuple(ports), **fields)


def advice(rule: AdviceRule, text: str, **more: Any) -> Advice:
    return Advice(rule=rule, severity=severity_of(rule), text=text, **more)


WHOSE_RESET = Purpose(rule=PurposeRule.WHOSE_RESET, text="whose reset?")
BY_DEVICE = Purpose(rule=PurposeRule.ADDRESS_OR_DEVICE, text="bound to the device?")
TO_COMPARE = Purpose(rule=PurposeRule.MARKS_OF_CONTROLS, text="to compare with")


def probe(
    place: tuple[str, str], reason: Reason = Reason.RESET, shape: Shape = Shape.OPENING, **more: Any
) -> ProbeReport:
    fields = {"why": WHOSE_RESET, "attempts": 1} | more
    return ProbeReport(address=place[1], probe=shape, reason=reason, **fields)


OPEN, RESET, SILENT, ADMIN = Reason.SYN_ACK, Reason.RESET, Reason.NO_RESPONSE, Reason.ADMIN_PROHIBITED

LOOPBACK_OR_NOTHING = port(
    5432,
    (RESET, RESET, RESET),
    Binding.LOOPBACK_OR_NOT_LISTENING,
    service="postgresql",
    confidence=0.92,
    candidates=(
        Candidate(binding=Binding.NOT_LISTENING, probability=0.52),
        Candidate(binding=Binding.LOOPBACK, probability=0.4),
        Candidate(binding=Binding.SPECIFIC, bound_to=(ip_address("192.168.77.11"),), probability=0.08),
    ),
    evidence=(
        PortEvidence(
            rule=EvidenceRule.REFUSED,
            addresses=tuple(text for _, text in THREE),
            origin=Origin.HOST,
            text="refused by the host itself",
        ),
    ),
    rivals=(
        Rival(
            rule=RivalRule.CANDIDATE,
            binding=Binding.SPECIFIC,
            bound_to=("192.168.77.11",),
            probability=0.08,
            text="bound to 192.168.77.11 only (8.0%)",
        ),
    ),
    next_tests=(
        NextTest(rule=NextTestRule.LIST_SOCKETS, command="ss -tlnp", text="on the target: ss -tlnp"),
    ),
    advice=(
        advice(
            AdviceRule.PERHAPS_BOUND_TO_LOOPBACK,
            "5432/tcp (postgresql) is not reachable: if it runs, bind it elsewhere",
        ),
    ),
)
WILDCARD = port(8000, (OPEN, OPEN, OPEN), service="http-alt", confidence=0.9998, families=(4,))
SPECIFIC = port(9000, (OPEN, RESET, RESET), Binding.SPECIFIC, bound_to=("192.168.77.10",), confidence=0.98)
UNDETERMINED = port(22, (SILENT, ADMIN, Reason.NOT_SENT), Binding.UNDETERMINED, service="ssh", confidence=0.0)

TYPICAL = report(
    [UNDETERMINED, LOOPBACK_OR_NOTHING, WILDCARD, SPECIFIC],
    addresses=(
        address(LAN, name="server.example"),
        address(
            VPN,
            Condition.TUNNEL_DOWN,
            evidence=(AddressEvidence(rule=AddressRule.TUNNEL_STALE, text="no handshake for an hour"),),
            advice=(advice(AdviceRule.TUNNEL_DOWN, "bring the tunnel up"),),
        ),
        address(PUBLIC),
    ),
)
LARGE = report([WILDCARD], rest=(rest("1-21,23-79,90-4000,5000"), rest("53,67", why="the same")))
EMPTY = report([], stats=None, complete=False)
SHOUTED = Greeting(text="\x1b[2J\u202e", status=200, headers={"server\x07": "\x9b31m\u2066"}, tls=True)
FORGED = Key(kind=KeyKind.TLS, type="x509", fingerprint="\x1b]52;c;YQ==\x07")
EVIL = report(
    [
        port(
            23,
            (OPEN, OPEN, OPEN),
            service="tel\x1b[2Jnet\x9b31m\u202e",
            why="a\nb\x07",
            evidence=(
                PortEvidence(
                    rule=EvidenceRule.PERHAPS_SAME_SERVICE, service="\x1b]0;t\x07", text="\x1b]0;t\x07"
                ),
            ),
            observations=tuple(observation(place, greeting=SHOUTED, keys=(FORGED,)) for place in THREE),
            services=(Served((ip_address("fe80::1%\x1b"),), "\u2028", (Proof.GREETING,)),),
        )
    ]
)
ECHOED = {"tos": 0x68, "reply_ttl": 64, "window": 0}
NEIGHBOUR = {"through": "eth0", "handed_to": "52:54:00:12:34:56"}
RAW = report(
    [
        msgspec.structs.replace(LOOPBACK_OR_NOTHING, probes=(probe(LAN, **ECHOED), probe(VPN, tos=0))),
        port(
            8000,
            (OPEN, OPEN, OPEN),
            observations=tuple(observation(p, raw_only=True if p is VPN else None) for p in THREE),
            probes=(),
        ),
        msgspec.structs.replace(
            SPECIFIC,
            bound_by=BoundBy.DEVICE,
            probes=(probe(VPN, OPEN, ttl=1, why=BY_DEVICE, window=65160, **NEIGHBOUR),),
        ),
    ],
    engine="raw",
    addresses=(
        address(
            LAN,
            link_address="52:54:00:12:34:56",
            probes=(
                probe(LAN, port=1006, protocol=Protocol.TCP, why=TO_COMPARE, **ECHOED),
                probe(LAN, port=18233, protocol=Protocol.TCP, why=TO_COMPARE, **ECHOED),
                probe(LAN, Reason.ARP_RESPONSE, Shape.WHO_HAS, link_address="52:54:00:12:34:56"),
            ),
        ),
        address(VPN, Condition.HAIRPIN, probes=()),
        address(PUBLIC, probes=()),
    ),
)
EVERY = {"raw": RAW, "typical": TYPICAL, "large": LARGE, "empty": EMPTY, "evil": EVIL}
