"""How fast to send and how long to wait: a token bucket, the pace of one address, its retransmission timeout.

The pace follows the congestion idea of RFC 5681: it doubles each round trip while answers come to the first
try, and halves when answers come only to later tries (a limit or a full queue on the way). The timeout is
that of RFC 6298, learned per address.
"""

import math
from dataclasses import dataclass, field

START_PER_S = 1000.0
MIN_PER_S = 100.0
MAX_PER_S = 8000.0
BURST_S = 0.05  # a bucket holds this many seconds' worth of probes, at least one
_HALVE_ABOVE = 0.15  # share of answers that needed a later try
_DOUBLE_BELOW = 0.05
_EPSILON = 1e-9


class TokenBucket:
    """At most `rate` takes per second after a burst. Time is fed in seconds."""

    def __init__(self, rate: float, burst: float) -> None:
        self.rate = rate
        self.burst = max(1.0, burst)
        self._tokens = self.burst
        self._at: float | None = None

    def _refill(self, now: float) -> None:
        if self._at is not None:
            self._tokens = min(self.burst, self._tokens + (now - self._at) * self.rate)
        self._at = now

    def ready(self, now: float) -> bool:
        """Whether one may be sent now."""
        self._refill(now)
        return self._tokens >= 1 - _EPSILON

    def take(self, now: float) -> None:
        """Spend one."""
        self._refill(now)
        self._tokens -= 1

    def next_at(self, now: float) -> float:
        """When the next one may be sent."""
        self._refill(now)
        return now + max(0.0, (1 - self._tokens) / self.rate)


class AddressPace:
    """The pace of one address, judged once a round trip by how its answers come."""

    def __init__(self) -> None:
        self.bucket = TokenBucket(START_PER_S, START_PER_S * BURST_S)
        self._first = 0
        self._later = 0
        self._judged: float | None = None

    def answered(self, attempt: int, now: float, rtt: float) -> None:
        """Count an answer to try `attempt` (from 1) and adjust the pace after a round trip."""
        if attempt == 1:
            self._first += 1
        else:
            self._later += 1
        if self._judged is None:
            self._judged = now
        elif now - self._judged >= max(rtt, BURST_S):
            self._adjust()
            self._judged = now

    def _adjust(self) -> None:
        share = self._later / (self._first + self._later)
        rate = self.bucket.rate
        if share > _HALVE_ABOVE:
            rate = max(MIN_PER_S, rate / 2)
        elif share < _DOUBLE_BELOW:
            rate = min(MAX_PER_S, rate * 2)
        self.bucket.rate = rate
        self.bucket.burst = max(1.0, rate * BURST_S)
        self._first = self._later = 0


# --- how long to wait ---


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


# --- what is known of a path ---


MAX_TRIES = 8  # on an address that loses packets
SILENCE_DOUBT = 0.002  # tries are added until loss alone explains a silence with less than this


@dataclass(slots=True)
class PathStats:
    """Round-trip time and loss of one address; a fresh one knows nothing."""

    rtt: RttEstimator = field(default_factory=RttEstimator)
    answered: int = 0
    lost: int = 0  # tries that stayed unanswered before an answer came

    def answer(self, attempt: int, rtt: float) -> None:
        """Learn from the answer to try `attempt` (from 1), which took `rtt` seconds."""
        self.rtt.sample(rtt)
        self.answered += 1
        self.lost += attempt - 1

    def tries(self, asked: int) -> int:
        """Tries for a question that is given `asked`: more where the address has shown that it loses packets.

        The loss is the share of tries that were lost among the questions that were answered.
        """
        if asked <= 1 or not self.lost:
            return asked
        loss = self.lost / (self.answered + self.lost)
        wanted = math.ceil(math.log(SILENCE_DOUBT) / math.log(min(loss, 0.99)))
        return max(asked, min(wanted, MAX_TRIES))
