"""Silence that may be an ICMP error held back is rate-limited or rejected, never dropped."""

from collections.abc import Sequence
from ipaddress import ip_address
from types import SimpleNamespace

import pytest

from probe.inference import infer
from probe.inference.conditions import _condition_of_answer
from probe.inference.responses import noise_of
from probe.model.binding import Condition
from probe.model.evidence import Response
from probe.model.facts import AddressSurvey, LinkKind, Route
from probe.model.probing import Observation, Question, Reason, Role
from probe.model.target import Port, Protocol, TargetAddress

LAN = ip_address("192.168.77.10")
CONTROLS = (1006, 18233, 61417)


def observed(number: int, kind: str, role: Role = Role.TESTED) -> Observation:
    """One port: `rejected`, `refused`, `silent`, or `rationed`, a silence beyond the ration."""
    question = Question(LAN, Port(Protocol.TCP, number), role)
    if kind in {"silent", "rationed"}:
        return Observation(question, Reason.NO_RESPONSE, attempts=3, rationed=kind == "rationed")
    reason, icmp = (Reason.RESET, None) if kind == "refused" else (Reason.PORT_UNREACH, (3, 3))
    return Observation(question, reason, attempts=1, answered=1, rtt=0.01, sender=LAN, icmp=icmp)


def conditions(tested: Sequence[str], controls: Sequence[str]) -> tuple[Condition, list[Condition]]:
    """The condition of the address, and those of its ports."""
    ports = [observed(8000 + place, kind) for place, kind in enumerate(tested)]
    others = [observed(port, kind, Role.CONTROL) for port, kind in zip(CONTROLS, controls, strict=True)]
    route = Route(LAN, interface="lan", kind=LinkKind.ETHERNET, on_link=True)
    survey = AddressSurvey(TargetAddress(LAN, "lan"), (*ports, *others), route=route)
    verdict = infer((survey,))
    return (
        verdict.addresses[0].condition,
        [condition for port in verdict.ports for condition in port.conditions.values()],
    )


def test_ports_beyond_the_ration_are_never_dropped():
    """A rule rejects ten ports, and the sender had six errors to give."""
    _, ports = conditions(["rejected"] * 6 + ["rationed"] * 4, ["refused"] * 3)
    assert ports[:6] == [Condition.REJECTED] * 6
    assert set(ports[6:]) <= {Condition.REJECTED, Condition.RATE_LIMITED}


def test_silence_within_the_ration_is_still_dropped():
    """The same silences, while the sender could have answered."""
    _, ports = conditions(["rejected"] * 2 + ["silent"] * 8, ["refused"] * 3)
    assert Condition.DROPPED in ports[2:]
    assert Condition.RATE_LIMITED not in ports


@pytest.mark.parametrize(
    ("controls", "condition"),
    [
        (["rejected", "rationed", "rationed"], Condition.REJECTED),
        (["rationed"] * 3, Condition.RATE_LIMITED),
        (["silent"] * 3, Condition.DROPPED),
    ],
)
def test_the_condition_of_an_address_by_its_controls(controls, condition):
    """Controls beyond the ration show nothing of a drop; those within it do."""
    found, _ = conditions(["rejected"] * 6 + ["rationed"] * 4, controls)
    assert found is condition


def test_a_late_error_is_no_loss():
    """An error that came to a later try was held back before; an answer that did was lost."""
    late = [
        Observation(
            Question(LAN, Port(Protocol.TCP, number)), reason, attempts=4, answered=4, sender=LAN, icmp=icmp
        )
        for number, reason, icmp in ((1, Reason.PORT_UNREACH, (3, 3)), (2, Reason.RESET, None))
    ]
    survey = AddressSurvey(TargetAddress(LAN, "lan"), tuple(late))
    assert noise_of(survey, 1).lost == 3


def test_silence_that_nothing_explains_may_be_a_held_back_error():
    """Where the engine marks it so and no disposition is likely; other silence is unknown or dropped."""
    port = Port(Protocol.TCP, 8000)
    evidence = {port: SimpleNamespace(response=Response.SILENT)}
    posterior = SimpleNamespace(dispositions={})
    found = []
    for rationed in (True, False):
        tested = {port: SimpleNamespace(raw_only=False, rationed=rationed)}
        model = SimpleNamespace(evidence=evidence, tested=tested, alive=True, seen="lan")
        found.append(_condition_of_answer(port, model, posterior))
    assert found[0] is Condition.RATE_LIMITED
    assert found[1] is not Condition.RATE_LIMITED
