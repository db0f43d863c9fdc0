"""Which open ports are asked for keys."""

import pytest
from address_builder import LAN, VPN, survey

from probe.model.probing import Aftermath, Observation, Question, Reason, Role
from probe.model.target import Port, Protocol
from probe.services.selection import keyed_ports, may_show_keys

OPEN, SPOKE = (Reason.SYN_ACK, Aftermath.HELD), (Reason.SYN_ACK, Aftermath.SPOKE)
CUT, BROKEN = (Reason.SYN_ACK, Aftermath.CLOSED), (Reason.SYN_ACK, Aftermath.RESET)
CLOSED, UNWATCHED = (Reason.RESET, None), (Reason.SYN_ACK, None)

# port -> how it answers on the LAN and on the VPN address; ports asked, on both.
ASKED = {
    "SSH and TLS": ({22: (OPEN, SPOKE), 443: (OPEN, OPEN)}, [22, 443]),
    "silent on SSH's port": ({22: (OPEN, OPEN)}, []),
    "SSH's port, not watched": ({22: (UNWATCHED, OPEN)}, [22]),
    "open on one address only": ({22: (SPOKE, CLOSED)}, []),
    "closed at once on one": ({22: (SPOKE, CUT), 443: (BROKEN, OPEN)}, []),
    "SSH on another port": ({10022: (SPOKE, OPEN)}, [10022]),
    "silent on another port": ({10022: (OPEN, OPEN)}, []),
    "what greets is no TLS": ({443: (SPOKE, SPOKE)}, []),
    "what greets as its service does": ({21: (SPOKE, SPOKE), 25: (SPOKE, SPOKE)}, []),
    "four at most, SSH first": (
        dict.fromkeys((22, 2222, 10022), (SPOKE, SPOKE)) | dict.fromkeys((443, 993, 8443), (OPEN, OPEN)),
        [22, 2222, 443, 993],
    ),
}


def seen(ip, port: Port, how) -> Observation:
    return Observation(Question(ip, port), how[0], 1, 1, sender=ip, aftermath=how[1])


@pytest.mark.parametrize("name", ASKED)
def test_ports_asked(name):
    """The ports that could be compared and may show a key."""
    ports, expected = ASKED[name]
    surveys = [
        survey(ip, observations=tuple(seen(ip, Port(Protocol.TCP, n), how[i]) for n, how in ports.items()))
        for i, ip in enumerate((LAN, VPN))
    ]
    assert keyed_ports(surveys) == tuple((ip, Port(Protocol.TCP, n)) for n in expected for ip in (LAN, VPN))


@pytest.mark.parametrize(
    ("number", "first", "asked"),
    [
        (22, b"SSH-2.0-OpenSSH_9.8", True),
        (22, b"SS", True),  # the first bytes of it
        (22, b"220 ready", False),
        (10022, b"220 ready", False),
        (10022, b"SSH-2.0-dropbear", True),
    ],
)
def test_what_begins_otherwise_is_no_ssh(number, first, asked):
    """The survey's own connections have shown it: no client for keys has to wait for a service to give up."""
    port = Port(Protocol.TCP, number)
    surveys = [
        survey(
            ip,
            observations=(
                Observation(
                    Question(ip, port),
                    Reason.SYN_ACK,
                    1,
                    1,
                    sender=ip,
                    aftermath=Aftermath.SPOKE,
                    first_bytes=first,
                ),
            ),
        )
        for ip in (LAN, VPN)
    ]
    assert bool(keyed_ports(surveys)) is asked


def test_udp_and_controls_are_not_asked():
    """Only tested TCP ports that accept."""
    dns = Port(Protocol.UDP, 22)
    control = Question(LAN, Port(Protocol.TCP, 22), Role.CONTROL)
    observations = (seen(LAN, dns, SPOKE), Observation(control, Reason.SYN_ACK, 1, 1))
    surveys = [survey(ip, observations=observations) for ip in (LAN, VPN)]
    assert keyed_ports(surveys) == ()


@pytest.mark.parametrize(
    ("port", "may"),
    [
        (Port(Protocol.TCP, 22), True),
        (Port(Protocol.TCP, 8443), True),
        (Port(Protocol.TCP, 10022), True),
        (Port(Protocol.TCP, 25), False),
        (Port(Protocol.UDP, 443), False),
    ],
)
def test_may_show_keys(port, may):
    """By its number alone: SSH's and TLS's usual ones, and those of no customary service."""
    assert may_show_keys([port]) is may
