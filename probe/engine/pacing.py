"""How fast to send and how long to wait: the paces of an address and of an interface, timeouts, tries.

The pace of an address follows the congestion idea of RFC 5681: it doubles each round trip while answers come
to the first try, and halves when answers come only to later tries (a limit or a full queue on the way). That
of an interface, which its addresses share, is ruled by the rate of delivery and the least round-trip time, as
in BBR (draft-ietf-ccwg-bbr). The timeout is that of RFC 6298, learned per address.
"""

import math

from msgspec import Struct, field

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
        if now == self._at:
            return
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


def capped(rate: float) -> TokenBucket:
    """At most `rate` takes in any second: what a burst has beyond the first one, the pace gives up."""
    burst = max(1.0, rate * BURST_S)
    return TokenBucket(rate - (burst - 1), burst)


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


LINK_START_PER_S = 4000.0
LINK_MIN_PER_S = 500.0
LINK_MAX_PER_S = 64_000.0
_ROUND_S = 0.02  # the shortest round in which a link is judged
_UP, _DOWN = 1.15, 0.85  # of the rate, once it has met a limit
_QUEUE_FACTOR, _QUEUE_S = 2.0, 0.005  # round trips longer than the least by so much: packets wait in a queue


class LinkPace:
    """The pace of one outgoing interface, over all addresses behind it.

    It doubles each round trip until the link shows that it is full, then it follows what the link delivers.
    Full is when answers are lost, or when more is in flight than delivery rate x least round-trip time: as
    that many packets are on the way of a link whose queues are empty, the round trip grows beyond the least.
    It is measured by what answers, for most of what is asked may be silent for reasons of its own.
    """

    def __init__(self) -> None:
        """Begin with what any link can carry."""
        self.bucket = TokenBucket(LINK_START_PER_S, LINK_START_PER_S * BURST_S)
        self._least = math.inf  # round-trip time in seconds
        self._delivered = 0.0  # answers a second, the most in any round
        self._met_limit = False
        self._begin(None)

    def _begin(self, now: float | None) -> None:
        self._began = now
        self._first = self._later = 0
        self._shortest = math.inf

    def answered(self, attempt: int, now: float, rtt: float) -> None:
        """Count an answer to try `attempt` (from 1) and adjust the pace after a round trip."""
        if self._began is None:
            self._began = now
        self._first += attempt == 1
        self._later += attempt > 1
        self._shortest = min(self._shortest, rtt)
        self._least = min(self._least, rtt)
        if now - self._began >= max(self._least, _ROUND_S):
            self._adjust(now - self._began)
            self._begin(now)

    def _adjust(self, seconds: float) -> None:
        answers = self._first + self._later
        self._delivered = max(self._delivered, answers / seconds)
        lossy = self._later / answers > _HALVE_ABOVE
        queued = self._shortest > _QUEUE_FACTOR * self._least + _QUEUE_S
        if lossy or queued:
            self._met_limit = True
            rate = max(_DOWN * self._delivered, self.bucket.rate / 2, LINK_MIN_PER_S)
            self._delivered *= _DOWN  # the most may be out of date: the link is shared with others
        else:
            rate = self.bucket.rate * (_UP if self._met_limit else 2)
        self.bucket.rate = min(rate, self.bucket.rate * 2, LINK_MAX_PER_S)
        self.bucket.burst = max(1.0, self.bucket.rate * BURST_S)


# --- how long to wait ---


# Just before a kernel sends the SYN of a connect() again: after 1 s (RFC 6298 section 2.1), later longer,
# but Linux every second at first (net.ipv4.tcp_syn_linear_timeouts), so that is reckoned with.
SYN_REPEAT_S = 0.95
FLOOR_S = 0.1  # below RFC 6298's 1 s: a late answer still counts, every try has its own socket
EXPECTED_S = 0.01  # the floor where silence is expected, if all others have answered: a detail is at stake
INITIAL_S = 0.25  # while nothing is known anywhere: three tries then fill a second
FIRST_FACTOR = 1.5  # an address without answers is given this much of the slowest learned timeout
_GRANULARITY_S = 0.001


class RttEstimator:
    """Smoothed round-trip time and its variation of one address, in seconds (RFC 6298 section 2)."""

    def __init__(self) -> None:
        self.smoothed: float | None = None
        self.timeout: float | None = None  # until a try is sent again, with the floor
        self.variable_timeout: float | None = None  # the same without: what nearly every answer keeps to
        self._variation = 0.0

    def sample(self, rtt: float) -> None:
        """Learn from one round trip. Every try is a flow of its own, so Karn's rule is met."""
        if self.smoothed is None:
            self.smoothed, self._variation = rtt, rtt / 2
        else:
            self._variation += (abs(self.smoothed - rtt) - self._variation) / 4
            self.smoothed += (rtt - self.smoothed) / 8
        self.variable_timeout = self.smoothed + max(_GRANULARITY_S, 4 * self._variation)
        self.timeout = max(FLOOR_S, self.variable_timeout)


def first_timeout(slowest: float | None) -> float:
    """Timeout for an address that never answered, from the longest of those that did; None: none did."""
    return INITIAL_S if slowest is None else FIRST_FACTOR * slowest


# --- what is known of a path ---


MAX_TRIES = 8  # on an address that loses packets
SILENCE_DOUBT = 0.002  # tries are added until loss alone explains a silence with less than this


class PathStats(Struct):
    """Round-trip time and loss of one address; a fresh one knows nothing."""

    rtt: RttEstimator = field(default_factory=RttEstimator)
    answered: int = 0
    lost: int = 0  # tries that stayed unanswered before an answer came
    waited: bool = False  # a question was waited for in full, in vain

    def answer(self, attempt: int, rtt: float) -> None:
        """Learn from the answer to try `attempt` (from 1), which took `rtt` seconds."""
        self.rtt.sample(rtt)
        self.answered += 1
        self.lost += attempt - 1

    def repeated_after(self, rtt: float) -> float:
        """How much later than its try the packet left that an answer answers, in whole seconds.

        A kernel sends the SYN of an open connect() again every second at first. An answer that took that much
        longer than any other answers such a repeat, and shows no round-trip time (Karn, RFC 6298 section 3).
        """
        usual = self.rtt.smoothed or 0.0
        if rtt < SYN_REPEAT_S + usual / 2:
            return 0.0
        return float(math.floor(rtt - SYN_REPEAT_S) + 1)

    def may_be_farther(self) -> bool:
        """Whether the address may be farther than it was ever waited for."""
        return self.rtt.smoothed is None and not self.waited

    def tries(self, asked: int) -> int:
        """Tries for a question that is given `asked`: more where the address has shown that it loses packets.

        The loss is the share of tries that were lost among the questions that were answered.
        """
        if asked <= 1 or not self.lost:
            return asked
        loss = self.lost / (self.answered + self.lost)
        wanted = math.ceil(math.log(SILENCE_DOUBT) / math.log(min(loss, 0.99)))
        return max(asked, min(wanted, MAX_TRIES))
