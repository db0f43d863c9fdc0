"""The pace of an interface, and what many addresses behind one cost."""

from collections import Counter
from ipaddress import ip_address

import pytest
from scripted_network import ScriptedNetwork

from probe.engine import scan
from probe.engine.pacing import LINK_MAX_PER_S, LINK_MIN_PER_S, LINK_START_PER_S, LinkPace
from probe.engine.run import Run, ask_only
from probe.model.plan import Timing
from probe.model.probing import Question, Reason, Reply
from probe.model.target import Port, Protocol

RTT = 0.04


@pytest.fixture
def pace():
    """A fresh pace."""
    return LinkPace()


def drive(pace: LinkPace, count: int, start: float = 0.0, *, rtt: float = RTT, late: float = 0.0) -> float:
    """Let a link answer all that its pace allows for `count` round trips; return when that was over."""
    now = start
    for _ in range(count):
        answers = max(4, round(pace.bucket.rate * RTT))
        for number in range(answers):
            pace.answered(2 if number < late * answers else 1, now + RTT * number / answers, rtt)
        now += RTT
    return now


def test_it_doubles_while_all_is_answered(pace):
    """Up to the most that is ever sent."""
    drive(pace, 2)
    assert pace.bucket.rate >= 2 * LINK_START_PER_S
    drive(pace, 8)
    assert pace.bucket.rate == LINK_MAX_PER_S


@pytest.mark.parametrize("trouble", [{"late": 0.3}, {"rtt": 3 * RTT}])
def test_a_full_link_slows_it(pace, trouble):
    """Losses show it, and a round trip that has grown beyond the least: packets wait in a queue."""
    now = drive(pace, 3)
    before = pace.bucket.rate
    drive(pace, 12, now, **trouble)
    assert LINK_MIN_PER_S <= pace.bucket.rate < before


def test_after_a_limit_it_grows_by_little(pace):
    """The doubling is over once the limit has been met."""
    now = drive(pace, 3)
    now = drive(pace, 8, now, late=0.5)
    before = pace.bucket.rate
    drive(pace, 4, now)
    assert before < pace.bucket.rate < 1.6 * before


def test_few_answers_do_not_slow_it(pace):
    """Most of what is asked may be silent for reasons of its own: that is no full link."""
    for number in range(20):
        pace.answered(1, number * RTT, RTT)
    assert pace.bucket.rate > LINK_START_PER_S


def test_many_addresses_cost_no_more_each_than_few(monkeypatch):
    """Timeouts are looked up so many times a probe, however many addresses there are."""
    looked_up = Counter()
    known_timeout = scan.known_timeout

    def counted(state):
        looked_up["timeouts"] += 1
        return known_timeout(state)

    monkeypatch.setattr(scan, "known_timeout", counted)

    def looks_a_probe(addresses: int) -> float:
        looked_up.clear()
        hosts = [ip_address("10.88.0.0") + number for number in range(1, addresses + 1)]
        network = ScriptedNetwork(
            lambda probe, now: [Reply(probe.id, Reason.RESET, now + 0.2, sender=probe.question.address)]
        )
        ports = [Port(Protocol.TCP, number) for number in range(1, 21)]
        surveys = {ip: ask_only(ip, [Question(ip, port) for port in ports]) for ip in hosts}
        outcome = Run(surveys, network, Timing()).until(60)
        assert all(len(survey.observations) == 20 for survey in outcome.surveys)
        assert {o.reason for survey in outcome.surveys for o in survey.observations} == {Reason.RESET}
        return looked_up["timeouts"] / len(network.sent)

    assert looks_a_probe(240) < 2 * looks_a_probe(4) + 2


def test_each_interface_has_a_pace_of_its_own():
    """A link that is full does not hold up what leaves by another one."""
    slow, fast = ip_address("10.88.0.10"), ip_address("192.168.77.10")

    def script(probe, now):
        lost = probe.question.address == slow and probe.attempt == 1
        return [] if lost else [Reply(probe.id, Reason.RESET, now + 0.001, sender=probe.question.address)]

    def finished(links) -> float:
        network = ScriptedNetwork(script)
        ports = [Port(Protocol.TCP, number) for number in range(1, 2001)]
        surveys = {ip: ask_only(ip, [Question(ip, port) for port in ports]) for ip in (slow, fast)}
        Run(surveys, network, Timing(), links=links).until(60)
        return max(at for at, probe in network.sent if probe.question.address == fast)

    assert finished({slow: "vpn", fast: "lan"}) <= finished(None)


@pytest.mark.parametrize("near", [True, False])
def test_a_far_address_beside_a_near_one_is_waited_for_in_full(near):
    """An address whose answers take 600 ms is received, although the others answer within a millisecond."""
    far, lan = ip_address("10.88.0.10"), ip_address("192.168.77.10")

    def script(probe, now):
        takes = 0.001 if probe.question.address == lan else 0.6
        return [Reply(probe.id, Reason.RESET, now + takes, sender=probe.question.address)]

    ports = [Port(Protocol.TCP, number) for number in range(1, 11)]
    asked = (lan, far) if near else (far,)
    surveys = {ip: ask_only(ip, [Question(ip, port) for port in ports]) for ip in asked}
    outcome = Run(surveys, ScriptedNetwork(script), Timing()).until(60)
    assert {o.reason for survey in outcome.surveys for o in survey.observations} == {Reason.RESET}


def test_it_is_waited_for_once():
    """What was silent for the whole timeout is not given it again by the next run."""
    gone = ip_address("10.88.0.10")
    network = ScriptedNetwork(lambda probe, now: [])
    question = Question(gone, Port(Protocol.TCP, 1))
    first = Run({gone: ask_only(gone, [question])}, network, Timing()).until(60)
    began = network.now()
    Run({gone: ask_only(gone, [question])}, network, Timing(timeout=2.0), first.learned).until(60)
    assert began == pytest.approx(1.0)
    assert network.now() - began == pytest.approx(1.0)
