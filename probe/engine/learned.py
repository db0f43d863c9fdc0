"""What the answers of an address have taught about the way there: its time and its loss. Pure.

It outlives one scan: what sockets have learned of an address, raw packets go by.
"""

import math
from dataclasses import dataclass, field

from probe.engine.rtt import RttEstimator

MAX_TRIES = 8  # on an address that loses packets
SILENCE_DOUBT = 0.002  # tries are added until loss alone explains a silence with less than this


@dataclass(slots=True)
class Learned:
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
