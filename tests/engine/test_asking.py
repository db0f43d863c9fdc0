"""A few questions beside a survey."""

from ipaddress import ip_address

from scripted_network import ScriptedNetwork, answering

from probe.engine.run import ask
from probe.model.plan import Timing
from probe.model.probing import Question, Reason
from probe.model.target import Port, Protocol

HERE, THERE = ip_address("10.88.0.10"), ip_address("10.99.0.10")
ONE, TWO, PORT = (Port(Protocol.TCP, number) for number in (80, 81, 1006))
FAST = Timing(timeout=0.5, retries=1)


def test_every_question_once():
    """Doubles are asked once; each address answers for itself; silence is an outcome."""
    questions = [Question(HERE, ONE), Question(THERE, ONE), Question(HERE, TWO), Question(HERE, ONE)]
    network = answering(HERE)
    found = ask(questions, network, FAST)
    assert {q: o.reason for q, o in found.items()} == {
        Question(HERE, ONE): Reason.RESET,
        Question(HERE, TWO): Reason.RESET,
        Question(THERE, ONE): Reason.NO_RESPONSE,
    }
    assert len(network.sent) == 2 + 2
    assert network.now() < 2


def test_nothing_to_ask():
    """Without questions no time passes."""
    network = answering()
    assert ask([], network, FAST) == {}
    assert network.now() == 0


def test_nothing_is_known_of_what_ctrl_c_cut_short(interrupt):
    """What was asked just now may not pass for silence."""

    def script(probe, now):
        interrupt()
        return []

    assert ask([Question(HERE, ONE)], ScriptedNetwork(script), FAST) == {}
