"""Worlds that no scenario describes, where several behaviours of one host meet."""

from probe.lab.scenario import Scenario, parse_scenario

ALL = ["lan", "lan6", "vpn", "vpn6", "public", "public6"]
FOUR = ["lan", "vpn", "public"]
DUAL = {"port": 80, "bind": "::"}
UDP = {"port": 53, "bind": "::", "protocol": "udp", "serves": "answer"}
UDP_LAN = {"port": 54, "bind": "lan", "protocol": "udp", "serves": "answer"}
PORTS = "80,81,U:53,U:54"
ACTIONS = {
    80: "reset",
    81: "port-unreach",
    82: "host-unreach",
    83: "net-unreach",
    84: "proto-unreach",
    85: "admin-prohibited",
    86: "host-prohibited",
    87: "drop",
}


def every_action(segment: str | None = None, **more: object) -> list[dict[str, object]]:
    """A rule for each action, on a port of its own."""
    more = more if segment is None else {"segment": segment, **more}
    protocols = ("T",) if segment else ("T", "U")
    return [
        {"action": action, "ports": ",".join(f"{p}:{number}" for p in protocols), **more}
        for number, action in ACTIONS.items()
    ]


EVERY = {"scan": {"ports": "80-87"}}
EVERY_UDP = {"scan": {"ports": "U:80-87"}}
OPEN_EVERYWHERE = [{"port": number, "bind": "::"} for number in ACTIONS]
# On every address, on the LAN's, on loopback: alive, and with nothing behind. Nobody publishes the last port.
PUBLISHED = [
    {"port": 80},
    {"port": 81, "address": "lan"},
    {"port": 82, "address": "127.0.0.1"},
    {"port": 83, "alive": False},
    {"port": 84, "address": "lan", "alive": False},
    {"port": 85, "address": "127.0.0.1", "alive": False},
]

WORLDS: dict[str, dict[str, object]] = {
    "every action": {"target": {"filter": every_action(), "listen": OPEN_EVERYWHERE}, **EVERY},
    "every action, UDP": {"target": {"filter": every_action()}, **EVERY_UDP},
    "every action on SYNs": {"target": {"filter": every_action("syn"), "listen": OPEN_EVERYWHERE}, **EVERY},
    "every action on SYNs, closed": {"target": {"filter": every_action("syn")}, **EVERY},
    "every action on SYN/ACKs": {
        "target": {"filter": every_action("syn-ack"), "listen": OPEN_EVERYWHERE},
        **EVERY,
    },
    "every action of a router": {
        "addresses": ["public", "public6"],
        "target": {"listen": OPEN_EVERYWHERE},
        "router": {"filter": every_action()},
        **EVERY,
    },
    "every action of a router on SYN/ACKs": {
        "addresses": ["public", "public6"],
        "target": {"listen": OPEN_EVERYWHERE},
        "router": {"filter": every_action("syn-ack")},
        **EVERY,
    },
    "every action of a NAT router": {
        "addresses": ["lan", "public"],
        "target": {"listen": OPEN_EVERYWHERE},
        "router": {"nat": True, "filter": every_action(), "forward": [80, 82, 84]},
        **EVERY,
    },
    "a stealth stack that filters": {
        "target": {"never_resets": True, "filter": every_action(), "listen": OPEN_EVERYWHERE},
        **EVERY,
    },
    "every action on what the prober sends": {
        "addresses": ["lan", "lan6"],
        "prober": {"outgoing": every_action()},
        "target": {"listen": OPEN_EVERYWHERE},
        **EVERY,
    },
    "every action on what the prober sends, UDP": {
        "addresses": ["lan", "lan6"],
        "prober": {"outgoing": every_action()},
        **EVERY_UDP,
    },
    "every action on what the prober receives": {
        "addresses": ["lan", "lan6"],
        "prober": {"incoming": every_action()},
        "target": {"listen": OPEN_EVERYWHERE},
        **EVERY,
    },
    "what the prober receives, some of it": {
        "addresses": ["lan", "vpn6"],
        "prober": {
            "incoming": [
                {"action": "drop", "segment": "syn-ack", "on": ["lan"]},
                {"action": "drop", "ports": "U:53,81", "on": ["vpn"]},
            ]
        },
        "target": {"listen": [DUAL, UDP]},
    },
    "container beside sockets": {
        "addresses": ALL,
        "target": {
            "dnat": [{"port": 80}, {"port": 81, "address": "lan"}, {"port": 82, "alive": False}],
            "listen": [DUAL, UDP],
            "filter": [{"action": "reset", "ports": "80-81"}],
            "ttl": 128,
        },
        "scan": {"ports": "80-82,U:53"},
    },
    "loopback routed, filtered, published": {
        "addresses": ["lan", "vpn"],
        "target": {
            "route_localnet": True,
            "dnat": [{"port": 82}],
            "listen": [
                {"port": 80, "bind": "127.0.0.1"},
                {"port": 81, "bind": "0.0.0.0", "device": "vpn"},
                {"port": 83, "bind": "0.0.0.0"},
                UDP,
            ],
            "filter": [{"action": "admin-prohibited", "ports": "83", "on": ["lan"]}],
        },
        "scan": {"ports": "80-83,U:53"},
    },
    "nobody's VPN address on a host that forwards by a router": {
        "addresses": FOUR,
        "dead": ["vpn"],
        "target": {"dnat": [{"port": 80}], "listen": [DUAL]},
    },
    "Docker beside sockets": {
        "addresses": ALL,
        "target": {"dnat_by": "docker", "dnat": PUBLISHED, "listen": [UDP]},
        "scan": {"ports": "80-86,U:53"},
    },
    "Docker without its proxy, behind a filter": {
        "addresses": ALL,
        "target": {
            "dnat_by": "docker-no-proxy",
            "dnat": PUBLISHED,
            "listen": [UDP],
            "filter": [{"action": "drop", "ports": "80,82"}, {"action": "reset", "ports": "81,83"}],
        },
        "scan": {"ports": "80-86,U:53"},
    },
    "Docker forwards nothing else, and loopback is routed": {
        "addresses": ALL,
        "dead": ["vpn"],
        "target": {
            "dnat_by": "docker",
            "dnat": PUBLISHED,
            "route_localnet": True,
            "filter": [{"action": "admin-prohibited", "ports": "80-81"}],
        },
        "scan": {"ports": "80-86"},
    },
    "UDP servers": {"addresses": ALL, "target": {"listen": [UDP, UDP_LAN]}},
    "devices": {
        "target": {
            "listen": [
                {"port": 80, "bind": "::", "device": "lan"},
                {"port": 81, "bind": "0.0.0.0", "device": "vpn"},
                {"port": 82, "bind": "vpn", "device": "lan"},
                {"port": 83, "bind": "vpn6"},
            ]
        },
        "scan": {"ports": "80-83"},
    },
    "answers of the VPN leave by the LAN": {
        "target": {"listen": [DUAL, UDP], "replies_by": {"vpn": "lan"}},
        "prober": {"strict_reverse_path": True},
    },
    "answers to the LAN leave by the router": {
        "addresses": ["lan", "lan6", "public", "public6"],
        "target": {"listen": [DUAL, UDP], "replies_by": {"lan": "public"}},
        "prober": {"strict_reverse_path": True},
    },
    "a broken hairpin": {
        "addresses": ["lan", "public"],
        "target": {"listen": [DUAL, UDP], "replies_by": {"public": "lan"}},
        "router": {"nat": True, "forward": [80, 81]},
    },
    "a broken hairpin, strictly": {
        "addresses": ["lan", "public"],
        "target": {"listen": [DUAL], "replies_by": {"public": "lan"}},
        "router": {"nat": True, "forward": [80, 81]},
        "prober": {"strict_reverse_path": True},
    },
    "a NAT router that serves": {
        "addresses": ["lan", "public"],
        "target": {"listen": [DUAL]},
        "router": {
            "nat": True,
            "forward": [80],
            "listen": [{"port": 81, "bind": "0.0.0.0"}, {"port": 80, "bind": "public"}, UDP],
            "filter": [{"action": "drop", "ports": "80", "segment": "syn-ack"}],
        },
    },
    "a SYN proxy and a filter": {
        # IPv4 only: nft's proxy takes the checksum of a raw IPv6 packet for wrong unless a network card
        # vouches for it (`nft_synproxy_do_eval` calls `nf_ip_checksum` for both families).
        "addresses": ["public"],
        "target": {"listen": [DUAL]},
        "router": {"syn_proxy": "80-82", "filter": [{"action": "reset", "ports": "82"}]},
        "scan": {"ports": "80-83"},
    },
    "a box that answers all": {
        "addresses": ["lan", "public", "public6"],
        "target": {"listen": [DUAL, UDP], "ttl": 32},
        "router": {"answers_all": True, "filter": [{"action": "drop", "ports": "80"}]},
    },
    "bleached": {
        "addresses": ALL,
        "target": {"listen": [DUAL, UDP], "filter": [{"action": "reset", "ports": "82"}]},
        "links": {"lan": {"bleaches": True}, "public": {"bleaches": True}},
    },
    "queues are full": {
        "target": {
            "listen": [
                {"port": 80, "bind": "::", "serves": "full"},
                {"port": 81, "bind": "lan", "serves": "full"},
            ]
        },
    },
}


def rare_scenario(name: str) -> Scenario:
    """The world of that name, as a scenario."""
    defaults = {
        "about": name,
        "addresses": ["lan", "lan6", "vpn", "vpn6"],
        "scan": {"ports": PORTS},
        "expect": {},
    }
    return parse_scenario(name, {**defaults, **WORLDS[name]})
