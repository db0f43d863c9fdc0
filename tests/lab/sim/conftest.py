"""Asking a world in memory directly, without the engine: by its sockets, or with raw packets."""

from collections.abc import Callable, Sequence

import pytest

from probe.engine.backend import Backend
from probe.lab.scenario import Scenario, parse_scenario
from probe.lab.sim.world import open_sim
from probe.model.probing import Probe, Question, Reply

Ask = Callable[..., list[list[Reply]]]
World = Callable[..., Scenario]


def make_scenario(**parts: object) -> Scenario:
    """A scenario of these parts; what a test does not care about is filled in."""
    whole = {"about": "a test", "addresses": ["lan"], "scan": {"ports": "80"}, "expect": {}, **parts}
    return parse_scenario("test", whole)


def ask_world(
    scenario: Scenario, questions: Sequence[Question], *, apart: float = 0.0, wait: float = 5.0, seed: int = 0
) -> list[list[Reply]]:
    """Ask each question once, `apart` seconds after the one before; give the replies to each, in order."""
    with open_sim(scenario, seed) as world:
        return ask_backend(world.backend, questions, apart, wait)


def ask_raw_world(scenario: Scenario, questions: Sequence[Question]) -> list[Reply | None]:
    """Ask each question once with a raw packet; give the reply to each, None for silence."""
    with open_sim(scenario) as world:
        assert world.raw is not None
        replies = ask_backend(world.raw, questions, 0.0, 5.0)
    assert all(len(received) <= 1 for received in replies)
    return [received[0] if received else None for received in replies]


def ask_backend(
    backend: Backend, questions: Sequence[Question], apart: float, wait: float
) -> list[list[Reply]]:
    """Ask a backend, and close it."""
    replies: dict[int, list[Reply]] = {number: [] for number in range(len(questions))}

    def listen(until: float) -> None:
        while backend.now() < until:
            for reply in backend.receive(until):
                replies[reply.probe_id].append(reply)

    for number, question in enumerate(questions):
        backend.send(Probe(number, question))
        listen(backend.now() + apart)
    listen(backend.now() + wait)
    backend.close()
    return list(replies.values())


@pytest.fixture
def scenario_of() -> World:
    """Make a scenario."""
    return make_scenario


@pytest.fixture
def ask() -> Ask:
    """Ask a world."""
    return ask_world


@pytest.fixture
def ask_raw() -> Callable[..., list[Reply | None]]:
    """Ask a world with raw packets."""
    return ask_raw_world
