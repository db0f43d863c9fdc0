"""What a scenario means as hosts, wires, addresses and routes, and their text for ip."""

from typing import Any

import pytest

from probe.errors import ScenarioError
from probe.lab.netns.layout import lay_out
from probe.lab.netns.links import addressing, routing, switching_off, wiring
from probe.lab.netns.plans import HostPlan, Layout
from probe.lab.scenario import parse_scenario

PIDS = {"target": 11, "router": 12, "container": 13, "cable": 14}


def layout(addresses: list[str], **parts: Any) -> Layout:
    document = {"about": "a test", "addresses": addresses, "scan": {"ports": "80"}, "expect": {}}
    return lay_out(parse_scenario("test", {**document, **parts}))


def addresses_of(host: HostPlan) -> dict[str, tuple[str, ...]]:
    return {interface.name: interface.addresses for interface in host.interfaces}


# What is asked: symbols and parts of a scenario; then each host's addresses by interface.
HOSTS: dict[str, tuple[list[str], dict[str, Any], dict[str, dict[str, tuple[str, ...]]]]] = {
    "two links": (
        ["lan", "vpn6"],
        {},
        {
            "prober": {"lan": ("192.168.77.2/24",), "vpn": ("fd88::2/64",)},
            "target": {"lan": ("192.168.77.10/24",), "vpn": ("fd88::10/64",)},
        },
    ),
    "behind a router": (
        ["public", "public6"],
        {},
        {
            "prober": {"public": ("198.51.100.2/24", "2001:db8:100::2/64")},
            "target": {"public": ("203.0.113.10/24", "2001:db8:113::10/64")},
            "router": {
                "public": ("198.51.100.1/24", "2001:db8:100::1/64"),
                "behind": ("203.0.113.1/24", "2001:db8:113::1/64"),
            },
        },
    ),
    "behind NAT": (
        ["public"],
        {"router": {"nat": True}},
        {
            "prober": {"public": ("198.51.100.2/24",)},
            "target": {"public": ("192.168.99.10/24",)},
            "router": {"public": ("203.0.113.10/32", "198.51.100.1/24"), "behind": ("192.168.99.1/24",)},
        },
    ),
    "with a container": (
        ["lan"],
        {"target": {"dnat": [{"port": 80}]}},
        {
            "prober": {"lan": ("192.168.77.2/24",)},
            "target": {"lan": ("192.168.77.10/24",), "container": ("172.31.0.1/24",)},
            "container": {"container": ("172.31.0.2/24",)},
        },
    ),
    "a dead address": (
        ["lan", "vpn"],
        {"dead": ["vpn"]},
        {
            "prober": {"lan": ("192.168.77.2/24",), "vpn": ("10.88.0.2/24",)},
            "target": {"lan": ("192.168.77.10/24",), "vpn": ()},
        },
    ),
    "an address that only a socket has": (
        ["lan"],
        {"target": {"listen": [{"port": 80, "bind": "vpn"}]}},
        {
            "prober": {"lan": ("192.168.77.2/24",), "vpn": ("10.88.0.2/24",)},
            "target": {"lan": ("192.168.77.10/24",), "vpn": ("10.88.0.10/24",)},
        },
    ),
}

# Routes of each host that has any.
ROUTES: dict[str, tuple[dict[str, Any], dict[str, tuple[tuple[str, str], ...]]]] = {
    "routed": (
        {},
        {
            "prober": (
                ("203.0.113.0/24", "198.51.100.1"),
                ("2001:db8:113::/64", "2001:db8:100::1"),
            ),
            "target": (("0.0.0.0/0", "203.0.113.1"), ("::/0", "2001:db8:113::1")),
        },
    ),
    "translated": (
        {"router": {"nat": True}},
        {
            "prober": (
                ("203.0.113.0/24", "198.51.100.1"),
                ("2001:db8:113::/64", "2001:db8:100::1"),
            ),
            "target": (("0.0.0.0/0", "192.168.99.1"), ("::/0", "2001:db8:113::1")),
        },
    ),
}


@pytest.mark.parametrize("case", HOSTS)
def test_hosts_have_their_addresses(case: str) -> None:
    """Each host has the interfaces and addresses that the scenario's symbols mean."""
    symbols, parts, expected = HOSTS[case]
    world = layout(symbols, **parts)
    assert {host.name: addresses_of(host) for host in (world.prober, *world.hosts)} == expected


@pytest.mark.parametrize("case", ROUTES)
def test_hosts_have_their_routes(case: str) -> None:
    """The prober knows the target's public network, the target the way back."""
    parts, expected = ROUTES[case]
    world = layout(["public", "public6"], **parts)
    assert {host.name: host.routes for host in (world.prober, *world.hosts) if host.routes} == expected


def test_the_prober_has_no_default_route() -> None:
    """No packet of the prober's leaves for a network that is not the scenario's."""
    world = layout(["lan", "lan6", "vpn", "vpn6", "public", "public6"], target={"dnat": [{"port": 80}]})
    assert not {"0.0.0.0/0", "::/0"} & {destination for destination, _ in world.prober.routes}


def test_only_what_forwards_is_set_to_forward() -> None:
    """The target keeps its kernel's own settings but where it publishes a container."""
    settings = {"net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding"}
    for parts, expected in (({}, set()), ({"target": {"dnat": [{"port": 80}]}}, {"net.ipv4.ip_forward"})):
        target = layout(["lan"], **parts).hosts[0]
        assert settings & {name for name, _ in target.settings} == expected


def test_dead_service_leaves_the_container_empty() -> None:
    """Nothing listens in the container for a forward that is not alive."""
    listed = [{"port": 80}, {"port": 81, "alive": False}]
    container = layout(["lan"], target={"dnat": listed}).hosts[-1]
    assert [listen.port for listen in container.listens] == [80]


def test_docker_s_sockets_are_the_target_s() -> None:
    """Beside its own listeners the target has those by which Docker keeps or serves a published port."""
    listed = [{"port": 80}, {"port": 81, "address": "lan"}]
    target = layout(["vpn"], target={"dnat_by": "docker", "dnat": listed}).hosts[0]
    found = [(listen.port, listen.bind) for listen in target.listens]
    assert found == [(80, "0.0.0.0"), (80, "::"), (81, "192.168.77.10")]
    assert "lan" in {interface.name for interface in target.interfaces}  # published on it: it is there


def test_wires_are_laid_from_the_prober() -> None:
    """Each wire names the namespaces of its ends; the prober's own needs no name."""
    world = layout(["lan", "public"])
    assert wiring(world.wires, PIDS).splitlines() == [
        "link add name lan index 101 type veth peer name lan netns 11",
        "link add name public index 102 type veth peer name public netns 12",
        "link add name behind netns 12 index 103 type veth peer name public netns 11",
    ]


def test_a_delayed_wire_goes_through_the_cable() -> None:
    """A wire with a delay is cut in two, with the cable in the middle."""
    world = layout(["vpn"], links={"vpn": {"delay_ms": 20}})
    assert world.wires[0].delay == pytest.approx(0.02)
    assert wiring(world.wires, PIDS).splitlines() == [
        "link add name vpn index 101 type veth peer name vpn-near netns 14",
        "link add name vpn-far netns 14 index 102 type veth peer name vpn netns 11",
    ]
    assert world.cable is not None
    assert [interface.name for interface in world.cable.interfaces] == ["vpn-near", "vpn-far"]


@pytest.mark.parametrize(("realm", "far"), [("vpn", "target"), ("public", "router")])
def test_hosts_at_a_cable_finish_their_checksums(realm: str, far: str) -> None:
    """Both ends of a delayed wire, and only they, must not leave checksums to the device."""
    world = layout(["lan", "vpn", "public"], links={realm: {"delay_ms": 20}})
    marked = {
        (host.name, interface.name)
        for host in (world.prober, *world.hosts)
        for interface in host.interfaces
        if interface.behind_cable
    }
    assert marked == {("prober", realm), (far, realm)}


def test_a_world_without_delay_has_no_cable() -> None:
    """Without a delay there is nothing in the middle."""
    assert layout(["lan", "public"]).cable is None


def test_addressing_skips_duplicate_address_detection() -> None:
    """IPv6 addresses are usable at once; routes are for after that."""
    world = layout(["public6"])
    assert addressing(world.prober).splitlines() == [
        "link set lo up",
        "addr add 2001:db8:100::2/64 dev public nodad",
        "link set public up",
    ]
    assert routing(world.prober) == "route add 2001:db8:113::/64 via 2001:db8:100::1\n"


def test_a_host_that_is_off_has_no_address() -> None:
    """Every interface loses its addresses, and keeps its wire."""
    target = layout(["lan", "vpn"]).hosts[0]
    assert switching_off(target).splitlines() == ["addr flush dev lan", "addr flush dev vpn"]


def test_an_unknown_symbol_is_an_error() -> None:
    """A symbol that stands for no address is an error."""
    with pytest.raises(ScenarioError, match="'wan'"):
        layout(["wan"])


def test_a_syn_proxy_sees_every_connection_begin() -> None:
    """Connection tracking on a SYN proxy must not pick up a connection in its middle (nft(8))."""
    router = layout(["public"], router={"syn_proxy": "80"}).hosts[1]
    assert ("net.netfilter.nf_conntrack_tcp_loose", "0") in router.settings


def test_a_middlebox_that_answers_all_listens_itself() -> None:
    """The router has one socket for every port; without the middlebox it has none."""
    assert len(layout(["public"], router={"answers_all": True}).hosts[1].listens) == 1
    assert len(layout(["public"], router={"intercepts": "25"}).hosts[1].listens) == 1
    assert layout(["public"]).hosts[1].listens == ()


def test_nobody_has_a_dead_public_address() -> None:
    """Neither the target nor a NAT router has an address that is dead."""
    world = layout(["public"], dead=["public"], router={"nat": True})
    every = [address for host in world.hosts for own in addresses_of(host).values() for address in own]
    assert not [address for address in every if address.startswith("203.0.113.10")]


SETTINGS: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
    "a TTL": (
        {"target": {"ttl": 128}},
        {"net.ipv4.ip_default_ttl": "128", "net.ipv6.conf.default.hop_limit": "128"},
    ),
    "a gateway": (
        {"target": {"forwards": True}},
        {"net.ipv4.ip_forward": "1", "net.ipv6.conf.all.forwarding": "1"},
    ),
    "loopback from outside": (
        {"target": {"route_localnet": True}},
        {"net.ipv4.conf.all.route_localnet": "1"},
    ),
}


@pytest.mark.parametrize("case", SETTINGS)
def test_kernel_settings_of_the_target(case: str) -> None:
    """What a scenario has of the target's stack becomes kernel settings, and nothing does otherwise."""
    parts, expected = SETTINGS[case]
    assert expected.items() <= dict(layout(["lan"], **parts).hosts[0].settings).items()
    assert not expected.keys() & dict(layout(["lan"]).hosts[0].settings)


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("host", ["prober", "target"])
def test_reverse_paths(host: str, *, strict: bool) -> None:
    """A host checks the reverse path where a scenario has it, and nobody else does."""
    world = layout(["lan"], **{host: {"strict_reverse_path": strict}})
    for plan in (world.prober, *world.hosts):
        expected = str(int(strict and plan.name == host))
        for name in ("net.ipv4.conf.all.rp_filter", "net.ipv4.conf.default.rp_filter"):
            assert dict(plan.settings)[name] == expected


def test_a_router_with_services_of_its_own() -> None:
    """What the router serves itself listens on the router."""
    listen = [{"port": 443, "bind": "public"}]
    router = layout(["public"], router={"nat": True, "listen": listen}).hosts[1]
    assert [(one.port, one.bind) for one in router.listens] == [(443, "public")]


def test_services_are_started_on_the_target_alone() -> None:
    """They get its low ports without privileges, and addresses that only they are bound to are its own."""
    services = [{"kind": "redis", "bind": ["vpn"]}, {"kind": "sshd", "bind": ["0.0.0.0", "::"]}]
    world = layout(["lan"], target={"services": services})
    (target,) = world.hosts
    low_ports = ("net.ipv4.ip_unprivileged_port_start", "0")
    assert [daemon.kind for daemon in target.daemons] == ["redis", "sshd"]
    assert target.listens == world.prober.daemons == ()
    assert low_ports in target.settings
    assert low_ports not in world.prober.settings
    assert addresses_of(target)["vpn"] == ("10.88.0.10/24",)
