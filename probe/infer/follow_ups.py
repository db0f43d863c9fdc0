"""Chooses the next raw packets: those that would still change a verdict, by the table of doubts.

What looks hostile takes the user's word (`Battery`).
"""

from collections.abc import Mapping, Sequence

from probe.infer.conditions import address_condition
from probe.infer.doubts import DOUBTS, Doubt
from probe.infer.policy import AddressModel, learn
from probe.infer.posterior import infer_ports
from probe.infer.priors import USUAL
from probe.infer.scene import Scene, crowd_of
from probe.infer.ways import UNREACHED
from probe.model.facts import AddressSurvey
from probe.model.plan import Battery, FollowUp
from probe.model.target import IPAddress, Port


def follow_ups(
    surveys: Sequence[AddressSurvey], running: frozenset[Port], battery: Battery
) -> Mapping[IPAddress, Sequence[FollowUp]]:
    """What to ask next of each address; empty where nothing would change a verdict any more."""
    models = learn(surveys)
    there = [m for m in models.values() if address_condition(m) not in UNREACHED]
    if not there:
        return {}
    ports = dict.fromkeys(port for model in there for port in model.evidence)
    scene = Scene(
        {model.address.ip: model for model in there},
        infer_ports(ports, there, USUAL.prior, running),
        crowd_of(there, ports),
    )
    permitted = {None} | ({"--fin"} if battery.fin else set()) | ({"--l2"} if battery.loopback else set())
    rows = [doubt for doubt in DOUBTS if doubt.takes in permitted]
    wanted = {model.address.ip: _unasked(model, scene, rows) for model in there}
    return {ip: few for ip, few in wanted.items() if few}


def _unasked(model: AddressModel, scene: Scene, rows: Sequence[Doubt]) -> tuple[FollowUp, ...]:
    """What the rows ask of one address, each question once."""
    asked = {trace.observation.question for trace in model.survey.traces}
    found = [FollowUp(question, doubt.rule) for doubt in rows for question in doubt.ask(model, scene)]
    first = {one.question: one for one in reversed(found)}
    return tuple(one for question, one in reversed(first.items()) if question not in asked)
