"""The engine over a scripted network: one observation a question, rates kept, deadlines met."""

import math
from collections import Counter
from ipaddress import ip_address

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scripted_network import Script, ScriptedNetwork

from probe.app.plan import make_plan
from probe.engine.pacing import BURST_S, FIRST_FACTOR, FLOOR_S, INITIAL_S, PathStats
from probe.engine.run import Run, ask
from probe.engine.scan import AFTERMATH_S
from probe.engine.survey import Step, Survey, survey_address
from probe.model.facts import AddressSurvey, Route
from probe.model.plan import AddressPlan, Plan, Timing
from probe.model.probing import Aftermath, Origin, Probe, Question, Reason, Reply, Role
from probe.model.target import Port, Protocol, ResolvedTarget, TargetAddress

LAN, VPN = ip_address("192.168.77.10"), ip_address("10.88.0.10")
REASONS = st.sampled_from([Reason.SYN_ACK, Reason.RESET, Reason.ADMIN_PROHIBITED, Reason.NOT_SENT])


class OnLink:
    """A prober whose every destination is a neighbour."""

    def route(self, destination):
        return Route(destination, on_link=True)

    def neighbour(self, destination):
        return None

    def link_address(self, destination):
        return None

    def tunnels(self):
        return ()

    def own_addresses(self):
        return frozenset({ip_address("192.168.77.2")})


def plan_for(ports: int, timing: Timing, addresses=(LAN, VPN)) -> Plan:
    """A plan for ports 8000 and up on some addresses."""
    tested = tuple(Port(Protocol.TCP, 8000 + n) for n in range(ports))
    return make_plan(
        ResolvedTarget(tuple(TargetAddress(ip, "lan") for ip in addresses), tested), timing, OnLink()
    )


def run(plan: Plan, network: ScriptedNetwork) -> tuple[AddressSurvey, ...]:
    """Carry the plan's surveys over the network."""
    host = OnLink()
    surveys = {a.address.ip: survey_address(a, host.neighbour, host.own_addresses()) for a in plan.addresses}
    return Run(surveys, network, plan.timing).until(plan.deadline).surveys


def answer(reason: Reason, delay: float) -> Script:
    """Every probe is answered the same way after `delay` seconds."""
    return lambda probe, now: [Reply(probe.id, reason, now + delay, sender=probe.question.address)]


def unruly(choices) -> Script:
    """Each probe draws its fate: lost, answered late, answered twice, answered with anything."""

    def script(probe: Probe, now: float) -> list[Reply]:
        copies = choices(st.integers(0, 3))
        return [
            Reply(probe.id, choices(REASONS), now + choices(st.floats(0, 2)), sender=probe.question.address)
            for _ in range(copies)
        ]

    return script


@settings(max_examples=60, deadline=None)
@given(data=st.data(), ports=st.integers(1, 12))
def test_one_observation_a_question_whatever_the_network_does(data, ports):
    """Any loss, duplication or reordering of replies: each port and address is observed exactly once."""
    plan = plan_for(ports, Timing())
    network = ScriptedNetwork(unruly(data.draw))
    surveys = run(plan, network)
    for survey in surveys:
        asked = Counter((o.question.port, o.question.role) for o in survey.observations)
        tested = [port for (port, role), n in asked.items() if role is Role.TESTED]
        assert sorted(tested) == sorted(plan.addresses[0].tested)
        assert set(asked.values()) == {1}
    assert network.now() <= plan.deadline
    assert not network.waiting


@settings(max_examples=40, deadline=None)
@given(data=st.data(), rate=st.integers(5, 500))
def test_the_rate_is_never_exceeded(data, rate):
    """In any window the probes sent stay within rate times window plus one burst."""
    plan = plan_for(10, Timing(rate=rate))
    network = ScriptedNetwork(unruly(data.draw))
    run(plan, network)
    times = [at for at, _ in network.sent]
    burst = max(1.0, rate * BURST_S)
    for first in range(len(times)):
        for last in range(first, len(times)):
            window = times[last] - times[first]
            assert last - first + 1 <= rate * window + burst + 1e-6


@settings(max_examples=30, deadline=None)
@given(data=st.data(), timeout=st.floats(0.1, 3), retries=st.integers(0, 5))
def test_every_run_ends_by_its_deadline(data, timeout, retries):
    """Whatever the network does, the run is over at the plan's deadline."""
    plan = plan_for(5, Timing(timeout=timeout, retries=retries))
    network = ScriptedNetwork(unruly(data.draw))
    run(plan, network)
    assert network.now() <= plan.deadline


@pytest.mark.parametrize("reason", [Reason.SYN_ACK, Reason.RESET])
def test_an_answer_needs_one_try(reason):
    """Where all answer at once, every tested port is asked once in the first flight."""
    surveys = run(plan_for(3, Timing()), ScriptedNetwork(answer(reason, 0.04)))
    tested = [o for s in surveys for o in s.tested().values()]
    assert {o.attempts for o in tested} == {1}
    assert {o.reason for o in tested} == {reason}


def test_silence_takes_three_tries_spread_over_time():
    """A silent port is asked three times, with growing gaps, before silence counts."""
    network = ScriptedNetwork(lambda probe, now: [])
    surveys = run(plan_for(1, Timing(), addresses=(LAN,)), network)
    (observation,) = surveys[0].tested().values()
    assert observation.reason is Reason.NO_RESPONSE
    assert observation.attempts == 3
    times = [at for at, probe in network.sent if probe.question.port.number == 8000]
    assert times[2] - times[1] > times[1] - times[0] > 0.09


def test_silence_is_tested_again_where_the_address_is_alive():
    """On an address that answers other ports, a silent port is asked again after an idle pause."""

    def script(probe, now):
        return [] if probe.question.port.number == 8000 else answer(Reason.RESET, 0.01)(probe, now)

    network = ScriptedNetwork(script)
    surveys = run(plan_for(2, Timing(), addresses=(LAN,)), network)
    silent = surveys[0].tested()[Port(Protocol.TCP, 8000)]
    assert silent.attempts == 5


def test_a_late_answer_to_an_early_try_counts():
    """An answer that takes longer than the timeout still settles the port, and is dated to its own try."""
    surveys = run(plan_for(1, Timing(), addresses=(LAN,)), ScriptedNetwork(answer(Reason.RESET, 0.8)))
    (observation,) = surveys[0].tested().values()
    assert observation.reason is Reason.RESET
    assert observation.answered == 1
    assert observation.rtt == pytest.approx(0.8)


def test_more_tries_on_a_lossy_address():
    """Where answers come only to later tries, a silent port is given more tries than usual."""

    def script(probe, now):
        if probe.question.port.number == 8000 or probe.attempt == 1:
            return []
        return answer(Reason.RESET, 0.01)(probe, now)

    surveys = run(plan_for(6, Timing(), addresses=(LAN,)), ScriptedNetwork(script))
    assert surveys[0].tested()[Port(Protocol.TCP, 8000)].attempts > 6


def test_aftermath_is_added_to_the_same_observation():
    """A connection that is reset after it was accepted stays one observation, with its aftermath."""

    def script(probe, now):
        first = Reply(probe.id, Reason.SYN_ACK, now + 0.01, sender=LAN)
        return [first, Reply(probe.id, Reason.SYN_ACK, now + 0.02, aftermath=Aftermath.RESET)]

    surveys = run(plan_for(1, Timing(), addresses=(LAN,)), ScriptedNetwork(script))
    (observation,) = surveys[0].tested().values()
    assert observation.reason is Reason.SYN_ACK
    assert observation.aftermath is Aftermath.RESET


def test_a_missing_aftermath_is_not_awaited_for_long():
    """A backend that never reports the aftermath holds a port up for a moment only."""
    network = ScriptedNetwork(answer(Reason.SYN_ACK, 0.01))
    surveys = run(plan_for(1, Timing(), addresses=(LAN,)), network)
    (observation,) = surveys[0].tested().values()
    assert observation.aftermath is None
    assert network.now() < 1 + AFTERMATH_S


def test_capacity_is_respected():
    """No more probes wait at once than the backend can hold, and all ports are still asked."""
    network = ScriptedNetwork(lambda probe, now: [], capacity=20)
    surveys = run(plan_for(100, Timing(), addresses=(LAN,)), network)
    assert network.most_waiting <= 20
    assert {o.reason for o in surveys[0].tested().values()} == {Reason.NO_RESPONSE}


def test_a_control_that_is_open_brings_more_controls():
    """An open control port is no control: two more ports that nothing uses are asked."""
    surveys = run(plan_for(1, Timing(), addresses=(LAN,)), ScriptedNetwork(answer(Reason.SYN_ACK, 0.01)))
    assert len(surveys[0].controls()) == 5


def test_interruption_keeps_what_is_known(interrupt):
    """Ctrl-C in the middle ends the run with the answers that came before it."""

    class StoppedNetwork(ScriptedNetwork):
        def receive(self, until):
            if self.now() > 0.2:
                interrupt()
            return super().receive(until)

    def script(probe, now):
        return answer(Reason.RESET, 0.01)(probe, now) if probe.question.port.number == 8000 else []

    host, plan = OnLink(), plan_for(2, Timing(), addresses=(LAN,))
    surveys = {a.address.ip: survey_address(a, host.neighbour, host.own_addresses()) for a in plan.addresses}
    outcome = Run(surveys, StoppedNetwork(script), plan.timing).until(plan.deadline)
    assert not outcome.complete
    tested = outcome.surveys[0].tested()
    assert tested[Port(Protocol.TCP, 8000)].reason is Reason.RESET
    assert tested[Port(Protocol.TCP, 8001)].reason is Reason.NO_RESPONSE


def test_a_thousand_silent_ports_fit_in_six_seconds():
    """The plan for a silent address costs tries times timeout, not ports times timeout."""
    network = ScriptedNetwork(lambda probe, now: [])
    run(plan_for(1000, Timing(), addresses=(LAN,)), network)
    assert network.now() < 5.5
    assert math.isfinite(network.now())


def test_plan_address_is_reexported_with_routes():
    """The plan names the route of every address, and its control ports differ from the tested ones."""
    plan = plan_for(2, Timing())
    assert all(isinstance(a, AddressPlan) and a.route.on_link for a in plan.addresses)
    assert not set(plan.addresses[0].controls) & set(plan.addresses[0].tested)


class SlowToSend(ScriptedNetwork):
    """Each probe takes a hundredth of a second to leave."""

    def send(self, probe):
        self._now += 0.01
        return super().send(probe)


def test_each_probe_is_timed_from_when_it_left() -> None:
    """Probes that are due together leave one after the other: none is charged with the others' time."""

    def answers(probe: Probe, now: float) -> list[Reply]:
        return [Reply(probe.id, Reason.RESET, now + 0.002, probe.question.address)]

    (survey,) = run(plan_for(30, Timing(), (LAN,)), SlowToSend(answers))
    seen = [o for o in survey.observations if o.question.role is Role.TESTED]
    assert [o.rtt for o in seen] == [pytest.approx(0.002)] * 30
    assert len({o.started for o in seen}) == 30


def asking(address, *steps: tuple[Question, ...]) -> Survey:
    """A survey that asks these steps, one after the other, and keeps what came."""
    seen = []
    for questions in steps:
        seen += (yield Step(questions)).values()
    return AddressSurvey(TargetAddress(address, "lan"), tuple(seen))


def test_what_two_surveys_ask_at_once_is_asked_once_and_answered_to_both():
    """Two addresses of one card ask the same of a third one across links; each goes on with the answer."""
    across = Question(ip_address("203.0.113.10"), Port(Protocol.TCP, 8000))
    own = {ip: Question(ip, Port(Protocol.TCP, 8001)) for ip in (LAN, VPN)}
    network = ScriptedNetwork(answer(Reason.RESET, 0.01))
    surveys = {ip: asking(ip, (across,), (own[ip],)) for ip in (LAN, VPN)}
    outcome = Run(surveys, network, Timing()).until(10)
    assert Counter(probe.question for _, probe in network.sent) == Counter([across, *own.values()])
    for survey in outcome.surveys:
        assert [o.question for o in survey.observations] == [across, own[survey.address.ip]]
        assert {o.reason for o in survey.observations} == {Reason.RESET}


def test_a_survey_may_ask_again_what_another_one_was_answered():
    """An answer that came before is no answer to what is asked after it."""
    across = Question(ip_address("203.0.113.10"), Port(Protocol.TCP, 8000))
    first = Question(VPN, Port(Protocol.TCP, 8001))
    network = ScriptedNetwork(answer(Reason.RESET, 0.01))
    surveys = {LAN: asking(LAN, (across,)), VPN: asking(VPN, (first,), (across,))}
    outcome = Run(surveys, network, Timing()).until(10)
    assert [len(survey.observations) for survey in outcome.surveys] == [1, 2]
    assert [probe.question for _, probe in network.sent].count(across) == 2


def test_a_round_beside_a_survey_knows_what_it_has_learned():
    """A silent address is given a share more than the slowest of the others, not what a first round takes."""
    others = PathStats()
    others.answer(1, 0.001)

    def taken(learned) -> float:
        network = ScriptedNetwork(lambda probe, now: [])
        answers = ask([Question(VPN, Port(Protocol.TCP, 9))], network, Timing(0.5, 0), learned=learned)
        assert [o.reason for o in answers.values()] == [Reason.NO_RESPONSE]
        return network.now()

    assert taken({LAN: others}) == pytest.approx(FIRST_FACTOR * FLOOR_S)
    assert taken(None) == pytest.approx(INITIAL_S)


def test_a_question_that_is_not_answered_is_followed_at_once():
    """By the one that it leads to, while others of the step are still waited for; an answer is by none."""
    near, plain, slow = (
        Question(LAN, Port(Protocol.TCP, 22), ttl=1),
        Question(LAN, Port(Protocol.TCP, 22)),
        Question(LAN, Port(Protocol.TCP, 8001)),
    )
    silent = {near, slow}

    def script(probe, now):
        return [] if probe.question in silent else [Reply(probe.id, Reason.RESET, now + 0.01, sender=LAN)]

    def survey():
        step = Step((near, slow), once=frozenset((near,)), instead={near: plain})
        answers = yield step
        return AddressSurvey(TargetAddress(LAN, "lan"), tuple(answers.values()))

    for silent in ({near, slow}, {slow}):
        network = ScriptedNetwork(script)
        (found,) = Run({LAN: survey()}, network, Timing()).until(10.0).surveys
        followed = [at for at, probe in network.sent if probe.question == plain]
        assert len(followed) == (near in silent)
        assert all(at < max(at for at, probe in network.sent if probe.question == slow) for at in followed)
        assert (plain in {o.question for o in found.observations}) == (near in silent)


def test_a_neighbours_ssh_that_is_forwarded_is_behind_it():
    """What lives for one hop expires there, and what lives longer is accepted: by a container, or a host."""
    ssh = Port(Protocol.TCP, 22)

    def script(probe, now):
        question = probe.question
        reason = Reason.RESET if question.port != ssh else Reason.SYN_ACK
        if question.port == ssh and question.ttl == 1:
            reason = Reason.TIME_EXCEEDED
        return [Reply(probe.id, reason, now + 0.01, sender=LAN)]

    plan = make_plan(ResolvedTarget((TargetAddress(LAN, "lan"),), (ssh,)), Timing(), OnLink())
    (survey,) = run(plan, ScriptedNetwork(script))
    assert survey.tested()[ssh].reason is Reason.SYN_ACK
    assert survey.tested()[ssh].origin is Origin.BEHIND
