"""Listeners that close connections of some peers at once."""

from contextlib import closing
from ipaddress import ip_address

import pytest

from probe.errors import ScenarioError
from probe.lab.netns.listeners import _treatment
from probe.lab.scenario import turned_away
from probe.lab.scenario_hosts import Listen, Serves
from probe.model.target import Protocol


def test_both_families_of_a_realm_are_turned_away():
    """The prober's addresses there, and no others."""
    listen = Listen(port=22, bind="::", turns_away=("vpn",))
    assert turned_away(listen) == {ip_address("10.88.0.2"), ip_address("fd88::2")}
    assert turned_away(Listen(port=22, bind="::")) == frozenset()


@pytest.mark.parametrize(
    "listen",
    [
        Listen(port=22, bind="::", turns_away=("moon",)),
        Listen(port=22, bind="::", turns_away=("vpn",), protocol=Protocol.UDP),
    ],
    ids=["no realm", "datagrams"],
)
def test_what_cannot_be_turned_away_is_refused(listen):
    """In words that name the port."""
    with pytest.raises(ScenarioError, match="port 22 cannot turn away"):
        turned_away(listen)


class NamedPeer:
    """A connection of which only its peer is known."""

    def __init__(self, address):
        self._address = address

    def getpeername(self):
        if self._address is None:
            raise OSError
        return (self._address, 1)

    def close(self):
        """Nothing to do."""


@pytest.mark.parametrize(
    ("peer", "kept"),
    [
        ("10.88.0.2", False),
        ("::ffff:10.88.0.2", False),
        ("192.168.77.2", True),
        ("fd88::2", False),
        (None, False),
    ],
)
def test_a_peer_is_known_by_its_address(peer, kept):
    """As an IPv6 socket shows an IPv4 peer, too; who has gone is not served."""
    treat = _treatment(Listen(port=22, bind="::", serves=Serves.HOLD, turns_away=("vpn",)))
    with closing(NamedPeer(peer)) as one:
        assert treat(one) is kept
