"""One round of raw follow-ups on an address: asked at once, each kept with its reason."""

from ipaddress import ip_address

import pytest
from scripted_network import ScriptedNetwork

from probe.engine.run import Run
from probe.engine.survey import ask_follow_ups
from probe.model.facts import AddressSurvey, Trace
from probe.model.plan import FollowUp, Timing
from probe.model.probing import (
    Aftermath,
    Header,
    Observation,
    Origin,
    PurposeRule,
    Question,
    Reason,
    Reply,
    Role,
    Shape,
)
from probe.model.target import Port, Protocol, TargetAddress

IP, OTHER = ip_address("192.168.77.10"), ip_address("10.88.0.10")
WEB, ALSO = Port(Protocol.TCP, 8000), Port(Protocol.TCP, 8001)
WHY = PurposeRule.WHOSE_RESET
OPENING, ACK = Question(IP, WEB), Question(IP, WEB, shape=Shape.ACK)
SILENT = Observation(OPENING, Reason.NO_RESPONSE, attempts=6)
REFUSED = Observation(
    OPENING, Reason.RESET, attempts=2, answered=2, sender=IP, origin=Origin.HOST, aftermath=Aftermath.HELD
)
HEADER = Header(tos=0x68, window=0)


def survey(*observations: Observation, traces=()) -> AddressSurvey:
    return AddressSurvey(TargetAddress(IP, "lan"), observations, traces=traces)


def carry(before: AddressSurvey, wanted, script) -> tuple[AddressSurvey, ScriptedNetwork]:
    """Ask over a scripted network."""
    network = ScriptedNetwork(script)
    run = Run({IP: ask_follow_ups(before, wanted)}, network, Timing(retries=2))
    (after,) = run.until(30).surveys
    return after, network


def answering(reason: Reason, sender=IP, header=HEADER):
    return lambda probe, now: [Reply(probe.id, reason, now + 0.01, sender=sender, header=header)]


def test_what_was_asked_is_kept_with_its_reason():
    """Traces come in the order of asking, after those of earlier rounds."""
    earlier = Trace(Observation(Question(IP, ALSO), Reason.RESET, 1), PurposeRule.KEEPS_MARKS)
    wanted = [FollowUp(OPENING, PurposeRule.WHOSE_RESET), FollowUp(ACK, PurposeRule.WHAT_IS_DROPPED)]
    after, network = carry(survey(REFUSED, traces=(earlier,)), wanted, answering(Reason.RESET))
    assert after.traces[0] == earlier
    assert [(t.observation.question, t.why) for t in after.traces[1:]] == [
        (OPENING, PurposeRule.WHOSE_RESET),
        (ACK, PurposeRule.WHAT_IS_DROPPED),
    ]
    assert [probe.question for _, probe in network.sent] == [OPENING, ACK]
    assert {t.observation.header for t in after.traces[1:]} == {HEADER}


def test_what_sockets_received_stays():
    """An answer of connect() is not replaced by what raw packets got of the same question."""
    after, _ = carry(survey(REFUSED), [FollowUp(OPENING, WHY)], answering(Reason.SYN_ACK))
    assert after.observations == (REFUSED,)


RAW_ANSWERS = [
    (Reason.SYN_ACK, IP, True),
    (Reason.RESET, IP, True),
    (Reason.RESET, OTHER, True),  # from elsewhere: connect() never takes that
    (Reason.UDP_RESPONSE, OTHER, True),
    (Reason.PORT_UNREACH, IP, False),
    (Reason.TIME_EXCEEDED, OTHER, False),
]


@pytest.mark.parametrize(("reason", "sender", "counts"), RAW_ANSWERS)
def test_what_only_raw_packets_got(reason, sender, counts):
    """Where sockets got nothing a raw answer is the observation, marked as raw_only; an error is none."""
    after, _ = carry(survey(SILENT), [FollowUp(OPENING, WHY)], answering(reason, sender))
    (found,) = after.observations
    if not counts:
        assert found == SILENT
        return
    assert (found.reason, found.sender, found.raw_only) == (reason, sender, True)
    assert (found.attempts, found.answered) == (7, 7)
    assert found.header == HEADER


def test_a_silence_stays_one():
    """Where raw packets get nothing either, the observation is that of the sockets."""
    after, network = carry(survey(SILENT), [FollowUp(OPENING, WHY)], lambda probe, now: [])
    assert after.observations == (SILENT,)
    assert after.traces[0].observation.attempts == len(network.sent) == 3


def test_an_answer_to_another_shape_is_not_the_port_s():
    """The reset of an ACK does not make a silent port refused, nor does a control's answer."""
    control = Question(IP, ALSO, Role.CONTROL)
    wanted = [FollowUp(ACK, WHY), FollowUp(control, WHY)]
    after, _ = carry(survey(SILENT), wanted, answering(Reason.RESET))
    assert after.observations == (SILENT,)


def test_a_later_answer_does_not_count():
    """The first reply to a probe is its answer: what a forger adds behind it changes nothing."""

    def twice(probe, now):
        return [
            Reply(probe.id, Reason.RESET, now + 0.01, sender=IP, header=HEADER),
            Reply(probe.id, Reason.RESET, now + 0.01, sender=IP, header=HEADER),
            Reply(probe.id, Reason.SYN_ACK, now + 0.02, sender=OTHER, header=Header()),
        ]

    once, _ = carry(survey(SILENT), [FollowUp(OPENING, WHY)], answering(Reason.RESET))
    after, _ = carry(survey(SILENT), [FollowUp(OPENING, WHY)], twice)
    assert after == once


def test_an_accepted_raw_probe_is_not_watched():
    """Raw packets open no connection: a SYN/ACK with its headers is the whole answer at once."""
    after, network = carry(survey(SILENT), [FollowUp(OPENING, WHY)], answering(Reason.SYN_ACK))
    assert after.traces[0].observation.aftermath is None
    assert network.now() < 0.1


def test_the_end_of_the_scan_leaves_the_question_unsent():
    """What there was no time for is a trace of that, and changes no observation."""
    run = Run(
        {IP: ask_follow_ups(survey(SILENT), [FollowUp(OPENING, WHY)])},
        ScriptedNetwork(list),
        Timing(),
    )
    (after,) = run.until(0.0).surveys
    assert after.observations == (SILENT,)
    assert [t.observation.reason for t in after.traces] == [Reason.NOT_SENT]


def test_what_waits_for_room_when_the_scan_ends_was_not_sent():
    """Where the backend takes one probe at a time, the deadline leaves the second question unsent."""
    wanted = [FollowUp(OPENING, WHY), FollowUp(ACK, WHY)]
    network = ScriptedNetwork(lambda probe, now: [], capacity=1)
    run = Run({IP: ask_follow_ups(survey(SILENT), wanted)}, network, Timing(timeout=0.08))
    (after,) = run.until(0.1).surveys
    assert [t.observation.reason for t in after.traces] == [Reason.NO_RESPONSE, Reason.NOT_SENT]
    assert after.observations == (SILENT,)
