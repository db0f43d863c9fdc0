"""Walks through chains end, whatever the chains."""

from itertools import product

from probe.machine.filter_rules import Act, FirewallRule, FirewallStep, blocking

DROP = FirewallStep(Act.BLOCK, "drop")


def enter(chain: str) -> FirewallStep:
    return FirewallStep(Act.ENTER, into=chain)


def test_conditions_add_up() -> None:
    """What leads to a rule stands before its own conditions."""
    rules = {
        "base": [
            FirewallRule(("in",), (enter("first"),)),
            FirewallRule((), (FirewallStep(Act.BLOCK, "drop", only="key 1"),)),
        ],
        "first": [
            FirewallRule(("tcp",), (enter("second"),)),
            FirewallRule((), (FirewallStep(Act.RETURN),)),
            FirewallRule((), (DROP,)),
        ],
        "second": [FirewallRule(("port 80",), (DROP,))],
    }
    assert blocking(rules, "base") == ("in tcp port 80 drop", "key 1 drop")


def test_a_map_that_accepts_some_lets_the_others_go_on() -> None:
    """A rule that lets go only some elements of a map ends nothing."""
    rules = {"base": [FirewallRule((), (FirewallStep(Act.ACCEPT, only="key 1"),)), FirewallRule((), (DROP,))]}
    assert blocking(rules, "base") == ("drop",)


def test_circles_end() -> None:
    """The kernel refuses circles; one in a text is walked as deep as the kernel jumps."""
    rules = {"a": [FirewallRule(("x",), (enter("a"), DROP))]}
    assert len(blocking(rules, "a")) == 17


def test_many_ways_are_cut_short() -> None:
    """A hundred ways to block are enough."""
    rules = {"a": [FirewallRule((f"port {port}",), (DROP,)) for port in range(1000)]}
    assert len(blocking(rules, "a")) == 100


def test_many_paths_are_cut_short() -> None:
    """Chains that lead to each other over and over are not followed for ever."""
    names = "abcdefgh"
    rules = {
        one: [FirewallRule((), (enter(other),)) for _, other in product(range(4), names)] for one in names
    }
    assert blocking(rules, "a") == ()
