"""Keys and greetings in worlds: their listeners have none to be asked for, and nobody waits for that."""

from contextlib import closing
from ipaddress import ip_address

from probe.backends.clients import SystemClients
from probe.lab.door import open_world
from probe.lab.netns.world import ListenersClients, clients_for
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
