"""What is learned of an address's loss, and what is not loss: tries that overran a cold tunnel's queue."""

from ipaddress import ip_address

from varied import replace

from probe.inference.responses import Noise, noise_of
from probe.model.facts import AddressSurvey, LinkKind, Route
from probe.model.probing import Observation, Question, Reason
from probe.model.target import Port, Protocol, TargetAddress

VPN = ip_address("10.88.0.10")
RTT_S = 0.2


def survey(count: int, kind: LinkKind, lost=range(0)) -> AddressSurvey:
    """Ports asked one a millisecond, from a cold start; the first tries of `lost` are not answered."""

    def observed(number: int) -> Observation:
        again = number in lost
        return Observation(
            Question(VPN, Port(Protocol.TCP, number + 1)),
            Reason.RESET,
            attempts=2 if again else 1,
            answered=2 if again else 1,
            rtt=RTT_S,
            sender=VPN,
            started=number / 1000,
            answered_at=number / 1000 + RTT_S,
        )

    route = Route(VPN, interface="wg0", kind=kind)
    return AddressSurvey(TargetAddress(VPN, "vpn"), tuple(map(observed, range(count))), route=route)


def test_tries_that_overran_the_queue_of_a_cold_tunnel_are_no_loss():
    """More than the queue holds were sent before the first answer: those do not count, the later ones do."""
    cold = noise_of(survey(400, LinkKind.TUNNEL, range(1, 70)), 0)
    assert (cold.lost, cold.answered) == (0, 200)
    lossy = noise_of(survey(400, LinkKind.TUNNEL, range(250, 300)), 0)
    assert (lossy.lost, lossy.answered) == (50, 200)


def test_few_tries_and_other_links_measure_loss_from_the_start():
    """A queue that was not overrun loses nothing, and Ethernet has none that waits for a handshake."""
    few = noise_of(survey(90, LinkKind.TUNNEL, range(1, 20)), 0)
    assert (few.lost, few.answered) == (19, 90)
    ethernet = noise_of(survey(400, LinkKind.ETHERNET, range(1, 70)), 0)
    assert (ethernet.lost, ethernet.answered) == (69, 400)


def test_without_times_every_answer_counts():
    """Answers of which no time is known are a measure as any other."""
    known = survey(400, LinkKind.TUNNEL, range(1, 70))
    timeless = tuple(replace(o, started=None) for o in known.observations)
    assert noise_of(replace(known, observations=timeless), 0).lost == 69


def test_a_silence_is_held_back_only_while_the_ration_is_spent():
    """Where errors are rationed, a try that left while one was to be had is hardly silent for that."""
    limited = Noise(answered=20, icmp_limited=True)
    spent, in_turn = (limited.icmp_silence(4, rationed=rationed) for rationed in (True, False))
    assert spent == limited.icmp_silence(4) > 0.5
    assert limited.silence(4) < in_turn < 0.05
    unlimited = Noise(answered=20)
    assert unlimited.icmp_silence(4, rationed=False) == unlimited.icmp_silence(4) == unlimited.silence(4)
