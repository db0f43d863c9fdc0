"""Through which port data is sent."""

import pytest
from surveyed import LAN, VPN, seen, surveyed, tcp, udp
from varied import replace

from probe.diagnosis.path_probes import trial_ports
from probe.model.facts import AddressSurvey
from probe.model.probing import Aftermath, Question, Reason, Role
from probe.model.target import Port, TargetAddress


def opened(number: int, **facts) -> object:
    """An open port."""
    return replace(seen(Question(VPN, tcp(number)), Reason.SYN_ACK, sender=VPN), **facts)


CONTROL = seen(Question(VPN, tcp(1006), Role.CONTROL), Reason.SYN_ACK)
UDP = seen(Question(VPN, udp(53)), Reason.UDP_RESPONSE)
CLOSED = seen(Question(VPN, tcp(21)), Reason.RESET)

CASES = [
    ([opened(8000), opened(80)], (), 80),
    ([opened(8000), opened(80)], (8000,), 8000),
    ([opened(25), opened(8000)], (25,), 8000),  # speaking first looks like spam there
    ([opened(25)], (), 25),
    ([opened(80, aftermath=Aftermath.CLOSED), opened(8000)], (80,), 8000),
    ([opened(80, aftermath=Aftermath.RESET)], (), 80),
    ([opened(9100), opened(9107)], (9100,), None),  # printers
    ([opened(80, raw_only=True)], (), None),
    ([CONTROL, UDP, CLOSED], (21,), None),
]


@pytest.mark.parametrize(("answers", "named", "expected"), CASES)
def test_choice(answers, named, expected):
    """An open TCP port that keeps its connections and harms nobody, one that was named first."""
    found = trial_ports([surveyed(VPN, "vpn", *answers)], frozenset(map(tcp, named)))
    assert found == ({} if expected is None else {VPN: tcp(expected)})


def test_not_on_this_machine():
    """Loopback has no path to try; where the route is not known there may be one."""
    answer = seen(Question(LAN, tcp(80)), Reason.SYN_ACK)
    unknown = AddressSurvey(TargetAddress(LAN, "lan"), (answer,))
    nobody: frozenset[Port] = frozenset()
    assert trial_ports([surveyed(LAN, "lo", answer)], nobody) == {}
    assert trial_ports([unknown], nobody) == {LAN: tcp(80)}
