"""From text to addresses. The resolver is scripted: no test asks a name server."""

import socket
from ipaddress import ip_address
from threading import Event

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probe.errors import NothingMeasuredError, UsageError
from probe.machine import names
from probe.machine.names import find_port, resolve
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


@pytest.fixture
def resolver(monkeypatch: pytest.MonkeyPatch):
    """Script the resolver: what it answers or raises, and what it was asked."""
    asked = []

    def script(outcome):
        def getaddrinfo(*arguments):
            asked.append(arguments)
            if isinstance(outcome, Exception):
                raise outcome
            return [(None, None, None, "", (text, 0)) for text in outcome]

        monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
        return asked

    return script


@pytest.mark.parametrize(("text", "address"), LITERALS)
def test_literals(text: str, address: str, resolver) -> None:
    """A literal is read without asking anybody."""
    asked = resolver([])
    assert resolve(text) == [ip_address(address)]
    assert asked == []


@pytest.mark.parametrize("text", MALFORMED)
def test_malformed_text_never_reaches_the_resolver(text: str, resolver) -> None:
    """What is no name is a usage error of one printable line; the resolver would make up an address."""
    asked = resolver(["127.0.0.1"])
    with pytest.raises(UsageError) as caught:
        resolve(text)
    assert asked == []
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize("text", NO_HOST)
def test_addresses_of_no_single_host(text: str) -> None:
    """Unspecified, multicast and broadcast addresses are nobody's."""
    with pytest.raises(UsageError, match="one host"):
        resolve(text)


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
        resolve(text)


def test_a_literal_of_the_other_family() -> None:
    """With -6 an IPv4 literal is a mistake, not an empty target; so is a mapped one."""
    for text in ("10.0.0.1", "::ffff:10.0.0.1"):
        with pytest.raises(UsageError, match="IPv4"):
            resolve(text, {6})
    assert resolve("10.0.0.1", {4}) == [ip_address("10.0.0.1")]


def test_names_keep_the_order_and_lose_doubles(resolver) -> None:
    """Every address of both families once, in the resolver's order."""
    resolver(["2001:db8::1", "192.0.2.1", "2001:db8::1", "192.0.2.2"])
    assert [str(ip) for ip in resolve("server.example")] == ["2001:db8::1", "192.0.2.1", "192.0.2.2"]


@pytest.mark.parametrize(
    ("families", "asked_for"),
    [({4, 6}, socket.AF_UNSPEC), ({4}, socket.AF_INET), ({6}, socket.AF_INET6)],
)
def test_only_wanted_families_are_asked_for(families, asked_for, resolver) -> None:
    """The resolver is asked for what the options leave."""
    asked = resolver(["192.0.2.1"])
    resolve("server.example.", families)
    assert asked[0][0] == "server.example."
    assert asked[0][2] == asked_for


def test_international_names(resolver) -> None:
    """A name beyond ASCII goes to the resolver in its ASCII form (RFC 3490)."""
    asked = resolver(["192.0.2.1"])
    resolve("b\N{LATIN SMALL LETTER U WITH DIAERESIS}cher.example")
    assert asked[0][0] == "xn--bcher-kva.example"


@pytest.mark.parametrize(
    ("error", "families", "words"),
    [
        (socket.gaierror(socket.EAI_NONAME, "x"), {4, 6}, "no host server.example is known"),
        (socket.gaierror(socket.EAI_NONAME, "x"), {6}, "with an IPv6 address"),
        (socket.gaierror(socket.EAI_AGAIN, "x"), {4, 6}, "name server does not answer"),
    ],
)
def test_names_that_lead_nowhere(error, families, words: str, resolver) -> None:
    """An unknown name measures nothing, and the message shows whether it was unknown or unanswered."""
    resolver(error)
    with pytest.raises(NothingMeasuredError, match=words):
        resolve("server.example", families)


def test_a_name_server_that_never_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is given up, in a line that reports it, while the system still waits."""
    answered = Event()
    monkeypatch.setattr(names, "LONGEST_S", 0.1)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_: [answered.wait()])
    try:
        with pytest.raises(NothingMeasuredError, match=r"box\.test cannot be looked up now"):
            resolve("box.test")
    finally:
        answered.set()


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

    def refuse(*_: object) -> list:
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", refuse)
        try:
            assert resolve(text)
        except (UsageError, NothingMeasuredError) as error:
            assert str(error).isprintable()  # noqa: PT017 - either outcome is right


def test_an_address_of_no_host_among_others_is_left_out(resolver) -> None:
    """A name server that blocks a name answers 0.0.0.0; what it answers beside that counts."""
    resolver(["0.0.0.0", "192.0.2.1", "ff02::1", "fe80::1", "192.0.2.2"])
    reasons: list[str] = []
    found = resolve("server.example", left_out=reasons.append)
    assert [str(ip) for ip in found] == ["192.0.2.1", "192.0.2.2"]
    assert [reason.split(" is ")[0] for reason in reasons] == [
        "server.example: 0.0.0.0",
        "server.example: ff02::1",
        "server.example: fe80::1",
    ]
    assert resolve("server.example") == found


def test_a_name_of_no_host(resolver) -> None:
    """Where none of its addresses is of one host, that is an error as if it had been given."""
    resolver(["0.0.0.0", "::"])
    with pytest.raises(UsageError, match=r"0\.0\.0\.0 is not the address of one host"):
        resolve("server.example")
