"""What each sign of one machine or of several says, and how far it is trusted: the table.

Strengths are judged, not measured: how often two machines would show the sign, beside one that does.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from probe.model.identity import AliasSign, Sameness


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a sign says of two addresses, how far it is to be trusted, and where it misleads.

    `says` is ASSUMED where it is worth telling but decides nothing. `other` is the probability of two
    machines where the sign says so.
    """

    says: Sameness
    claim: str
    unless: str = ""
    other: float = 0.0


_SAME, _OTHER, _UNDECIDED = Sameness.SAME, Sameness.OTHER, Sameness.ASSUMED

# The most trusted first: where signs contradict each other, the earlier row decides.
MEANINGS: Final[Mapping[AliasSign, Meaning]] = {
    AliasSign.FRAME_ANSWERED: Meaning(_SAME, "{beside} answered a frame for {about} on its {realm} link"),
    AliasSign.FRAME_FORWARDED: Meaning(
        _OTHER,
        "{beside} did not take a frame for {about} as its own ({reason}): that address is elsewhere",
        "it is a container or another host behind {beside}",
        other=0.97,
    ),
    AliasSign.UDP_SENDER: Meaning(
        _SAME, "{port} was asked on {about} and answered from {beside}", "a NAT on the way hands it on"
    ),
    AliasSign.SSH_SAME: Meaning(
        _SAME, "they show the same SSH host key on {port}", "one was cloned from the other, or forwards it"
    ),
    AliasSign.SSH_OTHER: Meaning(
        _OTHER, "their SSH host keys on {port} differ", "one machine runs two SSH servers", other=0.9
    ),
    AliasSign.ARP_SAME: Meaning(
        _SAME, "{beside} answers ARP for {about}", "it is a router that answers for others (proxy ARP)"
    ),
    AliasSign.LINK_SAME: Meaning(
        _SAME, "they have one link address, {link}", "a repeater or a router stands in for both"
    ),
    AliasSign.ARP_OTHER: Meaning(
        _OTHER,
        "on the link of {beside} the neighbour {link} answers ARP for {about}",
        "that is another network card of the same machine, or a router",
        other=0.85,
    ),
    AliasSign.TTL_OTHER: Meaning(
        _OTHER,
        "their answers start with different TTLs, {low} and {high}",
        "a box on the way answers for one of them",
        other=0.8,
    ),
    AliasSign.UDP_FORWARDED: Meaning(
        _UNDECIDED, "{port} was asked on {about} and answered from {beside}, as a NAT without a way back does"
    ),
    AliasSign.GREETING_OTHER: Meaning(
        _OTHER,
        "another service answers on {port}: {one} on {about}, {two} on {beside}",
        "one machine runs a service for each, or a box on the way answers for one of them",
        other=0.6,
    ),
    AliasSign.SSH_FORWARDED_SAME: Meaning(
        _UNDECIDED, "the same SSH server answers on {port}, which one of them forwards"
    ),
    AliasSign.SSH_FORWARDED_OTHER: Meaning(
        _UNDECIDED, "another machine answers on {port}, which one of them forwards: the SSH host keys differ"
    ),
    AliasSign.TTL_FRONT: Meaning(
        _UNDECIDED,
        "their answers start with different TTLs, {low} and {high}, and one of them forwards ports:"
        " it is a router in front, or another system",
    ),
    AliasSign.TLS_SAME: Meaning(_UNDECIDED, "the same service on {port}: they show one certificate"),
    AliasSign.GREETING_SAME: Meaning(
        _UNDECIDED, "the services on {ports} greet alike, as those of two machines with one image do too"
    ),
    AliasSign.GREETING_MIXED: Meaning(
        _UNDECIDED,
        "another service answers on {port}, where others greet alike: {one} on {about}, {two} on {beside}",
    ),
    AliasSign.GREETING_FORWARDED_OTHER: Meaning(
        _UNDECIDED,
        "another service answers on {port}, which one of them forwards: {one} on {about}, {two} on {beside}",
    ),
}
TRUST: Final = {sign: rank for rank, sign in enumerate(MEANINGS)}
