"""Keys and greetings in worlds: their listeners have none to be asked for, and nobody waits for that."""

from ipaddress import ip_address
from time import monotonic

from probe.lab.door import open_world
from probe.lab.netns.world import ListenersProber, ProberHost, prober_of
from probe.lab.scenario import Service, ServiceKind, TargetHost, parse_scenario
from probe.model.greeting import Approach, Call
from probe.model.target import Port, Protocol

SILENT = {
    "about": "a silent service where TLS is usual",
    "addresses": ["lan", "vpn"],
    "target": {"listen": [{"port": 443, "bind": "0.0.0.0"}]},
    "scan": {"ports": "443"},
    "expect": {},
}


def test_real_services_are_asked() -> None:
    """Beside real services the prober asks as on any machine."""
    with_services = TargetHost(services=(Service(kind=ServiceKind.SSHD, bind=("lan",)),))
    assert type(prober_of(with_services)) is ProberHost
    assert type(prober_of(TargetHost())) is ListenersProber


def test_no_keys_in_worlds() -> None:
    """Neither kind of world is asked: one has none, the listeners of the other would keep us waiting."""
    wanted = [(ip_address("192.168.77.10"), Port(Protocol.TCP, 443))]
    with open_world(parse_scenario("silent", SILENT), "sim") as world:
        before = monotonic()
        assert world.host.keys(wanted) == ListenersProber().keys(wanted) == {}
        calls = [Call(*wanted[0], approach) for approach in Approach if approach is not Approach.LISTEN]
        assert world.host.greetings(calls) == ListenersProber().greetings(calls) == {}
        assert monotonic() - before < 1.0
