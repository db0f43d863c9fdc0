"""What the words of a report mean, a line each: verdicts, conditions, who accepts and who answers."""

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

from probe.explain.causes import MEANINGS
from probe.model.binding import Binding, Condition, Owner, Via

VERDICTS: Mapping[Binding, str] = {
    Binding.WILDCARD: "bound to all interfaces (0.0.0.0 or [::])",
    Binding.SPECIFIC: "bound to the addresses shown, and not to the others",
    Binding.LOOPBACK: "bound to 127.0.0.1 or ::1 only, and known to run",
    Binding.NOT_LISTENING: "nothing listens, by evidence of the target itself",
    Binding.LOOPBACK_OR_NOT_LISTENING: "refused by the host everywhere: on loopback, or not running",
    Binding.UNDETERMINED: "several explanations are left, and none is likely enough",
}
CONDITIONS: Mapping[Condition, str] = {
    Condition.CLEAR: "nothing in the way",
    Condition.DROPPED: "a filter drops the probes",
    Condition.REJECTED: "a filter answers with an error or a forged reset",
    Condition.NO_ROUTE: "this machine has no route",
    Condition.NOT_FORWARDED: "the router in front does not forward the port",
    Condition.TUNNEL_DOWN: "the tunnel is off, has no session, or may not carry the address",
    Condition.HOST_DOWN: "no host has the address",
    Condition.MTU_BLACK_HOLE: "small packets pass, full ones vanish",
    Condition.INTERCEPTED: "a box on the way, or a program here, answers for the host",
    Condition.LOCAL_FIREWALL: "this machine's own filter stops the packets",
    Condition.WRONG_ROUTE: "packets for a VPN address do not take its tunnel",
    Condition.WRONG_HOST: "another machine answers",
    Condition.HAIRPIN: "the router forwards from inside, but answers come back untranslated",
    Condition.LINK_DOWN: "this machine's own link has no carrier or is off",
    Condition.OFF_NETWORK: "a private address that no link of this machine leads to",
    Condition.THIS_MACHINE: "the prober's own address: no firewall was met",
    Condition.TURNED_AWAY: "the program accepts, and refuses this machine itself",
    Condition.CHANGED: "asked again, it answered otherwise: run the scan again",
    Condition.RATE_LIMITED: "ICMP errors are rate-limited: a silence may be one held back",
    Condition.UNKNOWN: "not enough came back to say",
}
VIAS: Mapping[Via, str] = {
    Via.DIRECT: "a socket of the host",
    Via.FORWARD: "a container or another host behind the address (NAT)",
    Via.PROXY: "a box that completes connections in its name",
    Via.GATEWAY: "the router or load balancer that has the address",
    Via.VPN_PROGRAM: "a userspace VPN program that connects to 127.0.0.1 for its peers",
    Via.SEVERAL: "different services on different addresses",
    Via.UNKNOWN: "not shown",
}
OWNERS: Mapping[Owner, str] = {
    Owner.TARGET: "the target itself",
    Owner.GATEWAY: "a router, load balancer or CDN in front",
    Owner.OTHER_MACHINE: "another machine: its answers show nothing of the target",
    Owner.THIS_MACHINE: "the prober itself",
    Owner.VPN_PROGRAM: "a userspace VPN program: services on loopback are open there too",
    Owner.UNKNOWN: "not shown",
}
# What a list of ports may be, as `-p` takes it.
PORT_LISTS: Mapping[str, str] = {
    "22,80,443": "ports",
    "8000-8010": "a range",
    "all": "1 to 65535; - means the same",
    "-100": "1 to 100; 65530- up to 65535",
    "http,ssh": "names of services",
    "53/udp": "a port of UDP",
    "T:22,U:53,123": "the letter holds until the next one",
}
_Word = TypeVar("_Word", bound=StrEnum)


def _plain(meanings: Mapping[_Word, str]) -> Mapping[str, str]:
    return {str(word): meaning for word, meaning in meanings.items()}


# What `bindprobe help` explains: by topic, sections of words and their meanings.
TOPICS: Mapping[str, Mapping[str, Mapping[str, str]]] = {
    "verdicts": {"What a port is bound to (verdict)": _plain(VERDICTS), "Who accepts (via)": _plain(VIAS)},
    "conditions": {
        "What is in the way": _plain(CONDITIONS),
        "Who answers on an address (owner)": _plain(OWNERS),
    },
    "causes": {"Why an address does not answer (bindprobe doctor)": _plain(MEANINGS)},
    "ports": {"Port lists (-p)": PORT_LISTS},
}
