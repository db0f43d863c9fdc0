"""A scan of a name in memory: the resolver is behind the same seam as the probes."""

import pytest

from probe.app.checkup import doctor
from probe.app.scan import scan
from probe.app.session import Session
from probe.app.target import Target
from probe.errors import NothingMeasuredError
from probe.lab.open_world import backends_of, open_world
from probe.lab.scenario import Scenario, parse_scenario
from probe.model.diagnosis import Cause


def scenario(**prober: object) -> Scenario:
    """A target whose name both of the prober's name servers know, each with another address."""
    return parse_scenario(
        "named",
        {
            "about": "a test",
            "addresses": ["lan", "vpn"],
            "prober": {"names": [{"box.test": "lan"}, {"box.test": "vpn"}], **prober},
            "target": {"listen": [{"port": 22, "bind": "0.0.0.0"}]},
            "scan": {"ports": "22"},
            "expect": {},
        },
    )


def test_a_scan_of_a_name() -> None:
    """The first name server's address is scanned, under the name and the realm that were given."""
    with open_world(scenario(), "sim") as world:
        report = scan(Target(vpn="box.test", ports="22"), backends=backends_of(world, "connect"))
    (address,) = report.addresses
    assert (address.address, address.realm, address.name) == ("192.168.77.10", "vpn", "box.test")
    assert report.ports[0].observations[0].state == "open"


def test_a_name_that_nobody_knows() -> None:
    """It is an error for a scan, which sends nothing then, and a cause for the doctor."""
    with open_world(scenario(), "sim") as world:
        backends = backends_of(world, "connect")
        with pytest.raises(NothingMeasuredError, match=r"no host other\.test is known"):
            scan(Target("other.test"), backends=backends)
        found = doctor(Target("other.test"), session=Session(backends, reader=world.reader))
    assert [(one.name, one.causes[0].cause) for one in found.addresses] == [("other.test", Cause.DNS)]


def test_a_name_server_that_is_silent() -> None:
    """The message shows that it was the name server, not the name."""
    deaf = scenario(incoming=[{"action": "drop", "ports": "U:53"}])
    with (
        open_world(deaf, "sim") as world,
        pytest.raises(NothingMeasuredError, match=r"box\.test cannot be looked up now"),
    ):
        scan(Target("box.test"), backends=backends_of(world, "connect"))
