"""What containers cannot give a scenario, and how the roles of `docker-compose.yml` become its hosts.

Pure: tables, plans and text.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from probe.errors import ScenarioError
from probe.lab.netns.layout import lay_out
from probe.lab.netns.plans import ORDINARY, HostPlan
from probe.lab.netns.tunnel_plan import CARRIER, TunnelPlan
from probe.lab.scenario import PROBER_ADDRESSES, ROUTER_ADDRESSES, TARGET_ADDRESSES, FarEnd, Scenario, VpnKind
from probe.model.target import Realm

_KERNEL = "a container may not change this setting of its kernel"
_APART = "each container makes itself without a word to the other"
_NO_HOST = "docker-compose.yml has no such machine"

# Name of a trait, whether a scenario has it, and why it cannot be had here. The first match counts.
_LIMITS: tuple[tuple[str, Callable[[Scenario], object], str], ...] = (
    (
        "the doctor's causes",
        lambda s: s.expect_causes,
        "no doctor is run in containers",
    ),
    (
        "a tunnel of OpenVPN",
        lambda s: s.vpn is not None and s.vpn.kind is VpnKind.OPENVPN,
        "its ends are to know certificates that are made anew for each world, and " + _APART,
    ),
    (
        "a tunnel that fails later",
        lambda s: s.vpn is not None and s.vpn.warm and s.vpn.far_end is not FarEnd.SERVES,
        _APART,
    ),
    (
        "delay",
        lambda s: any(link.delay_ms for link in s.links.values()),
        "the cable that delays is a program of the netns world",
    ),
    ("isolated clients", lambda s: any(link.isolates for link in s.links.values()), _NO_HOST),
    ("the same address elsewhere", lambda s: s.elsewhere, _NO_HOST),
    ("name servers", lambda s: s.prober.names, _NO_HOST),
    ("a container behind the target", lambda s: s.target.dnat, _NO_HOST),
    (
        "a strict reverse path filter",
        lambda s: s.prober.strict_reverse_path or s.target.strict_reverse_path,
        _KERNEL,
    ),
    ("another TTL", lambda s: s.target.ttl, _KERNEL),
    ("loopback open to links", lambda s: s.target.route_localnet, _KERNEL),
    ("a target that forwards", lambda s: s.target.forwards, _KERNEL),
    ("a VPN program in user space", lambda s: s.target.vpn_program, _NO_HOST),
    ("a SYN proxy", lambda s: s.router.syn_proxy, _KERNEL),
    (
        "a target switched off",
        lambda s: s.down,
        "it would be switched off once every tunnel is up, and " + _APART,
    ),
)


def why_not(scenario: Scenario) -> str | None:
    """Find why a scenario cannot run in containers; None: it can."""
    found = (f"{trait}: {reason}" for trait, has, reason in _LIMITS if has(scenario))
    return next(found, None)


# --- roles of the compose file ---


# Role: name of each interface in the scenarios' worlds, and the address by which it is known in Docker's.
INTERFACES: dict[str, dict[str, str]] = {
    "prober": {realm: PROBER_ADDRESSES[realm] for realm in ("lan", "vpn", "public")},
    "target": {realm: TARGET_ADDRESSES[realm] for realm in ("lan", "vpn", "public")},
    "router": {realm: ROUTER_ADDRESSES[realm] for realm in ("public", "behind")},
}
# The VPN's network carries the tunnel where a scenario has one: its own interface is then named vpn.
_CARRYING: dict[str, str] = {Realm.VPN: CARRIER}
# Docker switches IPv6 off for every interface but its own.
_OF_TUNNEL = ("net.ipv6.conf.default.disable_ipv6", "0")
# What a container has as its engine made it, and no scenario depends on.
_AS_IT_IS = frozenset({*(name for name, _ in ORDINARY), "net.ipv4.ping_group_range"})


@dataclass(frozen=True, slots=True)
class ContainerPlace:
    """What a container becomes: a host, and which end of a tunnel it makes, if any."""

    role: str
    host: HostPlan
    tunnel: TunnelPlan | None = None

    @property
    def names(self) -> dict[str, str]:
        """Name of each interface that it takes over, by the address that Docker gave it."""
        others = {} if self.tunnel is None else _CARRYING
        return {address: others.get(realm, realm) for realm, address in INTERFACES[self.role].items()}


def image_of(scenario: Scenario) -> str:
    """Which image the hosts of a scenario are started from: a target of the Dockerfile."""
    return "services" if scenario.target.services or scenario.vpn is not None else "host"


def place_of(role: str, scenario: Scenario) -> ContainerPlace:
    """What this role is in a scenario; where the scenario has no such host, one without anything.

    Raises:
        ScenarioError: the scenario cannot run in containers, or makes no sense.
        UsageError: a port list that cannot be read.
    """
    reason = why_not(scenario)
    if reason is not None:
        raise ScenarioError(f"scenario {scenario.name} does not run in compose: {reason}")
    layout = lay_out(scenario)
    hosts = {host.name: host for host in (layout.prober, *layout.hosts)}
    host = hosts.get(role, HostPlan(role, ()))
    return ContainerPlace(role, host, layout.tunnel if host.tunnel else None)


def taking_over(place: ContainerPlace, names: Mapping[str, str]) -> str:
    """Lines for `ip -batch` that empty Docker's interfaces and name them after realms, all of them off.

    `names`: interface by address.

    Raises:
        ScenarioError: an address of the role is on no interface.
    """
    return "".join(f"{line}\n" for line in _taking_over(place, names))


def leaving(place: ContainerPlace) -> str:
    """Lines for `ip -batch` that switch the interfaces off that were taken over.

    The kernel takes them away some time after the container has ended, and gives their link addresses to no
    other interface while they are on: the next container of the role has the same ones.
    """
    return "".join(f"link set {name} down\n" for name in place.names.values())


def _taking_over(place: ContainerPlace, names: Mapping[str, str]) -> Iterator[str]:
    for address, name in place.names.items():
        if address not in names:
            raise ScenarioError(f"the {place.role} has no interface with {address}: see docker-compose.yml")
        yield f"link set {names[address]} down"
        yield f"addr flush dev {names[address]}"
        yield f"link set {names[address]} name {name}"


def settings_that_count(place: ContainerPlace) -> tuple[tuple[str, str], ...]:
    """The kernel settings that a scenario depends on; docker-compose.yml has to give them."""
    wanted = place.host.settings if place.tunnel is None else (*place.host.settings, _OF_TUNNEL)
    return tuple((name, value) for name, value in wanted if name not in _AS_IT_IS)
