"""Every kind of answer that three hosts can give, as a table; `errors_world` builds them.

prober 10.77.1.2 fd77:1::2 --- router --- target 10.77.2.2 fd77:2::2
"""

from dataclasses import dataclass
from ipaddress import ip_address

from probe.model.probing import Question
from probe.model.target import Port, Protocol

TARGET, TARGET6 = "10.77.2.2", "fd77:2::2"
ROUTER, ROUTER6 = "10.77.1.1", "fd77:1::1"
OWN, OWN6 = "10.77.1.2", "fd77:1::2"
LINK_LOCAL = "fe80::77%pr0"  # the router's

HOLD, GREET, CLOSE, RESET, ANSWER = 3000, 3001, 3002, 3003, 3004

REJECTS4 = {
    2101: "icmp type net-unreachable",
    2102: "icmp type host-unreachable",
    2103: "icmp type prot-unreachable",
    2104: "icmp type port-unreachable",
    2105: "icmp type net-prohibited",
    2106: "icmp type host-prohibited",
    2107: "icmp type admin-prohibited",
}
REJECTS6 = {
    2201: "icmpv6 type no-route",
    2202: "icmpv6 type admin-prohibited",
    2203: "icmpv6 type addr-unreachable",
    2204: "icmpv6 type port-unreachable",
    2205: "icmpv6 type policy-fail",
    2206: "icmpv6 type reject-route",
}
TARGET_RULES = [
    *(f"meta nfproto ipv4 th dport {port} reject with {how}" for port, how in REJECTS4.items()),
    *(f"meta nfproto ipv6 th dport {port} reject with {how}" for port, how in REJECTS6.items()),
    "tcp dport 2301 reject with tcp reset",
    "th dport 2302 drop",
]
ROUTER_RULES = [
    "th dport 2303 reject with icmpx type admin-prohibited",
    "tcp dport 2304 reject with tcp reset",
]
PROBER_RULES = ["th dport 2305 reject with icmpx type admin-prohibited", "th dport 2306 drop"]


@dataclass(frozen=True)
class ErrorCase:
    """One question, and what its replies must show. `reason` None: silence."""

    name: str
    address: str
    port: int
    reason: str | None
    sender: str | None = None
    icmp: tuple[int, int] | None = None
    protocol: Protocol = Protocol.TCP
    send_ttl: int | None = None
    min_ttl: int | None = None
    ttl: int | None = None
    aftermath: str | None = None

    def question(self) -> Question:
        """What to ask."""
        port = Port(self.protocol, self.port)
        return Question(ip_address(self.address), port, ttl=self.send_ttl, min_ttl=self.min_ttl)

    def expected(self) -> dict[str, object] | None:
        """The reply in the form in which the script prints it."""
        if self.reason is None:
            return None
        keys = ("reason", "sender", "ttl", "aftermath")
        return {key: getattr(self, key) for key in keys} | {"icmp": list(self.icmp) if self.icmp else None}


TCP, UDP = Protocol.TCP, Protocol.UDP


def _both(name: str, port: int, reason: str, sender: str, icmp: tuple[int, int]) -> list[ErrorCase]:
    """One row for TCP and one for UDP: an ICMP error is the same for both."""
    address = TARGET6 if ":" in sender else TARGET
    rows = ((f"{name} {protocol}", protocol) for protocol in (TCP, UDP))
    return [ErrorCase(label, address, port, reason, sender, icmp, protocol) for label, protocol in rows]


CASES: tuple[ErrorCase, ...] = (
    *_both("net-unreachable", 2101, "net-unreach", TARGET, (3, 0)),
    *_both("host-unreachable", 2102, "host-unreach", TARGET, (3, 1)),
    *_both("prot-unreachable", 2103, "proto-unreach", TARGET, (3, 2)),
    *_both("port-unreachable", 2104, "port-unreach", TARGET, (3, 3)),
    *_both("net-prohibited", 2105, "net-prohibited", TARGET, (3, 9)),
    *_both("host-prohibited", 2106, "host-prohibited", TARGET, (3, 10)),
    *_both("admin-prohibited", 2107, "admin-prohibited", TARGET, (3, 13)),
    *_both("no-route 6", 2201, "net-unreach", TARGET6, (1, 0)),
    *_both("admin-prohibited 6", 2202, "admin-prohibited", TARGET6, (1, 1)),
    *_both("addr-unreachable 6", 2203, "host-unreach", TARGET6, (1, 3)),
    *_both("port-unreachable 6", 2204, "port-unreach", TARGET6, (1, 4)),
    *_both("policy-fail 6", 2205, "admin-prohibited", TARGET6, (1, 5)),
    *_both("reject-route 6", 2206, "net-prohibited", TARGET6, (1, 6)),
    *_both("the router's", 2303, "admin-prohibited", ROUTER, (3, 13)),
    *_both("the router's 6", 2303, "admin-prohibited", ROUTER6, (1, 1)),
    *_both("our own firewall's", 2305, "admin-prohibited", OWN, (3, 13)),
    *_both("our own firewall's 6", 2305, "admin-prohibited", OWN6, (1, 1)),
    ErrorCase("closed", TARGET, 1, "reset", TARGET),
    ErrorCase("closed 6", TARGET6, 1, "reset", TARGET6),
    ErrorCase("closed, link-local", LINK_LOCAL, 1, "reset", LINK_LOCAL),
    ErrorCase("closed udp", TARGET, 1, "port-unreach", TARGET, (3, 3), UDP),
    ErrorCase("closed udp 6", TARGET6, 1, "port-unreach", TARGET6, (1, 4), UDP),
    ErrorCase("closed udp, link-local", LINK_LOCAL, 1, "port-unreach", LINK_LOCAL, (1, 4), UDP),
    ErrorCase("reset by the target's filter", TARGET, 2301, "reset", TARGET),
    ErrorCase("reset by the router", TARGET, 2304, "reset", TARGET),
    ErrorCase("dropped", TARGET, 2302, None),
    ErrorCase("dropped 6", TARGET6, 2302, None),
    ErrorCase("dropped udp", TARGET, 2302, None, protocol=UDP),
    ErrorCase("dropped by our own firewall", TARGET, 2306, None),
    ErrorCase("dropped by our own firewall udp", TARGET, 2306, "admin-prohibited", OWN, protocol=UDP),
    ErrorCase("dropped by our own firewall udp 6", TARGET6, 2306, "admin-prohibited", OWN6, protocol=UDP),
    ErrorCase("open, holds", TARGET, HOLD, "syn-ack", TARGET, aftermath="held"),
    ErrorCase("open, holds 6", TARGET6, HOLD, "syn-ack", TARGET6, ttl=63, aftermath="held"),
    ErrorCase("open, greets", TARGET, GREET, "syn-ack", TARGET, aftermath="spoke"),
    ErrorCase("open, closes", TARGET, CLOSE, "syn-ack", TARGET, aftermath="closed"),
    ErrorCase("open, resets", TARGET, RESET, "syn-ack", TARGET, aftermath="reset"),
    ErrorCase("answers udp", TARGET, ANSWER, "udp-response", TARGET, protocol=UDP, ttl=63),
    ErrorCase("answers udp 6", TARGET6, ANSWER, "udp-response", TARGET6, protocol=UDP, ttl=63),
    ErrorCase("ttl 1", TARGET, HOLD, "time-exceeded", ROUTER, (11, 0), send_ttl=1),
    ErrorCase("ttl 1, 6", TARGET6, HOLD, "time-exceeded", ROUTER6, (3, 0), send_ttl=1),
    ErrorCase("ttl 1 udp", TARGET, ANSWER, "time-exceeded", ROUTER, (11, 0), UDP, send_ttl=1),
    ErrorCase("ttl 1 udp 6", TARGET6, ANSWER, "time-exceeded", ROUTER6, (3, 0), UDP, send_ttl=1),
    ErrorCase("ttl 2", TARGET, 1, "reset", TARGET, send_ttl=2),
    ErrorCase("reset, at least 63", TARGET, 1, "reset", TARGET, min_ttl=63),
    ErrorCase("reset, at least 64", TARGET, 1, None, min_ttl=64),
    ErrorCase("reset 6, at least 63", TARGET6, 1, "reset", TARGET6, min_ttl=63),
    ErrorCase("reset 6, at least 64", TARGET6, 1, None, min_ttl=64),
    ErrorCase("nearer reset, at least 64", TARGET, 2304, "reset", TARGET, min_ttl=64),
    ErrorCase("nearer reset 6, at least 64", TARGET6, 2304, "reset", TARGET6, min_ttl=64),
    ErrorCase("syn-ack, at least 63", TARGET, HOLD, "syn-ack", TARGET, min_ttl=63, aftermath="held"),
    ErrorCase("syn-ack, at least 64", TARGET, HOLD, None, min_ttl=64),
    ErrorCase(
        "syn-ack 6, at least 63", TARGET6, HOLD, "syn-ack", TARGET6, min_ttl=63, ttl=63, aftermath="held"
    ),
    ErrorCase("syn-ack 6, at least 64", TARGET6, HOLD, None, min_ttl=64),
    ErrorCase("udp, at least 63", TARGET, ANSWER, "udp-response", TARGET, protocol=UDP, min_ttl=63, ttl=63),
    ErrorCase("udp, at least 64", TARGET, ANSWER, None, protocol=UDP, min_ttl=64),
    ErrorCase("nobody on the link", "10.77.1.77", 1, "host-unreach", OWN, (3, 1)),
    ErrorCase("nobody on the link 6", "fd77:1::77", 1, "host-unreach", OWN6, (1, 3)),
    ErrorCase("nobody on the router's link", "10.77.2.77", 1, "host-unreach", ROUTER, (3, 1)),
    ErrorCase("nobody on the router's link 6", "fd77:2::77", 1, "host-unreach", ROUTER6, (1, 3)),
    ErrorCase("the router has no route", "10.95.0.1", 1, "net-unreach", ROUTER, (3, 0)),
    ErrorCase("no route", "10.96.0.1", 1, "no-route"),
    ErrorCase("no route 6", "fd96::1", 1, "no-route"),
    ErrorCase("no route udp", "10.96.0.1", 1, "no-route", protocol=UDP),
    ErrorCase("blackhole route", "10.97.0.1", 1, "no-route"),
    ErrorCase("prohibit route", "10.98.0.1", 1, "admin-prohibited", "127.0.0.1"),
    ErrorCase("unreachable route", "10.99.0.1", 1, "no-route"),
    ErrorCase("link-local without its link", "fe80::77", 1, "no-route"),
    ErrorCase("link-local, no such link", "fe80::77%nope0", 1, "no-route"),
)
