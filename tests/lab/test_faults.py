"""What goes wrong beside the filters: the hosts, links, routes and names that it adds to a world."""

from typing import Any

import pytest

from probe.errors import ScenarioError
from probe.lab.netns.layout import lay_out
from probe.lab.netns.plans import HostPlan, Layout
from probe.lab.scenario import parse_scenario
from probe.lab.world import target_of

NAME = "box.vpn.example"


def layout(addresses: list[str], **parts: Any) -> Layout:
    document = {"about": "a test", "addresses": addresses, "scan": {"ports": "80"}, "expect": {}}
    return lay_out(parse_scenario("test", {**document, **parts}))


def host(world: Layout, name: str) -> HostPlan:
    (found,) = (plan for plan in (world.prober, *world.hosts) if plan.name == name)
    return found


# symbols, parts of a scenario, a host, and what ip does there at last
LAST: dict[str, tuple[list[str], dict[str, Any], str, tuple[str, ...]]] = {
    "no way back by a link": (
        ["lan", "vpn", "vpn6"],
        {"target": {"no_way_back": ["vpn"]}},
        "target",
        ("route del 10.88.0.0/24 dev vpn", "route del fd88::/64 dev vpn"),
    ),
    "no way back by the router": (
        ["lan", "public", "public6"],
        {"target": {"no_way_back": ["public"]}},
        "target",
        ("route del 0.0.0.0/0 dev public", "route del ::/0 dev public"),
    ),
    "no way back to an address that nobody has": (
        ["lan", "vpn"],
        {"target": {"no_way_back": ["vpn"]}, "dead": ["vpn"]},
        "target",
        (),
    ),
    "past its link, by the router": (
        ["lan", "vpn", "vpn6"],
        {"prober": {"routes": {"vpn": "public", "vpn6": "public"}}},
        "prober",
        ("route add 10.88.0.10/32 via 198.51.100.1", "route add fd88::10/128 via 2001:db8:100::1"),
    ),
    "past its link, by the LAN": (
        ["lan", "vpn"],
        {"prober": {"routes": {"vpn": "lan"}}},
        "prober",
        ("route add 10.88.0.10/32 dev lan",),
    ),
    "a narrow link, at the router": (
        ["public", "public6"],
        {"router": {"narrow": 1280}},
        "router",
        ("link set behind mtu 1280",),
    ),
    "a narrow link, at the target": (
        ["public", "public6"],
        {"router": {"narrow": 1280}},
        "target",
        (
            "link set public mtu 1280",
            "route change 0.0.0.0/0 via 203.0.113.1 advmss 1460",
            "route change ::/0 via 2001:db8:113::1 advmss 1440",
        ),
    ),
    "a gateway at a tunnel's far end": (
        ["lan", "vpn"],
        {"target": {"forwards": True}, "vpn": {"kind": "wireguard"}, "dead": ["vpn"]},
        "target",
        ("addr add 10.88.0.1/32 dev vpn", "route replace 10.88.0.2/32 dev vpn"),
    ),
    "a gateway that has the address": (
        ["lan", "vpn"],
        {"target": {"forwards": True}, "vpn": {"kind": "wireguard"}},
        "target",
        (),
    ),
}


@pytest.mark.parametrize("case", LAST)
def test_what_is_done_last(case: str) -> None:
    """Routes and sizes that go wrong are set once all else is there."""
    symbols, parts, name, expected = LAST[case]
    assert host(layout(symbols, **parts), name).last == expected


def test_an_access_point_stands_between() -> None:
    """It cuts the LAN's wire in two, isolates both ports, and has the gateway's addresses."""
    world = layout(["lan", "lan6", "vpn"], links={"lan": {"isolates": True, "delay_ms": 20}})
    point = host(world, "ap")
    ends = {wire.ends: wire.delay for wire in world.wires}
    assert ends[("prober", "lan"), ("ap", "prober")] == pytest.approx(0.02)
    assert ends[("ap", "target"), ("target", "lan")] == 0
    assert (("prober", "lan"), ("target", "lan")) not in ends
    assert (("prober", "vpn"), ("target", "vpn")) in ends
    for port in ("prober", "target"):
        assert f"link set {port} type bridge_slave isolated on" in point.last
    assert "addr add 192.168.77.1/24 dev gateway" in point.last
    assert "addr add fd77::1/64 dev gateway nodad" in point.last
    assert world.prober.routes == (("192.168.0.0/16", "192.168.77.1"), ("fd77::/48", "fd77::1"))


@pytest.mark.parametrize("addresses", [["lan", "vpn"], ["vpn"]])
def test_only_the_lan_isolates(addresses: list[str]) -> None:
    """There is no access point but in a LAN that is in use."""
    with pytest.raises(ScenarioError, match="only the link `lan` isolates"):
        layout(addresses, links={"vpn" if "lan" in addresses else "lan": {"isolates": True}})


def test_another_host_at_home() -> None:
    """A host has the target's address on a link of the prober's, which comes before the others."""
    world = layout(["lan", "vpn", "vpn6"], elsewhere=["vpn", "vpn6"])
    home, lan = world.prober.interfaces[:2]
    assert (home.name, home.addresses) == ("home", ("10.88.0.50/24", "fd88::32/64"))
    assert lan.name == "lan"
    (interface,) = host(world, "other-host").interfaces
    assert interface.addresses == ("10.88.0.10/24", "fd88::10/64")
    assert host(world, "other-host").listens == ()
    assert (("prober", "home"), ("other-host", "home")) in {wire.ends for wire in world.wires}


def test_name_servers_answer_in_their_order() -> None:
    """Each has an address of one host, and the prober's files list them."""
    names = [{NAME: "public"}, {NAME: "vpn", "other.example": "10.1.2.3"}]
    world = layout(["lan"], prober={"names": names}, names={"lan": NAME})
    servers = host(world, "dns").name_servers
    assert [(one.address, one.answers) for one in servers] == [
        ("198.18.53.10", ((NAME, "203.0.113.10"),)),
        ("198.18.53.11", ((NAME, "10.88.0.10"), ("other.example", "10.1.2.3"))),
    ]
    assert host(world, "dns").interfaces[0].addresses == ("198.18.53.10/24", "198.18.53.11/24")
    files = dict(world.prober.files)
    assert files["/etc/resolv.conf"].splitlines()[:2] == [
        "nameserver 198.18.53.10",
        "nameserver 198.18.53.11",
    ]
    assert NAME not in files["/etc/hosts"]
    assert files["/etc/nsswitch.conf"] == "hosts: files dns\n"


def test_named_addresses_exist() -> None:
    """What a name server gives is in the world, although nobody probes it by its symbol."""
    world = layout(["lan"], prober={"names": [{NAME: "public"}]}, names={"lan": NAME})
    assert host(world, "router").interfaces


def test_the_prober_is_given_the_name() -> None:
    """What it probes is what the first name server gives, in the realm that was meant."""
    names = [{NAME: "public"}, {NAME: "vpn"}]
    document = {"about": "a test", "addresses": ["lan", "vpn"], "scan": {"ports": "80"}, "expect": {}}
    given = {**document, "names": {"vpn": NAME}, "prober": {"names": names}}
    lan, vpn = target_of(parse_scenario("test", given)).addresses
    assert (str(lan.ip), lan.realm, lan.name) == ("192.168.77.10", "lan", None)
    assert (str(vpn.ip), vpn.realm, vpn.name) == ("203.0.113.10", "vpn", NAME)
    for servers in ([], [{"other.example": "vpn"}, {NAME: "vpn"}]):
        with pytest.raises(ScenarioError, match="does not know box"):
            target_of(parse_scenario("test", {**given, "prober": {"names": servers}}))


def test_lengths_are_judged_packet_by_packet() -> None:
    """Where long packets vanish no interface joins several to one."""
    swallowing = layout(["vpn", "public"], target={"swallows_above": {"vpn": 1300}})
    for world, expected in ((swallowing, True), (layout(["vpn", "public"]), False)):
        interfaces = [one for plan in (world.prober, *world.hosts) for one in plan.interfaces]
        assert {one.behind_cable for one in interfaces} == {expected}


def test_a_world_without_troubles_is_plain() -> None:
    """Nothing is added where nothing is wrong."""
    world = layout(["lan", "vpn", "public"])
    assert [plan.name for plan in world.hosts] == ["target", "router"]
    for plan in (world.prober, *world.hosts):
        assert (plan.last, plan.name_servers, plan.files) == ((), (), ())
