"""Which silences may be ICMP errors that were held back, as senders ration them."""

from ipaddress import ip_address

import pytest
from scripted_network import ScriptedNetwork
from test_run import OnLink

from probe.app.plan import make_plan
from probe.engine.rations import REFILL_S, ErrorRation
from probe.engine.run import Run
from probe.engine.scan import Scan
from probe.engine.survey import survey_address
from probe.model.plan import Timing
from probe.model.probing import Probe, Question, Reason, Reply
from probe.model.target import Port, Protocol, ResolvedTarget, TargetAddress

TARGET = ip_address("192.168.77.10")


def ration(*errors: tuple[float, int]) -> ErrorRation:
    """The errors that came: when the answered try left, and which it was."""
    made = ErrorRation()
    for sent_at, attempt in errors:
        made.error(sent_at, late=attempt > 1)
    return made


BURST = tuple((at / 1000, 1) for at in range(6))  # a full ration, spent within 5 ms


@pytest.mark.parametrize(
    ("errors", "tries", "held_back"),
    [
        ((), (0.0, 0.1), False),  # who gives no errors holds none back
        (BURST, (0.006, 0.1, 0.3), True),  # just after the ration was spent
        (BURST, (0.0005, 0.1), False),  # while errors were still given
        (BURST, (0.0045,), True),  # the last of them may have been the last of the ration
        (BURST, (0.006, 0.006 + REFILL_S), False),  # a try when the sender had one again
        (((0.9, 1),), (0.0, 0.1), True),  # spent before we began
        (((0.0, 1), (0.4, 2)), (0.39, 0.41), True),
        (((0.0, 1), (0.01, 2), (0.02, 1), (0.03, 1)), (0.005,), True),  # a faster ration: late errors show it
    ],
)
def test_what_may_be_held_back(errors, tries, held_back):
    """A silence counts as one only where a try met a sender that surely had an error to give."""
    assert ration(*errors).may_hold_back(tries) is held_back


def test_errors_are_ordered_by_their_tries():
    """An error for an early try may come after those for later ones."""
    assert ration((2.0, 1), (0.0, 1)).may_hold_back([2.5])
    assert not ration((2.0, 1), (0.0, 1)).may_hold_back([1.5])


def test_an_error_for_what_the_kernel_sent_again_spends_the_ration_then():
    """The repeat of a SYN gets the next error: what is silent after it may have been rejected too."""
    near, repeated, late = (Question(TARGET, Port(Protocol.TCP, number)) for number in (1, 2, 3))
    scan = Scan(Timing(timeout=1.5), capacity=10)
    scan.ask([near, repeated], way=TARGET, tries=3)
    first, second = scan.probes_to_send(0.0)
    scan.receive(_error(first, 0.2))
    scan.receive(_error(second, 1.2))  # its SYN left again at 1.0
    scan.ask([late], way=TARGET, tries=1)
    scan.probes_to_send(1.3)
    scan.probes_to_send(3.0)
    assert scan.rationed(TARGET) == {late}
    assert scan.learned()[TARGET].rtt.smoothed == pytest.approx(0.2)


def _error(probe: Probe, at: float) -> Reply:
    return Reply(probe.id, Reason.PORT_UNREACH, at, sender=TARGET, icmp=(3, 3))


def test_a_neighbours_ssh_is_held_back_as_others_are():
    """Its first try, which lives for one hop, is no sign that the sender had an error to give."""
    ports = (Port(Protocol.TCP, 22), *(Port(Protocol.TCP, 8000 + n) for n in range(12)))
    timing, host, given = Timing(), OnLink(), [-0.5]  # the ration was spent by somebody else just before

    def script(probe, now):
        if probe.question.port.number == 22 or now - given[-1] < 1.0:
            return []
        given.append(now)
        return [Reply(probe.id, Reason.ADMIN_PROHIBITED, now + 0.01, sender=TARGET)]

    plan = make_plan(ResolvedTarget((TargetAddress(TARGET, "lan"),), ports), timing, host)
    survey = survey_address(plan.addresses[0], host.neighbour, host.own_addresses())
    (found,) = Run({TARGET: survey}, ScriptedNetwork(script), timing).until(plan.deadline).surveys
    assert found.tested()[ports[0]].reason is Reason.NO_RESPONSE
    assert found.tested()[ports[0]].rationed
