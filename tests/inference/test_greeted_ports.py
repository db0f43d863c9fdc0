"""Which open ports are asked for a greeting, and how."""

import pytest
from address_builder import LAN, VPN, ssh, survey
from msgspec import structs
from varied import replace

from probe.model.greeting import Approach, Call
from probe.model.probing import Aftermath, Observation, Question, Reason
from probe.model.target import Port, Protocol
from probe.services.registry import SERVICES, TLS_PORTS, UNSPOKEN_PORTS, WEB_PORTS
from probe.services.selection import MOST_GREETED, greeted_ports, greetings_of_ssh, may_greet

LISTEN, WEB, LISTEN_TLS, WEB_TLS = Approach
OPEN, SPOKE, CUT = Aftermath.HELD, Aftermath.SPOKE, Aftermath.CLOSED


def tcp(number: int) -> Port:
    return Port(Protocol.TCP, number)


def surveyed(ports: dict, **facts):
    """Two addresses; of each port what it did after it accepted, on the one and on the other."""
    return [
        survey(
            ip,
            observations=tuple(
                Observation(Question(ip, tcp(n)), Reason.SYN_ACK, 1, 1, sender=ip, aftermath=how[i])
                for n, how in ports.items()
            ),
            **facts,
        )
        for i, ip in enumerate((LAN, VPN))
    ]


# port -> what it did on the two addresses; how it is met, and whether an answer is likely.
MET = {
    "a web server": (80, (OPEN, OPEN), (WEB, True)),
    "a web server by TLS": (443, (OPEN, OPEN), (WEB_TLS, True)),
    "mail by TLS": (993, (OPEN, OPEN), (LISTEN_TLS, True)),
    "who spoke": (25, (SPOKE, SPOKE), (LISTEN, True)),
    "who spoke on one address": (3306, (OPEN, SPOKE), (LISTEN, True)),
    "who spoke where the web is usual": (8080, (SPOKE, SPOKE), (LISTEN, True)),
    "not watched": (8080, (None, OPEN), (WEB, True)),
    "a port of nobody": (12345, (OPEN, OPEN), (WEB, False)),
    "an administration by HTTP": (9200, (OPEN, OPEN), (WEB, True)),
    "a low port of nobody": (600, (OPEN, OPEN), None),
    "a silent database": (5432, (OPEN, OPEN), None),
    "a silent mail server": (25, (OPEN, OPEN), None),
    "LDAP by TLS: its certificate will do": (636, (OPEN, OPEN), None),
    "raw printing": (9100, (OPEN, OPEN), None),
    "raw printing that spoke": (9101, (SPOKE, SPOKE), None),
    "a serial line": (4001, (OPEN, OPEN), None),
    "a controller": (502, (SPOKE, SPOKE), None),
    "closed at once on one": (80, (OPEN, CUT), None),
}


@pytest.mark.parametrize("name", MET)
def test_how_ports_are_met(name):
    """Who speaks is listened to; only the web and ports of nobody are spoken to, some ports never."""
    number, how, met = MET[name]
    calls = greeted_ports(surveyed({number: how}))
    expected = () if met is None else tuple(Call(ip, tcp(number), met[0], met[1]) for ip in (LAN, VPN))
    assert calls == expected


def test_twelve_at_most_the_likely_ones_first():
    """Where many are open."""
    calls = greeted_ports(surveyed(dict.fromkeys((*range(30000, 30020), 80, 443), (OPEN, OPEN))))
    assert len(calls) == 2 * MOST_GREETED
    assert [call.port.number for call in calls[::2]] == [80, 443, *range(30000, 30010)]


def test_ssh_is_not_called():
    """An sshd counts connections: known by its number, or by what it sent on the survey's connection."""
    assert greeted_ports(surveyed({22: (SPOKE, SPOKE), 2222: (OPEN, OPEN)})) == ()
    assert greeted_ports(greeting_first(8022, b"SSH-2.0-x\r\n")) == ()
    assert len(greeted_ports(greeting_first(8022, b"220 ready\r\n"))) == 2


def greeting_first(number: int, sent: bytes, **facts):
    """The same, where the port sent something by itself."""
    return [
        replace(one, observations=tuple(structs.replace(o, first_bytes=sent) for o in one.observations))
        for one in surveyed({number: (SPOKE, SPOKE)}, **facts)
    ]


def test_what_ssh_sent_first_is_its_greeting():
    """Where it showed no host key, which proves more."""
    surveys = greeting_first(22, b"SSH-2.0-OpenSSH_9.2\r\n")
    found = greetings_of_ssh(surveys)
    assert {place: greeting.text for place, greeting in found.items()} == {
        (ip, tcp(22)): "SSH-2.0-OpenSSH_9.2" for ip in (LAN, VPN)
    }
    assert greetings_of_ssh(greeting_first(22, b"SSH-2.0-x\r\n", keys=ssh("a"))) == {}
    assert greetings_of_ssh(greeting_first(22, b"220 ready\r\n")) == {}


@pytest.mark.parametrize(
    ("port", "may"), [(tcp(80), True), (tcp(9100), False), (Port(Protocol.UDP, 80), False)]
)
def test_may_greet(port, may):
    """By its number alone."""
    assert may_greet([port]) is may


def test_the_tables_of_ports_agree():
    """What must not be spoken to is no web port, and every web port but those two has a name."""
    assert not UNSPOKEN_PORTS & (WEB_PORTS | TLS_PORTS)
    assert {s.port.number for s in SERVICES} >= WEB_PORTS
