"""What to do: the most important first, doubles merged."""

from sample_reports import LAN, OPEN, address, advice, port, report, rest

from probe.model.advice import AdviceRule
from probe.model.target import Protocol
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
    """Many are ranges; a port is named once however often it has the advice."""
    given = advice(EXPOSED, "1/tcp is exposed")
    ports = [port(number, ALL_OPEN, advice=(given, given)) for number in range(1, 9)]
    whole = report(ports, rest=(rest("100-200", advice=(advice(EXPOSED, "100-200/tcp is exposed"),)),))
    assert to_do(whole) == ("1/tcp is exposed (the same for 2-8/tcp, 100-200/tcp)",)


def test_subjects_that_are_no_bare_ports_stay_as_they_are() -> None:
    """Many with names or lists are counted; ports of each protocol are ranges of their own."""
    given = advice(EXPOSED, "first")
    ports = [port(number, ALL_OPEN, service="name", advice=(given,)) for number in range(1, 3)]
    more = [port(number, ALL_OPEN, advice=(given,)) for number in (10, 11, 13, 15, 17, 19)]
    udp = [port(53, ALL_OPEN, protocol=Protocol.UDP, observations=(), advice=(given,))]
    assert to_do(report([*ports, *more, *udp])) == (
        "first (the same for 10-11/tcp, 13/tcp, 15/tcp, 17/tcp, 19/tcp, 53/udp and 1 more)",
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
