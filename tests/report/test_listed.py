"""What a report lists of a verdict: candidates worth a row, where it is exposed, what should stay inside."""

import datetime as dt
from ipaddress import ip_address

import pytest

from probe.app.scan import scan
from probe.engine.rows import measurement_of
from probe.engine.run import Counts, Outcome
from probe.lab.open_world import backends_of, open_world
from probe.lab.scenario import Expected, Scenario, ScenarioScan
from probe.lab.scenario_hosts import Listen, TargetHost
from probe.model.advice import AdviceRule, Rival, RivalRule, Severity
from probe.model.binding import Binding, Candidate
from probe.model.measurement import Facts
from probe.model.plan import Timing
from probe.model.report import PortReport
from probe.model.target import Port, Protocol
from probe.model.verdict import PortVerdict, Verdict
from probe.report.document import assemble

LAN, VPN = ip_address("192.168.77.10"), ip_address("10.88.0.10")
OUTCOME = Outcome((), Counts(), 1.0, complete=True)
STARTED = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
MEASURED = measurement_of(OUTCOME, vantage="here", engine="connect", started=STARTED)
PAIR = Binding.LOOPBACK_OR_NOT_LISTENING


def listed(binding: Binding, shares: dict, bound_to=(), rivals=()) -> PortReport:
    """A verdict with these candidates as a report has it."""
    candidates = tuple(
        Candidate(binding=kind, bound_to=tuple(ips), probability=share)
        for (kind, *ips), share in shares.items()
    )
    verdict = PortVerdict(
        Port(Protocol.TCP, 80), binding, 0.5, candidates, bound_to=bound_to, rivals=tuple(rivals)
    )
    (port,) = assemble((), Verdict((), (verdict,)), (MEASURED,), Facts(), version="1").ports
    return port


SHARES = {
    (Binding.NOT_LISTENING,): 0.5,
    (Binding.LOOPBACK,): 0.2985,
    (Binding.SPECIFIC, LAN): 0.1,
    (Binding.WILDCARD,): 0.1,
    (Binding.SPECIFIC, VPN): 0.0009,
    (Binding.SPECIFIC, LAN, VPN): 0.0006,
}
NAMED = {
    PAIR: ((), 0.7985),
    Binding.NOT_LISTENING: ((), 0.5),
    Binding.WILDCARD: ((), 0.1),
    Binding.SPECIFIC: ((LAN,), 0.1),
    Binding.UNDETERMINED: ((), 0.0),
}


@pytest.mark.parametrize("binding", NAMED)
def test_small_candidates_are_left_out(binding: Binding) -> None:
    """The others sum to 1 again, and the confidence is what the named ones have of that."""
    bound_to, share = NAMED[binding]
    port = listed(binding, SHARES, bound_to)
    assert [c.binding for c in port.candidates] == [kind for kind, *_ in list(SHARES)[:4]]
    assert sum(c.probability for c in port.candidates) == pytest.approx(1, abs=2e-4)
    assert port.confidence == pytest.approx(share / 0.9985, abs=1e-4)


def test_a_rival_has_the_share_of_its_candidate() -> None:
    """One number, wherever it stands; what is no candidate keeps its own."""
    rivals = (
        Rival(rule=RivalRule.CANDIDATE, binding=Binding.LOOPBACK, probability=0.2985),
        Rival(rule=RivalRule.FULL_ACCEPT_QUEUE, probability=0.123456),
    )
    port = listed(Binding.NOT_LISTENING, SHARES, rivals=rivals)
    assert port.rivals[0].probability == port.candidates[1].probability == 0.2989
    assert port.rivals[1].probability == 0.1235


def test_verdicts_that_share_candidates_are_listed_apart() -> None:
    """What is worked out once for several ports is of their binding too."""
    one = listed(Binding.NOT_LISTENING, SHARES)
    assert one.confidence != listed(PAIR, SHARES).confidence


EXPOSED = Scenario(
    name="exposed",
    about="A database on every address, a web server on the LAN.",
    addresses=("lan", "public"),
    target=TargetHost(listen=(Listen(port=5432, bind="0.0.0.0"), Listen(port=80, bind="lan"))),
    scan=ScenarioScan(ports="80,5432"),
    expect={"5432": Expected(binding="wildcard")},
)


def test_where_a_port_is_exposed() -> None:
    """The port names the addresses, its advice too, with how much it matters."""
    with open_world(EXPOSED, "sim") as world:
        report = scan(world.target, Timing(), backends_of(world, "connect"))
    web, database = report.ports
    assert (web.private, web.exposed_on) == (False, ("192.168.77.10",))
    assert (database.private, database.exposed_on) == (True, ("192.168.77.10", "203.0.113.10"))
    first = database.advice[0]
    assert (first.rule, first.severity) == (AdviceRule.PRIVATE_ON_PUBLIC, Severity.HIGH)
    assert (first.addresses, first.exposed_on) == (("203.0.113.10",), database.exposed_on)
