"""Questions of which silence is expected: how often they are asked, and how long they are waited for."""

from ipaddress import ip_address

import pytest

from probe.engine.pacing import EXPECTED_S, FLOOR_S
from probe.engine.scan import Scan
from probe.model.plan import Timing
from probe.model.probing import Question, Reason, Reply
from probe.model.target import Port, Protocol

TARGET, OTHER = ip_address("192.168.77.10"), ip_address("192.168.77.11")
RTT = 0.001


def question(number: int, address=TARGET, **more) -> Question:
    return Question(address, Port(Protocol.TCP, number), **more)


@pytest.fixture
def scan() -> Scan:
    """A scan that has learned the round trip of a near address."""
    made = Scan(Timing(), 100)
    for number in range(1, 20):
        answer(made, question(number), 0.0)
    return made


def answer(scan: Scan, asked: Question, now: float, address=TARGET) -> None:
    scan.ask([asked])
    (probe,) = scan.probes_to_send(now)
    scan.receive(Reply(probe.id, Reason.RESET, now + RTT, address))


def settled_at(scan: Scan, asked: Question, now: float) -> float:
    """Let time pass until a question is settled; when that was."""
    while asked not in {observation.question for observation in scan.settled()}:
        now = scan.next_deadline(now)
        assert now < 100
        scan.probes_to_send(now)
    return now


FLOOR = question(1, min_ttl=65)


def test_it_is_given_little_more_than_a_round_trip(scan: Scan) -> None:
    """One try, where nothing was ever lost on the way to the address."""
    scan.ask([FLOOR, beyond := question(1, ttl=1)], brief=[FLOOR, beyond])
    assert len(scan.probes_to_send(1.0)) == 2
    assert settled_at(scan, FLOOR, 1.0) == pytest.approx(1.0 + EXPECTED_S)
    assert scan.counts.resent == 0


def test_where_packets_are_lost_it_is_asked_again(scan: Scan) -> None:
    """Silence for want of a packet would be taken for the one that is expected."""
    scan.learned()[TARGET].lost = 5
    scan.ask([beyond := question(1, ttl=1)], tries=2, brief=[beyond])
    scan.probes_to_send(1.0)
    settled_at(scan, beyond, 1.0)
    assert scan.counts.resent > 0


@pytest.mark.parametrize("late", [0.02, 0.05, 0.5])
def test_it_waits_for_what_left_beside_it(scan: Scan, late: float) -> None:
    """Where others are late, its answer would be late too; but no longer than any answer is waited for."""
    beside = question(2, ttl=1)
    scan.ask([FLOOR, beside], brief=[FLOOR])
    _, companion = scan.probes_to_send(1.0)
    now = 1.0
    while scan.next_deadline(now) < 1.0 + late:
        now = scan.next_deadline(now)
        scan.probes_to_send(now)
    silent = FLOOR in {observation.question for observation in scan.settled()}
    assert silent is (late > FLOOR_S)
    if not silent:
        scan.receive(Reply(companion.id, Reason.RESET, 1.0 + late, TARGET))
        scan.settled()
        assert settled_at(scan, FLOOR, now) <= 1.0 + late + EXPECTED_S


def test_the_slowest_address_rules_new_ones_until_it_gets_faster() -> None:
    """A new one is given a share more than the slowest of the others, as that is known when it is asked."""
    scan = Scan(Timing(timeout=10.0), 100)
    slow, fast, fresh = OTHER, TARGET, ip_address("192.168.77.12")
    scan.ask([question(1, fast), question(1, slow)])
    first, second = scan.probes_to_send(0.0)
    scan.receive(Reply(first.id, Reason.RESET, 0.05, fast))
    scan.receive(Reply(second.id, Reason.RESET, 0.4, slow))
    longest = []
    for number in range(2, 30):
        scan.ask([question(number, slow)])
        (probe,) = scan.probes_to_send(float(number))
        scan.receive(Reply(probe.id, Reason.RESET, number + 0.05, slow))
        scan.ask([asked := question(number, fresh)], tries=1)
        scan.probes_to_send(number + 0.05)
        longest.append(settled_at(scan, asked, number + 0.05) - number - 0.05)
    assert longest[0] > longest[5] > longest[-1]
    assert longest[-1] >= 1.5 * FLOOR_S
