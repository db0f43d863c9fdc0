"""The doctor in every world that has its causes: the true one comes first, and its commands mend it."""

from typing import Any

import pytest
from doctor_runs import DoctorRun, Job, places, side_by_side
from doctor_worlds import evidence, ranked

from probe.lab.check import examined
from probe.lab.files import find_scenario, scenario_paths
from probe.lab.open_world import open_world
from probe.model.diagnosis import Cause

pytestmark = [pytest.mark.netns, pytest.mark.takes_minutes]

NAMES = [
    name
    for name in scenario_paths()
    if find_scenario(name).expect_causes
    and "netns" in find_scenario(name).worlds
    and name != "vpn-stale-takes-three-minutes"
]
AT_ONCE = 3  # processes; the worlds mostly wait

# Causes that no command on either machine mends.
BEYOND_COMMANDS = {
    Cause.NONE,
    Cause.CLIENT_ISOLATION,
    Cause.DNS,
    Cause.HAIRPIN,
    Cause.HANDSHAKE_NEVER,
    Cause.HOST_DOWN,
    Cause.LINK_DOWN,  # a cable that is out
    Cause.NOT_BOUND,
    Cause.NOT_FORWARDED,
    Cause.NO_SUCH_ADDRESS,
    Cause.PATH_FIREWALL,
    Cause.TUNNEL_STALE,
    Cause.WRONG_ADDRESS,
}

REPEATED = (
    "raw:vpn-healthy*13",
    "raw:openvpn-healthy*12",
    "connect:vpn-healthy*13",
    "connect:openvpn-healthy*12",
)
TIMES = 50

# Seconds that an examination takes at most; the busy machine of a test gets half as much again.
QUICK, PATIENT = 5.0, 10.0
QUICKLY = ("vpn-healthy", "openvpn-healthy", "vpn-healthy-far-away")

Found = dict[Job, dict[str, Any]]


@pytest.fixture(scope="session")
def found() -> Found:
    """What the doctor finds in all worlds, with both engines."""
    why_not = DoctorRun.why_not()
    if why_not is not None:
        pytest.skip(why_not)
    repeated = [tuple(one.split(":")) for one in REPEATED]
    return side_by_side(
        [*repeated, *((engine, name) for engine in ("raw", "connect") for name in NAMES)], AT_ONCE
    )


def of(found: Found, engine: str, name: str) -> dict[str, Any]:
    result = found[engine, name]
    assert "error" not in result, result["error"]
    return result


@pytest.mark.parametrize("name", NAMES)
def test_the_true_cause_is_first(found: Found, name: str) -> None:
    """Of every address; where two look alike it may be the second."""
    result = of(found, "raw", name)
    worst = max(places(result, name).values())
    assert worst <= ("raw" in find_scenario(name).looks_like), (result["ranked"], result["evidence"])


@pytest.mark.parametrize("engine", ["raw", "connect"])
@pytest.mark.parametrize("name", NAMES)
def test_memory_shows_the_same(found: Found, name: str, engine: str) -> None:
    """The world in memory leads to the same cause on every address, and by the same symptoms."""
    result = of(found, engine, name)
    with open_world(find_scenario(name), "sim") as world:
        diagnosis = examined(world, engine)
        causes = ranked(world, diagnosis)
    assert {symbol: one[0][0] for symbol, one in causes.items()} == {
        symbol: one[0][0] for symbol, one in result["ranked"].items()
    }
    here = [{one["rule"] for one in evidence(address)} for address in diagnosis.addresses]
    assert here == [{one["rule"] for one in seen} for seen in result["evidence"]]


def test_few_causes_look_alike() -> None:
    """With raw packets the true cause is first in all but one world."""
    assert sum("raw" in find_scenario(name).looks_like for name in NAMES) <= 1


@pytest.mark.parametrize("name", NAMES)
def test_what_mends_it_does(found: Found, name: str) -> None:
    """Every command that mends the true cause runs, and afterwards the address is well."""
    result = of(found, "raw", name)
    expected = find_scenario(name).expect_causes
    assert bool(result["fixes"]) == (not set(expected.values()) <= BEYOND_COMMANDS)
    assert [fix for fix in result["fixes"] if fix["code"] != 0] == []
    if result["fixes"]:
        again = {symbol: causes[0][0] for symbol, causes in result["again"].items()}
        assert again == dict.fromkeys(expected, "none"), result["why"]


def test_without_raw_packets_most_are_found(found: Found) -> None:
    """Sockets alone find most true causes, and accuse no address that is well."""
    missed = {}
    for name in NAMES:
        result, expected = of(found, "connect", name), find_scenario(name).expect_causes
        for symbol, place in places(result, name).items():
            if place > 0:
                missed[name] = result["ranked"][symbol]
                assert expected[symbol] != Cause.NONE, (name, symbol, result["ranked"][symbol])
    assert set(missed) == {name for name in NAMES if "connect" in find_scenario(name).looks_like}, missed


def test_a_healthy_host_is_never_accused(found: Found) -> None:
    """Fifty examinations of hosts that are well find nothing wrong."""
    results = [of(found, *one.split(":")) for one in REPEATED]
    assert [cause for result in results for cause in result["accused"]] == []
    assert sum(result["times"] for result in results) == TIMES


@pytest.mark.wall_time
@pytest.mark.parametrize("name", NAMES)
def test_an_examination_is_quick(found: Found, name: str) -> None:
    """Where all answers come from forty milliseconds away, and where one address stays silent."""
    limit = QUICK if name in QUICKLY else PATIENT
    for engine in ("raw", "connect"):
        assert of(found, engine, name)["elapsed"] < limit
