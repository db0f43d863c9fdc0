"""A few questions beside a survey, and tunnels that are woken by them."""

from ipaddress import ip_address

from scripted_network import ScriptedNetwork

from probe.engine.run import ask
from probe.engine.warming import PATIENCE_S, warm_up
from probe.model.plan import Timing
from probe.model.probing import Question, Reason, Reply
from probe.model.target import Port, Protocol, TargetAddress

HERE, THERE = ip_address("10.88.0.10"), ip_address("10.99.0.10")
ONE, TWO, PORT = (Port(Protocol.TCP, number) for number in (80, 81, 1006))
FAST = Timing(timeout=0.5, retries=1)


def answering(*addresses, after: int = 0, reason: Reason = Reason.RESET):
    """A network in which these addresses answer, from their `after`-th probe on."""
    received: dict[object, int] = {}

    def script(probe, now):
        ip = probe.question.address
        received[ip] = received.get(ip, 0) + 1
        silent = ip not in addresses or received[ip] <= after
        return [] if silent else [Reply(probe.id, reason, now + 0.04, sender=ip)]

    return ScriptedNetwork(script)


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


COLD = {"vpn": TargetAddress(HERE, "vpn"), "tun1": TargetAddress(THERE, "vpn")}


def never(name, address) -> bool:
    """A tunnel that does not come up."""
    return False


def test_a_warm_tunnel_costs_one_probe():
    """What answers at once is left alone."""
    network = answering(HERE, THERE)
    warm_up(COLD, PORT, network, never)
    assert len(network.sent) == 2
    assert network.now() < 0.1


def test_a_cold_one_is_woken():
    """Probes go on until one is answered; the tunnel that is warm already is not asked again."""
    network = answering(HERE, THERE, after=2)
    warm_up(COLD, PORT, network, lambda name, address: name == "tun1")
    assert [probe.question.address for _, probe in network.sent] == [HERE, THERE, HERE, HERE]
    assert network.now() < 1


def test_a_handshake_is_enough():
    """A host that drops everything is not waited for once its tunnel is up."""
    network = answering()
    looks = iter([False, False, True])
    warm_up({"vpn": COLD["vpn"]}, PORT, network, lambda name, address: next(looks))
    assert len(network.sent) == 3


def test_a_dead_one_is_given_up():
    """Patience ends."""
    network = answering()
    warm_up(COLD, PORT, network, never)
    assert PATIENCE_S <= network.now() < PATIENCE_S + 0.1


def test_an_error_ends_it_too():
    """Where this machine refuses, or a router does, waiting brings nothing."""
    network = answering(HERE, THERE, reason=Reason.HOST_UNREACH)
    warm_up(COLD, PORT, network, never)
    assert len(network.sent) == 2


def test_no_tunnel_no_packet():
    """Where nothing is cold, nothing is sent."""
    network = answering()
    warm_up({}, PORT, network, never)
    assert network.sent == []
