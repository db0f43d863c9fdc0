"""A plan is data: what would be asked of each address, and how patiently, before a packet flies."""

import math

from msgspec import Struct

from probe.errors import UsageError
from probe.model.facts import Route
from probe.model.probing import PurposeRule, Question
from probe.model.target import IPAddress, Port, TargetAddress

LONGEST_WAIT_S = 60.0


class Timing(Struct, frozen=True):
    """How patiently to ask.

    `timeout` is the longest wait for one answer in seconds, `retries` the tries after the first,
    `rate` the cap in openings per second over all addresses, with those that the kernel repeats and the
    connections to services (None: no cap).

    Raises:
        UsageError: a number that makes no sense, named.
    """

    timeout: float = 1.0
    retries: int = 2
    rate: float | None = None

    def __post_init__(self) -> None:
        """Refuse what would wait for ever, or not at all."""
        if not 0 < self.timeout <= LONGEST_WAIT_S:  # NaN is not in the range either
            raise UsageError(
                f"--timeout {self.timeout:g}: give more than 0 and at most {LONGEST_WAIT_S:g} seconds"
            )
        if self.retries < 0:
            raise UsageError(f"--retries {self.retries}: give 0 or more tries after the first")
        if self.rate is not None and not (math.isfinite(self.rate) and self.rate > 0):
            raise UsageError(f"--rate {self.rate:g}: give a number of probes per second above 0")


USUAL_TIMING = Timing()


class AddressPlan(Struct, frozen=True):
    """What is asked of one address.

    `controls` are ports that nothing uses; `spare_controls` are asked too where a control turns out open.
    `counted_tries` are the most for one of ssh, whose openings are logged and often limited.
    """

    address: TargetAddress
    route: Route
    tested: tuple[Port, ...]
    controls: tuple[Port, ...]
    spare_controls: tuple[Port, ...] = ()
    counted_tries: int = 1


class RawPermissions(Struct, frozen=True):
    """Which raw follow-ups may be sent beyond the ordinary ones. These look hostile, so they take a word."""

    fin: bool = False  # FINs to ports that stay silent
    loopback: bool = False  # frames for 127.0.0.1 to neighbours


class FollowUp(Struct, frozen=True):
    """One raw question, and which doubt it would end."""

    question: Question
    why: PurposeRule


class Plan(Struct, frozen=True):
    """The whole scan. `deadline` bounds it in seconds from its start, whatever happens."""

    addresses: tuple[AddressPlan, ...]
    timing: Timing
    deadline: float

    def links(self) -> dict[IPAddress, str | None]:
        """The interface by which each address is reached; None where the system does not report it."""
        return {one.address.ip: one.route.interface for one in self.addresses}
