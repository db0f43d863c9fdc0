"""How long to wait for an answer: the retransmission timeout, learned per address (RFC 6298)."""

FLOOR_S = 0.1  # below RFC 6298's 1 s: a late answer still counts, every try has its own socket
INITIAL_S = 0.5  # while nothing is known anywhere
STRANGER_FACTOR = 1.5  # an address without answers is given this much of the slowest learned timeout
_GRANULARITY_S = 0.001


class RttEstimator:
    """Smoothed round-trip time and its variation of one address, in seconds (RFC 6298 section 2)."""

    def __init__(self) -> None:
        self.smoothed: float | None = None
        self._variation = 0.0

    def sample(self, rtt: float) -> None:
        """Learn from one round trip. Every try is a flow of its own, so Karn's rule is met."""
        if self.smoothed is None:
            self.smoothed, self._variation = rtt, rtt / 2
            return
        self._variation += (abs(self.smoothed - rtt) - self._variation) / 4
        self.smoothed += (rtt - self.smoothed) / 8

    def timeout(self) -> float | None:
        """Retransmission timeout with the floor; None while nothing was learned."""
        if self.smoothed is None:
            return None
        return max(FLOOR_S, self.smoothed + max(_GRANULARITY_S, 4 * self._variation))


def stranger_timeout(learned: list[float]) -> float:
    """Timeout for an address that never answered, from those that did."""
    return STRANGER_FACTOR * max(learned) if learned else INITIAL_S
