"""The doctor's scenarios in memory: the causes are those of real hosts, and nobody waits for them."""

import datetime as dt

import pytest

from probe.app.diagnose import diagnosed_again
from probe.app.examination import examine
from probe.lab.check import check, examined, why_not_in
from probe.lab.files import find_scenario, scenario_paths
from probe.lab.open_world import backends_of, open_world
from probe.lab.scenario import Scenario, parse_scenario
from probe.model.diagnosis import AddressDiagnosis, Cause
from probe.model.doctor_report import DoctorReport
from probe.model.encoding import decode
from probe.model.plan import Timing
from probe.model.symptoms import Symptom
from probe.redact.texts import redacted_report
from probe.report.as_json import render_doctor_json
from probe.report.doctor_document import DoctorFacts, assemble_doctor

NAMES = [name for name in scenario_paths() if find_scenario(name).expect_causes]
ENGINES = ("connect", "raw")
# Virtual seconds that an examination takes at most, as on real hosts.
QUICK, PATIENT = 5.0, 10.0
QUICKLY = ("vpn-healthy", "openvpn-healthy", "vpn-healthy-far-away")
LISTENS = {"listen": [{"port": 22, "bind": "0.0.0.0"}, {"port": 8000, "bind": "0.0.0.0"}]}


def scenario(**parts: object) -> Scenario:
    """A target on the LAN and behind WireGuard, unless more is given."""
    base = {
        "about": "a test",
        "addresses": ["lan", "vpn"],
        "vpn": {"kind": "wireguard"},
        "target": LISTENS,
        "scan": {"ports": "22,8000"},
        "expect": {},
    }
    return parse_scenario("test", {**base, **parts})


def found(given: Scenario, engine: str = "connect") -> dict[str, AddressDiagnosis]:
    """What the doctor finds, by symbol."""
    with open_world(given, "sim") as world:
        diagnosis = examined(world, engine)
    return dict(zip(given.addresses, diagnosis.addresses, strict=True))


def symptoms(diagnosis: AddressDiagnosis) -> set[str]:
    return {str(one.rule) for cause in diagnosis.causes for one in cause.evidence}


def test_all_of_them_are_in_memory() -> None:
    """Not one of the doctor's scenarios takes real hosts."""
    assert len(NAMES) >= 37
    assert {name: why for name in NAMES if (why := why_not_in(find_scenario(name), "sim"))} == {}


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", NAMES)
def test_the_causes_are_those_of_real_hosts(name: str, engine: str) -> None:
    """Each expectation of the file is met, by the doctor and by the scan: it has nothing of worlds."""
    result = check(find_scenario(name), "sim", engine=engine)
    assert [row for row in result.rows if not row.ok] == []
    ranked = [row.port for row in result.rows if row.what == "first cause"]
    assert ranked == list(find_scenario(name).expect_causes)


@pytest.mark.parametrize("name", NAMES)
def test_time_is_virtual(name: str) -> None:
    """An examination is as quick there as on real hosts, and a session dies without three minutes."""
    with open_world(find_scenario(name), "sim") as world:
        diagnosis = examined(world, "connect")
    assert 0.5 < diagnosis.elapsed < (QUICK if name in QUICKLY else PATIENT)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", NAMES)
def test_the_same_report_from_its_file(name: str, engine: str) -> None:
    """What a report keeps is all that its causes are concluded of; redacted it gives the same ones."""
    with open_world(find_scenario(name), "sim") as world:
        report = assemble_doctor(examined(world, engine), DoctorFacts(dt.datetime.now(dt.UTC), "0"))
    assert diagnosed_again(decode(render_doctor_json(report).encode(), DoctorReport)) == report
    redacted = diagnosed_again(redacted_report(report))
    for one, two in zip(report.addresses, redacted.addresses, strict=True):
        assert one.address != two.address
        assert [(c.cause, c.probability) for c in one.causes] == [
            (c.cause, c.probability) for c in two.causes
        ]


def test_the_same_every_time() -> None:
    """Nothing in memory is left to chance: two examinations find the same, to the last digit."""
    first, second = (found(find_scenario("vpn-two-troubles"), "raw") for _ in range(2))
    assert first == second


def test_examined_twice_in_one_world() -> None:
    """A world goes on: what was warm is warm the second time, and the causes stay."""
    given = find_scenario("vpn-address-not-in-allowed-ips")
    with open_world(given, "sim") as world:
        causes = [
            [
                str(one.causes[0].cause)
                for one in examine(
                    world.target,
                    Timing(),
                    backends_of(world, "raw"),
                    world.reader,
                    named=frozenset(world.target.ports),
                ).addresses
            ]
            for _ in range(2)
        ]
    assert causes == [["none", "not-in-allowed-ips"]] * 2


def test_the_second_family_too() -> None:
    """A tunnel whose peer may not have the IPv6 address carries IPv4 alone."""
    given = scenario(
        addresses=["vpn", "vpn6"],
        vpn={"kind": "wireguard", "allowed": ["vpn"]},
        target={"listen": [{"port": 22, "bind": "::"}]},
        scan={"ports": "22"},
    )
    causes = {symbol: one.causes[0].cause for symbol, one in found(given).items()}
    assert causes == {"vpn": Cause.NONE, "vpn6": Cause.NOT_IN_ALLOWED_IPS}


@pytest.mark.parametrize("engine", ENGINES)
def test_a_narrow_tunnel_carries_what_fits(engine: str) -> None:
    """Segments follow the tunnel's own MTU: nothing is too big, and nothing is wrong."""
    given = scenario(vpn={"kind": "wireguard", "mtu": 1280})
    vpn = found(given, engine)["vpn"]
    assert vpn.causes[0].cause is Cause.NONE
    assert [fact.segment for fact in vpn.measured if fact.segment is not None] == [1280 - 40 - 12]


def test_a_slow_first_handshake_is_waited_for() -> None:
    """A far end a fifth of a second away: the tunnel is woken before anything is judged."""
    given = scenario(links={"vpn": {"delay_ms": 100}})
    assert found(given)["vpn"].causes[0].cause is Cause.NONE


def test_a_far_end_that_refuses() -> None:
    """Where no program runs there, its host refuses on the carrier; one that does not know us is silent."""
    refuses = {
        far_end: Symptom.ENDPOINT_REFUSES
        in symptoms(found(scenario(vpn={"kind": "wireguard", "far_end": far_end}))["vpn"])
        for far_end in ("absent", "unknown-peer", "unreachable")
    }
    assert refuses == {"absent": True, "unknown-peer": False, "unreachable": False}


def test_name_servers_that_are_kept_away() -> None:
    """A server whose answers the machine's own filter drops has not answered, and no cause comes of it."""
    names = {"box.test": "vpn"}
    given = scenario(
        prober={"names": [names], "incoming": [{"action": "drop", "ports": "U:53"}]},
        names={"vpn": "box.test"},
    )
    vpn = found(given)["vpn"]
    assert vpn.causes[0].cause is Cause.NONE
    failures = [str(fact.failure.rule) for fact in vpn.measured if fact.failure is not None]
    assert failures == ["no-answer"]


def test_what_memory_lacks_is_refused() -> None:
    """An OpenVPN that does not get through, with the reason."""
    given = scenario(vpn={"kind": "openvpn", "far_end": "absent"})
    reason = why_not_in(given, "sim")
    assert reason is not None
    assert "OpenVPN" in reason
    with pytest.raises(Exception, match="OpenVPN") as raised, open_world(given, "sim"):
        pass
    assert type(raised.value).__name__ == "ScenarioError"
