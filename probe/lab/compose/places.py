"""How the roles of `docker-compose.yml` become hosts of a scenario's layout. Pure: plans and text.

Docker names the interfaces as it likes and gives each the addresses of the file; a scenario names them after
realms, and may want other addresses, or none.
"""

from collections.abc import Iterator, Mapping

from probe.errors import ScenarioError
from probe.lab.compose.limits import why_not
from probe.lab.netns.layout import lay_out
from probe.lab.netns.plans import ORDINARY, HostPlan
from probe.lab.scenario import PROBER_ADDRESSES, ROUTER_ADDRESSES, TARGET_ADDRESSES, Scenario

# Role: name of each interface in the scenarios' worlds, and the address by which it is known in Docker's.
INTERFACES: dict[str, dict[str, str]] = {
    "prober": {realm: PROBER_ADDRESSES[realm] for realm in ("lan", "vpn", "public")},
    "target": {realm: TARGET_ADDRESSES[realm] for realm in ("lan", "vpn", "public")},
    "router": {realm: ROUTER_ADDRESSES[realm] for realm in ("public", "behind")},
}
# What a container has as its engine made it, and no scenario depends on.
_AS_IT_IS = frozenset({*(name for name, _ in ORDINARY), "net.ipv4.ping_group_range"})


def plan_of(role: str, scenario: Scenario) -> HostPlan | None:
    """What this role is in a scenario; None: nothing, the scenario has no such host.

    Raises:
        ScenarioError: the scenario cannot run in containers, or makes no sense.
        UsageError: a port list that cannot be read.
    """
    reason = why_not(scenario)
    if reason is not None:
        raise ScenarioError(f"scenario {scenario.name} does not run in compose: {reason}")
    layout = lay_out(scenario)
    hosts = {host.name: host for host in (layout.prober, *layout.hosts)}
    return hosts.get(role)


def taking_over(role: str, names: Mapping[str, str]) -> str:
    """Lines for `ip -batch` that empty Docker's interfaces and name them after realms, all of them off.

    `names`: interface by address.

    Raises:
        ScenarioError: an address of the role is on no interface.
    """
    return "".join(f"{line}\n" for line in _taking_over(role, names))


def leaving(role: str) -> str:
    """Lines for `ip -batch` that switch a role's interfaces off.

    The kernel takes them away some time after the container has ended, and gives their link addresses to no
    other interface while they are on: the next container of the role has the same ones.
    """
    return "".join(f"link set {realm} down\n" for realm in INTERFACES[role])


def _taking_over(role: str, names: Mapping[str, str]) -> Iterator[str]:
    for realm, address in INTERFACES[role].items():
        if address not in names:
            raise ScenarioError(f"the {role} has no interface with {address}: see docker-compose.yml")
        yield f"link set {names[address]} down"
        yield f"addr flush dev {names[address]}"
        yield f"link set {names[address]} name {realm}"


def settings_that_count(plan: HostPlan) -> tuple[tuple[str, str], ...]:
    """The kernel settings that a scenario depends on; docker-compose.yml has to give them."""
    return tuple((name, value) for name, value in plan.settings if name not in _AS_IT_IS)
