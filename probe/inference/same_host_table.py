"""What each sign of one machine or of several means, and how far it is trusted: the table.

Strengths are judged, not measured: how often two machines would show the sign, beside one that does. The
words of each sign are in `probe.explain.same_host`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from probe.model.identity import AliasSign, Sameness


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a sign implies about two addresses, how far it is to be trusted, and whether it has two sides.

    `implies` is ASSUMED where the sign is worth a line but decides nothing. `other` is the probability of two
    machines where the sign implies them. A `directed` sign is of one address beside the other, and reads
    differently the other way round.
    """

    implies: Sameness
    directed: bool = False
    other: float = 0.0


_SAME, _OTHER, _UNDECIDED = Sameness.SAME, Sameness.OTHER, Sameness.ASSUMED

# The most trusted first: where signs contradict each other, the earlier row decides.
MEANINGS: Final[Mapping[AliasSign, Meaning]] = {
    AliasSign.FRAME_ANSWERED: Meaning(_SAME, directed=True),
    AliasSign.FRAME_FORWARDED: Meaning(_OTHER, directed=True, other=0.97),
    AliasSign.UDP_SENDER: Meaning(_SAME, directed=True),
    AliasSign.SSH_SAME: Meaning(_SAME),
    AliasSign.SSH_OTHER: Meaning(_OTHER, other=0.9),
    AliasSign.ARP_SAME: Meaning(_SAME, directed=True),
    AliasSign.LINK_SAME: Meaning(_SAME),
    AliasSign.ARP_OTHER: Meaning(_OTHER, directed=True, other=0.85),
    AliasSign.TTL_OTHER: Meaning(_OTHER, other=0.8),
    AliasSign.UDP_FORWARDED: Meaning(_UNDECIDED, directed=True),
    AliasSign.GREETING_OTHER: Meaning(_OTHER, directed=True, other=0.6),
    AliasSign.SSH_FORWARDED_SAME: Meaning(_UNDECIDED),
    AliasSign.SSH_FORWARDED_OTHER: Meaning(_UNDECIDED),
    AliasSign.TTL_FRONT: Meaning(_UNDECIDED),
    AliasSign.TLS_SAME: Meaning(_UNDECIDED),
    AliasSign.TLS_KEY_SAME: Meaning(_UNDECIDED),
    AliasSign.GREETING_SAME: Meaning(_UNDECIDED),
    AliasSign.GREETING_MIXED: Meaning(_UNDECIDED, directed=True),
    AliasSign.GREETING_FORWARDED_OTHER: Meaning(_UNDECIDED, directed=True),
}
TRUST: Final = {sign: rank for rank, sign in enumerate(MEANINGS)}
