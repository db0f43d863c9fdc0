"""A round of raw follow-ups: what it goes by, how often it asks, what becomes of the answers."""

from ipaddress import ip_address

import pytest
from scripted_network import Script, ScriptedNetwork

from probe.engine.pacing import FLOOR_S, SILENCE_DOUBT, PathStats
from probe.engine.run import Run
from probe.engine.survey import ENOUGH_ANSWERS, ask_follow_ups
from probe.model.facts import AddressSurvey
from probe.model.plan import FollowUp, Timing
from probe.model.probing import NextHop, Observation, PurposeRule, Question, Reason, Reply, Shape
from probe.model.target import Port, Protocol, TargetAddress

LAN, LOOPBACK = ip_address("192.168.77.10"), ip_address("127.0.0.1")
HTTP = Question(LAN, Port(Protocol.TCP, 80))
ACK = Question(LAN, Port(Protocol.TCP, 80), shape=Shape.ACK)
FRAME = Question(
    LOOPBACK, HTTP.port, ttl=1, hop=NextHop("eth0", ip_address("192.168.77.2"), "52:54:00:12:34:56")
)
SURVEY = AddressSurvey(
    TargetAddress(LAN, "lan"), (Observation(HTTP, Reason.NO_RESPONSE, attempts=5, started=0.0),)
)


def taught(*attempts: int, rtt: float = 0.01) -> PathStats:
    """What answers to these tries teach."""
    learned = PathStats()
    for attempt in attempts:
        learned.answer(attempt, rtt)
    return learned


def ask(question: Question, network: ScriptedNetwork, learned: PathStats | None) -> AddressSurvey:
    """One round with one question."""
    script = ask_follow_ups(SURVEY, [FollowUp(question, PurposeRule.WHOSE_RESET)], learned)
    known = {} if learned is None else {LAN: learned}
    (survey,) = Run({LAN: script}, network, Timing(), known).until(60).surveys
    return survey


def silent(_probe: object, _now: float) -> list[Reply]:
    return []


def answers(reason: Reason, after: float = 0.01) -> Script:
    return lambda probe, now: [Reply(probe.id, reason, now + after, sender=LAN)]


TRIES: list[tuple[str, PathStats | None, int]] = [
    ("was never asked", None, 3),
    ("knows of no loss", taught(*[1] * ENOUGH_ANSWERS), 2),
    ("knows too little", taught(*[1] * (ENOUGH_ANSWERS - 1)), 3),
    ("never answered", PathStats(), 2),
    ("knows of loss", taught(*[1] * 10, 2, 3), 4),
]


@pytest.mark.parametrize(("learned", "tries"), [row[1:] for row in TRIES], ids=[row[0] for row in TRIES])
def test_tries_of_silence(learned: PathStats | None, tries: int) -> None:
    """As few as the answers before allow, as many as the loss that they show asks for."""
    survey = ask(ACK, ScriptedNetwork(silent), learned)
    assert [trace.observation.attempts for trace in survey.traces] == [tries]


def test_enough_answers_leave_little_doubt() -> None:
    """After that many answers and no loss, two silences are hardly loss (Jeffreys' estimate of its share)."""
    share = 0.5 / (ENOUGH_ANSWERS + 1)
    assert share**2 == pytest.approx(SILENCE_DOUBT, rel=0.1)


@pytest.mark.parametrize("question", [ACK, FRAME], ids=["its own", "a frame for another"])
def test_waits_are_those_of_the_address(question: Question) -> None:
    """The time of the round trip is known from before; it counts for what its neighbour is handed too."""
    network = ScriptedNetwork(silent)
    ask(question, network, taught(*[1] * 20, rtt=0.01))
    assert network.now() == pytest.approx(2 * FLOOR_S)


def test_what_is_learned_is_handed_on() -> None:
    """A run hands on what the one before it knew, and what its own answers add."""
    before = taught(1, 1)
    script = ask_follow_ups(SURVEY, [FollowUp(ACK, PurposeRule.WHOSE_RESET)], before)
    other = {ip_address("10.88.0.10"): taught(1)}
    run = Run({LAN: script}, ScriptedNetwork(answers(Reason.RESET)), Timing(), {LAN: before, **other})
    learned = run.until(60).learned
    assert {ip: known.answered for ip, known in learned.items()} == {LAN: 3, ip_address("10.88.0.10"): 1}


RAW_ANSWERS: list[tuple[Question, Reason, Reason, bool]] = [
    (HTTP, Reason.SYN_ACK, Reason.SYN_ACK, True),
    (HTTP, Reason.ADMIN_PROHIBITED, Reason.NO_RESPONSE, False),
    (ACK, Reason.RESET, Reason.NO_RESPONSE, False),
]


@pytest.mark.parametrize(("question", "answer", "kept", "raw_only"), RAW_ANSWERS)
def test_what_sockets_did_not_get(question: Question, answer: Reason, kept: Reason, raw_only: bool) -> None:  # noqa: FBT001 - a case
    """An answer to the same question takes the place of silence; what else comes back is a trace only."""
    survey = ask(question, ScriptedNetwork(answers(answer)), PathStats())
    (seen,) = survey.observations
    assert (seen.reason, seen.raw_only) == (kept, raw_only)
    assert [trace.observation.reason for trace in survey.traces] == [answer]
    assert seen.attempts == 5 + raw_only
