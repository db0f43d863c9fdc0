"""What the prober's own machine does to its packets: its packet filter, and its check of reverse paths.

Sockets feel both; raw packets are heard before either, and are refused by the filter only where they leave as
the kernel routes them. Its rules name the target's ports, in both directions.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from probe.engine.errnos import Meaning, Moment, System, meanings
from probe.lab.scenario import Action, ProberHost
from probe.lab.sim.box import Arrival
from probe.lab.sim.filters import FilterRule, decide, read_rules
from probe.lab.sim.packets import Frame, IcmpError, Packet

_EPERM = 1
NOT_PERMITTED: Meaning = meanings(System.LINUX, Moment.AT_ONCE, resets_told_apart=True)[_EPERM]
IPV4 = 4


@dataclass(frozen=True, slots=True)
class Firewall:
    """The prober's own filter. `strict_reverse_path` is rp_filter=1, which IPv6 does not have."""

    outgoing: Sequence[FilterRule] = ()
    incoming: Sequence[FilterRule] = ()
    strict_reverse_path: bool = False

    def verdict(self, packet: Packet, realm: str) -> Action:
        """What becomes of a packet that the prober sends by the realm's link."""
        return decide(self.outgoing, realm, packet)

    def hides(self, frame: Frame, arrival: Arrival) -> bool:
        """Whether a frame that arrived from a link never reaches the prober's sockets."""
        if arrival.link_address is None:
            return False
        strict = self.strict_reverse_path and frame.source.version == IPV4
        if strict and arrival.way_out(frame.source) != arrival.realm:
            return True
        if isinstance(frame, IcmpError):
            return False
        return decide(self.incoming, arrival.realm, frame, answer=True) is not Action.ACCEPT


def read_firewall(host: ProberHost) -> Firewall:
    """Make the firewall of a scenario's prober.

    Raises:
        UsageError: a port list cannot be read.
    """
    return Firewall(read_rules(host.outgoing), read_rules(host.incoming), host.strict_reverse_path)
