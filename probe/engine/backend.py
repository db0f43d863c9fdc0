"""The seam between the engine and a network, real or simulated: send a probe, receive replies."""

from collections.abc import Iterable, Sequence
from typing import Protocol

from probe.model.probing import Probe, Reply


class Backend(Protocol):
    """A way to send probes. One thread, one clock, no exceptions for what the network answers."""

    @property
    def capacity(self) -> int:
        """How many probes may wait for a reply at once."""

    def now(self) -> float:
        """Seconds on this backend's clock; it never runs backwards."""

    def send(self, probe: Probe) -> float:
        """Send one probe; return when it left, on this backend's clock.

        What goes wrong locally comes back as its reply (`no-route`, `not-sent`).
        """

    def receive(self, until: float) -> Sequence[Reply]:
        """Wait for replies, at the latest until the clock shows `until`; return at the first ones."""

    def interrupted(self) -> bool:
        """Whether a signal asked for the end: nothing more is to be sent or waited for."""

    def forget(self, probe_ids: Iterable[int]) -> None:
        """Stop waiting for these probes and free what they hold; unknown ids are ignored."""

    def close(self) -> None:
        """Free everything."""
