"""From text to addresses, and to names that a resolver may be asked for. No test asks one."""

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probe.errors import UsageError
from probe.machine import names
from probe.machine.names import find_port, read_host, usable
from probe.model.target import Protocol

LITERALS = [
    ("10.0.0.1", "10.0.0.1"),
    ("2001:db8::1", "2001:db8::1"),
    ("2001:DB8:0:0::1", "2001:db8::1"),
    ("[::1]", "::1"),
    ("::ffff:192.0.2.1", "192.0.2.1"),
    ("fe80::1%lo", "fe80::1%lo"),
    ("fe80::1%1", "fe80::1%1"),
]

MALFORMED = [
    "",
    " ",
    "1",
    "10.1",
    "256.1.1.1",
    "1.2.3.4.5",
    "0x7f.0.0.1",
    "0x7f000001",
    "10.0.0.0/24",
    "server:22",
    "[::1]:22",
    "http://server/",
    "a b",
    "-server",
    "server-",
    "a..b",
    ".",
    "a" * 64,
    ".".join(["abcdefgh"] * 30),
    "a\0b",
    "server\x1b[31m",
    "\N{LATIN SMALL LETTER U WITH DIAERESIS}" * 70,
    "10.0.0.1%lo",
]

NO_HOST = ["0.0.0.0", "::", "224.0.0.1", "255.255.255.255", "ff02::1%lo"]


@pytest.mark.parametrize(("text", "address"), LITERALS)
def test_literals(text: str, address: str) -> None:
    """A literal is an address, and no name to be looked up."""
    assert read_host(text) == ip_address(address)


@pytest.mark.parametrize("text", MALFORMED)
def test_malformed_text_is_no_name(text: str) -> None:
    """What is no name is a usage error of one printable line; the resolver would make up an address."""
    with pytest.raises(UsageError) as caught:
        read_host(text)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize("text", NO_HOST)
def test_addresses_of_no_single_host(text: str) -> None:
    """Unspecified, multicast and broadcast addresses are nobody's."""
    with pytest.raises(UsageError, match="one host"):
        read_host(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("fe80::1", "name its interface"),
        ("fe80::1%nowhere0", "no interface 'nowhere0'"),
        ("fe80::1%99999999999999999999", "no interface"),
        ("2001:db8::1%lo", "only a link-local address"),
    ],
)
def test_zones(text: str, words: str) -> None:
    """A link-local address needs a zone that exists here; no other address has one."""
    with pytest.raises(UsageError, match=words):
        read_host(text)


def test_a_literal_of_the_other_family() -> None:
    """With -6 an IPv4 literal is a mistake, not an empty target; so is a mapped one."""
    for text in ("10.0.0.1", "::ffff:10.0.0.1"):
        with pytest.raises(UsageError, match="IPv4"):
            read_host(text, {6})
    assert read_host("10.0.0.1", {4}) == ip_address("10.0.0.1")


def test_international_names() -> None:
    """A name beyond ASCII goes to the resolver in its ASCII form (RFC 3490)."""
    name = "b\N{LATIN SMALL LETTER U WITH DIAERESIS}cher.example"
    assert read_host(name) == "xn--bcher-kva.example"


def test_services_of_the_system(monkeypatch: pytest.MonkeyPatch) -> None:
    """Names that our table lacks are looked up in the system's; an unknown one is None."""
    known = {("gopher", "tcp"): 70}

    def getservbyname(name, protocol):
        try:
            return known[name, protocol]
        except KeyError:
            raise OSError from None

    monkeypatch.setattr(names.socket, "getservbyname", getservbyname)
    assert find_port("gopher", Protocol.TCP) == 70
    assert find_port("gopher", Protocol.UDP) is None


@given(st.text(max_size=30))
def test_any_text_ends_well(text: str) -> None:
    """No text makes the reader fail in any other way."""
    try:
        assert read_host(text)
    except UsageError as error:
        assert str(error).isprintable()  # noqa: PT017 - either outcome is right


def test_an_address_of_no_host_among_others_is_left_out() -> None:
    """A name server that blocks a name answers 0.0.0.0; what it answers beside that counts."""
    reasons: list[str] = []
    answered = [ip_address(one) for one in ("0.0.0.0", "192.0.2.1", "ff02::1", "fe80::1", "192.0.2.2")]
    found = usable("server.example", answered, reasons.append)
    assert [str(ip) for ip in found] == ["192.0.2.1", "192.0.2.2"]
    assert [reason.split(" is ")[0] for reason in reasons] == [
        "server.example: 0.0.0.0",
        "server.example: ff02::1",
        "server.example: fe80::1",
    ]


def test_a_name_of_no_host() -> None:
    """Where none of its addresses is of one host, that is an error as if it had been given."""
    reasons: list[str] = []
    with pytest.raises(UsageError, match=r"0\.0\.0\.0 is not the address of one host"):
        usable("server.example", [ip_address("0.0.0.0"), ip_address("::")], reasons.append)
    assert reasons == []
