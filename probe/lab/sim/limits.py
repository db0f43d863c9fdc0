"""Rate limits as token buckets: Linux's limit on ICMP errors, and a packet filter's on resets.

Sources: `inet_peer_xrlim_allow` in net/ipv4/inetpeer.c (six errors to one address, then one for each
time-out); the time-outs are Linux 6.18's defaults, measured (net.ipv4.icmp_ratelimit 1000 ms,
net.ipv6.icmp.ratelimit 100 ms). The limit on resets lets a second's worth pass at once.
"""

from collections.abc import Hashable
from dataclasses import dataclass

from probe.model.target import IPAddress

ICMP_BURST = 6
ICMP_PER_S = {4: 1.0, 6: 10.0}


@dataclass(slots=True)
class Bucket:
    """A token bucket that starts full: `burst` at once, then `per_s` a second."""

    burst: float
    per_s: float
    tokens: float
    filled: float

    def take(self, now: float) -> bool:
        """Take one token at `now` (seconds); False where none is left."""
        self.tokens = min(self.burst, self.tokens + (now - self.filled) * self.per_s)
        self.filled = now
        if self.tokens < 1.0:
            return False
        self.tokens -= 1.0
        return True


class Buckets:
    """One bucket for each key, all of one kind."""

    def __init__(self) -> None:
        self._buckets: dict[Hashable, Bucket] = {}

    def take(self, key: Hashable, burst: float, per_s: float, now: float) -> bool:
        """Take one token from the key's bucket, which is made full at its first use."""
        bucket = self._buckets.setdefault(key, Bucket(burst, per_s, burst, now))
        return bucket.take(now)

    def allow_icmp(self, destination: IPAddress, now: float) -> bool:
        """Whether an ICMP error may be sent to `destination` at `now`."""
        return self.take(destination, ICMP_BURST, ICMP_PER_S[destination.version], now)
