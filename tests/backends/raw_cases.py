"""What raw probes of each shape bring from real kernels, as a table; `raw_world` asks them.

prober --- lan, vpn --- target, prober --- public --- router --- target; addresses as in `probe.lab.scenario`.
The target listens on port 80 everywhere and on 81 at its LAN address only, and answers datagrams to 53.
"""

from dataclasses import dataclass, field
from typing import Any

from probe.lab.scenario import PROBER_ADDRESSES, ROUTER_ADDRESSES, TARGET_ADDRESSES
from probe.model.probing import Shape
from probe.model.target import Protocol
from probe.wire.packet import MARK_TOS

TCP, UDP = Protocol.TCP, Protocol.UDP
LAN_ONLY, FORGED, DROPPED, PROHIBITED, MUTE = 81, 8001, 8002, 8003, 8004
OWN_DROP, OWN_REJECT, OWN_RESET = 8100, 8101, 8102
HERE = 8200  # the prober's own service, on all its addresses

SCENARIO: dict[str, Any] = {
    "about": "a test",
    "addresses": ["lan", "lan6", "vpn", "vpn6", "public", "public6"],
    "target": {
        "listen": [
            {"port": 80, "bind": "::"},
            {"port": MUTE, "bind": "::"},
            {"port": LAN_ONLY, "bind": "lan"},
            {"port": 53, "bind": "::", "protocol": "udp", "serves": "answer"},
        ],
        "filter": [
            {"action": "reset", "ports": str(FORGED)},
            {"action": "drop", "ports": f"{DROPPED},U:{DROPPED}"},
            {"action": "admin-prohibited", "ports": f"{PROHIBITED},U:{PROHIBITED}"},
        ],
    },
    "scan": {"ports": "80"},
    "expect": {},
}
PROBER_RULES = f"""
table inet own {{
  chain out {{
    type filter hook output priority 0;
    th dport {OWN_DROP} drop
    th dport {OWN_REJECT} reject with icmpx type admin-prohibited
    tcp dport {OWN_RESET} reject with tcp reset
  }}
  chain in {{ type filter hook input priority 0; tcp sport {MUTE} drop; }}
}}
"""


@dataclass(frozen=True)
class RawCase:
    """One question, and what its reply must be. `reason` None: silence.

    `more` are further keys of the reply as `raw_world` prints it. `hop`: the realm whose link the packet is
    handed to, at the target's link-layer address there.
    """

    name: str
    address: str  # a symbol, or a literal
    port: int
    reason: str | None
    sender: str | None = None
    shape: Shape = Shape.OPENING
    protocol: Protocol = TCP
    ttl: int | None = None
    hop: str | None = None
    more: dict[str, Any] = field(default_factory=dict)


def target(symbol: str) -> str:
    """The target's address, or the literal itself."""
    return TARGET_ADDRESSES.get(symbol, symbol)


def _of_family(lan: str, public: str, icmp: tuple[list[int], list[int], list[int]]) -> list[RawCase]:
    """What both families share but for numbers; `icmp`: port unreachable, prohibited, time exceeded."""
    six = lan.endswith("6")
    here, router, own = target(lan), ROUTER_ADDRESSES[public], PROBER_ADDRESSES[lan]
    unreachable, prohibited, exceeded = icmp
    options = {"mss": 1440 if six else 1460, "window_scale": 10, "timestamps": True, "sack": True}
    open_port = {"tos": 0, "labelled": True if six else None, "options": options, "link": "lan"}
    kernels = {"tos": MARK_TOS, "labelled": True if six else None, "window": 0, "link": "lan", "ttl": 64}
    forged = kernels | {"tos": 0, "labelled": False if six else None}
    echoed = {"tos": MARK_TOS, "ttl": 64, "link": "lan"}
    out = {"icmp": exceeded, "ttl": 64, "link": "public"}
    shapes = [(Shape.OPENING, 80), (Shape.ACK, 80), (Shape.FIN, 80), (Shape.ECHO, 0)]
    rows = [
        RawCase("SYN, open", lan, 80, "syn-ack", here, more=open_port),
        RawCase("SYN, closed", lan, 9, "reset", here, more=kernels),
        RawCase("SYN, forged reset", lan, FORGED, "reset", here, more=forged),
        RawCase("SYN, dropped", lan, DROPPED, None),
        RawCase("SYN, prohibited", lan, PROHIBITED, "admin-prohibited", here, more={"icmp": prohibited}),
        RawCase("SYN, routed", public, 80, "syn-ack", target(public), more={"ttl": 63}),
        RawCase("ACK, open", lan, 80, "reset", here, Shape.ACK, more=kernels),
        RawCase("ACK, closed", lan, 9, "reset", here, Shape.ACK, more=kernels),
        RawCase("ACK, forged reset", lan, FORGED, "reset", here, Shape.ACK, more=forged),
        RawCase("ACK, dropped", lan, DROPPED, None, shape=Shape.ACK),
        RawCase("FIN, open", lan, 80, None, shape=Shape.FIN),
        RawCase("FIN, closed", lan, 9, "reset", here, Shape.FIN, more=kernels),
        RawCase("FIN, dropped", lan, DROPPED, None, shape=Shape.FIN),
        RawCase("echo", lan, 0, "echo-reply", here, Shape.ECHO, more=echoed),
        RawCase("UDP, answers", lan, 53, "udp-response", here, protocol=UDP, more={"ttl": 64}),
        RawCase("UDP, closed", lan, 9, "port-unreach", here, protocol=UDP, more={"icmp": unreachable}),
        RawCase("UDP, dropped", lan, DROPPED, None, protocol=UDP),
        RawCase(
            "UDP, prohibited",
            lan,
            PROHIBITED,
            "admin-prohibited",
            here,
            protocol=UDP,
            more={"icmp": prohibited},
        ),
        *(
            RawCase(f"{shape}, TTL 1", public, port, "time-exceeded", router, shape, ttl=1, more=out)
            for shape, port in shapes
        ),
        RawCase("UDP, TTL 1", public, 53, "time-exceeded", router, protocol=UDP, ttl=1, more=out),
        RawCase("TTL 2 is enough", public, 80, "syn-ack", target(public), ttl=2),
        RawCase("our input rules drop the answer", lan, MUTE, "syn-ack", here),
        RawCase("our output rules drop", lan, OWN_DROP, "admin-prohibited", own, more={"icmp": None}),
        RawCase("our output rules drop UDP", lan, OWN_DROP, "admin-prohibited", own, protocol=UDP),
        RawCase(
            "our output rules reject", lan, OWN_REJECT, "admin-prohibited", own, more={"icmp": prohibited}
        ),
        RawCase(
            "our output rules forge a reset", lan, OWN_RESET, "admin-prohibited", own, more={"icmp": None}
        ),
        RawCase("ourselves, open", own, HERE, "syn-ack", own, more={"link": "lo"}),
        RawCase("ourselves, closed", own, 9, "reset", own, more={"link": "lo", "tos": MARK_TOS}),
    ]
    family = " 6" if six else ""
    return [RawCase(**{**_fields(row), "name": row.name + family}) for row in rows]


def _fields(case: RawCase) -> dict[str, Any]:
    return {name: getattr(case, name) for name in RawCase.__dataclass_fields__}


def _of_loopback(here: str, icmp: list[int]) -> list[RawCase]:
    more = {"link": "lo", "link_address": None, "ttl": 64}
    return [
        RawCase(f"loopback, open, {here}", here, HERE, "syn-ack", here, more=more),
        RawCase(f"loopback, closed, {here}", here, 9, "reset", here, more={**more, "tos": MARK_TOS}),
        RawCase(f"loopback, ACK, {here}", here, 9, "reset", here, Shape.ACK, more=more),
        RawCase(f"loopback, FIN, {here}", here, 9, "reset", here, Shape.FIN, more=more),
        RawCase(f"loopback, echo, {here}", here, 0, "echo-reply", here, Shape.ECHO, more=more),
        RawCase(f"loopback, UDP, {here}", here, 9, "port-unreach", here, protocol=UDP, more={"icmp": icmp}),
        RawCase(f"loopback, our own range, {here}", here, 61_000, "reset", here, more=more),
        RawCase(f"loopback, our own range, UDP, {here}", here, 61_000, "port-unreach", here, protocol=UDP),
    ]


def _cross(realm: str, other: str) -> list[RawCase]:
    """Frames handed over on one link for an address of another; TTL 1 forbids the target to forward them."""
    there, on_link = target(other), target(realm)
    kernels = {"tos": MARK_TOS, "ttl": 64, "link": "lan"}
    six = " 6" if other.endswith("6") else ""
    return [
        RawCase(f"cross, open{six}", other, 80, "syn-ack", there, ttl=1, hop=realm, more={"link": "lan"}),
        RawCase(
            f"cross, bound to the link{six}", other, LAN_ONLY, "reset", there, ttl=1, hop=realm, more=kernels
        ),
        RawCase(f"cross, ACK{six}", other, 80, "reset", there, Shape.ACK, ttl=1, hop=realm, more=kernels),
        RawCase(f"cross, FIN{six}", other, 9, "reset", there, Shape.FIN, ttl=1, hop=realm, more=kernels),
        RawCase(
            f"cross, echo{six}", other, 0, "echo-reply", there, Shape.ECHO, ttl=1, hop=realm, more=kernels
        ),
        RawCase(
            f"cross, UDP from the address of the link{six}",
            other,
            53,
            "udp-response",
            on_link,
            protocol=UDP,
            ttl=1,
            hop=realm,
        ),
    ]


_NO_ARP = {"header": None}
CASES: tuple[RawCase, ...] = (
    *_of_family("lan", "public", ([3, 3], [3, 13], [11, 0])),
    *_of_family("lan6", "public6", ([1, 4], [1, 1], [3, 0])),
    *_of_loopback("127.0.0.1", [3, 3]),
    *_of_loopback("::1", [1, 4]),
    *_cross("lan", "vpn"),
    *_cross("lan6", "vpn6"),
    RawCase("cross, to loopback", "127.0.0.1", 80, None, ttl=1, hop="lan"),
    RawCase("who has", "lan", 0, "arp-response", target("lan"), Shape.WHO_HAS, more={"link": "lan"}),
    RawCase("who has the VPN address", "vpn", 0, "arp-response", target("vpn"), Shape.WHO_HAS, hop="lan"),
    RawCase("who has what nobody has", "192.168.77.99", 0, None, shape=Shape.WHO_HAS),
    RawCase("who has, IPv6", "lan6", 0, "not-sent", shape=Shape.WHO_HAS, more=_NO_ARP),
    RawCase("who has, on loopback", "127.0.0.1", 0, "not-sent", shape=Shape.WHO_HAS, more=_NO_ARP),
    RawCase("no route", "10.1.2.3", 80, "no-route"),
    RawCase("no route 6", "fd99::1", 80, "no-route"),
    RawCase("no such link", "fe80::9%nope0", 80, "no-route"),
)  # fmt: skip
