"""What was seen of an address, in words: its controls, its distance, its tunnel and route."""

from collections.abc import Mapping

from probe.explain.answers import SUMMARIES
from probe.explain.phrases import percent, spelled
from probe.explain.same_host import same_host_sentence
from probe.model.evidence import AddressEvidence, AddressRule, Response

SENTENCES: Mapping[AddressRule, str] = {
    AddressRule.OWN_ADDRESS: (
        "this machine's own address: packets stay inside, past every route, tunnel and firewall of others"
    ),
    AddressRule.CONTROLS: "{controls}: {became}",
    AddressRule.DISTANCE: "{hops} away{ttl}",
    AddressRule.LEAVES_BESIDE_TUNNEL: "packets for it leave by {interface}, not by {a_tunnel}",
    AddressRule.LEAVES_INSTEAD: "packets for it leave by {interface} instead",
    AddressRule.TUNNEL_OFF: "{tunnel} is switched off",
    AddressRule.TUNNEL_NOT_ALLOWED: (
        "{tunnel} sends nothing there: no peer has this address in its AllowedIPs"
    ),
    AddressRule.TUNNEL_NEVER: "{tunnel} never completed a handshake with this address's peer",
    AddressRule.TUNNEL_STALE: (
        "{tunnel} has no session: the latest handshake with this address's peer is too old"
    ),
    AddressRule.TUNNEL_FRESH: ("{tunnel} is up, with a recent handshake of this address's peer"),
    AddressRule.NO_CARRIER: "{interface} has no carrier: nothing is plugged in, or its other end is off",
    AddressRule.LINK_OFF: "{interface}, whose network includes this address, is switched off",
    AddressRule.NO_LINK_HAS_IT: (
        "a private address outside this machine's networks: it goes to the default gateway{gateway}"
    ),
    AddressRule.ANSWERS_ON_LINK: (
        "the host is there: it answers ARP or neighbour discovery, and nothing else"
    ),
    AddressRule.NOBODY_ON_LINK: "no host on the link answers ARP or neighbour discovery for this address",
    AddressRule.TRIES_LOST: "{loss:.0%} of tries were lost",
    AddressRule.STOPPED_ANSWERING: ("stopped answering while it was probed: later silences count for little"),
    AddressRule.CHANGED: (
        "answers otherwise when asked again: it or the path changed, or this machine is banned"
    ),
    AddressRule.GATEWAY_ANSWERS: (
        "a router, load balancer or CDN has this address ({sure}): only what it forwards is seen"
    ),
    AddressRule.OTHER_MACHINE_ANSWERS: (
        "another machine has this address ({sure}): it shows nothing of the target"
    ),
    AddressRule.VPN_PROGRAM_ANSWERS: (
        "a userspace VPN program has this address ({sure}): it reaches services on loopback too"
    ),
    AddressRule.ASKED_FROM_INSIDE: (
        "probed from inside, behind its own router: what the internet reaches is not shown"
    ),
}


def address_sentence(evidence: AddressEvidence) -> str:
    """What was seen of an address, or which machine answers there, as a sentence."""
    same_host = same_host_sentence(evidence)
    if same_host is not None:
        return same_host
    named = None if evidence.tunnel is None else f"the tunnel {evidence.tunnel}"
    ttl = "" if evidence.reply_ttl is None else f", answers with TTL {evidence.reply_ttl}"
    count = sum(evidence.controls.values())
    return SENTENCES[evidence.rule].format(
        controls=f"{spelled(count)} unused {'port' if count == 1 else 'ports'}",
        became=_became(evidence.controls),
        hops="1 hop" if evidence.hops == 1 else f"{evidence.hops} hops",
        ttl=ttl,
        interface=evidence.interface,
        gateway="" if evidence.gateway is None else f" {evidence.gateway}",
        tunnel=named or "the tunnel",
        a_tunnel=named or "a tunnel",
        loss=evidence.loss or 0.0,
        sure=percent(evidence.probability or 0.0),
    )


def _became(counts: Mapping[Response, int]) -> str:
    """What became of the ports that nothing uses: all refused."""
    if len(counts) == 1:
        ((only, count),) = counts.items()
        return f"all {SUMMARIES[only]}" if count > 1 else SUMMARIES[only]
    return ", ".join(f"{spelled(count)} {SUMMARIES[response]}" for response, count in counts.items())
