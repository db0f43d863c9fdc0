"""The sentences of the diagnosis: what each cause means, and what was seen that speaks for it."""

from collections.abc import Callable, Mapping
from typing import Final

from msgspec.structs import replace

from probe.explain.phrases import lasting, listed
from probe.model.diagnosis import Cause, Look, RootWouldShow
from probe.model.machine import Chain, Hook, TunnelKind
from probe.model.probing import Reason
from probe.model.symptoms import CauseEvidence, Symptom
from probe.model.target import Protocol

_KEY_CHARS = 8  # of a public key, to distinguish peers

MEANINGS: Mapping[Cause, str] = {
    Cause.NONE: "nothing seems wrong",
    Cause.LINK_DOWN: "this machine's own link to that network is down",
    Cause.WRONG_ADDRESS: "no host has the address: it is mistyped, or the target has another one now",
    Cause.OFF_NETWORK: "a private address of a network that this machine is not in",
    Cause.HANDSHAKE_NEVER: "the WireGuard peer never answered: wrong key or endpoint, or its port is blocked",
    Cause.TUNNEL_STALE: "the tunnel worked once, but its far end no longer answers",
    Cause.TUNNEL_DOWN: "the tunnel's interface is switched off or gone",
    Cause.NOT_IN_ALLOWED_IPS: "no peer on this machine has the address in its AllowedIPs, so nothing is sent",
    Cause.PEER_REJECTS_SOURCE: "the far end's AllowedIPs lack this machine's tunnel address",
    Cause.NO_RETURN_ROUTE: "the target gets the packets, but has no route back",
    Cause.WRONG_ROUTE: "this machine routes it over the wrong link",
    Cause.SUBNET_OVERLAP: "a nearer network uses the same addresses, so packets go to another host",
    Cause.LOCAL_FIREWALL: "this machine's own packet filter is in the way",
    Cause.REVERSE_PATH_FILTER: "answers come back over another link and are dropped (rp_filter)",
    Cause.TARGET_FIREWALL: "the target's packet filter drops or rejects",
    Cause.PATH_FIREWALL: "a box on the way drops or rejects",
    Cause.MTU_BLACK_HOLE: "small packets pass, full-size ones vanish without an error",
    Cause.DNS: "the name gives a wrong address, or none",
    Cause.HOST_DOWN: "the host is off, or not on that network",
    Cause.NO_SUCH_ADDRESS: "the far end reports that no host there has the address",
    Cause.CLIENT_ISOLATION: "the access point keeps its clients apart",
    Cause.HAIRPIN: "the router does not forward its public address from inside (no hairpin NAT)",
    Cause.NOT_FORWARDED: "the router does not forward the port to the host",
    Cause.NOT_BOUND: "the host is reached, but nothing listens on the port at this address",
    Cause.SERVICE_REFUSES_PEER: "the program itself refuses this machine, by its access list",
}


def explained_evidence(evidence: CauseEvidence) -> CauseEvidence:
    """The same evidence with its sentence."""
    sentence = _SENTENCES[evidence.rule]
    text = sentence.format(e=evidence) if isinstance(sentence, str) else sentence(evidence)
    return replace(evidence, text=text)


def far_end(peer_key: str | None, endpoint: str | None) -> str:
    """Where a tunnel's peer is."""
    if peer_key is None:
        return "unknown"
    return f"{peer_key[:_KEY_CHARS]}... (no endpoint)" if endpoint is None else endpoint


def name_server(server: str | None) -> str:
    """Who was asked for a name."""
    return server or "this system"


TUNNELS: Mapping[TunnelKind | None, str] = {
    TunnelKind.WIREGUARD: "a WireGuard tunnel",
    TunnelKind.TAILSCALE: "a Tailscale tunnel",
    TunnelKind.OPENVPN: "an OpenVPN tunnel",
}


def _kind(e: CauseEvidence) -> str:
    return f"{e.interface} is {TUNNELS[e.tunnel_kind]}"


def _neighbour(e: CauseEvidence) -> str:
    return f"no host on {e.interface or 'its link'} answers ARP or ND for {e.address}"


def _misses(e: CauseEvidence) -> str:
    leaves = f"the route leaves by {e.interface}" if e.interface else "there is no route"
    return f"the tunnel {e.tunnel} leads to {e.address}, but {leaves}"


def _without_tunnel(e: CauseEvidence) -> str:
    leaves = e.interface or "no interface"
    vpn = f"{e.address} is a VPN address"
    return f"{vpn}; its route leaves by {leaves}, not by the tunnel {listed(e.tunnels)}"


def _off(e: CauseEvidence) -> str:
    if e.tunnel is not None:
        return f"the tunnel {e.tunnel}, which leads to {e.address}, is switched off"
    return f"{e.address} is a VPN address, and the tunnel {listed(e.tunnels)} is switched off"


def _never(e: CauseEvidence) -> str:
    return f"{e.tunnel} never completed a handshake with its peer, {far_end(e.peer_key, e.endpoint)}"


def _recent(e: CauseEvidence) -> str:
    return f"the latest handshake of {e.tunnel} is {lasting(e.handshake_age_s or 0.0)} old"


def _refuses(e: CauseEvidence) -> str:
    end = far_end(e.peer_key, e.endpoint)
    return f"nothing listens at the tunnel's far end, {end} (port-unreach)"


def _unreachable(e: CauseEvidence) -> str:
    end = far_end(e.peer_key, e.endpoint)
    if e.reason is Reason.NO_ROUTE:
        return f"this machine has no route to the tunnel's far end, {end}"
    return f"the tunnel's far end, {end}, cannot be reached"


def _blocks(e: CauseEvidence) -> str:
    rules = "; ".join(f"{_towards(chain)} {chain.blocking[0]}" for chain in e.chains)
    return f"this machine's own packet filter has rules that block: {rules}"


def _towards(chain: Chain) -> str:
    return "out:" if chain.hook is Hook.OUTPUT else "in:"


def _given(addresses: tuple[str, ...]) -> str:
    return listed(addresses) if addresses else "nothing"


def _disagree(e: CauseEvidence) -> str:
    alike: dict[str, list[str]] = {}
    for one in e.answers:
        alike.setdefault(_given(one.addresses), []).append(name_server(one.server))
    answers = "; ".join(f"{given} by {listed(servers)}" for given, servers in alike.items())
    return f"name servers disagree on {e.name}: {answers}"


def _learnt(e: CauseEvidence) -> str:
    return f"full packets pass: {e.sender or 'the path'} reports an MTU of {e.mtu} bytes, as it should"


def _port(how: str) -> Callable[[CauseEvidence], str]:
    """The sentence of a port that is in trouble at an address, beside the addresses where it is open."""

    def sentence(e: CauseEvidence) -> str:
        by = " by an error from the host" if e.protocol is Protocol.UDP else ""
        beside = f"; open at {' and '.join(e.addresses)}" if e.addresses else ""
        return f"{e.port}/{e.protocol} {how.format(address=e.address, reason=e.reason)}{by}{beside}"

    return sentence


_BACK = "a SYN from {e.source}, sent to the host over another link, is"
_ROUTE = "the route to {e.address} leaves by {e.interface}"

# Each a template of the evidence's values, or what makes the sentence of them.
_SENTENCES: Mapping[Symptom, str | Callable[[CauseEvidence], str]] = {
    Symptom.OWN_ADDRESS: (
        "{e.address} is this machine's own address: no route, tunnel or firewall is involved"
    ),
    Symptom.ANSWERS: "{e.address} answers",
    Symptom.ECHO_ONLY: "{e.address} answers ping, but none of the probed ports",
    Symptom.WITHHELD: "answers from {e.address} reach this machine, but not its programs",
    Symptom.REFUSED_HERE: "this machine itself refuses to send to {e.address}",
    Symptom.NEIGHBOUR_FAILED: _neighbour,
    Symptom.REPORTED_UNREACHABLE: "{e.sender} reports that {e.address} cannot be reached ({e.reason})",
    Symptom.REPORTED_PROHIBITED: "{e.sender} rejects packets for {e.address} ({e.reason})",
    Symptom.TARGET_PROHIBITS: "{e.address} itself rejects every port ({e.reason})",
    Symptom.NO_ROUTE: "this machine has no route to {e.address}",
    Symptom.NEIGHBOUR_ONLY: (
        "{e.address} is up: it answers ARP or ND on {e.interface}, but neither ping nor ports"
    ),
    Symptom.OTHER_PORTS_ANSWER: lambda e: f"{e.address} is up: it answers on {listed(e.ports)}",
    Symptom.SILENT: "no answer from {e.address}, neither to ping nor on its ports",
    Symptom.PORTS_SILENT: "no answer from {e.address} on its ports",
    Symptom.ROUTE_BY_TUNNEL: f"{_ROUTE}, a tunnel",
    Symptom.ROUTE_ON_LINK: f"{_ROUTE}, on the link",
    Symptom.ROUTE_BY_GATEWAY: f"{_ROUTE}, through a gateway",
    Symptom.LINK_RUNS: "{e.interface} is on and has its carrier",
    Symptom.NO_CARRIER: "{e.interface} has no carrier: nothing is plugged in, or the other end is off",
    Symptom.LINK_OFF: "{e.interface}, whose network includes the address, is switched off",
    Symptom.NETWORK_ROUTED: "this machine has a route to the network of {e.address}",
    Symptom.NO_LINK_HAS_IT: lambda e: (
        f"{e.address} is private and on no network of this machine: it goes to"
        f" {f'the gateway {e.gateway}' if e.gateway else 'the default gateway'}"
    ),
    Symptom.STAYS_INSIDE: "packets for {e.address} stay in private networks, routed by {e.sender}",
    Symptom.LEAVES_FOR_INTERNET: (
        "packets for {e.address} leave by {e.sender} for the internet, which routes no private address"
    ),
    Symptom.LINK_WIRELESS: "{e.interface} is wireless",
    Symptom.LINK_WIRED: "{e.interface} is not wireless",
    Symptom.FAR_END_PASSES_ON: (
        "the far end of {e.interface} is up: {e.sender} forwards packets for {e.address}, nothing returns"
    ),
    Symptom.FAR_END_SHOWS_NOTHING: "no hop behind {e.interface} answers",
    Symptom.IN_TUNNEL_NETWORK: "{e.address} is in {e.interface}'s own network",
    Symptom.BEHIND_TUNNEL: "{e.address} is in a network behind {e.interface}",
    Symptom.PEER_TUNNEL: _kind,
    Symptom.SESSION_TUNNEL: _kind,
    Symptom.ROUTE_EXPECTED: "the route to {e.address} is as expected",
    Symptom.ROUTE_MISSES_TUNNEL: _misses,
    Symptom.ROUTE_MISSES_LINK: lambda e: (
        f"the route leaves by {e.interface}, but "
        + (
            f"{e.address} is in the network of {listed(e.interfaces)}"
            if e.interfaces
            else f"{e.address} is not in its network"
        )
    ),
    Symptom.ROUTE_WITHOUT_TUNNEL: _without_tunnel,
    Symptom.TUNNEL_OFF: _off,
    Symptom.NO_TUNNEL: "{e.address} is a VPN address, and this machine has no tunnel",
    Symptom.NOT_ALLOWED: "no peer of {e.tunnel} has {e.address} in its AllowedIPs",
    Symptom.HANDSHAKE_NEVER: _never,
    Symptom.HANDSHAKE_STALE: lambda e: f"{_recent(e)}, and none follows",
    Symptom.HANDSHAKE_RECENT: _recent,
    Symptom.ENDPOINT_REFUSES: _refuses,
    Symptom.ENDPOINT_UNREACHABLE: _unreachable,
    Symptom.ENDPOINT_SILENT: lambda e: (
        f"the tunnel's far end, {far_end(e.peer_key, e.endpoint)}, sends no ICMP error"
    ),
    Symptom.PROBES_SENT: "{e.interface} sent the probes",
    Symptom.PROBES_NOT_SENT: (
        "{e.interface} sent {e.packets} packets for {e.probes} probes: they are stopped before it"
    ),
    Symptom.PACKETS_RECEIVED: (
        "{e.interface} received {e.packets} packets meanwhile, but no program got an answer"
    ),
    Symptom.NOTHING_RECEIVED: "{e.interface} received nothing meanwhile",
    Symptom.RETURN_SAME_LINK: f"{_BACK} answered by way of {{e.interface}}",
    Symptom.RETURN_OTHER_LINK: f"{_BACK} answered by way of {{e.interface}}",
    Symptom.NO_RETURN: f"{_BACK} not answered",
    Symptom.OTHERS_ANSWER: lambda e: f"the target answers at {listed(e.addresses)}",
    Symptom.OTHERS_SILENT: "no other address of the target answers either",
    Symptom.LINK_ANSWERS: "other machines on {e.interface} answer",
    Symptom.LINK_SILENT: "no other machine on {e.interface} answers either",
    Symptom.LOCAL_FILTER_BLOCKS: _blocks,
    Symptom.LOCAL_FILTER_CLEAR: "this machine's own packet filter blocks nothing",
    Symptom.REVERSE_PATH_STRICT: "{e.interface} drops packets that arrive off their route (strict rp_filter)",
    Symptom.REVERSE_PATH_LOOSE: "{e.interface} accepts packets from any route (no strict rp_filter)",
    Symptom.REVERSE_PATH_DROPS: ("this machine's reverse path filter dropped {e.packets} packets meanwhile"),
    Symptom.NETWORK_OVERLAPS: lambda e: f"{e.address} is in the network of {listed(e.interfaces)} alike",
    Symptom.NETWORK_UNIQUE: "{e.address} is in the network of {e.interfaces[0]} only",
    Symptom.OTHER_MACHINE: "another machine than the target answers at {e.address}",
    Symptom.NAME_FITS: "{e.name} resolves to an address of the right kind",
    Symptom.NAME_UNRESOLVED: "{e.why}",
    Symptom.NAME_OUTSIDE_TUNNEL: lambda e: (
        f"{e.name} resolves to {_given(e.addresses)}, which no tunnel leads to"
    ),
    Symptom.NAMES_DISAGREE: _disagree,
    Symptom.NO_NAME: "{e.address} was given as an address, not as a name",
    Symptom.PORT_CLOSED: _port("is refused at {address}"),
    Symptom.PORT_FILTERED: _port("is filtered at {address} ({reason})"),
    Symptom.PORT_UNREACHABLE: _port("is unreachable at {address} ({reason})"),
    Symptom.PORT_TURNED_AWAY: _port("accepts at {address}, then refuses this machine"),
    Symptom.PORT_WITHHELD: _port("answers at {address} ({reason}), but no program here gets it"),
    Symptom.SEGMENT_PASSES: "a segment of {e.segment} bytes passes on {e.port}/{e.protocol}",
    Symptom.PATH_MTU_LEARNT: _learnt,
    Symptom.SEGMENT_LOST: (
        "on {e.port}/{e.protocol} small segments arrive, one of {e.segment} bytes does not"
    ),
    Symptom.NO_SIZE_ERROR: "no ICMP error reports the path MTU",
    Symptom.SMALLER_PASSES: "packets of {e.mtu} bytes pass",
}


# --- what root would show ---


_LOOKS: Final[Mapping[Look, str]] = {
    Look.PACKET_FILTER: "this machine's packet filter",
    Look.TUNNEL_PEERS: "the tunnel's peers and handshakes",
    Look.RETURN_PATH: "the path of the answers",
}


def explained_root(shown: RootWouldShow) -> RootWouldShow:
    """The same with its sentence."""
    looks, causes = listed([_LOOKS[look] for look in shown.looks]), listed(shown.causes)
    return replace(shown, text=f"sudo would show {looks}, which separates {causes}")
