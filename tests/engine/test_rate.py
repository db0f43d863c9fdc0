"""A cap of the rate in virtual time: what the kernel sends again is given up before, or counted."""

from bisect import bisect_left
from ipaddress import ip_address

import pytest
from scripted_network import ScriptedNetwork

from probe.engine.pacing import capped
from probe.engine.run import Run, ask_only
from probe.model.plan import Timing
from probe.model.probing import Question, Reason, Reply
from probe.model.target import Port, Protocol

NEAR, FAR = ip_address("192.168.77.10"), ip_address("10.88.0.10")
RATE = 10.0


class Kernel(ScriptedNetwork):
    """Notes the SYNs that a kernel would send again: for every socket that is open when its time comes."""

    def __init__(self, script) -> None:
        super().__init__(script)
        self.open: dict[int, float] = {}
        self.openings: list[float] = []

    def send(self, probe) -> float:
        at = super().send(probe)
        self.openings.append(at)
        if probe.question.port.protocol is Protocol.TCP:
            self.open[probe.id] = at
        return at

    def receive(self, until):
        replies = super().receive(until)
        for reply in replies:
            self.open.pop(reply.probe_id, None)
        self._repeat()
        return replies

    def forget(self, probe_ids) -> None:
        super().forget(probe_ids := tuple(probe_ids))
        self._repeat()
        for probe_id in probe_ids:
            self.open.pop(probe_id, None)

    def _repeat(self) -> None:
        """Send again what is due; each is looked at once, at its first repeat."""
        for probe_id, at in tuple(self.open.items()):
            if self.now() >= at + 1.0:
                self.openings.append(at + 1.0)
                del self.open[probe_id]

    def most(self) -> int:
        """The most openings of any second."""
        return max(sum(at <= other < at + 1 for other in self.openings) for at in self.openings)


def silent_but_near(probe, now):
    """The near address answers, the other one never does."""
    answers = probe.question.address == NEAR
    return [Reply(probe.id, Reason.RESET, now + 0.001, sender=NEAR)] if answers else []


@pytest.mark.parametrize("timeout", [0.5, 2.0])
@pytest.mark.parametrize("protocol", Protocol)
def test_repeats_count(timeout, protocol):
    """Where the timeout is short, no socket is open long enough; where it is long, fewer are opened."""
    ports = [Port(protocol, number) for number in range(1, 31)]
    network = Kernel(silent_but_near)
    surveys = {ip: ask_only(ip, [Question(ip, port) for port in ports]) for ip in (NEAR, FAR)}
    outcome = Run(surveys, network, Timing(timeout=timeout, rate=RATE)).until(120)
    assert outcome.complete
    assert network.most() <= RATE + 2


def test_a_long_timeout_is_kept():
    """What the kernel sends again is waited for as long as the user wants."""

    def late(probe, now):
        return [Reply(probe.id, Reason.RESET, now + 1.5, sender=FAR)]

    network = Kernel(late)
    question = Question(FAR, Port(Protocol.TCP, 22))
    outcome = Run({FAR: ask_only(FAR, [question])}, network, Timing(timeout=2.0, rate=RATE)).until(60)
    assert [o.reason for s in outcome.surveys for o in s.observations] == [Reason.RESET]


@pytest.mark.parametrize("rate", [0.5, 5.0, 25.0, 100.0, 300.0, 2000.0])
def test_no_second_has_more_than_the_cap(rate):
    """A burst is part of it, at the start and after a pause; and nearly all of the rate is used."""
    bucket, times, now = capped(rate), [], 0.0
    while len(times) < 5 * rate + 5:
        if len(times) == int(2 * rate):
            now += 3.0
        now = max(now, bucket.next_at(now))
        assert bucket.ready(now)
        bucket.take(now)
        times.append(now)
    most = max(bisect_left(times, at + 1 - 1e-6) - i for i, at in enumerate(times))
    assert most <= max(1, rate)
    assert len(times) / (times[-1] - 3.0) >= 0.94 * rate
