"""What mends a cause or a fault of this machine, in sentences; a command stands for itself."""

from collections.abc import Callable, Mapping

from msgspec.structs import replace

from probe.explain.causes import far_end
from probe.explain.phrases import access_list, listed
from probe.model.fixes import Fix, FixRule
from probe.model.machine import Hook
from probe.model.target import Port, Protocol
from probe.services.registry import service_name


def explained_fix(fix: Fix) -> Fix:
    """The same fix with its sentence, or with its command behind the name of the shell that it is for."""
    return replace(fix, text=_command(fix, fix.command) if fix.command is not None else _sentence(fix))


def _command(fix: Fix, command: str) -> str:
    return command if fix.place is None else f"{fix.place}# {command}"


def _sentence(fix: Fix) -> str:
    sentence = _SENTENCES[fix.rule]
    return sentence.format(f=fix) if isinstance(sentence, str) else sentence(fix)


def _far_end(fix: Fix) -> str:
    return "" if fix.peer_key is None else f" {far_end(fix.peer_key, fix.endpoint)}"


def _ports(fix: Fix) -> str:
    return listed(fix.ports) if fix.ports else "the port"


def _service(fix: Fix) -> str | None:
    """The customary service of the port."""
    number, _, protocol = fix.ports[0].partition("/")
    return service_name(Port(Protocol(protocol), int(number)))


def _on_path(fix: Fix) -> str:
    if fix.sender is not None:
        where = f"at {fix.sender}"
    elif fix.last_hop is not None:
        where = f"at {fix.last_hop} or behind it"
    else:
        where = f"on the way to {fix.address}"
    return f"allow {_ports(fix)} in the firewall {where}"


def _default_route(fix: Fix) -> str:
    flag = "-6 " if fix.family == 6 else ""  # noqa: PLR2004 - an IP version
    return f"to reach hosts beyond these networks: ip {flag}route add default via GATEWAY"


_LETS: Mapping[Hook, str] = {
    Hook.INPUT: "let answers in (ct state established,related accept)",
    Hook.OUTPUT: "let packets to the target out",
}
_LOOK_THERE = "check that the endpoint runs WireGuard, has this machine's key, and its UDP port is open"

# Each a template of the fix's values, or what makes the sentence of them. Those that always have a command
# are not among them.
_SENTENCES: Mapping[FixRule, str | Callable[[Fix], str]] = {
    FixRule.CHECK_FAR_END: lambda f: (
        f"check that the far end{_far_end(f)} is up, both ends have each other's key, and UDP gets through"
    ),
    FixRule.LIST_OUR_KEY: "list this machine's public key as a peer at the far end: {f.public_key}",
    FixRule.RESTART_TUNNEL: lambda f: (
        f"check that the far end{_far_end(f)} is up and kept its address; then restart the tunnel here"
    ),
    FixRule.START_VPN: "start the VPN here: no tunnel leads to that address",
    FixRule.START_PROGRAM: ("restart {f.tunnel_kind}: no program serves {f.interface}"),
    FixRule.START_VPN_PROGRAM: "start the VPN's program",
    FixRule.SET_ENDPOINT: "set the peer's endpoint, or send something from the other end",
    FixRule.CHECK_PEER: _LOOK_THERE,
    FixRule.CHECK_IDLE_PEER: (
        "nothing, if the tunnel is idle; else check the endpoint: WireGuard up, this machine's key, UDP port open"
    ),
    FixRule.READ_VPN_LOG: "read the VPN program's log, here and at the far end",
    FixRule.NAME_ALLOWED_IPS: ("add {f.network} to the AllowedIPs of its peer in {f.interface}"),
    FixRule.KEEP_ALLOWED_IPS: (
        "to keep it, add {f.network} to AllowedIPs in the configuration of {f.interface}"
    ),
    FixRule.ACCEPT_SOURCE: (
        "at the far end, {f.network} must be in the AllowedIPs of this machine's peer entry"
    ),
    FixRule.ROUTE_BY_VPN: "give {f.address} a route by the VPN's interface",
    FixRule.CHECK_ROUTE: (
        "see which route sends {f.address} by {f.interface} (ip route get {f.address}), and remove it if wrong"
    ),
    FixRule.RENUMBER_NETWORK: lambda f: (
        f"permanently: renumber one of the networks of {listed(f.interfaces or ('two links',))}"
    ),
    FixRule.ROUTE_TO_SOURCE: lambda f: (
        f"or give the target a route to {f.source or 'this machine'} over the link that its packets arrive on"
    ),
    FixRule.JOIN_NETWORK: "join a network, or add a route",
    FixRule.ADD_DEFAULT_ROUTE: _default_route,
    FixRule.SEPARATE_NETWORKS: (
        "renumber one of the two networks, or route single hosts: ip route add HOST dev LINK"
    ),
    FixRule.CHECK_HOST: ("check that the host is on and connected, and that {f.address} is its address"),
    FixRule.GIVE_ADDRESS: ("use the address that the target has (ip addr, there), or give it {f.address}"),
    FixRule.PLUG_IN: lambda f: (
        f"check the cable of {f.interface or 'the link'}, and that its switch or access point is on"
    ),
    FixRule.CONNECT_TO_NETWORK: (
        "connect this machine to the network of {f.address} or to its VPN, or use a public address"
    ),
    FixRule.CHECK_ADDRESS: lambda f: (
        f"check that {f.address} is still the target's address (ip addr, there)"
        + (f"; it answers at {listed(f.addresses)}" if f.addresses else "")
    ),
    FixRule.ASK_FROM_ANOTHER: (
        "a macvlan or ipvlan guest on {f.interface} is unreachable from its own host: probe {f.address} from elsewhere"
    ),
    FixRule.CHECK_DHCP: ("check too whether DHCP gave the target another address than {f.address}"),
    FixRule.ALLOW_HERE: lambda f: (
        f"allow {_ports(f) if f.ports else 'traffic'} to {f.address} and its answers in this machine's firewall"
        f" ({listed(f.firewalls) if f.firewalls else 'sudo nft list ruleset'})"
    ),
    FixRule.ALLOW_OWN_TRAFFIC: lambda f: "; ".join(_LETS[hook] for hook in f.hooks),
    FixRule.ALLOW_AT_TARGET: lambda f: (
        f"allow {_ports(f) if f.ports else 'the ports'} from {f.source} to {f.address} in the target's firewall"
        + (", whichever it is (adapt zone and chain):" if f.ports else "; -p PORT gives the commands")
    ),
    FixRule.ALLOW_ON_PATH: _on_path,
    FixRule.STOP_ISOLATION: (
        "turn off client isolation (guest network) on the access point, or use an address that avoids it"
    ),
    FixRule.USE_INSIDE_ADDRESS: (
        "use the inside address, or set up hairpin NAT for {f.address} on the router"
    ),
    FixRule.FORWARD_PORTS: lambda f: f"forward {_ports(f)} at the router that owns {f.address}",
    FixRule.BIND_SERVICE: lambda f: (
        f"bind {_ports(f)} to {f.address} too, or to all interfaces (ss -tulnp on the target shows the binding)"
    ),
    FixRule.ROUTE_CONTAINER: lambda f: (
        f"if {_ports(f)} is forwarded to a container: its default route must lead to the host, not into a VPN"
    ),
    FixRule.CHECK_ACCESS_LIST: lambda f: (
        f"let {_ports(f)} serve this machine ({f.source}): {access_list(_service(f))}"
    ),
    FixRule.ALLOW_ICMP: ("or allow ICMP 'too big' (type 3 code 4; ICMPv6 type 2) along the path"),
    FixRule.ASK_NAME_SERVER: lambda f: (
        f"ask {listed(f.addresses) if f.addresses else 'the VPN name server'} for {f.name or 'the name'}:"
        f" it gives {f.address}"
    ),
    FixRule.SPLIT_DNS: lambda f: (
        f"let the VPN's name server answer for {f.name or 'the name'} (split DNS), or use the VPN address"
    ),
    FixRule.SET_NAME_SERVER: lambda f: "set one in " + (f.file or "the system's settings"),
    FixRule.REACH_NAME_SERVER: ("set a name server that can be reached, or bring up the link to it"),
    FixRule.CHECK_NAME_SERVER: lambda f: (
        f"check that {listed(f.addresses)} {'answers' if len(f.addresses) == 1 else 'answer'}"
        f" (dig @{f.addresses[0]} {f.name}), or set another name server{f' in {f.file}' if f.file else ''}"
    ),
    FixRule.GIVE_IP_ADDRESS: "check the spelling of {f.name}, or give the target's IP address in its place",
    FixRule.PERMIT_RAW: "{f.why}",
    FixRule.RAISE_FILE_LIMIT: "raise nofile for this user (limits.conf) and log in again",
}
