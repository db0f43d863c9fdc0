"""The survey of one address over a scripted path: distances, reply TTLs, origins, rationed errors."""

import math
from collections import Counter
from collections.abc import Generator
from ipaddress import ip_address

import pytest
from msgspec import structs
from scripted_network import ScriptedNetwork

from probe.engine.pacing import FLOOR_S
from probe.engine.run import Run
from probe.engine.survey import Step, survey_address
from probe.model.facts import AddressSurvey, DeadLink, Neighbour, Route
from probe.model.plan import AddressPlan, Timing
from probe.model.probing import Origin, Probe, Question, Reason, Reply, Role
from probe.model.target import Port, Protocol, TargetAddress

TARGET = TargetAddress(ip_address("203.0.113.10"), "public")
HOPS = [ip_address(f"198.51.100.{n}") for n in range(1, 40)]
OPEN, CLOSED, FORGED, FORWARDED, DROPPED, REJECTED = (Port(Protocol.TCP, n) for n in range(8000, 8006))
CONTROLS = (Port(Protocol.TCP, 1006), Port(Protocol.TCP, 18233), Port(Protocol.TCP, 61417))
RTT = 0.01


class Path:
    """A target some hops away: who answers a probe, with which TTL on arrival."""

    def __init__(self, hops: int, initial_ttl: int = 64, *, forger: int = 1) -> None:
        self.hops, self.initial, self.forger = hops, initial_ttl, forger

    def __call__(self, probe: Probe, now: float) -> list[Reply]:
        """Answer a probe as this path does."""
        question = probe.question
        ttl = 64 if question.ttl is None else question.ttl
        port = question.port
        if port == DROPPED:
            return []
        goal = self.hops + 1 if port == FORWARDED else self.hops
        turns_back = self.forger + 1 if port == FORGED else goal
        if ttl < turns_back:
            return [self._expired(probe, ttl, now)]
        if port == REJECTED:
            sender = HOPS[0]
            return [Reply(probe.id, Reason.ADMIN_PROHIBITED, now + RTT, sender=sender, icmp=(3, 13))]
        arrives = self.initial - (self.forger if port == FORGED else goal) + 1
        if question.min_ttl is not None and arrives < question.min_ttl:
            return []
        reason = Reason.SYN_ACK if port in {OPEN, FORWARDED} else Reason.RESET
        return [Reply(probe.id, reason, now + RTT, sender=TARGET.ip)]

    def _expired(self, probe: Probe, ttl: int, now: float) -> Reply:
        sender = TARGET.ip if ttl == self.hops else HOPS[ttl - 1]
        return Reply(probe.id, Reason.TIME_EXCEEDED, now + RTT, sender=sender, icmp=(11, 0))


def measure(script, *ports: Port, on_link: bool = False, neighbour: Neighbour | None = None) -> AddressSurvey:
    """Survey the target over a scripted network."""
    plan = AddressPlan(TARGET, Route(TARGET.ip, on_link=on_link), ports, CONTROLS)
    survey = survey_address(plan, lambda _: neighbour, frozenset())
    outcome = Run({TARGET.ip: survey}, ScriptedNetwork(script), Timing()).until(60)
    (done,) = outcome.surveys
    return done


@pytest.mark.parametrize("hops", [1, 2, 3, 5, 7, 11, 20, 31])
@pytest.mark.parametrize("initial", [64, 128, 255])
def test_distance_and_reply_ttl(hops, initial):
    """Hops, the TTL on arrival and the hops on the way are found for near and far hosts of all stacks."""
    found = measure(Path(hops, initial), OPEN, CLOSED)
    assert found.hops == hops
    assert found.reply_ttl == initial - hops + 1
    assert set(found.path) <= set(HOPS[: hops - 1])


def test_the_way_is_listed_in_order():
    """The hops that sent time-exceeded come in the order of their distance."""
    found = measure(Path(6), CLOSED)
    assert list(found.path) == sorted(found.path)
    assert len(found.path) >= 4


def test_a_neighbour_takes_one_question():
    """On the link the distance is one hop, and nothing further is asked."""
    assert measure(Path(1), CLOSED, on_link=True).hops == 1


def test_no_distance_where_the_far_end_is_out_of_reach():
    """A host farther away than the TTL trace goes has no distance."""
    found = measure(Path(36), CLOSED)
    assert (found.hops, found.reply_ttl, found.path) == (None, None, ())


@pytest.mark.parametrize(
    ("port", "origin"),
    [(OPEN, Origin.HOST), (CLOSED, Origin.HOST), (FORGED, Origin.NEARER), (FORWARDED, Origin.BEHIND)],
)
def test_who_answers(port, origin):
    """The host itself, a box on the way, or something behind the address."""
    assert measure(Path(4), port).tested()[port].origin is origin


def test_a_reset_forged_by_the_last_router_shows_by_its_ttl():
    """A router one hop before the host refuses at the same distance, but its reset arrives with one more."""
    assert measure(Path(3, forger=2), FORGED).tested()[FORGED].origin is Origin.NEARER


def test_nothing_nearer_can_show_above_the_highest_ttl():
    """A neighbour that sends with TTL 255 leaves no room for a nearer reset."""
    found = measure(Path(1, 255), CLOSED, on_link=True)
    assert found.reply_ttl == 255
    assert found.tested()[CLOSED].origin is Origin.HOST


def kernel(network: ScriptedNetwork, gives_up: float, resolves: float = math.inf):
    """A neighbour table in which an address is asked for from the first look on."""

    def look(_):
        if network.now() >= resolves:
            return Neighbour.RESOLVED
        return Neighbour.FAILED if network.now() >= gives_up else Neighbour.INCOMPLETE

    return look


def survey_neighbour(network: ScriptedNetwork, table, route: Route) -> AddressSurvey:
    """Survey a neighbour of which this table knows."""
    plan = AddressPlan(TARGET, route, (OPEN,), CONTROLS)
    survey = survey_address(plan, table, frozenset())
    (done,) = Run({TARGET.ip: survey}, network, Timing()).until(60.0).surveys
    return done


ON_LINK = Route(TARGET.ip, interface="eth0", on_link=True)


def test_a_neighbour_is_waited_for_until_the_kernel_gives_it_up():
    """It asks for seconds: only then nobody has the address."""
    network = ScriptedNetwork(lambda probe, now: [])
    found = survey_neighbour(network, kernel(network, gives_up=3.0), ON_LINK)
    assert found.neighbour is Neighbour.FAILED
    assert network.now() < 4


def test_a_neighbour_that_resolves_late_is_asked_again():
    """What was lost while it was being resolved is no silence."""
    network = ScriptedNetwork(lambda probe, now: Path(1)(probe, now) if now >= 2.2 else [])
    found = survey_neighbour(network, kernel(network, gives_up=3.0, resolves=2.2), ON_LINK)
    assert found.tested()[OPEN].reason is Reason.SYN_ACK
    assert found.neighbour is None


def test_a_neighbour_that_resolves_and_stays_silent_is_there():
    """It has answered for its address, and that is kept."""
    network = ScriptedNetwork(lambda probe, now: [])
    found = survey_neighbour(network, kernel(network, gives_up=3.0, resolves=2.2), ON_LINK)
    assert found.neighbour is Neighbour.RESOLVED


def test_a_neighbour_that_is_asked_for_for_ever_is_not_known():
    """The wait has an end, and an address that is still being resolved is nobody's and nobody's not."""
    network = ScriptedNetwork(lambda probe, now: [])
    found = survey_neighbour(network, kernel(network, gives_up=math.inf), ON_LINK)
    assert found.neighbour is Neighbour.INCOMPLETE
    assert network.now() < 7


def test_nobody_is_waited_for_on_a_link_without_carrier():
    """Nothing was asked there."""
    network = ScriptedNetwork(lambda probe, now: [])
    dead = structs.replace(ON_LINK, dead_link=DeadLink("eth0", up=True))
    found = survey_neighbour(network, kernel(network, gives_up=math.inf), dead)
    assert found.neighbour is None
    assert network.now() < 3


def test_an_address_without_an_answer_has_no_distance_and_asks_the_neighbour_table():
    """Where all is silent on the link, the neighbour table shows whether anybody is there."""
    found = measure(lambda probe, now: [], CLOSED, on_link=True, neighbour=Neighbour.FAILED)
    assert found.hops is None
    assert found.neighbour is Neighbour.FAILED


def test_the_reply_ttl_that_the_system_reports_is_not_measured():
    """An IPv6 connection has the hop limit by itself: no floor is asked."""

    def script(probe: Probe, now: float) -> list[Reply]:
        return [Reply(probe.id, Reason.SYN_ACK, now + RTT, sender=TARGET.ip, ttl=57)]

    network = ScriptedNetwork(script)
    plan = AddressPlan(TARGET, Route(TARGET.ip, on_link=True), (OPEN,), CONTROLS)
    survey = survey_address(plan, lambda _: None, frozenset())
    (found,) = Run({TARGET.ip: survey}, network, Timing()).until(60).surveys
    assert found.reply_ttl == 57
    assert {p.question.min_ttl for _, p in network.sent} == {None, 58}


def test_a_silence_among_rationed_errors_is_asked_at_their_pace():
    """Where a tested port was rejected, the silent ones are asked again 1.1 s apart: errors are rationed."""
    budget = iter([True] * 2)

    def script(probe: Probe, now: float) -> list[Reply]:
        rationed = probe.question.port in {DROPPED, REJECTED}
        if not rationed:
            return Path(1)(probe, now)
        if now < 1.5 and next(budget, None) is None:
            return []
        return [Reply(probe.id, Reason.PORT_UNREACH, now + RTT, sender=TARGET.ip, icmp=(3, 3))]

    ports = (REJECTED, DROPPED, Port(Protocol.TCP, 9001))
    found = measure(script, *ports, on_link=True).tested()
    assert found[DROPPED].reason is Reason.PORT_UNREACH


def test_rationed_errors_are_not_asked_for_where_the_controls_reject_too():
    """A default-reject address is known by its controls: its silent TCP ports take no more time."""
    answered = set(CONTROLS)

    def script(probe: Probe, now: float) -> list[Reply]:
        if probe.question.port not in answered:
            return []
        return [Reply(probe.id, Reason.PORT_UNREACH, now + RTT, sender=TARGET.ip, icmp=(3, 3))]

    network = ScriptedNetwork(script)
    plan = AddressPlan(TARGET, Route(TARGET.ip, on_link=True), (DROPPED,), CONTROLS)
    Run({TARGET.ip: survey_address(plan, lambda _: None, frozenset())}, network, Timing()).until(60)
    assert network.now() < 2


def test_a_canary_that_stays_silent_is_kept_beside_its_control():
    """An address that stops answering while it is probed shows it in the canary."""

    def script(probe: Probe, now: float) -> list[Reply]:
        return [] if probe.question.role is Role.CANARY else Path(1)(probe, now)

    found = measure(script, CLOSED, on_link=True)
    (canary,) = [o for o in found.observations if o.question.role is Role.CANARY]
    assert canary.reason is Reason.NO_RESPONSE
    assert all(o.reason is Reason.RESET for o in found.controls())


def test_a_step_without_questions_is_passed_over():
    """A survey may yield a step that asks nothing; the run goes on with the next one."""

    def survey() -> Generator[Step, object, AddressSurvey]:
        nothing = yield Step(())
        assert nothing == {}
        seen = yield Step((Question(TARGET.ip, CLOSED),))
        return AddressSurvey(TARGET, tuple(seen.values()))

    outcome = Run({TARGET.ip: survey()}, ScriptedNetwork(Path(1)), Timing()).until(
        60, lambda done, asked: None
    )
    assert [o.reason for o in outcome.surveys[0].observations] == [Reason.RESET]


def test_progress_is_reported():
    """The callback gets how many questions are settled of how many asked."""
    reported: list[tuple[int, int]] = []
    plan = AddressPlan(TARGET, Route(TARGET.ip, on_link=True), (CLOSED,), CONTROLS)
    survey = survey_address(plan, lambda _: None, frozenset())
    Run({TARGET.ip: survey}, ScriptedNetwork(Path(1)), Timing()).until(
        60, lambda *numbers: reported.append(numbers)
    )
    done, asked = reported[-1]
    assert done == asked > 4


class Rejecting:
    """A host that rejects by ICMP, six errors at once and then one a second; it drops nothing.

    `let_in` are answered by its stack, `dropped` by nothing at all.
    """

    def __init__(self, *, let_in: tuple[Port, ...] = (), dropped: tuple[Port, ...] = ()) -> None:
        self.let_in, self.dropped = let_in, dropped
        self.tokens, self.at = 6.0, 0.0

    def __call__(self, probe: Probe, now: float) -> list[Reply]:
        """Answer, or hold the error back."""
        port = probe.question.port
        if port in self.dropped:
            return []
        if port in self.let_in:
            return [Reply(probe.id, Reason.RESET, now + RTT, sender=TARGET.ip)]
        self.tokens, self.at = min(6.0, self.tokens + now - self.at), now
        if self.tokens < 1:
            return []
        self.tokens -= 1
        return [Reply(probe.id, Reason.PORT_UNREACH, now + RTT, sender=TARGET.ip, icmp=(3, 3))]


MANY = tuple(Port(Protocol.TCP, number) for number in range(3000, 4000))


def survey_through(script, *ports: Port) -> tuple[AddressSurvey, ScriptedNetwork]:
    """Survey a neighbour; return the network as well, which knows what was sent."""
    network = ScriptedNetwork(script)
    plan = AddressPlan(TARGET, Route(TARGET.ip, on_link=True), ports, CONTROLS)
    survey = survey_address(plan, lambda _: None, frozenset())
    (done,) = Run({TARGET.ip: survey}, network, Timing()).until(300).surveys
    return done, network


def test_a_thousand_rejected_ports_are_not_asked_harder():
    """Rationed errors raise no tries and lower no pace; every silence is marked as what it may be."""
    found, network = survey_through(Rejecting(), *MANY)
    silent = [o for o in found.observations if o.reason is Reason.NO_RESPONSE]
    assert len(silent) > 900
    assert all(o.rationed for o in silent)
    assert max(o.attempts for o in silent) <= 4
    assert network.now() < 5


def test_what_is_dropped_among_few_rejected_ports_is_found():
    """Once the sender has an error to give again, silence is silence, and what it rejects shows."""
    dropped = MANY[:8]
    rejected = MANY[8:11]
    found, _ = survey_through(Rejecting(let_in=CONTROLS, dropped=dropped), *dropped, *rejected)
    tested = found.tested()
    assert {tested[port].reason for port in rejected} == {Reason.PORT_UNREACH}
    assert not any(tested[port].rationed for port in dropped)


def test_a_rule_for_many_ports_is_asked_about_once_more():
    """Where the controls are let in, one round beyond the tries is made for a sample of the rest."""
    found, network = survey_through(Rejecting(let_in=CONTROLS), *MANY)
    silent = [o for o in found.observations if o.reason is Reason.NO_RESPONSE]
    assert 0 < sum(o.attempts > 3 for o in silent) < 70
    assert max(o.attempts for o in silent) == 4
    assert all(o.rationed for o in silent)
    assert network.now() < 6


def test_of_many_silences_a_sample_is_tested_again():
    """A filter that drops nearly everything, and nothing lost: some are enough, spread over all."""

    def script(probe: Probe, now: float) -> list[Reply]:
        return [] if probe.question.port in MANY else Rejecting(let_in=CONTROLS)(probe, now)

    found, _ = survey_through(script, *MANY)
    again = [o for o in found.observations if o.reason is Reason.NO_RESPONSE and o.attempts > 3]
    assert 60 <= len(again) <= 70


def test_all_are_tested_again_where_the_sample_was_not_silent():
    """A limit that lets answers through after a pause: every silence gets its chance."""
    asked: Counter[Port] = Counter()

    def script(probe: Probe, now: float) -> list[Reply]:
        port = probe.question.port
        asked[port] += 1
        silent = port in MANY and asked[port] <= 3
        return [] if silent else Rejecting(let_in=(*CONTROLS, *MANY))(probe, now)

    found, _ = survey_through(script, *MANY)
    assert {o.reason for o in found.observations} == {Reason.RESET}


def test_a_control_is_not_worth_a_ration():
    """A control whose error was held back is not waited for: the tested ports are what matters."""

    def script(probe: Probe, now: float) -> list[Reply]:
        return [] if probe.question.port == CONTROLS[-1] else host(probe, now)

    host = Rejecting()
    found, network = survey_through(script, *MANY[:3])
    assert any(o.rationed for o in found.controls())
    assert network.now() < 1


def test_what_a_signal_cut_short_is_marked_too(interrupt):
    """Silences that were waited for in full keep their mark when the survey has to end."""

    def script(probe: Probe, now: float) -> list[Reply]:
        if now > 2.5:
            interrupt()
        return Rejecting.__call__(host, probe, now)

    host = Rejecting()
    found, _ = survey_through(script, *MANY)
    assert any(o.rationed for o in found.observations)
    assert not any(o.rationed for o in found.observations if o.reason is not Reason.NO_RESPONSE)


def took(network: ScriptedNetwork) -> float:
    """Virtual seconds of a survey of a target three hops away."""
    plan = AddressPlan(TARGET, Route(TARGET.ip), (OPEN, CLOSED), CONTROLS)
    Run({TARGET.ip: survey_address(plan, lambda _: None, frozenset())}, network, Timing()).until(60)
    return network.now()


def silent_routers(probe: Probe, now: float) -> list[Reply]:
    """A path whose routers report nothing."""
    return [reply for reply in Path(3)(probe, now) if reply.reason is not Reason.TIME_EXCEEDED]


def test_a_router_that_keeps_silent_is_waited_for_once():
    """What goes as far as the address answers meanwhile: the distance needs no error of a router."""
    assert measure(silent_routers, OPEN, CLOSED).hops == 3
    assert took(ScriptedNetwork(silent_routers)) < took(ScriptedNetwork(Path(3))) + FLOOR_S + RTT


@pytest.mark.parametrize("after", [0.03, 0.08])
def test_a_router_that_reports_late_is_on_the_way(after):
    """A router does so beside its work: its second report may take longer than the address itself."""

    def late_errors(probe: Probe, now: float) -> list[Reply]:
        replies = Path(3)(probe, now)
        expired = bool(replies) and replies[0].reason is Reason.TIME_EXCEEDED
        return [structs.replace(replies[0], at=now + after)] if expired else replies

    assert measure(late_errors, OPEN).path == tuple(HOPS[:2])


@pytest.mark.parametrize(("hops", "gone"), [(1, 1), (2, 2), (3, 3), (3, 4), (4, 4), (6, 6), (6, 7), (6, 8)])
def test_a_lost_probe_makes_no_address_farther(hops, gone):
    """What would have come as far as the address, and was lost, is asked once more before it counts."""
    lost = []

    def lossy(probe: Probe, now: float) -> list[Reply]:
        if probe.question.ttl == gone and probe.question.role is Role.CONTROL and not lost:
            lost.append(probe)
            return []
        return Path(hops)(probe, now)

    found = measure(lossy, OPEN, CLOSED)
    assert lost
    assert found.hops == hops
    assert found.reply_ttl == 64 - hops + 1
    assert found.tested()[OPEN].origin is Origin.HOST
