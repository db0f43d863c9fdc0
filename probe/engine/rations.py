"""Rations of ICMP errors: which silences may be errors that their sender held back. Pure.

Hosts and routers limit the ICMP errors that they send (RFC 1812 section 4.3.2.8, RFC 4443 section 2.4 f).
Linux gives each peer six at once and then one a second, over IPv6 up to four a second (`icmpv6_xrlim_allow`
in net/ipv6/icmp.c, `icmpv4_xrlim_allow` in net/ipv4/icmp.c). A port that is rejected beyond that stays
silent: this is no loss, asking harder brings nothing, and it is no drop either.
"""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable

REFILL_S = 1.1  # after so long without an error a sender has one to give
_SPREE_S = 0.2  # within which no such sender refills by more than one error
_SPREE = 2  # so many within that time: one of them could have been given at its beginning


class ErrorRation:
    """The ICMP errors that came for one address, by when the packets left that they answer, in seconds."""

    def __init__(self) -> None:
        """Begin before the first error."""
        self._answered: list[float] = []
        self._came_late = False

    def error(self, sent_at: float, *, late: bool) -> None:
        """Note an error for a packet that left at `sent_at`; `late`: not the first one of its question."""
        insort(self._answered, sent_at)
        self._came_late = self._came_late or late

    def may_hold_back(self, tries: Iterable[float]) -> bool:
        """Whether tries that left at these times may all be silent only because the ration was spent."""
        return bool(self._answered) and not any(map(self._affordable, tries))

    def _affordable(self, at: float) -> bool:
        """Whether the sender surely had an error to give for a try that left at this time.

        It had when it had given none for long, or when it gave several just after. A sender whose errors
        came to later tries has a faster ration, which the second sign would take for none.
        """
        before, place = bisect_left(self._answered, at - REFILL_S), bisect_right(self._answered, at)
        if before == place and self._answered[0] < at:
            return True
        soon = bisect_right(self._answered, at + _SPREE_S) - place
        return soon >= _SPREE and not self._came_late
