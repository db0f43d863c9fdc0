"""How fast to send: a token bucket, and the pace of one address that grows while answers hold.

The pace follows the congestion idea of RFC 5681: it doubles each round trip while answers come to
the first try, and halves when answers come only to later tries (a limit or a full queue on the way).
"""

START_PER_S = 1000.0
MIN_PER_S = 100.0
MAX_PER_S = 8000.0
BURST_S = 0.05  # a bucket holds this many seconds' worth of probes, at least one
ICMP_INTERVAL_S = 1.1  # Linux refills one ICMP error a second per peer (icmp_ratelimit, net/ipv4/icmp.c)
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
