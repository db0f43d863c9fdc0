"""What is asked a second time: what decides, and few openings where they are counted."""

from ipaddress import ip_address

import pytest
from scripted_network import ScriptedNetwork
from varied import replace

from probe.engine.counted import MOST_OPENINGS
from probe.engine.run import Run
from probe.engine.second_asking import (
    ACCEPTING_SAMPLE,
    FEW,
    SAMPLE,
    ask_a_second_time,
    second_questions,
)
from probe.model.facts import AddressSurvey, Route
from probe.model.plan import Timing
from probe.model.probing import Observation, Origin, Question, Reason, Reply, Role
from probe.model.target import Port, Protocol, TargetAddress
from probe.services.selection import is_counted

LAN, VPN, PUBLIC = map(ip_address, ("192.168.77.10", "10.88.0.10", "203.0.113.10"))
OURS = ip_address("192.168.77.2")
SSH, WEB = Port(Protocol.TCP, 22), Port(Protocol.TCP, 8000)
CONTROL = Port(Protocol.TCP, 1006)
NAMES = Port(Protocol.UDP, 53)


def seen(ip, port, reason, role=Role.TESTED, **more):
    """One observation."""
    silent = reason is Reason.NO_RESPONSE
    answered = None if silent else 1
    sender = None if silent else ip
    return Observation(Question(ip, port, role), reason, 1, answered=answered, sender=sender, **more)


def survey(ip, answers, *more, source=OURS, on_link=True, hops=1):
    """The survey of one address: reasons by port."""
    route = Route(ip, source, "eth0", on_link=on_link)
    first = tuple(seen(ip, port, reason) for port, reason in answers.items())
    return AddressSurvey(TargetAddress(ip, ""), (*first, *more), route=route, hops=hops)


def asked(*surveys):
    """Which port of which address is asked again."""
    return {(q.address, q.port) for questions in second_questions(surveys).values() for q in questions}


OPEN, CLOSED, SILENT = Reason.SYN_ACK, Reason.RESET, Reason.NO_RESPONSE
REJECTED = Reason.ADMIN_PROHIBITED


@pytest.mark.parametrize(
    ("lan", "vpn", "again"),
    [
        (OPEN, CLOSED, {LAN, VPN}),
        (OPEN, SILENT, {LAN, VPN}),
        (OPEN, REJECTED, {LAN}),
        (OPEN, OPEN, {LAN, VPN}),
        (CLOSED, CLOSED, set()),
        (CLOSED, SILENT, set()),
        (Reason.NOT_SENT, OPEN, {VPN}),
    ],
)
def test_what_decides_is_asked_again(lan, vpn, again):
    """All answers of a port that is accepted here and not there, but for rationed ones."""
    alive = seen(VPN, CONTROL, REJECTED, Role.CONTROL)
    found = asked(survey(LAN, {WEB: lan}), survey(VPN, {WEB: vpn}, alive))
    assert found == {(ip, WEB) for ip in again}


def test_a_silent_address_is_not_asked_again():
    """Where nothing ever came back, more silence shows nothing."""
    assert asked(survey(LAN, {WEB: OPEN}), survey(VPN, {WEB: SILENT})) == {(LAN, WEB)}


def test_what_raw_packets_alone_received_is_not_asked_again():
    """Sockets would wait for it in vain."""
    raw = seen(LAN, WEB, CLOSED, raw_only=True)
    control = seen(LAN, CONTROL, CLOSED, Role.CONTROL, raw_only=True)
    assert asked(survey(LAN, {}, raw, control)) == set()


def test_a_refused_control_is_asked_again():
    """It shows whether the address still answers."""
    controls = [seen(LAN, Port(Protocol.TCP, n), CLOSED, Role.CONTROL) for n in (1006, 18233)]
    assert asked(survey(LAN, {WEB: CLOSED}, *controls)) == {(LAN, CONTROL)}


def test_of_many_alike_ports_a_sample_is_asked():
    """And all of them where the sample changed."""
    ports = [Port(Protocol.TCP, n) for n in range(5000, 5000 + 2 * FEW)]
    lan, vpn = survey(LAN, dict.fromkeys(ports, OPEN)), survey(VPN, dict.fromkeys(ports, CLOSED))
    first = asked(lan, vpn)
    assert SAMPLE <= len({port for _, port in first}) <= SAMPLE + ACCEPTING_SAMPLE
    again = tuple(seen(ip, port, CLOSED, Role.REPEAT) for ip, port in first)
    lan = replace(lan, observations=(*lan.observations, *(o for o in again if o.question.address == LAN)))
    vpn = replace(vpn, observations=(*vpn.observations, *(o for o in again if o.question.address == VPN)))
    second = asked(lan, vpn)
    assert {port for _, port in first | second} == set(ports)
    assert first.isdisjoint(second)


def test_udp_answers_are_asked_again_and_silence_is_not():
    """A datagram that is answered here and refused there may be a service that ended."""
    lan, vpn = {NAMES: Reason.UDP_RESPONSE}, {NAMES: Reason.PORT_UNREACH}
    assert asked(survey(LAN, lan), survey(VPN, vpn)) == {(LAN, NAMES), (VPN, NAMES)}
    alive = seen(VPN, CONTROL, REJECTED, Role.CONTROL)
    assert asked(survey(LAN, lan), survey(VPN, {NAMES: SILENT}, alive)) == {(LAN, NAMES)}


# --- ports whose openings are counted ---


def test_ssh_is_known_by_its_port_or_by_what_it_sends():
    """Its openings are logged, and often limited."""
    assert is_counted(SSH, ())
    assert is_counted(WEB, [seen(LAN, WEB, OPEN, first_bytes=b"SSH-2.0-OpenSSH_9.2")])
    assert not is_counted(WEB, [seen(LAN, WEB, OPEN, first_bytes=b"220 ready")])


def test_ssh_that_all_accept_is_asked_again_once():
    """On the farthest address, no further than its distance: that shows a forward as well."""
    near = [survey(ip, {SSH: OPEN}) for ip in (LAN, VPN)]
    far = survey(PUBLIC, {SSH: OPEN}, on_link=False, hops=3)
    (question,) = [q for questions in second_questions([*near, far]).values() for q in questions]
    assert question == Question(PUBLIC, SSH, Role.REPEAT, ttl=3)
    again = replace(far, observations=(*far.observations, seen(PUBLIC, SSH, OPEN, Role.REPEAT)))
    assert asked(*near, again) == set()


def test_ssh_is_not_asked_again_where_it_is_known_who_accepted():
    """On all addresses: there is nothing left to learn."""
    own = [survey(ip, {}, seen(ip, SSH, OPEN, origin=Origin.HOST)) for ip in (LAN, VPN)]
    assert asked(*own) == set()
    assert asked(*own, survey(PUBLIC, {SSH: OPEN}, on_link=False)) == {(PUBLIC, SSH)}


def test_ssh_is_tried_once_when_it_is_asked_again():
    """Whatever gets lost: an opening that stays out is none the less one."""
    first = survey(LAN, {SSH: OPEN})
    assert run(first, answering(SILENT)).repeats()[0].attempts == 1


def test_connections_of_clients_are_part_of_the_budget():
    """Where keys took what is left, nothing is asked again."""
    near = [survey(ip, {SSH: OPEN}) for ip in (LAN, VPN)]
    assert second_questions(near, [(LAN, SSH)]) != {}
    assert second_questions(near, [(LAN, SSH), (VPN, SSH)]) == {}


def test_ssh_that_differs_is_asked_where_it_decides_within_the_budget():
    """One address that accepted, and those that refused, as far as the openings from one source allow."""
    refused = [survey(ip_address(f"192.168.77.{n}"), {SSH: CLOSED}) for n in range(20, 23)]
    assert asked(survey(LAN, {SSH: OPEN}), survey(VPN, {SSH: CLOSED})) == {(LAN, SSH), (VPN, SSH)}
    assert len(asked(survey(LAN, {SSH: OPEN}), *refused[:2])) == MOST_OPENINGS - 3
    assert asked(survey(LAN, {SSH: OPEN}), *refused) == set()
    other = survey(VPN, {SSH: CLOSED}, source=ip_address("10.88.0.2"))
    assert asked(survey(LAN, {SSH: OPEN}), *refused, other) == {(VPN, SSH)}


# --- asking ---


def run(first, answer, questions=None):
    """The survey after its questions were asked again of a network that answers so."""
    wanted = questions or second_questions([first])[first.address.ip]
    network = ScriptedNetwork(answer)
    ip = first.address.ip
    return Run({ip: ask_a_second_time(first, wanted)}, network, Timing()).until(60.0).surveys[0]


def answering(reason, sender=LAN):
    """A network that answers everything alike."""

    def answer(probe, now):
        icmp = (3, 13) if reason is REJECTED else None
        return [] if reason is SILENT else [Reply(probe.id, reason, now + 0.001, sender=sender, icmp=icmp)]

    return answer


def test_second_answers_stand_beside_the_first():
    """Whatever they are; silence counts after more tries than loss would explain."""
    first = survey(LAN, {WEB: OPEN})
    for reason in (OPEN, CLOSED, SILENT):
        found = run(first, answering(reason))
        assert found.tested()[WEB].reason is OPEN
        assert [o.reason for o in found.repeats()] == [reason]
    assert found.repeats()[0].attempts >= 6


def test_a_late_answer_takes_the_place_of_a_silence():
    """It came to a later try: it is no change."""
    first = survey(LAN, {WEB: SILENT})
    found = run(first, answering(CLOSED), (Question(LAN, WEB, Role.REPEAT),))
    assert found.tested()[WEB].reason is CLOSED
    assert found.tested()[WEB].answered == 2
    assert found.repeats() == ()


def test_a_control_is_asked_again():
    """Its second answer is kept beside the first."""
    first = survey(LAN, {WEB: CLOSED}, seen(LAN, CONTROL, CLOSED, Role.CONTROL))
    assert [o.reason for o in run(first, answering(SILENT)).repeats()] == [SILENT]


def test_the_one_repeat_of_ssh_shows_who_answers():
    """The host at its distance, or something behind it that the probe does not reach."""
    first = survey(LAN, {SSH: OPEN})
    direct = run(first, answering(OPEN))
    assert direct.tested()[SSH].origin is Origin.HOST
    assert [o.question for o in direct.repeats()] == [Question(LAN, SSH, Role.REPEAT)]
    forwarded = run(first, answering(Reason.TIME_EXCEEDED))
    assert forwarded.tested()[SSH].origin is Origin.BEHIND
    assert forwarded.repeats() == ()


def test_what_could_not_be_sent_is_no_second_answer():
    """Nothing was measured."""
    assert run(survey(LAN, {WEB: OPEN}), answering(Reason.NOT_SENT)).repeats() == ()
