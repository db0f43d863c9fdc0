"""What may happen to a probe on its way, and what may come back to a raw one."""

from collections.abc import Mapping
from enum import StrEnum


class Disposition(StrEnum):
    """What happens to a probe between the prober and the target's socket."""

    PASS = "pass"  # noqa: S105 - a disposition, no password
    DROP = "drop"
    DROP_SYN = "drop-syn"  # a filter drops openings, or the answers to them; other segments pass
    REJECT_HOST = "reject-host"  # ICMP error from the target's own filter
    REJECT_PATH = "reject-path"  # ICMP error from a box on the way
    RESET_HOST = "reset-host"  # reset forged by the target's own filter
    RESET_PATH = "reset-path"  # reset forged on the way
    SPOOFED = "spoofed"  # a box completes every handshake
    TAKEN_ON_PATH = "taken-on-path"  # a box on the way takes the connections to this port
    TAKEN_HERE = "taken-here"  # a program of the prober's own machine takes connections, not raw packets
    FORWARDED = "forwarded"  # a NAT box in front passes it on
    FRONT = "front"  # a NAT box in front answers for itself


class RawResponse(StrEnum):
    """What came back to a raw follow-up."""

    OPEN = "open"
    RESET = "reset"
    REJECTED = "rejected"  # an ICMP error
    PASSED_ON = "passed-on"  # time exceeded: it would have been forwarded
    SILENT = "silent"
    HERE = "here"  # the prober's own machine answered for the address


RawResponses = Mapping[RawResponse, float]
Likelihood = Mapping[Disposition, tuple[RawResponses, RawResponses]]  # by whether a socket covers the address
