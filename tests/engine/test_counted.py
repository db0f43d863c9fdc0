"""Openings of ports of ssh: how many a run takes, counted where they arrive."""

from collections import Counter
from ipaddress import ip_address

import pytest

from probe.engine.counted import MOST_OPENINGS, affordable, budget_of, tries_beside
from probe.lab.check import scanned
from probe.lab.scenario import parse_scenario
from probe.lab.sim.network import SimNetwork
from probe.lab.sim.packets import Packet, Tcp
from probe.lab.sim.prober import Prober
from probe.model.facts import AddressSurvey, LinkKind, Route
from probe.model.plan import FollowUp
from probe.model.probing import NextHop, Observation, PurposeRule, Question, Reason, Shape
from probe.model.target import Port, Protocol, TargetAddress

LAN, VPN, PUBLIC = map(ip_address, ("192.168.77.10", "10.88.0.10", "203.0.113.10"))
OURS, THEIRS = map(ip_address, ("192.168.77.2", "10.88.0.2"))
SSH, WEB = Port(Protocol.TCP, 22), Port(Protocol.TCP, 80)


@pytest.fixture
def openings(monkeypatch):
    """How many SYNs the prober sends for port 22, by source; those that end at the router do not arrive."""
    counted: Counter = Counter()
    send = SimNetwork.send

    def note(self, node, frame):
        opening = isinstance(frame, Packet) and frame.flags == Tcp.SYN
        arrives = opening and (frame.ttl > 1 or frame.destination != PUBLIC)
        if arrives and isinstance(node, Prober) and frame.flow.destination_port == 22:
            counted[frame.source] += 1
        send(self, node, frame)

    monkeypatch.setattr(SimNetwork, "send", note)
    return counted


def world(listen=None, **target):
    """An sshd and a web server, behind `ufw limit ssh`: the sixth opening of a source is refused."""
    rule = {"action": "port-unreach", "ports": "22", "from_opening": 6}
    ssh = {"port": 22, "bind": "0.0.0.0", "serves": "greet"}
    return {
        "about": "logins are limited",
        "addresses": ["lan", "vpn", "public"],
        "target": {
            "listen": [{"port": 80, "bind": "0.0.0.0"}, ssh] if listen is None else listen,
            **target,
            "filter": [rule, *target.get("filter", [])],
        },
        "scan": {"ports": "22,80,8000"},
        "expect": {},
    }


LOSS = {link: {"loss": 0.2} for link in ("lan", "vpn", "public")}
WORLDS = {
    "an sshd": world(),
    "on one address": world([{"port": 22, "bind": "lan"}, {"port": 80, "bind": "0.0.0.0"}]),
    "refused": world([{"port": 80, "bind": "0.0.0.0"}]),
    "silent": world(filter=[{"action": "drop", "ports": "22"}]),
    "nothing else let in": world(filter=[{"action": "accept", "ports": "22"}, {"action": "drop"}]),
    "dropped on the VPN": world(filter=[{"action": "drop", "ports": "22", "on": ["vpn"]}]),
    "rejected": world(filter=[{"action": "admin-prohibited", "ports": "22"}]),
    "forged resets": world(filter=[{"action": "reset", "ports": "22"}]),
    "one fifth is lost": {**world(), "links": LOSS},
    "silent, one fifth is lost": {**world(filter=[{"action": "drop", "ports": "22"}]), "links": LOSS},
}


@pytest.mark.parametrize("engine", ["connect", "raw"])
@pytest.mark.parametrize("name", WORLDS)
def test_no_source_opens_ssh_more_than_four_times(name, engine, openings):
    """Whatever it answers: the user has one left before the limit."""
    scanned(parse_scenario("limited", WORLDS[name]), "sim", engine)
    assert openings
    assert max(openings.values()) <= MOST_OPENINGS


@pytest.mark.parametrize("engine", ["connect", "raw"])
def test_the_limit_is_never_met(engine, openings):
    """One address each, once where all accept: two scans and a login stay below it."""
    report = scanned(parse_scenario("limited", WORLDS["an sshd"]), "sim", engine)
    port = report.port(22)
    assert (port.binding, port.via) == ("wildcard", "direct")
    assert {o.condition for o in port.observations} == {"clear"}
    assert openings[OURS] <= 2


# --- the budget ---


def seen(ip, port=SSH, attempts=1, reason=Reason.SYN_ACK):
    """An answer that took some tries."""
    return Observation(Question(ip, port), reason, attempts, attempts, sender=ip)


def survey(ip, *observations, source=OURS, **facts):
    """What was asked of an address."""
    return AddressSurvey(
        TargetAddress(ip, ""), observations, route=Route(ip, source, "eth0", LinkKind.ETHERNET), **facts
    )


def test_tries_are_shared_by_the_addresses_of_a_source():
    """Three at most, one at least."""
    by_source = {LAN: OURS, VPN: THEIRS, PUBLIC: OURS}
    assert tries_beside({ip: Route(ip, source) for ip, source in by_source.items()}) == {
        LAN: 2,
        VPN: 3,
        PUBLIC: 2,
    }
    many = {LAN + n: Route(LAN + n, OURS) for n in range(6)}
    assert set(tries_beside(many).values()) == {1}


def test_what_is_spent_is_counted_by_source():
    """Tries of all addresses, connections of clients; of other ports nothing."""
    budget = budget_of(
        [survey(LAN, seen(LAN, attempts=2)), survey(VPN, seen(VPN), source=THEIRS)],
        [(LAN, WEB), (LAN, SSH)],
    )
    assert budget.take(LAN, SSH)
    assert not budget.take(LAN, SSH)
    assert budget.take(VPN, SSH)
    assert all(budget.take(LAN, WEB) for _ in range(9))


def test_follow_ups_within_the_budget():
    """SYNs that may arrive; what ends before, or is no SYN, is free. A frame has its link's source."""
    spent = survey(LAN, seen(LAN, attempts=MOST_OPENINGS), hops=4, path=(VPN, PUBLIC))
    other = survey(VPN, seen(VPN), source=THEIRS)
    across = NextHop("tun0", THEIRS, "52:54:00:12:34:56")
    questions = [
        Question(LAN, SSH),
        Question(LAN, SSH, ttl=2),
        Question(LAN, SSH, ttl=3),
        Question(LAN, SSH, shape=Shape.ACK),
        Question(LAN, WEB),
        Question(LAN, SSH, ttl=1, hop=across),
    ]
    wanted = {LAN: [FollowUp(q, PurposeRule.WHOSE_RESET) for q in questions]}
    found = affordable(wanted, budget_of([spent, other]))
    assert [one.question for one in found[LAN]] == [questions[n] for n in (1, 3, 4, 5)]
    assert affordable({LAN: wanted[LAN][:1]}, budget_of([spent])) == {}
