"""The true binding of a scenario's ports."""

import pytest

from probe.lab.scenario import address_of, parse_scenario
from probe.lab.truth import Truth, truth
from probe.model.binding import Binding
from probe.model.target import Port, Protocol

ANY = "0.0.0.0"
NAT = {"nat": True, "forward": [80]}

# listeners of port 80 (bind and options), other parts of the scenario, binding, symbols it is bound to
CASES = [
    ([], {}, Binding.NOT_LISTENING, ()),
    ([{"bind": ANY}], {}, Binding.WILDCARD, ()),
    ([{"bind": "::"}], {}, Binding.WILDCARD, ()),
    ([{"bind": "::", "v6only": True}], {}, Binding.WILDCARD, ()),
    ([{"bind": ANY}, {"bind": "lan"}], {}, Binding.WILDCARD, ()),
    ([{"bind": "127.0.0.1"}], {}, Binding.LOOPBACK, ()),
    ([{"bind": "127.0.0.2"}, {"bind": "::1"}], {}, Binding.LOOPBACK, ()),
    ([{"bind": "::ffff:127.0.0.1"}], {}, Binding.LOOPBACK, ()),
    ([{"bind": "lan"}], {}, Binding.SPECIFIC, ("lan",)),
    ([{"bind": "::ffff:192.168.77.10"}], {}, Binding.SPECIFIC, ("lan",)),
    ([{"bind": "lan"}, {"bind": "127.0.0.1"}], {}, Binding.SPECIFIC, ("lan",)),
    ([{"bind": "public"}, {"bind": "lan"}], {}, Binding.SPECIFIC, ("lan", "public")),
    ([{"bind": "vpn"}], {}, Binding.SPECIFIC, ()),  # not given to the prober
    ([{"bind": ANY, "device": "lan"}], {}, Binding.SPECIFIC, ("lan",)),
    ([{"bind": "::", "device": "lan"}], {}, Binding.SPECIFIC, ("lan", "lan6")),
    ([{"bind": "::", "device": "lan", "v6only": True}], {}, Binding.SPECIFIC, ("lan6",)),
    ([{"bind": ANY, "serves": "full"}], {}, Binding.WILDCARD, ()),
    ([{"bind": ANY, "protocol": "udp"}], {}, Binding.NOT_LISTENING, ()),
    ([{"bind": ANY, "port": 81}], {}, Binding.NOT_LISTENING, ()),
    ([], {"dnat": [{"port": 80}]}, Binding.WILDCARD, ()),
    ([], {"dnat": [{"port": 80, "alive": False}]}, Binding.NOT_LISTENING, ()),
    ([], {"dnat": [{"port": 81}]}, Binding.NOT_LISTENING, ()),
    ([], {"dnat": [{"port": 80, "address": "lan"}]}, Binding.SPECIFIC, ("lan",)),
    ([{"bind": "lan6"}], {"dnat": [{"port": 80, "address": "public"}]}, Binding.SPECIFIC, ("lan6", "public")),
    ([], {"dnat": [{"port": 80, "address": "127.0.0.1"}]}, Binding.LOOPBACK, ()),
    ([], {"dnat": [{"port": 80, "address": "127.0.0.1"}], "by": "docker"}, Binding.LOOPBACK, ()),
    ([], {"dnat": [{"port": 80, "address": "lan"}], "by": "docker"}, Binding.SPECIFIC, ("lan",)),
    ([], {"dnat": [{"port": 80}], "by": "docker-no-proxy"}, Binding.WILDCARD, ()),
    ([], {"dnat": [{"port": 80, "alive": False}], "by": "docker"}, Binding.NOT_LISTENING, ()),
    ([], {"dnat": [{"port": 80, "address": "inside"}], "router": NAT}, Binding.SPECIFIC, ("public",)),
    ([{"bind": ANY}], {"router": NAT}, Binding.WILDCARD, ()),
    ([{"bind": "inside"}], {"router": NAT}, Binding.SPECIFIC, ("public",)),
    ([{"bind": "inside"}], {"router": {"nat": True}}, Binding.SPECIFIC, ()),
    ([{"bind": "lan"}], {"router": NAT}, Binding.SPECIFIC, ("lan",)),
    ([{"bind": ANY, "device": "public"}], {"router": NAT}, Binding.SPECIFIC, ("public",)),
    ([{"bind": ANY, "device": "lan"}], {"dead": ["lan"]}, Binding.SPECIFIC, ()),
]


@pytest.mark.parametrize("case", CASES)
def test_truth(case) -> None:
    """A port is bound to what its sockets and forwardings cover of the given addresses."""
    listen, parts, binding, symbols = case
    target = {"listen": [{"port": 80, **one} for one in listen], "dnat": parts.get("dnat", [])}
    target["dnat_by"] = parts.get("by", "rules")
    whole = {
        "about": "a test",
        "addresses": ["lan", "lan6", "public"],
        "scan": {"ports": "80"},
        "expect": {},
        "target": target,
        "router": parts.get("router", {}),
        "dead": parts.get("dead", []),
    }
    bound_to = tuple(map(address_of, symbols))
    assert truth(parse_scenario("test", whole)) == {Port(Protocol.TCP, 80): Truth(binding, bound_to)}


def test_truth_of_every_scanned_port() -> None:
    """UDP ports are kept apart from TCP ones; NAT forwards TCP alone."""
    whole = {
        "about": "a test",
        "addresses": ["lan", "public"],
        "scan": {"ports": "T:53,U:53"},
        "expect": {},
        "target": {"listen": [{"port": 53, "bind": "inside", "protocol": p} for p in ("tcp", "udp")]},
        "router": {"nat": True, "forward": [53]},
    }
    found = truth(parse_scenario("test", whole))
    assert found[Port(Protocol.TCP, 53)].bound_to == (address_of("public"),)
    assert found[Port(Protocol.UDP, 53)] == Truth(Binding.SPECIFIC, ())
