"""The text for nft, part by part."""

from typing import Any

import pytest

from probe.errors import ScenarioError, UsageError
from probe.lab.netns import rules
from probe.lab.scenario import Scenario, parse_scenario
from probe.lab.scenario_hosts import Action

LOOPBACK_SPARED = 'iifname != "lo"'
LAN6 = 'meta nfproto ipv6 iifname { "lan" }'


def scenario(**parts: Any) -> Scenario:
    document = {"about": "a test", "addresses": ["lan", "public"], "scan": {"ports": "80"}, "expect": {}}
    return parse_scenario("test", {**document, **parts})


def lines(text: str) -> list[str]:
    """Return the rules alone: no table, chain or brace."""
    framing = ("table", "chain", "type", "}")
    stripped = (line.strip() for line in text.splitlines())
    return [line for line in stripped if not line.startswith(framing)]


FILTERS: dict[str, tuple[dict[str, Any], list[str]]] = {
    "drop everything": (
        {"action": "drop"},
        [f"{LOOPBACK_SPARED} meta l4proto tcp drop", f"{LOOPBACK_SPARED} meta l4proto udp drop"],
    ),
    "accept ports": (
        {"action": "accept", "ports": "22,80-90"},
        [f"{LOOPBACK_SPARED} tcp dport {{ 22, 80-90 }} accept"],
    ),
    "both protocols": (
        {"action": "drop", "ports": "T:22,U:53"},
        [f"{LOOPBACK_SPARED} tcp dport {{ 22 }} drop", f"{LOOPBACK_SPARED} udp dport {{ 53 }} drop"],
    ),
    "on two realms": (
        {"action": "drop", "ports": "22", "on": ["vpn", "lan"]},
        ['iifname { "lan", "vpn" } tcp dport { 22 } drop'],
    ),
    "on one IP version of a realm": (
        {"action": "drop", "ports": "22", "on": ["lan6", "vpn", "public6", "lan4"]},
        [
            'meta nfproto ipv6 iifname { "lan", "public" } tcp dport { 22 } drop',
            'iifname { "vpn" } tcp dport { 22 } drop',
            'meta nfproto ipv4 iifname { "lan" } tcp dport { 22 } drop',
        ],
    ),
    "an ICMP error to one IP version": (
        {"action": "net-unreach", "ports": "22", "on": ["lan6"]},
        [f"{LAN6} tcp dport {{ 22 }} meta nfproto ipv6 reject with icmpv6 type no-route"],
    ),
    "openings only": (
        {"action": "drop", "ports": "T:22,U:53", "segment": "syn"},
        [f"{LOOPBACK_SPARED} tcp dport {{ 22 }} tcp flags & (fin | syn | rst | ack) == syn drop"],
    ),
    "answers to openings, of every port": (
        {"action": "drop", "on": ["vpn"], "segment": "syn-ack"},
        ['oifname { "vpn" } meta l4proto tcp tcp flags & (fin | syn | rst | ack) == (syn | ack) drop'],
    ),
    "answers to openings, of one": (
        {"action": "drop", "ports": "22", "segment": "syn-ack"},
        ['oifname != "lo" tcp sport { 22 } tcp flags & (fin | syn | rst | ack) == (syn | ack) drop'],
    ),
    "a reset refuses UDP with port-unreachable": (
        {"action": "reset", "ports": "T:22,U:53", "on": ["lan"]},
        [
            'iifname { "lan" } tcp dport { 22 } reject with tcp reset',
            'iifname { "lan" } udp dport { 53 } meta nfproto ipv4 reject with icmp type port-unreachable',
            'iifname { "lan" } udp dport { 53 } meta nfproto ipv6 reject with icmpv6 type port-unreachable',
        ],
    ),
}

# Each ICMP action: its name in nft for IPv4, and for IPv6 where there is one.
REJECTS = {
    Action.PORT_UNREACH: ("port-unreachable", "port-unreachable"),
    Action.HOST_UNREACH: ("host-unreachable", "addr-unreachable"),
    Action.NET_UNREACH: ("net-unreachable", "no-route"),
    Action.PROTO_UNREACH: ("prot-unreachable", None),
    Action.ADMIN_PROHIBITED: ("admin-prohibited", "admin-prohibited"),
    Action.HOST_PROHIBITED: ("host-prohibited", "admin-prohibited"),
    Action.NET_PROHIBITED: ("net-prohibited", "admin-prohibited"),
}

TARGETS: dict[str, tuple[dict[str, Any], list[str]]] = {
    "resets a second": (
        {"resets_per_s": 10},
        ['oifname != "lo" tcp flags & rst == rst limit rate over 10/second burst 10 packets drop'],
    ),
    "a stealth stack": (
        {"never_resets": True},
        [
            'oifname != "lo" tcp flags & rst == rst drop',
            "icmp type destination-unreachable icmp code port-unreachable drop",
            "icmpv6 type destination-unreachable icmpv6 code port-unreachable drop",
        ],
    ),
    "published everywhere": (
        {"dnat": [{"port": 8080}]},
        ['iifname != { "lo", "container" } fib daddr type local tcp dport 8080 dnat to 172.31.0.2'],
    ),
    "published by Docker: nothing else is forwarded": (
        {"dnat_by": "docker", "dnat": [{"port": 8080}, {"port": 81, "address": "127.0.0.1", "alive": False}]},
        [
            'iifname != { "lo", "container" } fib daddr type local tcp dport 8080 dnat to 172.31.0.2',
            'iifname != { "lo", "container" } ip daddr 127.0.0.1 tcp dport 81 dnat to 172.31.0.2',
            'iifname "container" accept',
            'oifname "container" ct state established,related accept',
            'oifname "container" ip daddr 172.31.0.2 tcp dport { 81, 8080 } accept',
            "drop",
        ],
    ),
    "long packets of two realms vanish": (
        {"swallows_above": {"vpn": 1300, "lan": 1400}},
        ['iifname "vpn" meta length > 1300 drop', 'iifname "lan" meta length > 1400 drop'],
    ),
    "published on one address, dead or alive": (
        {"dnat": [{"port": 8080, "address": "lan", "alive": False}]},
        ['iifname != { "lo", "container" } ip daddr 192.168.77.10 tcp dport 8080 dnat to 172.31.0.2'],
    ),
}

ROUTERS: dict[str, tuple[dict[str, Any], list[str]]] = {
    "filter": (
        {"filter": [{"action": "drop", "ports": "22"}]},
        ['iifname { "public" } tcp dport { 22 } drop'],
    ),
    "filter of one IP version": (
        {"filter": [{"action": "drop", "ports": "22", "on": ["public6"]}]},
        ['meta nfproto ipv6 iifname { "public" } tcp dport { 22 } drop'],
    ),
    "filter of a NAT router, for itself and for what it forwards": (
        {"filter": [{"action": "drop", "ports": "22"}], "nat": True},
        ['iifname { "public" } tcp dport { 22 } drop'] * 2,
    ),
    "answers that it does not let out": (
        {"filter": [{"action": "drop", "ports": "22", "segment": "syn-ack"}]},
        [
            'oifname { "public" } tcp sport { 22 } tcp flags & (fin | syn | rst | ack) == (syn | ack) drop',
        ],
    ),
    "forwarded ports": (
        {"nat": True, "forward": [443, 80]},
        ['iifname "public" ip daddr 203.0.113.10 tcp dport { 80, 443 } dnat to 192.168.99.10'],
    ),
    "answers all": (
        {"answers_all": True},
        ['iifname "public" meta l4proto tcp redirect to :40999'],
    ),
    "intercepts some": (
        {"intercepts": "25,110"},
        ['iifname "public" tcp dport { 25, 110 } redirect to :40999'],
    ),
    "SYN proxy": (
        {"syn_proxy": "443,8443"},
        [
            'iifname "public" tcp dport { 443, 8443 } tcp flags & (fin | syn | rst | ack) == syn notrack',
            "tcp dport { 443, 8443 } ct state { invalid, untracked } synproxy mss 1460 wscale 7 sack-perm",
            "tcp dport { 443, 8443 } ct state invalid drop",
        ],
    ),
}


# The prober's own rules name the target's ports, whichever way a packet goes.
PROBERS: dict[str, tuple[dict[str, Any], list[str]]] = {
    "what it sends": (
        {"outgoing": [{"action": "admin-prohibited", "ports": "22", "on": ["vpn"]}]},
        [
            'oifname { "vpn" } tcp dport { 22 } meta nfproto ipv4 reject with icmp type admin-prohibited',
            'oifname { "vpn" } tcp dport { 22 } meta nfproto ipv6 reject with icmpv6 type admin-prohibited',
        ],
    ),
    "what it receives": (
        {"incoming": [{"action": "drop", "ports": "22"}]},
        [f"{LOOPBACK_SPARED} tcp sport {{ 22 }} drop"],
    ),
}


@pytest.mark.parametrize("case", FILTERS)
def test_filter(case: str) -> None:
    """A filter rule becomes one line for each protocol, and for each family where they differ."""
    rule, expected = FILTERS[case]
    assert lines(rules.of_target(scenario(target={"filter": [rule]}))) == expected


@pytest.mark.parametrize("action", REJECTS)
def test_reject_has_its_kind_in_both_families(action: Action) -> None:
    """Every ICMP action has its own type, and its twin in IPv6 where RFC 4443 has one."""
    text = rules.of_target(scenario(target={"filter": [{"action": action, "ports": "22"}]}))
    kinds = zip((("ipv4", "icmp"), ("ipv6", "icmpv6")), REJECTS[action], strict=True)
    assert [line.partition("meta ")[2] for line in lines(text)] == [
        f"nfproto {family} reject with {icmp} type {name}" for (family, icmp), name in kinds if name
    ]


@pytest.mark.parametrize("realm", ["puplic", "lan5", "lan66", "", "lan46"])
def test_no_such_realm(realm: str) -> None:
    """A rule for a realm that there is not is an error, not a rule for nobody."""
    with pytest.raises(ScenarioError, match=r"'on' has .*give lan, vpn or public.*target\.filter\[0\]"):
        scenario(target={"filter": [{"action": "drop", "on": [realm]}]})


def test_every_action_is_rendered() -> None:
    """No action of a scenario is left without a line."""
    for action in Action:
        assert lines(rules.of_target(scenario(target={"filter": [{"action": action}]})))


def test_rules_keep_their_order() -> None:
    """The first rule of the file is the first line: nft takes the first that matches."""
    listed = [{"action": "accept", "ports": "22"}, {"action": "drop", "ports": "1-100"}]
    assert [line.split()[-1] for line in lines(rules.of_target(scenario(target={"filter": listed})))] == [
        "accept",
        "drop",
    ]


@pytest.mark.parametrize("case", TARGETS)
def test_target(case: str) -> None:
    """What else the target does to packets."""
    target, expected = TARGETS[case]
    assert lines(rules.of_target(scenario(target=target))) == expected


@pytest.mark.parametrize("case", ROUTERS)
def test_router(case: str) -> None:
    """What the router does to packets."""
    router, expected = ROUTERS[case]
    assert lines(rules.of_router(scenario(router=router))) == expected


@pytest.mark.parametrize("case", PROBERS)
def test_prober(case: str) -> None:
    """What the prober's own machine does to packets."""
    prober, expected = PROBERS[case]
    assert lines(rules.of_prober(scenario(prober=prober))) == expected


def test_filters_of_both_ways_have_their_chains() -> None:
    """What comes in is judged at the input, answers at the output."""
    rule = {"action": "drop", "ports": "22"}
    world = scenario(target={"filter": [{**rule, "segment": "syn-ack"}, {**rule, "segment": "syn"}]})
    hooks = [line.split()[3] for line in rules.of_target(world).splitlines() if "hook" in line]
    assert hooks == ["input", "output"]


def test_bleaching_is_where_the_prober_is_next() -> None:
    """A link that bleaches does so at its far end, in both families and before any other rule."""
    links = {"lan": {"bleaches": True}, "public": {"bleaches": True}, "vpn": {"delay_ms": 5}}
    world = scenario(links=links)
    for text, realm in ((rules.of_target(world), "lan"), (rules.of_router(world), "public")):
        assert lines(text) == [f'iifname "{realm}" {version} dscp set cs0' for version in ("ip", "ip6")]
        assert "hook prerouting priority raw - 10" in text


def test_loss_is_where_the_prober_is_next() -> None:
    """The public link loses at the router, the others at the target; neighbour discovery is spared."""
    lossy = scenario(links={"lan": {"loss": 0.05}, "public": {"loss": 0.2}, "vpn": {"delay_ms": 5}})
    spared = "icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept"
    for text, realm, share in (
        (rules.of_target(lossy), "lan", 50_000),
        (rules.of_router(lossy), "public", 200_000),
    ):
        drop = f'"{realm}" numgen random mod 1000000 < {share} drop'
        assert lines(text) == [spared, f"iifname {drop}", spared, f"oifname {drop}"]


def test_nothing_to_do_is_no_text() -> None:
    """A host without rules gets no tables, so its packets meet no connection tracking."""
    assert rules.of_target(scenario()) == ""
    assert rules.of_router(scenario()) == ""
    assert rules.of_prober(scenario()) == ""


def test_chains_hook_where_they_must() -> None:
    """Filters judge what comes in, and forwarding is decided before."""
    text = rules.of_target(scenario(target={"filter": [{"action": "drop"}], "dnat": [{"port": 80}]}))
    hooks = [line.strip() for line in text.splitlines() if "hook" in line]
    assert hooks == [
        "type filter hook input priority filter; policy accept;",
        "type nat hook prerouting priority dstnat; policy accept;",
    ]


def test_a_bad_port_list_is_an_error() -> None:
    """A port list that cannot be read is an error."""
    with pytest.raises(UsageError, match="3-1"):
        rules.of_target(scenario(target={"filter": [{"action": "drop", "ports": "3-1"}]}))
