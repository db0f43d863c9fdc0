"""What the checks of this machine found, in a line each."""

from collections.abc import Callable, Mapping

from msgspec.structs import replace

from probe.explain.fixes import explained_fix
from probe.explain.phrases import few, lasting
from probe.explain.unread import filter_unread, peers_unread
from probe.model.diagnosis import Proposal
from probe.model.machine import Chain
from probe.model.machine_checks import Check, CheckFinding, CheckRule, Handshake, LinkNetwork, PeerState

_KEY_CHARS = 8  # of a public key, to distinguish peers
_SHOWN_IPS = 2
_IPV4 = 4


def explained_check(check: Check) -> Check:
    """The same check with the sentences of what it found and of what mends it."""
    fix = None if check.fix is None else explained_fix(check.fix)
    return replace(check, found=replace(check.found, text=result_text(check.found)), fix=fix)


def explained_proposal(proposal: Proposal) -> Proposal:
    """The same with its sentence, which ends with a command to be copied."""
    guess = " (the usual address of its far end)" if proposal.customary else ""
    text = f"to check the tunnel {proposal.interface}{guess}: {proposal_command(proposal)}"
    return replace(proposal, text=text)


def proposal_command(proposal: Proposal) -> str:
    """The command that examines the addresses."""
    return f"bindprobe doctor {' '.join(f'--vpn {address}' for address in proposal.addresses)}"


def result_text(found: CheckFinding) -> str:
    """What a check found, in a line."""
    sentence = _SENTENCES[found.rule]
    return sentence.format(c=found) if isinstance(sentence, str) else sentence(found)


def _default_route(c: CheckFinding) -> str:
    by = f" by way of {c.gateway}" if c.gateway else ""
    return f"default route: {c.interface}{by}"


def _no_default_route(c: CheckFinding) -> str:
    return f"no default route, only {few([_on_link(one) for one in c.networks])}"


def _on_link(one: LinkNetwork) -> str:
    return f"{one.network} on {one.interface}"


def _no_routes(c: CheckFinding) -> str:
    if c.family == _IPV4:
        return "none: no IPv4 address can be reached"
    return "none: this machine has no IPv6; IPv4 needs none"


def _tunnel(c: CheckFinding) -> str:
    """Whose tunnel it is, its state, and its own addresses."""
    kind = f"{c.tunnel_kind}, {c.state or 'up'}"
    return f"{kind}, {few(c.addresses, _SHOWN_IPS)}" if c.addresses else kind


def _tunnel_up(c: CheckFinding) -> str:
    if c.sent_packets is None:
        return _tunnel(c)
    return f"{_tunnel(c)}, {c.sent_packets} packets sent, {c.received_packets} received"


def _peers(c: CheckFinding) -> str:
    count = f", {c.peer_count} peers" if (c.peer_count or 0) > 1 else ""
    more = f"; {c.more_peers} more" if c.more_peers else ""
    return f"{_tunnel(c)}{count}; {'; '.join(map(_peer, c.peers))}{more}"


def _peers_unread(c: CheckFinding) -> str:
    unknown = f"{_tunnel(c)}; peers not known"
    return unknown if c.unread is None else f"{unknown}: {peers_unread(c.unread)}"


def _peer(peer: PeerState) -> str:
    allowed = few(peer.allowed_ips, _SHOWN_IPS)
    return ", ".join(
        (
            f"peer {peer.peer_key[:_KEY_CHARS]}",
            _handshake(peer),
            f"allowed IPs {allowed}" if allowed else "no allowed IPs",
            f"endpoint {peer.endpoint}" if peer.endpoint else "no endpoint",
        )
    )


def _handshake(peer: PeerState) -> str:
    if peer.handshake_age_s is None:
        return "no handshake yet"
    shaken = f"handshake {lasting(peer.handshake_age_s)} ago"
    if peer.handshake is Handshake.IDLE:
        return f"{shaken} (normal for an idle tunnel)"
    if peer.handshake is Handshake.OVERDUE:
        return f"{shaken} (overdue: keepalive every {peer.keepalive_s} s)"
    return shaken


def _overlaps(c: CheckFinding) -> str:
    return few([f"{_on_link(first)} overlaps {_on_link(second)}" for first, second in c.overlaps])


def _chain(chain: Chain) -> str:
    place = " ".join(part for part in (chain.tool, chain.family, chain.table, chain.name) if part)
    return f"{chain.hook} ({place}): {few(chain.blocking)}"


def _resolvers(c: CheckFinding) -> str:
    return few(c.addresses) + _source(c)


def _source(c: CheckFinding) -> str:
    return f" ({c.file})" if c.file else ""


# Each a template of the result's values, or what makes the line of them.
_SENTENCES: Mapping[CheckRule, str | Callable[[CheckFinding], str]] = {
    CheckRule.RAW_PERMITTED: "permitted",
    CheckRule.RAW_NOT_PERMITTED: ("not permitted (optional: some causes stay less certain without)"),
    CheckRule.PING_PERMITTED: "permitted without privileges",
    CheckRule.PING_BY_RAW: "by raw packets",
    CheckRule.PING_UNKNOWN: "the system does not report whether it is permitted",
    CheckRule.PING_NOT_PERMITTED: "not permitted without privileges, so no address is pinged",
    CheckRule.FILES_UNKNOWN: "the system does not report how many are permitted",
    CheckRule.FILES_UNLIMITED: "no limit",
    CheckRule.FILES_ENOUGH: "up to {c.limit}",
    CheckRule.FILES_FEW: "up to {c.limit}, which makes long port lists slow",
    CheckRule.LINKS_RUN: lambda c: f"carrier on {few(c.interfaces)}",
    CheckRule.NO_CARRIER: "no carrier: nothing is plugged in, or the other end is off",
    CheckRule.LINK_OFF: "switched off",
    CheckRule.ROUTES_UNREAD: "the routing table cannot be read",
    CheckRule.DEFAULT_ROUTE: _default_route,
    CheckRule.NO_DEFAULT_ROUTE: _no_default_route,
    CheckRule.NO_ROUTES: _no_routes,
    CheckRule.NO_TUNNEL: "none on this machine",
    CheckRule.TUNNEL_STOPPED: "{c.tunnel_kind}, state {c.state}",
    CheckRule.TUNNEL_OFF: "{c.tunnel_kind}, down",
    CheckRule.TUNNEL_UNSERVED: "{c.tunnel_kind}, up, but no program serves it",
    CheckRule.TUNNEL_UP: _tunnel_up,
    CheckRule.TUNNEL_PEERS: _peers,
    CheckRule.TUNNEL_WITHOUT_PEER: lambda c: f"{_tunnel(c)}, but no peer is set",
    CheckRule.TUNNEL_PEERS_UNREAD: _peers_unread,
    CheckRule.NETWORKS_DISTINCT: "no two links share one",
    CheckRule.NETWORKS_OVERLAP: _overlaps,
    CheckRule.FILTER_UNREAD: lambda c: (
        "the rules cannot be read" if c.unread is None else filter_unread(c.unread)
    ),
    CheckRule.FILTER_CLEAR: "nothing is dropped or rejected",
    CheckRule.FILTER_BLOCKS: lambda c: "; ".join(map(_chain, c.chains)),
    CheckRule.REVERSE_PATH_UNKNOWN: "the system does not report it",
    CheckRule.NO_LINK_UP: "no link is up",
    CheckRule.REVERSE_PATH_LOOSE: "not strict",
    CheckRule.REVERSE_PATH_HARMLESS: lambda c: f"strict on {few(c.interfaces)}, harmless with one link",
    CheckRule.REVERSE_PATH_STRICT: lambda c: (
        f"strict on {few(c.interfaces)}: answers that come back over another link are dropped"
    ),
    CheckRule.RESOLVERS_UNKNOWN: "the system does not report its name servers",
    CheckRule.NO_RESOLVER: lambda c: f"no name server{_source(c)}",
    CheckRule.RESOLVERS: _resolvers,
    CheckRule.RESOLVERS_UNREACHABLE: lambda c: f"{_resolvers(c)}: no route leads to {few(c.unreachable)}",
    CheckRule.NAME_RESOLVED: lambda c: ", ".join(c.addresses),
    CheckRule.NAME_UNRESOLVED: "{c.why}",
}
