"""The port syntax: what nmap's users type, and the errors that name the bad piece."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probe.errors import UsageError
from probe.model.target import Port, Protocol
from probe.services.port_list import format_port_list, format_ports, named_ports, parse_ports

GOOD = [
    ("80", "80"),
    ("80,443", "80,443"),
    ("1-3", "1-3"),
    ("-3", "1-3"),
    ("65530-", "65530-65535"),
    ("-", "1-65535"),
    ("0", "0"),
    ("0-3", "0-3"),
    ("80,", "80"),
    (" 22 , 80", "22,80"),
    ("1 - 3", "1-3"),
    ("020", "20"),
    ("80,80", "80"),
    ("443,80", "80,443"),
    ("http,ssh", "22,80"),
    ("HTTP", "80"),
    ("http-alt", "8080"),
    ("U:53,T:22", "T:22,U:53"),
    ("T:22,U:53", "T:22,U:53"),
    ("22,U:53,67,T:80", "T:22,80,U:53,67"),
    ("u:53", "U:53"),
    ("T: 22", "22"),
    ("U:domain", "U:53"),
    ("all", "1-65535"),
    ("U:ALL", "U:1-65535"),
    ("22/tcp", "22"),
    ("53/udp,80", "T:80,U:53"),
    ("U:53,80 / TCP,67", "T:80,U:53,67"),
    ("1-3/udp", "U:1-3"),
    ("domain/udp", "U:53"),
]

BAD = [
    ("65536", "65536"),
    ("3-1", "did you mean 1-3"),
    ("", "empty"),
    (" ", "empty"),
    (",", "empty"),
    ("1,,2", "1,,2"),
    ("80,,", "80,,"),
    (",80", ",80"),
    ("22,1-2-3", "1-2-3"),
    ("22,+5", "+5"),
    ("80;443", "80;443"),
    ("22:23", "22:23"),
    ("80-http", "80-http"),
    ("0x50", "0x50"),
    ("a", "'a'"),
    ("T:22,S:9", "S:9"),
    ("http*", "http*"),
    ("[8000-8010]", "[8000-8010]"),
    ("80 443", "80 443"),
    ("--", "--"),
    ("T:", "T:"),
    ("T:U:5", "T:U:5"),
    ("U:http", "U:http"),
    ("22/sctp", "'sctp' is no protocol"),
    ("22/", "no protocol"),
    ("/tcp", "no port stands before"),
    ("22/tcp/udp", "22/tcp/udp"),
    ("\N{SUPERSCRIPT TWO}", "\N{SUPERSCRIPT TWO}"),
    ("9" * 5000, "9999"),
]


@pytest.mark.parametrize(("text", "meaning"), GOOD)
def test_good_lists_are_read(text: str, meaning: str) -> None:
    """A list that nmap's users type means the same here."""
    assert format_port_list(parse_ports(text)) == meaning


@pytest.mark.parametrize(("text", "named"), BAD)
def test_bad_lists_name_the_piece(text: str, named: str) -> None:
    """A list that is wrong is a usage error of one line that shows the wrong piece."""
    with pytest.raises(UsageError) as caught:
        parse_ports(text)
    assert named in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 160


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("22,80-81,http", "22,80"),
        ("-", ""),
        ("all", ""),
        ("T:22,U:53,123-125", "T:22,U:53"),
        ("53/udp,8000-8000", "T:8000,U:53"),
    ],
)
def test_ports_that_are_typed_one_by_one(text: str, named: str) -> None:
    """A range or `all` names no port; one of a single port does, and so does a service."""
    assert format_port_list(sorted(named_ports(text))) == named


def test_control_characters_are_escaped_in_the_message() -> None:
    """A message never carries an escape sequence to the terminal."""
    with pytest.raises(UsageError) as caught:
        parse_ports("\x1b[31m22")
    assert str(caught.value).isprintable()


def test_names_can_be_looked_up_elsewhere() -> None:
    """The caller's own services database is asked with the name and the sticky protocol."""
    asked = []

    def lookup(name: str, protocol: Protocol) -> int | None:
        asked.append((name, protocol))
        return 4711

    assert parse_ports("U:myservice", lookup) == (Port(Protocol.UDP, 4711),)
    assert asked == [("myservice", Protocol.UDP)]


def test_no_numbers_give_an_empty_text() -> None:
    """Nothing to list is an empty text, not an error."""
    assert format_ports([]) == ""
    assert format_port_list([]) == ""


PORTS = st.builds(Port, st.sampled_from(Protocol), st.integers(0, 65535))


@given(st.sets(PORTS, min_size=1))
def test_format_and_parse_are_inverse(ports: set[Port]) -> None:
    """What is written is read back as the same ports, sorted."""
    assert parse_ports(format_port_list(ports)) == tuple(sorted(ports))


@settings(deadline=None)  # one of the texts may name every port
@given(st.text() | st.text(alphabet="0123456789-,:TUth *+[]", max_size=12))
def test_any_text_is_a_list_or_a_usage_error(text: str) -> None:
    """No text makes the parser fail in any other way, and what it reads is sorted and without doubles."""
    try:
        ports = parse_ports(text)
    except UsageError:
        return
    assert ports
    assert list(ports) == sorted(set(ports))
