"""Which machine answers on an address, in words: what each sign shows, and where it misleads."""

from collections.abc import Mapping

from probe.explain.phrases import listed
from probe.model.evidence import AddressEvidence, AddressRule, AliasClaim
from probe.model.identity import AliasSign

# What a sign shows, and in which case it would mislead.
CLAIMS: Mapping[AliasSign, tuple[str, str | None]] = {
    AliasSign.FRAME_ANSWERED: ("{beside} answered a frame for {about} on its {realm} link", None),
    AliasSign.FRAME_FORWARDED: (
        "{beside} did not take a frame for {about} as its own ({reason}): that address is elsewhere",
        "it is a container or another host behind {beside}",
    ),
    AliasSign.UDP_SENDER: (
        "{ports} was asked on {about} and answered from {beside}",
        "a NAT on the way hands it on",
    ),
    AliasSign.SSH_SAME: (
        "they show the same SSH host key on {ports}",
        "one was cloned from the other, or forwards it",
    ),
    AliasSign.SSH_OTHER: ("their SSH host keys on {ports} differ", "one machine runs two SSH servers"),
    AliasSign.ARP_SAME: (
        "{beside} answers ARP for {about}",
        "it is a router that answers for others (proxy ARP)",
    ),
    AliasSign.LINK_SAME: (
        "they have one link address, {link_address}",
        "a repeater or a router stands in for both",
    ),
    AliasSign.ARP_OTHER: (
        "on the link of {beside} the neighbour {link_address} answers ARP for {about}",
        "that is another network card of the same machine, or a router",
    ),
    AliasSign.TTL_OTHER: (
        "their answers start with different TTLs, {ttls}",
        "a box on the way answers for one of them",
    ),
    AliasSign.UDP_FORWARDED: (
        "{ports} was asked on {about} and answered from {beside}, as a NAT without a way back does",
        None,
    ),
    AliasSign.GREETING_OTHER: (
        "another service answers on {ports}: {service} on {about}, {other} on {beside}",
        "one machine runs a service for each, or a box on the way answers for one of them",
    ),
    AliasSign.SSH_FORWARDED_SAME: (
        "the same SSH server answers on {ports}, which one of them forwards",
        None,
    ),
    AliasSign.SSH_FORWARDED_OTHER: (
        "another machine answers on {ports}, which one of them forwards: the SSH host keys differ",
        None,
    ),
    AliasSign.TTL_FRONT: (
        "their answers start with different TTLs, {ttls}, and one forwards ports: a router in front, or another system",
        None,
    ),
    AliasSign.TLS_SAME: ("the same service on {ports}: they show one certificate", None),
    AliasSign.TLS_KEY_SAME: ("the same service on {ports}: their certificates have one key", None),
    AliasSign.GREETING_SAME: (
        "the services on {ports} greet alike, as those of two machines with one image do too",
        None,
    ),
    AliasSign.GREETING_MIXED: (
        "another service answers on {ports}, where others greet alike: {service} on {about}, {other} on {beside}",
        None,
    ),
    AliasSign.GREETING_FORWARDED_OTHER: (
        "another service answers on {ports}, which one of them forwards: {service} on {about}, {other} on {beside}",
        None,
    ),
}
SENTENCES: Mapping[AddressRule, str] = {
    AddressRule.ANOTHER_MACHINE: "another machine answers here than on {others}: {claim}",
    AddressRule.PERHAPS_ANOTHER_MACHINE: "perhaps another machine answers here than on {others}: {claim}",
    AddressRule.OF_ANOTHER_MACHINE: "another machine answers here: that of {others}, where {claim}",
    AddressRule.PERHAPS_OF_ANOTHER_MACHINE: (
        "perhaps another machine answers here: that of {others}, where {claim}"
    ),
    AddressRule.ONE_MACHINE: "one machine with {others}: {claim}",
    AddressRule.TAKEN_AS_ONE_HOST: "taken as one host on your word{beside}",
    AddressRule.UNDECIDED_SIGN: "beside {others}: {claim}",
    AddressRule.OUTWEIGHED_SIGN: "outweighed, beside {others}: {claim}",
}


def same_host_sentence(evidence: AddressEvidence) -> str | None:
    """Which machine answers, as a sentence; None for evidence of another kind."""
    template = SENTENCES.get(evidence.rule)
    if template is None:
        return None
    others = listed(evidence.addresses) if evidence.addresses else ""
    return template.format(
        others=others,
        beside=f" with {others}" if others else "",
        claim="" if evidence.claim is None else claim_words(evidence.claim),
    )


def claim_words(claim: AliasClaim) -> str:
    """What a sign shows, as part of a sentence."""
    text, unless = CLAIMS[claim.sign]
    service, other = claim.services or ("", "")
    return (text if unless is None else f"{text}, unless {unless}").format(
        about=claim.about,
        beside=claim.beside,
        realm=claim.realm,
        reason=claim.reason,
        ports=listed(claim.ports) if claim.ports else "",
        link_address=claim.link_address,
        ttls=listed([str(ttl) for ttl in claim.ttls]) if claim.ttls else "",
        service=service,
        other=other,
    )
