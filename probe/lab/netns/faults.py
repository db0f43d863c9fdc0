"""What goes wrong beside the filters, added to a plain world: links, routes and hosts. Pure.

prober --- lan --- ap --- target            an access point that keeps its clients apart
prober --- home --- other-host              another machine with an address of the target's
prober --- dns --- dns                      name servers, each an address of one host
"""

from collections.abc import Iterator
from dataclasses import replace
from ipaddress import ip_interface

from probe.errors import ScenarioError
from probe.lab.netns.plans import (
    HostPlan,
    Layout,
    NameServer,
    PlannedInterface,
    VethPair,
    alone,
    like,
    network,
    realms,
    symbols_in_use,
    with_prefix,
)
from probe.lab.scenario import (
    PROBER_ADDRESSES,
    ROUTER_ADDRESSES,
    TARGET_ADDRESSES,
    Scenario,
    address_of,
    realm_of,
)
from probe.model.target import Realm

GATEWAY_ADDRESSES = {"lan": "192.168.77.1", "lan6": "fd77::1"}  # of the access point
FAR_END_ADDRESSES = {"vpn": "10.88.0.1", "vpn6": "fd88::1"}  # of a target that lacks the address asked for
# What the prober reaches by the gateway of its LAN; none of it exists.
BEYOND = {"lan": "192.168.0.0/16", "lan6": "fd77::/48"}
NAMES_NETWORK = "198.18.53"  # RFC 2544, beside the tunnels' carrier
_AT_HOME = 50  # host part of the prober's address on the link `home`
# What full segments to a narrow link announce: the link is beyond the target's own (RFC 879, RFC 8200).
_FULL_SEGMENT = {4: 1460, 6: 1440}
_DEFAULT = {4: "0.0.0.0/0", 6: "::/0"}


def with_faults(scenario: Scenario, plain: Layout) -> Layout:
    """Add everything that is wrong in a scenario and that is not a filter.

    Raises:
        ScenarioError: a trouble makes no sense.
    """
    layout = plain
    for trouble in (_isolate, _duplicate, _name, _narrow, _cut_off, _lead_astray, _pass_on, _swallow):
        layout = trouble(scenario, layout)
    return layout


def _with(layout: Layout, name: str, **more: tuple[object, ...]) -> Layout:
    """Add to tuples of one host's plan."""

    def added(plan: HostPlan) -> HostPlan:
        longer = {key: (*getattr(plan, key), *items) for key, items in more.items()}
        return replace(plan, **longer) if plan.name == name else plan  # type: ignore[arg-type] # same types as there

    return replace(layout, prober=added(layout.prober), hosts=tuple(map(added, layout.hosts)))


def _symbols_of(scenario: Scenario, realm: str) -> tuple[str, ...]:
    return tuple(symbol for symbol in symbols_in_use(scenario) if realm_of(symbol) == realm)


def _isolate(scenario: Scenario, layout: Layout) -> Layout:
    """Put an access point into the LAN whose two clients may speak to it alone (bridge(8), isolated)."""
    isolating = [realm for realm, link in scenario.links.items() if link.isolates]
    if not isolating:
        return layout
    if isolating != [Realm.LAN] or Realm.LAN not in realms(symbols_in_use(scenario)):
        raise ScenarioError("only the link `lan` isolates, and only where it is in use")
    symbols = _symbols_of(scenario, Realm.LAN)
    point = HostPlan(
        "ap", (PlannedInterface("prober"), PlannedInterface("target")), last=tuple(_bridge(symbols))
    )
    beyond = [(BEYOND[symbol], GATEWAY_ADDRESSES[symbol]) for symbol in symbols]
    wires = (wire for wire in layout.wires if wire.ends[0] != ("prober", "lan"))
    (lan,) = (wire for wire in layout.wires if wire.ends[0] == ("prober", "lan"))
    cut = VethPair((lan.ends[0], ("ap", "prober")), lan.delay), VethPair((("ap", "target"), lan.ends[1]))
    layout = replace(layout, hosts=(*layout.hosts, point), wires=(*cut, *wires))
    return _with(layout, "prober", routes=tuple(beyond))


def _bridge(symbols: tuple[str, ...]) -> Iterator[str]:
    yield "link add gateway type bridge stp_state 0 mcast_snooping 0"
    for port in ("prober", "target"):
        yield f"link set {port} master gateway"
        yield f"link set {port} type bridge_slave isolated on"
    for symbol in symbols:
        address = GATEWAY_ADDRESSES[symbol]
        yield f"addr add {with_prefix(address)} dev gateway" + (" nodad" if ":" in address else "")
    yield "link set gateway up"


def _duplicate(scenario: Scenario, layout: Layout) -> Layout:
    """Give the prober another link with the same network. It comes first, so that its routes win."""
    if not scenario.elsewhere:
        return layout
    theirs = [with_prefix(TARGET_ADDRESSES[symbol]) for symbol in scenario.elsewhere]
    own = [f"{ip_interface(one).network[_AT_HOME]}/{ip_interface(one).network.prefixlen}" for one in theirs]
    home = replace(
        layout.prober, interfaces=(PlannedInterface("home", tuple(own)), *layout.prober.interfaces)
    )
    other = HostPlan("other-host", (PlannedInterface("home", tuple(theirs)),))
    wire = VethPair((("prober", "home"), ("other-host", "home")))
    return replace(layout, prober=home, hosts=(*layout.hosts, other), wires=(*layout.wires, wire))


def _name(scenario: Scenario, layout: Layout) -> Layout:
    """Let name servers answer the prober, in the order of the scenario."""
    if not scenario.prober.names:
        return layout
    servers = tuple(
        NameServer(
            f"{NAMES_NETWORK}.{number}", tuple((name, str(address_of(s))) for name, s in names.items())
        )
        for number, names in enumerate(scenario.prober.names, 10)
    )
    host = HostPlan(
        "dns", (PlannedInterface("dns", tuple(f"{one.address}/24" for one in servers)),), name_servers=servers
    )
    layout = replace(
        layout,
        hosts=(*layout.hosts, host),
        wires=(*layout.wires, VethPair((("prober", "dns"), ("dns", "dns")))),
    )
    interface = PlannedInterface("dns", (f"{NAMES_NETWORK}.2/24",))
    return _with(layout, "prober", interfaces=(interface,), files=tuple(_name_files(servers)))


def _name_files(servers: tuple[NameServer, ...]) -> Iterator[tuple[str, str]]:
    """What the C library reads (resolv.conf(5), hosts(5), nsswitch.conf(5))."""
    listed = "".join(f"nameserver {server.address}\n" for server in servers)
    yield "/etc/resolv.conf", f"{listed}options timeout:1 attempts:2\n"
    yield "/etc/hosts", "127.0.0.1 localhost\n::1 localhost\n"
    yield "/etc/nsswitch.conf", "hosts: files dns\n"


def _narrow(scenario: Scenario, layout: Layout) -> Layout:
    """Make the router's link to the target narrow, while the target announces full segments all the same."""
    mtu = scenario.router.narrow
    if mtu is None:
        return layout
    (target,) = (host for host in layout.hosts if host.name == "target")
    defaults = [(to, by) for to, by in target.routes if to in _DEFAULT.values()]
    announce = (
        f"route change {to} via {by} advmss {_FULL_SEGMENT[6 if ':' in to else 4]}" for to, by in defaults
    )
    layout = _with(layout, "router", last=(f"link set behind mtu {mtu}",))
    return _with(layout, "target", last=(f"link set public mtu {mtu}", *announce))


def _cut_off(scenario: Scenario, layout: Layout) -> Layout:
    """Take the target's routes to the prober's addresses of a realm."""
    lines = [
        f"route del {_way_back(symbol)} dev {realm}"
        for realm in scenario.target.no_way_back
        for symbol in _symbols_of(scenario, realm)
        if symbol not in scenario.dead
    ]
    return _with(layout, "target", last=tuple(lines))


def _way_back(symbol: str) -> str:
    if realm_of(symbol) == Realm.PUBLIC:
        return _DEFAULT[address_of(symbol).version]
    return network(PROBER_ADDRESSES[symbol])


def _lead_astray(scenario: Scenario, layout: Layout) -> Layout:
    """Give the prober a route to one address by the link of another realm."""
    lines = []
    for symbol, realm in scenario.prober.routes.items():
        gateway = ROUTER_ADDRESSES.get(like(symbol, realm))
        by = f"via {gateway}" if gateway else f"dev {realm}"
        lines.append(f"route add {alone(str(address_of(symbol)))} {by}")
    return _with(layout, "prober", last=tuple(lines))


def _pass_on(scenario: Scenario, layout: Layout) -> Layout:
    """Give a tunnel's far end that forwards an address of its own, where it lacks the one asked for."""
    if scenario.vpn is None or not scenario.target.forwards:
        return layout
    dead = [symbol for symbol in _symbols_of(scenario, Realm.VPN) if symbol in scenario.dead]
    lines = [
        line
        for symbol in dead
        for line in (
            f"addr add {alone(FAR_END_ADDRESSES[symbol])} dev vpn",
            f"route replace {alone(PROBER_ADDRESSES[symbol])} dev vpn",
        )
    ]
    return _with(layout, "target", last=tuple(lines))


def _swallow(scenario: Scenario, layout: Layout) -> Layout:
    """Have each packet leave in its own size: a filter on length must not see several in one."""
    if not scenario.target.swallows_above:
        return layout

    def one_by_one(plan: HostPlan) -> HostPlan:
        return replace(plan, interfaces=tuple(replace(one, behind_cable=True) for one in plan.interfaces))

    return replace(layout, prober=one_by_one(layout.prober), hosts=tuple(map(one_by_one, layout.hosts)))
