"""Roles of the compose file as hosts of a scenario's layout."""

import re
from typing import Any

import pytest
import yaml
from docker_engine import TOP

from probe.errors import ScenarioError
from probe.lab.compose.limits import INTERFACES, image_of, leaving, place_of, settings_that_count, taking_over
from probe.lab.daemons import TOOLS
from probe.lab.files import find_scenario
from probe.lab.netns.layout import lay_out
from probe.lab.netns.plans import HostPlan
from probe.lab.netns.tunnels import PACKAGES
from probe.lab.scenario import PROBER_ADDRESSES, ROUTER_ADDRESSES, TARGET_ADDRESSES, VpnKind

FILE: dict[str, Any] = yaml.safe_load((TOP / "docker-compose.yml").read_text(encoding="utf-8"))
SERVICES = {"prober": "vantage", "target": "target", "router": "router"}  # of each role
# Interface of a scenario's world: network of the file that it is on.
NETWORKS = {("target", "public"): "behind"}
ADDRESSES = {"prober": PROBER_ADDRESSES, "target": TARGET_ADDRESSES, "router": ROUTER_ADDRESSES}
# Keys of services and networks that docker-compose 1.29 and Compose v2 both know, of which the file has need.
SERVICE_KEYS = {
    *("image", "build", "cap_drop", "cap_add", "environment", "healthcheck"),
    *("command", "networks", "sysctls", "profiles", "network_mode", "depends_on"),
    *("tmpfs", "device_cgroup_rules", "read_only", "security_opt"),
}
CAPABILITIES = {
    "prober": ["NET_RAW"],
    "vantage": ["NET_ADMIN", "MKNOD"],
    "target": ["NET_ADMIN", "MKNOD", "SETUID", "SETGID"],
    "router": ["NET_ADMIN"],
}
NETWORK_KEYS = {"driver", "driver_opts", "internal", "enable_ipv6", "ipam"}


def test_plans_are_those_of_the_netns_world() -> None:
    """Each role is the host of that name in the layout; a scenario without a router has none."""
    layout = lay_out(find_scenario("demo"))
    hosts = {host.name: host for host in (layout.prober, *layout.hosts)}
    assert {role: place_of(role, find_scenario("demo")).host for role in INTERFACES} == hosts
    assert place_of("router", find_scenario("host-forges-resets")).host == HostPlan("router", ())


@pytest.mark.parametrize("role", ["prober", "target"])
def test_ends_of_a_tunnel(role: str) -> None:
    """Prober and target make an end each, and the VPN's network carries it under another name."""
    place = place_of(role, find_scenario("real-services"))
    assert place.tunnel is not None
    assert list(place.names.values()) == ["lan", "wan", "public"]


def test_the_router_has_no_end() -> None:
    """It is what it is without a tunnel."""
    place = place_of("router", find_scenario("real-services"))
    assert place.tunnel is None
    assert list(place.names.values()) == ["public", "behind"]


def test_images() -> None:
    """Real services and tunnels take programs, which the ordinary image has not."""
    assert image_of(find_scenario("real-services")) == "services"
    assert image_of(find_scenario("vpn-healthy")) == "services"
    assert image_of(find_scenario("demo")) == "host"


def test_the_image_has_all_programs() -> None:
    """The Dockerfile installs the packages of every kind of service, and those of WireGuard."""
    line = re.search(r'^ARG PROGRAMS="(.*)"$', (TOP / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE)
    assert line is not None
    needed = {package for tools in TOOLS.values() for package in tools.values()}
    assert set(line[1].split()) == needed | set(PACKAGES[VpnKind.WIREGUARD].values())


def test_what_does_not_run_is_reported() -> None:
    """A scenario for which containers are not enough is refused with the reason."""
    with pytest.raises(ScenarioError, match="slow-vpn does not run in compose: delay: the"):
        place_of("target", find_scenario("slow-vpn"))


def test_taking_over_names_interfaces_after_realms() -> None:
    """Whatever order Docker gave the interfaces, each is found by its address."""
    names = {address: f"eth{n}" for n, address in enumerate(reversed(INTERFACES["router"].values()))}
    lines = taking_over(place_of("router", find_scenario("demo")), names).splitlines()
    assert lines == [
        *("link set eth1 down", "addr flush dev eth1", "link set eth1 name public"),
        *("link set eth0 down", "addr flush dev eth0", "link set eth0 name behind"),
    ]


def test_leaving_switches_interfaces_off() -> None:
    """By the names that they were given."""
    place = place_of("router", find_scenario("demo"))
    assert leaving(place) == "link set public down\nlink set behind down\n"


def test_an_interface_that_is_not_there() -> None:
    """Another compose file is named as the reason."""
    with pytest.raises(ScenarioError, match="the target has no interface with"):
        taking_over(place_of("target", find_scenario("demo")), {})


@pytest.mark.parametrize(("role", "count"), [("prober", 1), ("target", 2), ("router", 2)])
def test_settings_are_given_by_the_file(role: str, count: int) -> None:
    """The kernel settings that a plan depends on are those of the compose file."""
    place = place_of(role, find_scenario("real-services"))
    given = FILE["services"][SERVICES[role]].get("sysctls", {})
    assert dict(settings_that_count(place)) == given
    assert len(given) == count


@pytest.mark.parametrize("role", SERVICES)
def test_addresses_of_the_file(role: str) -> None:
    """The file's addresses are those of the scenarios, in both families."""
    networks = FILE["services"][SERVICES[role]]["networks"]
    assert len(networks) == len(INTERFACES[role])
    for interface, address in INTERFACES[role].items():
        found = networks[NETWORKS.get((role, interface), interface)]
        expected = {"ipv4_address": address, "ipv6_address": ADDRESSES[role][f"{interface}6"]}
        assert found == expected


def test_networks_lead_nowhere() -> None:
    """Every network is internal, with a subnet of each family, and only keys that both versions know."""
    for network in FILE["networks"].values():
        assert network["internal"] is True
        assert network["enable_ipv6"] is True
        assert len(network["ipam"]["config"]) == 2
        assert set(network) == NETWORK_KEYS


def test_services_have_no_more_than_they_need() -> None:
    """Each drops all capabilities, and has those of its work; of devices, a tunnel's."""
    for name, service in FILE["services"].items():
        assert service["cap_drop"] == ["ALL"]
        assert service["cap_add"] == CAPABILITIES[name]
        has_tunnel = "MKNOD" in CAPABILITIES[name]
        assert service.get("device_cgroup_rules") == (["c 10:200 rwm"] if has_tunnel else None)
        assert service["read_only"] is True
        # The prober's interpreter takes raw packets up by a file capability, which is a new privilege.
        assert service.get("security_opt") == (None if name == "prober" else ["no-new-privileges:true"])
        assert set(service) <= SERVICE_KEYS
    assert "version" not in FILE  # v2 warns of it
