"""Which machine answers on an address, in words: what each sign shows, and where it misleads."""

from collections.abc import Mapping

from probe.explain.phrases import listed
from probe.model.evidence import AddressEvidence, AddressRule, AliasClaim
from probe.model.identity import AliasSign

# What a sign shows, and in which case it would mislead.
CLAIMS: Mapping[AliasSign, tuple[str, str | None]] = {
    AliasSign.FRAME_ANSWERED: ("{beside} answered a frame for {about} on its {realm} link", None),
    AliasSign.FRAME_FORWARDED: (
        "{beside} did not take a frame for {about} as its own ({reason})",
        "that is a container or host behind it",
    ),
    AliasSign.UDP_SENDER: (
        "{ports} was asked on {about} and answered from {beside}",
        "a NAT on the way translates it",
    ),
    AliasSign.SSH_SAME: (
        "same SSH host key on {ports}",
        "one is a clone, or forwards the port",
    ),
    AliasSign.SSH_OTHER: ("different SSH host keys on {ports}", "one machine runs two SSH servers"),
    AliasSign.ARP_SAME: (
        "{beside} answers ARP for {about}",
        "it is a router that does proxy ARP",
    ),
    AliasSign.LINK_SAME: (
        "same link address, {link_address}",
        "a repeater or a router stands in for both",
    ),
    AliasSign.ARP_OTHER: (
        "{link_address} answers ARP for {about} on the link of {beside}",
        "it is the same machine's second card, or a router",
    ),
    AliasSign.TTL_OTHER: (
        "different initial TTLs, {ttls}",
        "a box on the way answers for one of them",
    ),
    AliasSign.UDP_FORWARDED: (
        "{ports} was asked on {about} and answered from {beside}, as a NAT without a way back does",
        None,
    ),
    AliasSign.GREETING_OTHER: (
        "{ports} differs: {service} on {about}, {other} on {beside}",
        "one machine runs both, or a box on the way answers for one",
    ),
    AliasSign.SSH_FORWARDED_SAME: (
        "same SSH server on {ports}, which one of them forwards",
        None,
    ),
    AliasSign.SSH_FORWARDED_OTHER: (
        "different SSH host keys on {ports}, which one of them forwards: another machine",
        None,
    ),
    AliasSign.TTL_FRONT: (
        "different initial TTLs, {ttls}, and one forwards ports: a router in front, or another system",
        None,
    ),
    AliasSign.TLS_SAME: ("same certificate on {ports}", None),
    AliasSign.TLS_KEY_SAME: ("certificates with the same key on {ports}", None),
    AliasSign.GREETING_SAME: (
        "same banner on {ports}, as of two machines with one image",
        None,
    ),
    AliasSign.GREETING_MIXED: (
        "{ports} differs, where other services match: {service} on {about}, {other} on {beside}",
        None,
    ),
    AliasSign.GREETING_FORWARDED_OTHER: (
        "{ports}, which one of them forwards, differs: {service} on {about}, {other} on {beside}",
        None,
    ),
}
SENTENCES: Mapping[AddressRule, str] = {
    AddressRule.ANOTHER_MACHINE: "another machine answers here than on {others}: {claim}",
    AddressRule.PERHAPS_ANOTHER_MACHINE: "perhaps another machine answers here than on {others}: {claim}",
    AddressRule.OF_ANOTHER_MACHINE: "another machine answers here, that of {others}: {claim}",
    AddressRule.PERHAPS_OF_ANOTHER_MACHINE: (
        "perhaps another machine answers here, that of {others}: {claim}"
    ),
    AddressRule.ONE_MACHINE: "same machine as {others}: {claim}",
    AddressRule.TAKEN_AS_ONE_HOST: "assumed to be one host{beside}",
    AddressRule.UNDECIDED_SIGN: "compared with {others}: {claim}",
    AddressRule.OUTWEIGHED_SIGN: "compared with {others}, outweighed: {claim}",
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
