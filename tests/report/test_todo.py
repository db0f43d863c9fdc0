"""What to do: the most important first, doubles merged."""

from sample_reports import LAN, OPEN, address, advice, port, report, rest

from probe.model.advice import AdviceRule
from probe.report.todo import to_do

ALL_OPEN = (OPEN, OPEN, OPEN)
EXPOSED = AdviceRule.PRIVATE_ON_PUBLIC


def test_the_same_advice_for_several_ports_is_given_once() -> None:
    """Equal rule and arguments are one piece of advice, in the words of the first; the others are named."""
    ports = [
        port(number, ALL_OPEN, service=name, advice=(advice(EXPOSED, f"{number}/tcp is exposed"),))
        for number, name in ((3306, "mysql"), (5432, "postgresql"))
    ]
    assert to_do(report(ports)) == ("3306/tcp is exposed (the same for 5432/tcp (postgresql))",)


def test_a_group_and_many_ports_are_the_same_thing_to_do() -> None:
    """Six others are named, the rest is counted; a port is named once however often it has the advice."""
    given = advice(EXPOSED, "1/tcp is exposed")
    ports = [port(number, ALL_OPEN, advice=(given, given)) for number in range(1, 9)]
    whole = report(ports, rest=(rest("100-200", advice=(advice(EXPOSED, "100-200/tcp is exposed"),)),))
    assert to_do(whole) == (
        "1/tcp is exposed (the same for 2/tcp, 3/tcp, 4/tcp, 5/tcp, 6/tcp, 7/tcp and 2 more)",
    )


def test_other_arguments_are_another_thing_to_do() -> None:
    """The same rule on another address is not merged; what is open, and a command, make no difference."""
    ports = [
        port(1, ALL_OPEN, advice=(advice(EXPOSED, "one", addresses=("203.0.113.10",)),)),
        port(2, ALL_OPEN, advice=(advice(EXPOSED, "two", addresses=("203.0.113.11",)),)),
        port(3, ALL_OPEN, advice=(advice(EXPOSED, "3", addresses=("203.0.113.10",), command="x"),)),
        port(4, ALL_OPEN, advice=(advice(EXPOSED, "4", addresses=("203.0.113.10",), exposed_on=("y",)),)),
    ]
    assert to_do(report(ports)) == ("one (the same for 3/tcp, 4/tcp)", "two")


def test_most_important_first_over_addresses_ports_and_groups() -> None:
    """Importance decides, wherever the advice comes from; equals keep their order."""
    whole = report(
        [port(1, ALL_OPEN, advice=(advice(AdviceRule.BOUND_TO_LOOPBACK, "third"),))],
        addresses=(address(LAN, advice=(advice(AdviceRule.NOTHING_CAME_BACK, "second"),)),),
        rest=(rest("2-9", advice=(advice(EXPOSED, "first"), advice(AdviceRule.KEPT_FROM_PUBLIC, "again"))),),
    )
    assert to_do(whole) == ("first", "again", "second", "third")


def test_no_advice_is_no_list() -> None:
    """A report without advice gives nothing to do."""
    assert to_do(report([port(1, ALL_OPEN)])) == ()
