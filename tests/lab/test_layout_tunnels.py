"""A world whose vpn link is a real tunnel, as hosts, wires, addresses and rules."""

from typing import Any

import pytest

from probe.errors import ScenarioError
from probe.lab.netns.layout import lay_out
from probe.lab.netns.links import addressing, switching_off
from probe.lab.netns.plans import HostPlan, Layout, VethPair
from probe.lab.scenario import parse_scenario


def layout(addresses: list[str], **parts: Any) -> Layout:
    document = {"about": "a test", "addresses": addresses, "scan": {"ports": "80"}, "expect": {}}
    return lay_out(parse_scenario("test", {**document, "vpn": {"kind": "wireguard"}, **parts}))


def addresses_of(host: HostPlan) -> dict[str, tuple[str, ...]]:
    return {interface.name: interface.addresses for interface in host.interfaces}


WAN = VethPair((("prober", "wan"), ("target", "wan")))

# What the prober has, by kind of tunnel; the target has the same of both.
PROBERS = {
    "wireguard": {"wan": ("198.18.0.2/24",), "lan": ("192.168.77.2/24",), "vpn": ("10.88.0.2/24",)},
    "openvpn": {"wan": ("198.18.0.2/24",), "lan": ("192.168.77.2/24",)},
}


@pytest.mark.parametrize("kind", PROBERS)
def test_a_tunnel_has_a_carrier_for_a_wire(kind: str) -> None:
    """The carrier takes the place of the wire; OpenVPN makes the prober's interface itself."""
    world = layout(["lan", "vpn"], vpn={"kind": kind})
    (target,) = world.hosts
    assert addresses_of(world.prober) == PROBERS[kind]
    assert addresses_of(target) == {
        "wan": ("198.18.0.10/24",),
        "lan": ("192.168.77.10/24",),
        "vpn": ("10.88.0.10/24",),
    }
    assert world.wires == (VethPair((("prober", "lan"), ("target", "lan"))), WAN)
    assert world.prober.tunnel
    assert target.tunnel


def test_without_a_tunnel_there_is_no_carrier() -> None:
    """A plain world is as it was."""
    world = layout(["vpn"], vpn=None)
    assert world.tunnel is None
    assert not world.prober.tunnel
    assert world.wires == (VethPair((("prober", "vpn"), ("target", "vpn"))),)


def test_delay_and_size() -> None:
    """The carrier takes the time of the vpn link, the tunnel has the size."""
    world = layout(["lan", "vpn"], links={"vpn": {"delay_ms": 20}}, vpn={"kind": "wireguard", "mtu": 1300})
    assert [wire.delay for wire in world.wires] == [0.0, 0.02]
    assert {i.name: (i.behind_cable, i.mtu) for i in world.prober.interfaces} == {
        "wan": (True, None),
        "lan": (False, None),
        "vpn": (False, 1300),
    }
    assert "link set vpn mtu 1300 up" in addressing(world.prober).splitlines()
    assert "link set wan up" in addressing(world.prober).splitlines()


def test_a_tunnel_needs_an_address() -> None:
    """A tunnel that nobody has an address of is an error."""
    with pytest.raises(ScenarioError, match="needs an address"):
        layout(["lan"])


def test_filters_spare_the_carrier() -> None:
    """What carries the tunnel passes before the rules, on both hosts; without rules there are none."""
    drops = [{"action": "drop"}, {"action": "drop", "segment": "syn-ack"}]
    prober = {"incoming": [{"action": "drop"}], "outgoing": [{"action": "drop"}]}
    world = layout(["vpn"], target={"filter": drops}, prober=prober)
    for host in (world.prober, *world.hosts):
        first = [line.strip() for line in host.rules.splitlines() if '"wan"' in line]
        assert first == ['iifname "wan" accept', 'oifname "wan" accept']
    assert not layout(["vpn"]).hosts[0].rules


def test_switching_off() -> None:
    """A host that is off has no address left."""
    (target,) = layout(["lan", "vpn"]).hosts
    assert switching_off(target).splitlines() == [
        "addr flush dev wan",
        "addr flush dev lan",
        "addr flush dev vpn",
    ]
