"""The doctor again and again in a world in memory: how often a port that accepts is opened."""

import pytest

from probe.app.checkup import begin, checkup_of
from probe.app.session import Session
from probe.app.target import Target
from probe.lab.files import find_scenario
from probe.lab.open_world import backends_of, open_world
from probe.lab.scenario import Scenario, address_of
from probe.lab.sim.network import SimNetwork
from probe.lab.sim.packets import Packet, Tcp
from probe.model.diagnosis import Cause

ROUNDS, EVERY_S = 13, 5.0  # a minute
SSH = 22


def watched(scenario: Scenario, sent: list[tuple[str, float]]) -> list[list[Cause]]:
    """The likeliest causes of each round; `sent` gets every opening of the port of ssh."""
    with open_world(scenario, "sim") as world:
        session = Session(backends_of(world, "connect"), reader=world.reader)
        target = Target(lan=(str(address_of("lan")),), vpn=(str(address_of("vpn")),), ports="22,8000")
        request = checkup_of(target)
        assert request is not None
        check = begin(request, session)
        found = []
        for _ in range(ROUNDS):
            report = check()
            found.append([one.causes[0].cause for one in report.addresses])
            world.backend.receive(world.backend.now() + EVERY_S)
        return found


def test_a_port_that_accepts_is_opened_once_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside one that is filtered all the while, and asked each time: the causes stay the same."""
    scenario = find_scenario("vpn-target-firewall-drops-port")
    openings: list[tuple[str, float]] = []
    send = SimNetwork.send

    def noted(network: SimNetwork, box, frame) -> None:
        if isinstance(frame, Packet) and frame.flags == Tcp.SYN and box.name == "prober":
            openings.append((f"{frame.destination}:{frame.flow.destination_port}", network.clock.now))
        send(network, box, frame)

    monkeypatch.setattr(SimNetwork, "send", noted)
    found = watched(scenario, openings)
    assert found == [[Cause.NONE, Cause.TARGET_FIREWALL]] * ROUNDS
    accepting = [at for end, at in openings if end == f"{address_of('vpn')}:{SSH}"]
    filtered = [at for end, at in openings if end == f"{address_of('vpn')}:8000"]
    first = [at for at in accepting if at < 60.0]
    assert len(first) <= 4  # the survey, its repeat, data, and the greeting
    assert len(filtered) > ROUNDS
