"""What was seen of an address, in words: its controls, its distance, its tunnel and route."""

from collections.abc import Mapping

from probe.explain.answers import SUMMARIES
from probe.explain.phrases import spelled
from probe.explain.same_host import same_host_sentence
from probe.model.evidence import AddressEvidence, AddressRule, Response

SENTENCES: Mapping[AddressRule, str] = {
    AddressRule.OWN_ADDRESS: (
        "this machine's own address: its packets to it go over loopback, past every route, tunnel and firewall that"
        " others meet"
    ),
    AddressRule.CONTROLS: "{controls} that nothing uses: {became}",
    AddressRule.DISTANCE: "answers from {hops} away{ttl}",
    AddressRule.LEAVES_BESIDE_TUNNEL: "packets for it leave by {interface}, not by {a_tunnel}",
    AddressRule.LEAVES_INSTEAD: "packets for it leave by {interface} instead",
    AddressRule.TUNNEL_OFF: "{tunnel} is switched off",
    AddressRule.TUNNEL_NOT_ALLOWED: (
        "{tunnel} sends it nothing: the allowed IPs of no peer have this address"
    ),
    AddressRule.TUNNEL_NEVER: "{tunnel} never made a handshake with the peer that has this address",
    AddressRule.TUNNEL_STALE: (
        "{tunnel} has no session: the latest handshake with this address's peer is too old"
    ),
    AddressRule.TUNNEL_FRESH: (
        "{tunnel} is up: the peer that has this address made a handshake a short while ago"
    ),
    AddressRule.NO_CARRIER: "{interface} has no carrier: nothing is plugged in, or its other end is off",
    AddressRule.LINK_OFF: "{interface}, whose network has this address, is switched off",
    AddressRule.NO_LINK_HAS_IT: (
        "a private address, and this machine is in no network that has it: packets for it go to the default"
        " gateway{gateway}"
    ),
    AddressRule.ANSWERS_ON_LINK: (
        "its machine is there: it answers for this address on the link (ARP or neighbour discovery), and nothing"
        " else"
    ),
    AddressRule.NOBODY_ON_LINK: "nobody on the link answers for this address (ARP or neighbour discovery)",
    AddressRule.TRIES_LOST: "{loss:.0%} of tries were lost",
    AddressRule.STOPPED_ANSWERING: (
        "it stopped answering while it was probed: later silences count for little"
    ),
    AddressRule.GATEWAY_ANSWERS: (
        "a gateway in front has this address ({probability:.0%}): a router, a load balancer or a content"
        " network; what it refuses or accepts shows only what it passes on"
    ),
    AddressRule.OTHER_MACHINE_ANSWERS: (
        "another machine has this address ({probability:.0%}): its answers show nothing of the target"
    ),
    AddressRule.VPN_PROGRAM_ANSWERS: (
        "a VPN program in user space has this address ({probability:.0%}) and connects to 127.0.0.1 for its"
        " peers: a service on loopback is open here too"
    ),
    AddressRule.ASKED_FROM_INSIDE: (
        "asked from behind its own gateway: this does not show what the internet reaches"
    ),
}


def address_sentence(evidence: AddressEvidence) -> str:
    """What was seen of an address, or which machine answers there, as a sentence."""
    same_host = same_host_sentence(evidence)
    if same_host is not None:
        return same_host
    named = None if evidence.tunnel is None else f"the tunnel {evidence.tunnel}"
    ttl = "" if evidence.reply_ttl is None else f", its answers arrive with TTL {evidence.reply_ttl}"
    count = sum(evidence.controls.values())
    return SENTENCES[evidence.rule].format(
        controls=f"{spelled(count)} {'port' if count == 1 else 'ports'}",
        became=_became(evidence.controls),
        hops="1 hop" if evidence.hops == 1 else f"{evidence.hops} hops",
        ttl=ttl,
        interface=evidence.interface,
        gateway="" if evidence.gateway is None else f" {evidence.gateway}",
        tunnel=named or "the tunnel",
        a_tunnel=named or "a tunnel",
        loss=evidence.loss or 0.0,
        probability=evidence.probability or 0.0,
    )


def _became(counts: Mapping[Response, int]) -> str:
    """What became of the ports that nothing uses: all refused."""
    if len(counts) == 1:
        ((only, count),) = counts.items()
        return f"all {SUMMARIES[only]}" if count > 1 else SUMMARIES[only]
    return ", ".join(f"{spelled(count)} {SUMMARIES[response]}" for response, count in counts.items())
