"""The families of made-up hosts: what stands before their addresses, and how their services are bound. Data.

The shares are not taken from the inference's priors, and the inference must not read them. `made_up` draws
the hosts.
"""

from collections.abc import Mapping
from dataclasses import replace
from random import Random

from score.made_up import PORTS, Family, MadeUpHost, Zone, draw_of

TWO_FAMILIES = ("lan", "lan6", "vpn", "public6")

ZONES: Mapping[str, Zone] = {
    "open": Zone(),
    "rules": Zone(rules={"S": 2 / 15, "I": 1 / 15}),
    "few rules": Zone(rules={"S": 0.04, "I": 0.03}),
    "forged rules": Zone(rules={"F": 0.2}),
    "drop, few": Zone("S", (0.1, 0.1)),
    "drop, some": Zone("S", (0.4, 0.4)),
    "drop": Zone("S", (0.7, 0.15)),
    "reject, few": Zone("I", (0.1, 0.1)),
    "reject, some": Zone("I", (0.4, 0.4)),
    "reject": Zone("I", (0.7, 0.15)),
    "reset, few": Zone("F", (0.1, 0.1)),
    "reset, some": Zone("F", (0.4, 0.4)),
    "reset": Zone("F", (0.7, 0.15)),
    "dark": Zone("S"),
    "cloud": Zone("S", (0.6, 0.1), by_router=True),
    "router rejects": Zone("P", (0.6, 0.1), by_router=True),
    "relay": Zone("F", owner="relay", alike=0.15),
    "nat": Zone("R", owner="front", passes=0.4, hops=1, alike=0.4),
    "nat drops": Zone("S", owner="front", passes=0.4, hops=1, alike=0.4),
    "nat of several": Zone("R", owner="front", passes=0.35, to_others=0.25, hops=1, alike=0.4),
    "nat of several drops": Zone("S", owner="front", passes=0.35, to_others=0.25, hops=1, alike=0.4),
    "cdn": Zone("R", owner="front", holds=0.35, hops=4, alike=0.4),
    "vip": Zone("R", owner="front", holds=0.5, hops=1, alike=0.5),
    "box": Zone("S", owner="front", holds=0.3, hops=4, alike=0.4),
}

FAMILIES: Mapping[str, Family] = {
    "plain": Family(
        "no filter at all",
        {
            "wildcard": 3,
            "loopback": 3,
            "nothing": 2,
            "lan": 1,
            "vpn": 1,
            "public": 0.5,
            "lan+vpn": 1,
            "vpn+public": 0.2,
            "lan+public": 0.2,
        },
        {"open": 1},
        tuned=True,
    ),
    "address by address": Family(
        "most services bound to chosen addresses",
        {
            "wildcard": 0.5,
            "loopback": 1,
            "nothing": 1,
            "lan": 3,
            "vpn": 3,
            "public": 1.5,
            "lan+vpn": 2,
            "vpn+public": 0.5,
            "lan+public": 0.5,
        },
        {
            "open": 6,
            "drop, few": 0.75,
            "drop, some": 0.75,
            "reject, few": 0.25,
            "reject, some": 0.25,
            "rules": 1,
            "reset, few": 0.15,
            "reset, some": 0.15,
        },
        tuned=True,
    ),
    "mostly loopback": Family(
        "most services on 127.0.0.1",
        {"wildcard": 1, "loopback": 8, "nothing": 3, "lan": 0.3, "vpn": 0.3, "public": 0.1, "lan+vpn": 0.1},
        {
            "open": 6,
            "drop, few": 0.75,
            "drop, some": 0.75,
            "reject, few": 0.35,
            "reject, some": 0.35,
            "rules": 1.8,
            "reset, few": 0.1,
            "reset, some": 0.1,
        },
        tuned=True,
    ),
    "mixed": Family(
        "something of everything",
        {
            "wildcard": 3,
            "loopback": 3,
            "nothing": 2,
            "lan": 1.2,
            "vpn": 1,
            "public": 0.6,
            "lan+vpn": 0.6,
            "vpn+public": 0.1,
            "lan+public": 0.1,
        },
        {
            "open": 6,
            "drop, few": 0.75,
            "drop, some": 0.75,
            "reject, few": 0.35,
            "reject, some": 0.35,
            "rules": 1.8,
            "reset, few": 0.05,
            "reset, some": 0.05,
        },
        tuned=True,
    ),
    "default drop": Family(
        "nearly every address denies by default",
        {"wildcard": 4, "loopback": 2, "nothing": 2, "lan": 1, "vpn": 0.5, "public": 0.5, "lan+vpn": 0.5},
        {"open": 0.5, "drop, few": 4, "drop, some": 4, "reject, few": 0.5, "reject, some": 0.5, "rules": 0.5},
        tuned=True,
    ),
    "one firewall": Family(
        "one firewall of the host, mostly the same on all addresses, with rules for what is to be reached",
        {"wildcard": 5, "loopback": 2, "nothing": 2, "lan": 1, "vpn": 0.5},
        {"open": 2, "drop": 5, "reject": 2, "few rules": 2},
        everywhere={"S": 0.03, "I": 0.02},
        alike=0.8,
    ),
    "docker": Family(
        "half of the ports are published containers; ufw denies the rest",
        {"docker": 4, "docker on lan": 0.7, "loopback": 2, "nothing": 1.5, "wildcard": 2, "lan": 0.4},
        {"open": 4, "drop": 5, "few rules": 1},
        public={"open": 2, "drop": 4, "cloud": 4},
        alike=0.6,
    ),
    "ipv6": Family(
        "four addresses, two of them IPv6; services of one family",
        {
            "wildcard": 3,
            "wildcard 4": 2.5,
            "wildcard 6": 0.3,
            "loopback": 3,
            "nothing": 2,
            "lan": 0.7,
            "lan6": 0.3,
            "lan+lan6": 0.5,
            "vpn": 0.5,
        },
        {"open": 7, "few rules": 1, "drop": 1.5, "reject": 0.7},
        addresses=TWO_FAMILIES,
    ),
    "forged resets": Family(
        "filters answer with resets of their own",
        {"wildcard": 4, "loopback": 2, "nothing": 2, "lan": 1, "vpn": 0.5, "lan+vpn": 0.3},
        {"open": 3, "reset": 3, "forged rules": 3, "drop": 1},
        alike=0.3,
        sockets_blind=True,
    ),
    "userspace vpn": Family(
        "the VPN's end is a program that connects to 127.0.0.1 for its peers",
        {"wildcard": 4, "loopback": 4, "nothing": 2, "lan": 0.7},
        {"open": 7, "drop": 1.5, "few rules": 1.5},
        vpn={"relay": 6, "open": 3, "drop": 1},
        public={"open": 3, "drop": 4, "cloud": 3},
    ),
    "fronts": Family(
        "the public address is a router's, a VIP or a content network's",
        {"wildcard": 4, "loopback": 2.5, "nothing": 2, "lan": 1, "vpn": 0.5, "lan+vpn": 0.4},
        {"open": 7, "drop": 1.5, "few rules": 1.5},
        public={"nat": 3, "nat drops": 3, "cdn": 1.5, "vip": 1, "box": 1.5},
    ),
    "cloud": Family(
        "a security group before the public address; nothing before the private ones",
        {"wildcard": 4.5, "loopback": 2.5, "nothing": 2, "lan": 1, "public": 0.2},
        {"open": 8, "few rules": 1, "drop": 1},
        public={"cloud": 8, "router rejects": 1, "open": 1},
    ),
    "rootless": Family(
        "rootless containers: a program accepts for them, and closes at once where the container is down",
        {
            "wildcard": 3,
            "closing": 2,
            "lan": 0.6,
            "closing on lan": 0.5,
            "loopback": 2.5,
            "nothing": 2,
            "lan+vpn": 0.2,
        },
        {"open": 8, "few rules": 1, "drop": 1},
    ),
    "udp plain": Family(
        "UDP without a filter",
        {"wildcard": 4, "loopback": 2, "nothing": 3, "lan": 1, "vpn": 0.5},
        {"open": 1},
        protocol="udp",
    ),
    "udp filtered": Family(
        "UDP behind filters",
        {"wildcard": 4, "loopback": 2, "nothing": 3, "lan": 1, "vpn": 0.5},
        {"open": 4, "drop": 4, "reject": 1, "few rules": 1},
        alike=0.4,
        protocol="udp",
    ),
    "several hosts": Family(
        "a router forwards ports of the public address to this host, and others to hosts beside it",
        {"wildcard": 4, "loopback": 2.5, "nothing": 2, "lan": 1, "vpn": 0.3, "lan+vpn": 0.3},
        {"open": 7, "drop": 1.5, "few rules": 1.5},
        public={"nat of several": 5, "nat of several drops": 5},
    ),
    "node ports": Family(
        "a Kubernetes node: forwarded ports on all addresses, daemons on loopback, a security group",
        {"docker": 4, "wildcard": 2.5, "loopback": 3, "nothing": 1.5, "lan": 1},
        {"open": 8, "few rules": 1, "drop": 1},
        public={"cloud": 6, "open": 2, "dark": 1},
    ),
    "allow-lists": Family(
        "filters of the host let the LAN in, from the VPN little, from the internet hardly anything",
        {"wildcard": 5, "closing": 0.7, "loopback": 2, "nothing": 2, "lan": 0.5, "lan+vpn": 0.2},
        {"open": 5, "drop": 5},
        vpn={"drop, few": 4, "drop": 3, "open": 2, "reject": 1},
        public={"drop, few": 6, "dark": 2, "reject, few": 2},
    ),
    "mail relay": Family(
        "behind a stateful firewall: mail on all addresses or the public one, administration on loopback",
        {"wildcard": 3, "loopback": 5, "nothing": 1, "lan": 0.7, "public": 0.8, "lan+public": 0.3},
        {"drop": 5, "open": 3, "few rules": 1},
        public={"drop": 7, "open": 1},
        alike=0.3,
    ),
    "nas": Family(
        "no filter; a program may end the VPN, and a home router has the public address",
        {"wildcard": 7, "loopback": 1.5, "nothing": 1.5, "lan": 1},
        {"open": 9, "few rules": 1},
        vpn={"relay": 3, "open": 6, "drop": 1},
        public={"nat": 4, "nat drops": 4, "dark": 2},
    ),
}


def draw(family: Family, rng: Random, ports: int = PORTS) -> MadeUpHost:
    """Make one host of a family."""
    return draw_of(family, ZONES, rng, ports)


# Worlds of packets have boxes in front at the first hop alone, which forward to the target alone, and only
# memory has VPN programs.
_FRONTS = frozenset({"cdn", "box", "nat of several", "nat of several drops"})
_NOT_IN_WORLD: Mapping[str, frozenset[str]] = {"sim": _FRONTS, "netns": _FRONTS | {"relay"}}


def _without(zones: Mapping[str, float], left_out: frozenset[str]) -> Mapping[str, float]:
    return {name: weight for name, weight in zones.items() if name not in left_out}


# Of each kind of world: the families without the zones that it does not have, where any are left.
IN_WORLD: Mapping[str, Mapping[str, Family]] = {
    "abstract": FAMILIES,
    **{
        world: {
            name: replace(
                one,
                zones=_without(one.zones, left_out),
                public=_without(one.public, left_out),
                vpn=_without(one.vpn, left_out),
            )
            for name, one in FAMILIES.items()
            if not one.public or _without(one.public, left_out)
        }
        for world, left_out in _NOT_IN_WORLD.items()
    },
}
