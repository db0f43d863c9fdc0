"""ICMP errors that answer a SYN which the kernel sent again: what they show, and what they do not."""

from ipaddress import ip_address

import pytest

from probe.engine.pacing import SYN_REPEAT_S
from probe.engine.scan import Scan
from probe.model.plan import Timing
from probe.model.probing import Question, Reason, Reply
from probe.model.target import Port, Protocol

TARGET = ip_address("192.168.77.10")
RTT = 0.04


def question(number: int, protocol: Protocol = Protocol.TCP) -> Question:
    return Question(TARGET, Port(protocol, number))


def error(scan: Scan, asked: Question, sent_at: float, came: float) -> None:
    """Ask one question, which a reject answers at `came`."""
    scan.ask([asked], tries=1)
    (probe,) = scan.probes_to_send(sent_at)
    scan.receive(Reply(probe.id, Reason.PORT_UNREACH, came, TARGET))


def silence(scan: Scan, asked: Question, sent_at: float) -> None:
    """Ask one question, which nobody answers."""
    scan.ask([asked], tries=1)
    assert len(scan.probes_to_send(sent_at)) == 1
    scan.probes_to_send(sent_at + 2.0)


# An error at 0 that shows the round trip, one for a SYN sent at 0.1, and when the silent SYN left.
@pytest.mark.parametrize(
    ("protocol", "came", "silent_at", "held_back"),
    [
        (Protocol.TCP, 0.1 + 2.0 + RTT, 2.2, True),  # its repeat at 2.1 spent the error, not the SYN at 0.1
        (Protocol.TCP, 0.1 + 2.0 + RTT, 3.3, False),  # by then the sender had another one
        (Protocol.TCP, 0.1 + RTT, 2.2, False),  # came at once: two seconds later there was one to give
        (Protocol.UDP, 0.1 + 2.0 + RTT, 2.2, False),  # nobody repeats a datagram: it was on its way for long
    ],
)
def test_an_error_is_spent_when_its_packet_met_the_sender(
    protocol: Protocol, came: float, silent_at: float, *, held_back: bool
) -> None:
    """A silence just after is rationed, not a drop: many ports would be called dropped for it."""
    scan = Scan(Timing(), 100)
    error(scan, question(1), 0.0, RTT)
    error(scan, question(2, protocol), 0.1, came)
    silence(scan, question(3), silent_at)
    assert scan.rationed(TARGET) == ({question(3)} if held_back else frozenset())


def test_a_repeat_teaches_no_round_trip() -> None:
    """Which of the kernel's SYNs was answered is not known (Karn's rule); other addresses learn nothing."""
    scan = Scan(Timing(), 100)
    error(scan, question(1), 0.0, SYN_REPEAT_S + RTT)
    assert scan.learned()[TARGET].rtt.smoothed is None
    error(scan, question(2), 2.0, 2.0 + RTT)
    assert scan.learned()[TARGET].rtt.smoothed == pytest.approx(RTT)


def test_a_late_error_shows_a_faster_ration() -> None:
    """Errors that come to repeats only are of a sender that refills between: two soon after prove nothing."""
    scan = Scan(Timing(), 100)
    error(scan, question(1), 0.0, RTT)
    error(scan, question(2), 0.1, 0.1 + 1.0 + RTT)
    scan.ask([question(3)], tries=1)
    scan.probes_to_send(1.5)
    for number in (4, 5):
        error(scan, question(number), 1.501, 1.501 + RTT)
    scan.probes_to_send(3.5)
    assert scan.rationed(TARGET) == {question(3)}
