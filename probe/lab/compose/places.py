"""How the roles of `docker-compose.yml` become hosts of a scenario's layout. Pure: plans and text.

Docker names the interfaces as it likes and gives each the addresses of the file; a scenario names them after
realms, and may want other addresses, or none.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from probe.errors import ScenarioError
from probe.lab.compose.limits import why_not
from probe.lab.netns.carried import CARRIER, TunnelPlan
from probe.lab.netns.layout import lay_out
from probe.lab.netns.plans import ORDINARY, HostPlan
from probe.lab.scenario import PROBER_ADDRESSES, ROUTER_ADDRESSES, TARGET_ADDRESSES, Scenario
from probe.model.target import Realm

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
class Place:
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


def place_of(role: str, scenario: Scenario) -> Place:
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
    return Place(role, host, layout.tunnel if host.tunnel else None)


def taking_over(place: Place, names: Mapping[str, str]) -> str:
    """Lines for `ip -batch` that empty Docker's interfaces and name them after realms, all of them off.

    `names`: interface by address.

    Raises:
        ScenarioError: an address of the role is on no interface.
    """
    return "".join(f"{line}\n" for line in _taking_over(place, names))


def leaving(place: Place) -> str:
    """Lines for `ip -batch` that switch the interfaces off that were taken over.

    The kernel takes them away some time after the container has ended, and gives their link addresses to no
    other interface while they are on: the next container of the role has the same ones.
    """
    return "".join(f"link set {name} down\n" for name in place.names.values())


def _taking_over(place: Place, names: Mapping[str, str]) -> Iterator[str]:
    for address, name in place.names.items():
        if address not in names:
            raise ScenarioError(f"the {place.role} has no interface with {address}: see docker-compose.yml")
        yield f"link set {names[address]} down"
        yield f"addr flush dev {names[address]}"
        yield f"link set {names[address]} name {name}"


def settings_that_count(place: Place) -> tuple[tuple[str, str], ...]:
    """The kernel settings that a scenario depends on; docker-compose.yml has to give them."""
    wanted = place.host.settings if place.tunnel is None else (*place.host.settings, _OF_TUNNEL)
    return tuple((name, value) for name, value in wanted if name not in _AS_IT_IS)
