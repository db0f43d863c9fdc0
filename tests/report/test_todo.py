"""What to do: sorted by urgency, doubles merged."""

from sample_reports import LAN, OPEN, address, port, report, rest

from probe.report.todo import to_do

ALL_OPEN = (OPEN, OPEN, OPEN)


def test_the_same_advice_for_several_ports_is_said_once() -> None:
    """Texts that differ in the port's own name only are one; the others are named."""
    ports = [
        port(number, ALL_OPEN, service=name, advice=(f"{number}/tcp ({name}) is exposed",), urgency=50)
        for number, name in ((3306, "mysql"), (5432, "postgresql"))
    ]
    assert to_do(report(ports)) == ("3306/tcp (mysql) is exposed (the same for 5432/tcp (postgresql))",)


def test_text_that_names_nobody_gets_its_ports() -> None:
    """Where the text does not say of whom it speaks, the ports are named behind it."""
    ports = [port(number, ALL_OPEN, advice=("close it", "close it")) for number in range(1, 10)]
    assert to_do(report(ports)) == ("close it (for 1/tcp, 2/tcp, 3/tcp, 4/tcp, 5/tcp, 6/tcp and 3 more)",)


def test_most_urgent_first_over_addresses_ports_and_groups() -> None:
    """Urgency decides, wherever the advice comes from; equals keep their order."""
    whole = report(
        [port(1, ALL_OPEN, advice=("third",), urgency=20)],
        addresses=(address(LAN, advice=("second",), urgency=50),),
        rest=(rest("2-9", advice=("first", "again"), urgency=90),),
    )
    assert to_do(whole) == ("first", "again", "second", "third")


def test_no_advice_is_no_list() -> None:
    """A report without advice gives nothing to do."""
    assert to_do(report([port(1, ALL_OPEN)])) == ()
