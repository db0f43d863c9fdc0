"""Addresses, ports and commands as sentences name them."""

from dataclasses import replace

import pytest
from in_words import one_port, reported
from msgspec import structs
from survey_builder import CONTROLS, NUMBER, OWN, observe, survey

from probe.explain.addresses import address_sentence
from probe.explain.bindings import next_test_command
from probe.explain.subject import Places, Subject
from probe.explain.wording import worded
from probe.model.advice import NextTest, NextTestRule
from probe.model.evidence import AddressEvidence, AddressRule
from probe.model.facts import AddressSurvey
from probe.model.probing import Role
from probe.model.target import IPAddress, Port, Protocol, TargetAddress

PORT = Port(Protocol.TCP, NUMBER)
NOWHERE = Places({})


def another(ip: IPAddress, word: str) -> AddressSurvey:
    """A second address of the LAN."""
    address = TargetAddress(ip, "lan")
    answers = [observe("reset@host", address, Port(Protocol.TCP, n), Role.CONTROL) for n in CONTROLS]
    return AddressSurvey(address, (*answers, observe(word, address, PORT, Role.TESTED)), own_addresses=OWN)


def test_a_tunnel_without_a_name_is_reported_too() -> None:
    """The words need no name."""
    stale = AddressEvidence(rule=AddressRule.TUNNEL_STALE)
    assert address_sentence(stale) == (
        "the tunnel has no session: the latest handshake with this address's peer is too old"
    )
    beside = AddressEvidence(rule=AddressRule.LEAVES_BESIDE_TUNNEL, interface="eth0")
    assert address_sentence(beside) == "packets for it leave by eth0, not by a tunnel"


def test_the_command_that_looks_closer_names_the_same_addresses() -> None:
    """Every address with its realm, as the command line takes it."""
    realms = {
        "192.168.77.10": "lan",
        "10.88.0.10": "vpn",
        "2001:db8::1": "public",
        "10.1.1.1": "office",
        "127.0.0.1": "loopback",
    }
    places = "--lan 192.168.77.10 --vpn 10.88.0.10 --public 2001:db8::1 office=10.1.1.1 127.0.0.1"
    assert Places(realms).doctor_command() == f"bindprobe doctor {places}"


def test_realm_and_family_name_an_address_where_they_can() -> None:
    """Six addresses in three realms: each is named by both, open ones first."""
    words = {
        "lan": "syn-ack@host",
        "vpn": "syn-ack@host",
        "public": "reset@host",
        "lan6": "syn-ack@host",
        "vpn6": "reset@host",
        "public6": "reset@host",
    }
    surveys = [
        survey(symbol, {"controls": "reset@host", "port": word}, PORT) for symbol, word in words.items()
    ]
    assert one_port(reported(surveys), PORT).why == (
        "open on lan IPv4, vpn IPv4 and lan IPv6; refused on public IPv4, vpn IPv6 and public IPv6"
    )


def test_two_addresses_of_one_realm_and_family_are_named_by_their_numbers() -> None:
    """Where realm and family do not name an address, the address itself does."""
    one = survey("lan", {"controls": "reset@host", "port": "syn-ack@host"}, PORT)
    other = another(one.address.ip + 1, "reset@host")
    assert one_port(reported([one, other]), PORT).why == "open on 192.168.77.10; refused on 192.168.77.11"


def test_a_port_that_was_not_asked_on_an_address_is_not_measured_there() -> None:
    """An interrupted scan: the line names what is missing."""
    one = survey("lan", {"controls": "reset@host", "port": "reset@host"}, PORT)
    other = survey("vpn", {"controls": "reset@host", "port": "reset@host"}, PORT)
    cut = replace(other, observations=other.observations[: len(CONTROLS)])
    assert one_port(reported([one, cut]), PORT).why.startswith("refused on lan; not measured on vpn")


COMMANDS = {
    "22": "ss -tlnp 'sport = :22'",
    "5000-6100": "ss -tlnp '( sport >= :5000 and sport <= :6100 )'",
    "22,80-90": "ss -tlnp 'sport = :22 or ( sport >= :80 and sport <= :90 )'",
    "1,3,5,7,9,11,13": "ss -tlnp",
}


@pytest.mark.parametrize("ports", COMMANDS)
def test_the_sockets_of_several_ports(ports: str) -> None:
    """One filter for all of them; without one where it would grow long."""
    subject = Subject(ports, Protocol.TCP, NOWHERE)
    assert next_test_command(NextTest(rule=NextTestRule.LIST_SOCKETS), subject) == COMMANDS[ports]


def test_commands_of_other_tests() -> None:
    """UDP sockets are listed by another flag; a login takes one port."""
    sockets, login, another_address = (NextTest(rule=rule) for rule in NextTestRule)
    udp = Subject("53", Protocol.UDP, NOWHERE)
    assert next_test_command(sockets, udp) == "ss -ulnp 'sport = :53'"
    assert next_test_command(login, udp) == "ssh -W 127.0.0.1:53 HOST"
    assert next_test_command(login, Subject("1-9", Protocol.TCP, NOWHERE)) == "ssh -W 127.0.0.1:PORT HOST"
    assert next_test_command(another_address, udp) is None


def test_how_several_ports_are_named() -> None:
    """A port with its service, a few as ranges, many by their number."""
    assert Subject("5432", Protocol.TCP, NOWHERE, "postgresql").title == "5432/tcp (postgresql)"
    assert Subject("5000-6100", Protocol.TCP, NOWHERE).title == "5000-6100/tcp"
    many = Subject(",".join(map(str, range(1, 65000, 2))), Protocol.UDP, NOWHERE)
    assert (many.title, many.label) == ("each of 32,500 udp ports", "these ports")


def test_an_answer_without_a_reading_keeps_none() -> None:
    """A report from elsewhere may lack them: nothing is made up."""
    report = reported([survey("lan", {"controls": "reset@host", "port": "reset@host"}, PORT)])
    (port,) = report.ports
    bare = structs.replace(
        port, observations=tuple(structs.replace(o, reading=None) for o in port.observations)
    )
    (again,) = worded(structs.replace(report, ports=(bare,))).ports
    assert [o.reading for o in again.observations] == [None]
    assert again.why.startswith("not measured")
