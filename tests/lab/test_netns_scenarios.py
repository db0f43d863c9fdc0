"""Every scenario in real kernels, seen by nmap: the states and reasons that its file states are right."""

import functools
import shutil

import netns_tasks
import pytest
from score.grade import Claim, Fact

from probe.lab.scenario import address_of
from probe.lab.scenario_hosts import ProberHost
from probe.lab.truth import truth
from probe.model.binding import Binding
from probe.model.diagnosis import Cause
from probe.model.probing import Reason, state_of
from probe.model.target import Protocol

NAMES = sorted(path.stem for path in netns_tasks.SCENARIOS.glob("*.yaml"))

# Where the prober's own machine throws packets away, nmap's raw packets are no witness of what sockets see.
# What is for the doctor has nothing of states.
WITNESSED = [
    name
    for name in NAMES
    if (one := netns_tasks.scenario(name)).prober == ProberHost() and not one.expect_causes
]

# Answers whose distance shows who gave them: scenario, port, symbol, TTL as it arrives.
DISTANCES = (
    ("loopback-only", "8000", "lan", 64),
    ("loopback-only", "8000", "public", 63),
    ("container-published", "22", "lan", 64),
    ("container-published", "8080", "lan", 63),
    ("container-service-stopped", "8080", "vpn", 63),
    ("docker-publishes", "8000", "lan", 63),
    ("docker-publishes", "9000", "public", 62),
    ("docker-publishes", "9000", "lan6", 64),
    ("docker-publishes", "9002", "vpn", 64),
    ("docker-publishes-without-proxy", "9000", "vpn", 63),
    ("docker-publishes-without-proxy", "9000", "lan6", 64),
    ("router-forges-resets", "8080", "public", 64),
    ("router-forges-resets", "443", "public", 63),
    ("router-forwards-port", "8080", "public", 63),
    ("router-forwards-port", "22", "public", 64),
    ("everything-looks-open", "22", "public", 64),
    ("container-on-one-address-stopped", "8081", "lan", 63),
    ("container-on-one-address-stopped", "8081", "vpn", 64),
    ("public-is-the-router-itself", "443", "public", 64),
    ("public-is-the-router-itself", "22", "public", 63),
    ("host-starts-at-ttl-128", "8000", "lan", 128),
    ("host-starts-at-ttl-128", "5432", "lan6", 128),
    ("host-starts-at-ttl-128", "22", "public", 127),
)


@functools.cache
def observed(name: str) -> dict[str, dict[str, list]]:
    if shutil.which("nmap") is None:
        pytest.skip("nmap is not installed")
    return netns_tasks.run("observe", name)


@pytest.mark.netns
@pytest.mark.parametrize("name", WITNESSED)
def test_states_and_reasons_are_what_nmap_sees(name: str) -> None:
    """A scenario expects of its world what another prober sees there."""
    scenario = netns_tasks.scenario(name)
    seen = observed(name)
    expected, found = {}, {}
    for key, port in scenario.expect.items():
        protocol = Protocol.UDP if key.startswith("U:") else Protocol.TCP
        for symbol, reason in (port.reasons or {}).items():
            expected[key, symbol, "reason"] = reason
            found[key, symbol, "reason"] = seen[key][symbol][0]
        for symbol, state in (port.states or {}).items():
            expected[key, symbol, "state"] = state
            reason = Reason(seen[key][symbol][0])
            found[key, symbol, "state"] = state_of(reason, protocol, from_target=True)
    assert found == expected


@pytest.mark.netns
@pytest.mark.parametrize("name", sorted({row[0] for row in DISTANCES}))
def test_answers_come_from_their_distance(name: str) -> None:
    """The TTL of an answer is that of the box which gives it."""
    seen = observed(name)
    expected = {row[1:3]: row[3] for row in DISTANCES if row[0] == name}
    assert {key: seen[key[0]][key[1]][1] for key in expected} == expected


@pytest.mark.parametrize("name", NAMES)
def test_about_is_one_sentence(name: str) -> None:
    """What a scenario is about fits in one plain sentence."""
    about = netns_tasks.scenario(name).about
    assert about.endswith(".")
    assert len(about) <= 120


@pytest.mark.parametrize("name", NAMES)
def test_expectations_speak_of_what_is_probed(name: str) -> None:
    """Expected ports are scanned, and expected symbols are given to the prober."""
    scenario = netns_tasks.scenario(name)
    scanned = set(netns_tasks.parse_ports(scenario.scan.ports))
    for key, port in (
        *scenario.expect.items(),
        *scenario.expect_raw.items(),
        *scenario.expect_compose_raw.items(),
    ):
        assert scanned.issuperset(netns_tasks.parse_ports(key))
        tables = (port.states, port.reasons, port.conditions, dict.fromkeys(port.bound_to or ()))
        assert {symbol for table in tables for symbol in table or ()} <= set(scenario.addresses)
    expected = {**scenario.expect_addresses, **scenario.expect_addresses_raw}
    assert set(expected) <= set(scenario.addresses)
    assert set(scenario.expect_raw) | set(scenario.expect_compose_raw) <= set(scenario.expect)
    assert set(scenario.expect_causes) in (set(), set(scenario.addresses))
    assert set(scenario.expect_causes.values()) <= set(Cause)


# What sockets alone are deceived by: the scenario expects what a scan finds, which is not the truth.
_FORGED = "a forged reset looks like a closed port's"
DECEIVED = {
    ("host-forges-resets", "3306"): _FORGED,
    ("host-forges-resets-in-both-families", "3306"): _FORGED,
    ("host-resets-everything", "3306"): _FORGED,
    ("vpn-firewall-forges-resets", "8000"): _FORGED,
    ("vpn-network-is-also-at-home", "22"): "another machine at home has the address, and refuses",
    ("vpn-network-is-also-at-home", "8000"): "another machine at home has the address, and refuses",
}


def untrue(name: str) -> set[tuple[str, str, str]]:
    """The expected bindings that do not name the truth: scenario, ports, and in which part they stand."""
    scenario = netns_tasks.scenario(name)
    truths = truth(scenario)
    found = set()
    for part in ("expect", "expect_raw", "expect_compose_raw"):
        for key, port in getattr(scenario, part).items():
            for number in netns_tasks.parse_ports(key) if port.binding else ():
                fact = Fact(truths[number].binding, frozenset(truths[number].bound_to))
                claim = Claim(Binding(port.binding), frozenset(map(address_of, port.bound_to or ())))
                if claim.decided and not claim.names(fact):
                    found.add((name, key, part))
    return found


@pytest.mark.parametrize("name", NAMES)
def test_expected_bindings_are_true(name: str) -> None:
    """An expected binding names the truth, but for what is known to deceive sockets."""
    assert untrue(name) == {(one, key, "expect") for one, key in DECEIVED if one == name}
