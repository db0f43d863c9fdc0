"""What nft's JSON holds of the chains that may drop this machine's packets.

The rulesets were recorded from nft 1.0.6 as it prints what stands beside them; a test in a namespace of its
own (test_machine_in_a_world) compares them with the nft that is here.
"""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probe.machine.nftables import Ruleset, parse_ruleset
from probe.model.machine import Chain, Hook

RULESETS = Path(__file__).parent / "rulesets"
INPUT, OUTPUT = Hook.INPUT, Hook.OUTPUT

# ruleset -> its chains: family, table, name, hook, what blocks
RECORDED = {
    "ufw": [
        (
            "ip filter INPUT",
            INPUT,
            (
                "ct state invalid drop",
                "drop, unless fib daddr type local",
                "ip saddr 10.8.0.0/24 tcp dport 8000 drop",
                "policy drop",
            ),
        )
    ],
    "firewalld": [
        (
            "inet firewalld filter_INPUT",
            INPUT,
            (
                "ct state invalid drop",
                "iifname wg0 reject with icmpx admin-prohibited",
                "tcp dport 8000-8010 drop",
                "reject with icmpx admin-prohibited",
            ),
        ),
        (
            "inet firewalld filter_OUTPUT",
            OUTPUT,
            ("ip6 daddr { ::/96, ::ffff:0.0.0.0/96, 2002::/24 } reject with icmpv6 addr-unreachable",),
        ),
    ],
    "by_hand": [
        (
            "inet mine input",
            INPUT,
            (
                "iifname wg0 tcp dport { 9000, 9100-9110 } drop",
                "iifname eth9 drop",
                "iifname eth0 udp dport 53 reject with icmp port-unreachable",
                "iifname eth1 drop",
                "ct state invalid drop",
                "ip saddr @bad drop",
                "tcp flags & fin|syn|rst|ack == syn tcp dport != 22 reject with tcp reset",
                "meta mark & 255 == 1 drop",
            ),
        ),
        ("inet mine output", OUTPUT, ("ip6 daddr fe80::/10 fib daddr type local drop", "policy drop")),
    ],
}


@pytest.mark.parametrize("name", RECORDED)
def test_recorded(name: str) -> None:
    """Base chains for this machine's own packets, with what blocks in them and in what they jump to."""
    expected = tuple(Chain("nft", *where.split(), hook, blocking) for where, hook, blocking in RECORDED[name])
    found = parse_ruleset((RULESETS / f"{name}.json").read_text(encoding="utf-8"))
    assert found is not None
    assert (found.chains, found.opaque) == (expected, frozenset())


def ruleset(*rules: list[Any], **chain: str) -> str:
    """A chain `c` with rules, and a chain `d` that drops."""
    place = {"family": "ip", "table": "t"}
    base = {"chain": {**place, "name": "c", "hook": "input", "policy": "accept", **chain}}
    added = [{"rule": {**place, "chain": "c", "expr": expr}} for expr in rules]
    other = [{"rule": {**place, "chain": "d", "expr": [{"drop": None}]}}]
    return json.dumps({"nftables": [base, *added, *other]})


def match(left: Any, right: Any, op: str = "==") -> dict[str, Any]:
    return {"match": {"op": op, "left": left, "right": right}}


PORT = match({"payload": {"protocol": "tcp", "field": "dport"}}, 80)
DROP, JUMP, ACCEPT, RETURN = {"drop": None}, {"jump": {"target": "d"}}, {"accept": None}, {"return": None}
REJECT_OF_XT = {"xt": {"type": "target", "name": "REJECT"}}

RULES: list[tuple[list[list[Any]], tuple[str, ...]]] = [
    ([[DROP]], ("drop",)),
    ([[DROP], [DROP]], ("drop",)),
    ([[PORT, {"counter": None}, {"log": None}, DROP]], ("tcp dport 80 drop",)),
    ([[PORT, {"reject": None}]], ("tcp dport 80 reject",)),
    ([[JUMP]], ("drop",)),
    ([[PORT, JUMP]], ("tcp dport 80 drop",)),
    ([[{"goto": {"target": "none"}}]], ()),
    ([[{"jump": None}], [{"vmap": None}], [{"match": 1}, {"limit": 1}]], ()),
    # Behind a rule that lets everything go nothing is reached.
    ([[ACCEPT], [DROP]], ()),
    ([[RETURN], [DROP]], ()),
    ([[{"counter": None}, ACCEPT], [DROP]], ()),
    ([[PORT, ACCEPT], [DROP]], ("drop",)),
    ([[PORT, RETURN], [DROP]], ("drop, unless tcp dport 80",)),
    ([[PORT, RETURN], [PORT, RETURN], [JUMP]], ("drop, unless tcp dport 80 or tcp dport 80",)),
    ([[{"limit": {"rate": 3, "per": "second"}}, ACCEPT], [DROP]], ("drop",)),
    (
        [[{"limit": {"rate": 3, "per": "second", "inv": True}}, DROP]],
        ("limit rate over 3/second drop",),
    ),
    (
        [
            [
                {
                    "vmap": {
                        "key": "k",
                        "data": {"set": [["a", DROP], ["b"], 1, ["c", "drop"], ["d", {"vmap": {}}]]},
                    }
                }
            ]
        ],
        ("k a drop",),
    ),
    ([[{"vmap": {"key": "k", "data": "@none"}}], [{"vmap": {"data": 5}}]], ()),
    # Extensions of iptables: conditions and targets that nft only names.
    ([[{"xt": {"type": "match", "name": "comment"}}, ACCEPT], [DROP]], ("drop",)),
    ([[PORT, REJECT_OF_XT]], ("tcp dport 80 reject",)),
    ([[{"ct count": {"val": 3}}, DROP]], ("(ct count) drop",)),
    # Operands
    ([[match({"meta": {"key": "l4proto"}}, "tcp"), DROP]], ("meta l4proto tcp drop",)),
    ([[match({"ct": {"key": "saddr", "dir": "original"}}, "::1"), DROP]], ("ct original saddr ::1 drop",)),
    (
        [[match({"fib": {"result": "oif", "flags": ["saddr", "iif"]}}, right=False), DROP]],
        ("fib saddr . iif oif missing drop",),
    ),
    ([[match({"exthdr": {"name": "frag"}}, right=True), DROP]], ("exthdr name frag exists drop",)),
    ([[match({"concat": ["a", "b"]}, {"elem": {"val": 5}}, "!="), DROP]], ("a . b != 5 drop",)),
    ([[match({"payload": {"base": "th"}}, {"set": "x"}), DROP]], ("payload base th set x drop",)),
    (
        [[match({"|": 5}, {"set": list(range(20))}), DROP]],
        ("5 == { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, ... } drop",),
    ),
]


@pytest.mark.parametrize(("rules", "expected"), RULES, ids=str)
def test_rules(rules: list[list[Any]], expected: tuple[str, ...]) -> None:
    """One chain, and the words for what blocks in it."""
    found = parse_ruleset(ruleset(*rules))
    assert found is not None
    assert [chain.blocking for chain in found.chains] == ([expected] if expected else [])


def test_deep_operands_are_cut_short() -> None:
    """An operand that has no end is not read to its end."""
    deep: Any = "x"
    for _ in range(40):
        deep = {"a": deep}
    found = parse_ruleset(ruleset([match(deep, 1), DROP]))
    assert found is not None
    assert found.chains[0].blocking[0].endswith("... 1 drop")


@pytest.mark.parametrize(
    "chain", [{"hook": "forward"}, {"hook": "prerouting"}, {"family": "arp"}, {"family": "bridge"}]
)
def test_other_packets(chain: dict[str, str]) -> None:
    """Packets that are forwarded, and families that are no IP, are not this machine's own."""
    assert parse_ruleset(ruleset([DROP], policy="drop", **chain)) == Ruleset((), names=frozenset({"t", "c"}))


def test_rules_that_only_iptables_reads() -> None:
    """An extension without a name makes its table opaque."""
    found = parse_ruleset(ruleset([PORT, {"xt": None}]))
    assert found == Ruleset((), frozenset({("ip", "t")}), frozenset({"t", "c"}))


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"nftables": 1}', "[" * 9999, "table ip filter {"])
def test_no_ruleset(text: str) -> None:
    """Text that is no ruleset shows nothing, which is not the same as no rule."""
    assert parse_ruleset(text) is None


def test_odd_objects_are_left_out() -> None:
    """An object that is not as documented takes nothing else with it."""
    whole = json.loads(ruleset([DROP]))
    whole["nftables"] += [1, {"chain": 1}, {"rule": {"family": "ip"}}, {"map": {"elem": 5}}, {}]
    found = parse_ruleset(json.dumps(whole))
    assert found is not None
    assert [chain.blocking for chain in found.chains] == [("drop",)]


KEYS = st.sampled_from(
    [
        "match",
        "left",
        "right",
        "op",
        "payload",
        "meta",
        "ct",
        "key",
        "fib",
        "set",
        "range",
        "prefix",
        "elem",
        "vmap",
        "data",
        "jump",
        "target",
        "reject",
        "xt",
        "limit",
        "drop",
        "concat",
        "&",
    ]
)
LEAVES = st.none() | st.booleans() | st.integers() | st.text() | st.sampled_from(["@zones", "c", "d", "=="])
JSON = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3), max_leaves=6
)


@given(
    st.text() | JSON.map(json.dumps),
    st.lists(st.lists(JSON, max_size=3), max_size=3),
    st.lists(JSON, max_size=3),
)
def test_anything_is_read(text: str, rules: list[list[Any]], elements: list[Any]) -> None:
    """Whatever it is given, it gives chains or nothing."""
    assert isinstance(parse_ruleset(text), Ruleset | None)
    whole = json.loads(ruleset(*rules))
    whole["nftables"].append({"map": {"family": "ip", "table": "t", "name": "zones", "elem": elements}})
    assert isinstance(parse_ruleset(json.dumps(whole)), Ruleset)


ODD_OPERATORS = [{}, [], {"==": 1}, [["=="]], 1, None, True]


@pytest.mark.parametrize("operator", ODD_OPERATORS)
def test_operators_of_any_shape(operator: Any) -> None:
    """What is no operator is no reason to give up on a ruleset."""
    match = {"match": {"op": operator, "left": {"meta": {"key": "iif"}}, "right": "eth0"}}
    found = parse_ruleset(ruleset([match, {"drop": None}], hook="input", type="filter"))
    assert found is not None
