"""The alphabet of the diagnosis: what was measured on an address, each as one sign of a closed list.

A *question* has a handful of possible *signs*; one that was not measured has none, and says nothing.
"""

from dataclasses import dataclass
from enum import StrEnum


class Sign(StrEnum):
    """One thing that was seen."""

    # How does the address answer?
    ANSWERS = "answers"  # a TCP or UDP stack speaks for it
    ECHO_ONLY = "echo-only"  # ping is answered, no port is
    UNHEARD = "unheard"  # raw packets heard answers that no socket was given
    REFUSED_HERE = "refused-here"  # this machine itself refused to send
    NEIGHBOUR_FAILED = "neighbour-failed"  # nobody on the link has the address
    TOLD_GONE = "told-gone"  # another box says that the host or the network is unreachable
    TOLD_PROHIBITED = "told-prohibited"  # another box says that it is prohibited
    TARGET_PROHIBITS = "target-prohibits"  # the address itself says so, for every port
    UNSENDABLE = "unsendable"  # no route
    SILENT = "silent"  # to ping too
    PORTS_SILENT = "ports-silent"  # ping could not be asked
    # By what does the route leave?
    VIA_TUNNEL = "via-tunnel"
    VIA_LINK = "via-link"  # as a neighbour
    VIA_GATEWAY = "via-gateway"
    # What kind of tunnel is it?
    KEYED = "keyed"  # WireGuard and what is made of it: peers, and what each may have
    SESSION = "session"  # OpenVPN: its interface is there while the session is
    # Is that the way that was meant?
    AS_MEANT = "as-meant"
    PAST_TUNNEL = "past-tunnel"  # a tunnel that is up has the address, and the route misses it
    BESIDE_TUNNEL = (
        "beside-tunnel"  # a VPN was meant; the route takes no tunnel, and none is known to have it
    )
    TUNNEL_OFF = "tunnel-off"  # the tunnel that has the address is switched off
    NO_TUNNEL = "no-tunnel"  # a VPN was meant, and this machine has no tunnel at all
    # What does the tunnel say of itself?
    NOT_ALLOWED = "not-allowed"
    NEVER_SHOOK = "never-shook"
    STALE_SHAKE = "stale-shake"
    FRESH_SHAKE = "fresh-shake"
    # How does the tunnel's far end answer on the network that carries it?
    END_REFUSES = "end-refuses"  # nothing listens there
    END_GONE = "end-gone"
    END_SILENT = "end-silent"  # as WireGuard always is
    # Did the interface count the probes going out, and packets coming in?
    SENT = "sent"
    KEPT = "kept"
    CAME = "came"  # and no program heard them
    NOTHING_CAME = "nothing-came"
    # By which way did the answer to an opening come that was handed over another link?
    BACK_SAME = "back-same"
    BACK_OTHER = "back-other"
    BACK_NOWHERE = "back-nowhere"
    # Do the target's other addresses answer?
    OTHERS_ALIVE = "others-alive"
    OTHERS_SILENT = "others-silent"
    # Does another machine on the same link answer?
    LINK_ALIVE = "link-alive"
    LINK_DEAD = "link-dead"
    # Does this machine's own filter block anything that this address needs?
    FILTER_BLOCKS = "filter-blocks"
    FILTER_CLEAR = "filter-clear"
    # Its check of the reverse path?
    PATH_STRICT = "path-strict"
    PATH_LOOSE = "path-loose"
    PATH_DROPS = "path-drops"  # and it threw the answers away
    # How many links claim the address's network?
    TWO_CLAIM = "two-claim"
    ONE_CLAIMS = "one-claims"
    # Which machine answers?
    STRANGER = "stranger"
    # What does the name give?
    NAME_FITS = "name-fits"
    NAME_ELSEWHERE = "name-elsewhere"
    NAMES_DISAGREE = "names-disagree"
    NO_NAME = "no-name"  # the address itself was given


QUESTIONS: tuple[frozenset[Sign], ...] = (
    frozenset(
        {
            Sign.ANSWERS,
            Sign.ECHO_ONLY,
            Sign.UNHEARD,
            Sign.REFUSED_HERE,
            Sign.NEIGHBOUR_FAILED,
            Sign.TOLD_GONE,
            Sign.TOLD_PROHIBITED,
            Sign.TARGET_PROHIBITS,
            Sign.UNSENDABLE,
            Sign.SILENT,
            Sign.PORTS_SILENT,
        }
    ),
    frozenset({Sign.VIA_TUNNEL, Sign.VIA_LINK, Sign.VIA_GATEWAY}),
    frozenset({Sign.KEYED, Sign.SESSION}),
    frozenset({Sign.AS_MEANT, Sign.PAST_TUNNEL, Sign.BESIDE_TUNNEL, Sign.TUNNEL_OFF, Sign.NO_TUNNEL}),
    frozenset({Sign.NOT_ALLOWED, Sign.NEVER_SHOOK, Sign.STALE_SHAKE, Sign.FRESH_SHAKE}),
    frozenset({Sign.END_REFUSES, Sign.END_GONE, Sign.END_SILENT}),
    frozenset({Sign.SENT, Sign.KEPT}),
    frozenset({Sign.CAME, Sign.NOTHING_CAME}),
    frozenset({Sign.BACK_SAME, Sign.BACK_OTHER, Sign.BACK_NOWHERE}),
    frozenset({Sign.OTHERS_ALIVE, Sign.OTHERS_SILENT}),
    frozenset({Sign.LINK_ALIVE, Sign.LINK_DEAD}),
    frozenset({Sign.FILTER_BLOCKS, Sign.FILTER_CLEAR}),
    frozenset({Sign.PATH_STRICT, Sign.PATH_LOOSE, Sign.PATH_DROPS}),
    frozenset({Sign.TWO_CLAIM, Sign.ONE_CLAIMS}),
    frozenset({Sign.STRANGER}),
    frozenset({Sign.NAME_FITS, Sign.NAME_ELSEWHERE, Sign.NAMES_DISAGREE, Sign.NO_NAME}),
)


@dataclass(frozen=True, slots=True)
class Finding:
    """One sign that was seen, in words."""

    sign: Sign
    words: str
