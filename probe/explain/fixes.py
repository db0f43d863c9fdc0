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
    return "" if fix.peer_key is None else f" ({far_end(fix.peer_key, fix.endpoint)})"


def _ports(fix: Fix) -> str:
    return listed(fix.ports) if fix.ports else "what is needed"


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
    return f"if hosts beyond these networks are meant: ip {flag}route add default via GATEWAY"


_LETS: Mapping[Hook, str] = {
    Hook.INPUT: "answers must be let in (ct state established,related accept), or nothing ever answers",
    Hook.OUTPUT: "what goes to the target must be let out",
}
_LOOK_THERE = "see that the endpoint runs WireGuard, has this machine's key, and lets its UDP port through"

# Each a template of the fix's values, or what makes the sentence of them. Those that always have a command
# are not among them.
_SENTENCES: Mapping[FixRule, str | Callable[[Fix], str]] = {
    FixRule.CHECK_FAR_END: lambda f: (
        f"see that the tunnel runs at the far end{_far_end(f)}, that each end has the other's public key,"
        " and that UDP to that port gets through"
    ),
    FixRule.LIST_OUR_KEY: "this machine's public key, which the far end must list as a peer: {f.public_key}",
    FixRule.RESTART_TUNNEL: lambda f: (
        f"see that the far end{_far_end(f)} still runs and still has this address; then bring the"
        " tunnel down and up again here"
    ),
    FixRule.START_VPN: "start the VPN on this machine: it has no tunnel interface for that address",
    FixRule.START_PROGRAM: (
        "start the {f.tunnel_kind} program of {f.interface} again: the interface is there without it"
    ),
    FixRule.START_VPN_PROGRAM: "start the VPN's program",
    FixRule.SET_ENDPOINT: "set the peer's endpoint, or let the other end begin",
    FixRule.CHECK_PEER: _LOOK_THERE,
    FixRule.CHECK_IDLE_PEER: (
        f"none where the tunnel is idle: traffic makes it shake hands again; else {_LOOK_THERE}"
    ),
    FixRule.READ_VPN_LOG: "see the log of the VPN's program, here and at the other end",
    FixRule.NAME_ALLOWED_IPS: ("add {f.network} to the AllowedIPs of the peer that has it, in {f.interface}"),
    FixRule.KEEP_ALLOWED_IPS: (
        "to keep it, add {f.network} to AllowedIPs in the configuration of {f.interface}"
    ),
    FixRule.ACCEPT_SOURCE: (
        "at the far end, {f.network} must be in the AllowedIPs of this machine's peer entry"
    ),
    FixRule.ROUTE_BY_VPN: "give {f.address} a route by the VPN's interface",
    FixRule.CHECK_ROUTE: (
        "see which route sends {f.address} by {f.interface} (ip route get {f.address}), and take it out where it is wrong"
    ),
    FixRule.RENUMBER_NETWORK: lambda f: (
        f"for good, give one of the networks of {listed(f.interfaces or ('two links',))} other addresses"
    ),
    FixRule.ROUTE_TO_SOURCE: "or give the target a route to {f.source} by the way that its packets come",
    FixRule.JOIN_NETWORK: "join a network, or add a route",
    FixRule.ADD_DEFAULT_ROUTE: _default_route,
    FixRule.SEPARATE_NETWORKS: (
        "give one of the two networks other addresses, or route single hosts: ip route add HOST dev LINK"
    ),
    FixRule.CHECK_HOST: (
        "see that the machine of {f.address} is on and connected, and that the address is its own"
    ),
    FixRule.GIVE_ADDRESS: (
        "give the target the address {f.address}, or ask for the address that it has (ip addr, there)"
    ),
    FixRule.PLUG_IN: lambda f: (
        f"see that {f.interface or 'the link'} is plugged in, and that the switch or access point at its other end"
        " is on"
    ),
    FixRule.CONNECT_TO_NETWORK: (
        "connect this machine to the network that has {f.address}, or to its VPN; from elsewhere, use a public address"
    ),
    FixRule.CHECK_ADDRESS: lambda f: (
        f"see that {f.address} is right and still the target's: ip addr on the target shows the addresses that it has"
        + (f"; it answers at {listed(f.addresses)}" if f.addresses else "")
    ),
    FixRule.ASK_FROM_ANOTHER: (
        "if {f.address} is a container or a virtual machine on this machine's own {f.interface} (macvlan, ipvlan),"
        " this machine cannot reach it: ask from another machine, or give this one such a link too"
    ),
    FixRule.CHECK_DHCP: (
        "see too that {f.address} is still the target's address: it may have got another one by DHCP"
    ),
    FixRule.ALLOW_HERE: lambda f: (
        f"allow {_ports(f) if f.ports else 'traffic'} to {f.address}, and its answers, in this machine's own firewall"
        f" ({listed(f.firewalls) if f.firewalls else 'sudo nft list ruleset'})"
    ),
    FixRule.ALLOW_OWN_TRAFFIC: lambda f: "; ".join(_LETS[hook] for hook in f.hooks),
    FixRule.ALLOW_AT_TARGET: lambda f: (
        f"allow {_ports(f)} from {f.source} to {f.address} in the target's firewall"
        + (
            ", with the one of these tools that it has (firewalld: add the link's --zone=; nft: the chain's own name):"
            if f.ports
            else "; -p PORT gives the commands"
        )
    ),
    FixRule.ALLOW_ON_PATH: _on_path,
    FixRule.STOP_ISOLATION: (
        "switch off client isolation (AP isolation, guest network) at the access point, or use an address of"
        " the target that does not lead through it"
    ),
    FixRule.USE_INSIDE_ADDRESS: (
        "from inside, use the inside address; or let the router translate both ways for {f.address}"
    ),
    FixRule.FORWARD_PORTS: lambda f: f"forward {_ports(f)} at the router that owns {f.address}",
    FixRule.BIND_SERVICE: lambda f: (
        f"bind the service of {_ports(f)} to {f.address} too, or to all interfaces; ss -tulnp on the target"
        " shows what it is bound to now"
    ),
    FixRule.ROUTE_CONTAINER: lambda f: (
        f"if {_ports(f)} is forwarded into a container, see that its answers come back by this host: in the container,"
        " the default route must lead to the host, not into a VPN of its own (ip route)"
    ),
    FixRule.CHECK_ACCESS_LIST: lambda f: (
        f"the network is well: let the program of {_ports(f)} serve this machine ({f.source}), in"
        f" {access_list(_service(f))}"
    ),
    FixRule.ALLOW_ICMP: (
        "or let ICMP (type 3 code 4; ICMPv6 type 2) pass on the whole way, so that hosts learn the size"
    ),
    FixRule.ASK_NAME_SERVER: lambda f: (
        f"ask {listed(f.addresses) if f.addresses else 'the VPN name server'} for {f.name or 'the name'}:"
        f" it gives {f.address}"
    ),
    FixRule.SPLIT_DNS: lambda f: (
        f"let the VPN's name server answer for {f.name or 'the name'} (split DNS), or use the VPN address"
    ),
    FixRule.SET_NAME_SERVER: lambda f: "name one in " + (f.file or "the system's settings"),
    FixRule.REACH_NAME_SERVER: ("name a server that can be reached, or bring the link up that leads to it"),
    FixRule.CHECK_NAME_SERVER: lambda f: (
        f"see that {listed(f.addresses)} {'is' if len(f.addresses) == 1 else 'are'} on and"
        f" {'answers' if len(f.addresses) == 1 else 'answer'} (dig @{f.addresses[0]} {f.name}), or name another"
        f" name server{f' in {f.file}' if f.file else ''}"
    ),
    FixRule.GIVE_IP_ADDRESS: "check the spelling of {f.name}, or give the target's IP address in its place",
    FixRule.PERMIT_RAW: "{f.why}",
    FixRule.RAISE_FILE_LIMIT: "raise nofile for this user (limits.conf) and log in again",
}
