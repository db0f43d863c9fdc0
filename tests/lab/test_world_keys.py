"""Keys and greetings in worlds: those of services; plain listeners have none, and nobody waits for that."""

from contextlib import closing
from ipaddress import ip_address

import pytest

from probe.backends.clients import SystemClients
from probe.errors import ScenarioError
from probe.lab.check import check
from probe.lab.daemons import keys_of
from probe.lab.netns.world import ListenersClients, clients_for
from probe.lab.open_world import open_world
from probe.lab.scenario import parse_scenario
from probe.lab.scenario_hosts import Service, ServiceKind, TargetHost
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
    """Beside real services the prober's clients are those of any machine."""
    with_services = TargetHost(services=(Service(kind=ServiceKind.SSHD, bind=("lan",)),))
    assert type(clients_for(with_services)) is SystemClients
    assert type(clients_for(TargetHost())) is ListenersClients


RENEWED = {
    "about": "two web servers, one of which still has the certificate that the other has renewed",
    "addresses": ["lan", "vpn"],
    "target": {
        "services": [
            {"kind": "nginx", "bind": ["lan"], "key": "web"},
            {"kind": "nginx", "bind": ["vpn"], "key": "web"},
            {"kind": "sshd", "bind": ["0.0.0.0"]},
        ]
    },
    "scan": {"ports": "22,80,443"},
    "expect": {"443": {"services": [{"addresses": ["lan", "vpn"], "by": ["public-key"]}]}},
}


def test_keys_in_memory() -> None:
    """Services show theirs: certificates of one key where they are given one, one host key everywhere."""
    lan, vpn = ip_address("192.168.77.10"), ip_address("10.88.0.10")
    https, ssh, web = (Port(Protocol.TCP, number) for number in (443, 22, 80))
    wanted = [(ip, port) for ip in (lan, vpn, ip_address("192.0.2.1")) for port in (https, ssh, web)]
    with open_world(parse_scenario("renewed", RENEWED), "sim") as world:
        task = world.clients.keys(wanted)
        world.clients.wait([task])
    shown = task.result() or {}
    assert shown.keys() == {(ip, port) for ip in (lan, vpn) for port in (https, ssh)}
    assert shown[lan, ssh] == shown[vpn, ssh]
    (one,), (two,) = shown[lan, https], shown[vpn, https]
    assert one.fingerprint != two.fingerprint
    assert one.public_key == two.public_key is not None


def test_a_silent_filter_keeps_keys() -> None:
    """Where the connection cannot be opened, or is refused with an error, no key is shown."""
    target = {**RENEWED["target"], "filter": [{"action": "drop", "on": ["lan"]}, {"action": "port-unreach"}]}
    with open_world(parse_scenario("renewed", {**RENEWED, "target": target}), "sim") as world:
        ips = [ip_address("192.168.77.10"), ip_address("10.88.0.10")]
        task = world.clients.keys([(ip, Port(Protocol.TCP, 443)) for ip in ips])
        world.clients.wait([task])
    assert task.result() == {}


def test_a_renewed_certificate_in_a_scan() -> None:
    """Two servers with certificates of one key show one service, in memory."""
    rows = check(parse_scenario("renewed", RENEWED), "sim").rows
    assert [(row.what, row.ok) for row in rows] == [("services", True)]


def test_a_key_is_for_certificates() -> None:
    """A service that shows no certificate takes no key."""
    given = TargetHost(services=(Service(kind=ServiceKind.REDIS, bind=("lan",), key="web"),))
    with pytest.raises(ScenarioError, match="redis takes no key: only nginx does"):
        keys_of(given)


def test_no_keys_in_worlds() -> None:
    """Neither kind of world is asked: one has none, the listeners of the other would keep us waiting."""
    wanted = [(ip_address("192.168.77.10"), Port(Protocol.TCP, 443))]
    calls = [Call(*wanted[0], approach) for approach in Approach if approach is not Approach.LISTEN]
    with open_world(parse_scenario("silent", SILENT), "sim") as world, closing(ListenersClients()) as real:
        for clients in (world.clients, real):
            tasks = clients.keys(wanted), clients.greetings(calls)
            began = world.backend.now()
            clients.wait(tasks)
            assert world.backend.now() == began or clients is real
            assert [task.result() for task in tasks] == [{}, {}]
