"""The raw packets that may follow, in words: what is sent, when, and which doubt it ends."""

from collections.abc import Mapping
from dataclasses import dataclass

from probe.model.probing import PurposeRule


@dataclass(frozen=True, slots=True)
class FollowUpWords:
    """What is sent, what it takes, and which doubt it ends."""

    probe: str
    when: str
    why: str


FOLLOW_UPS: Mapping[PurposeRule, FollowUpWords] = {
    PurposeRule.WHOSE_RESET: FollowUpWords(
        "marked SYN",
        "a port was refused",
        "who sent the reset: the host's own shows the probe's mark, one forged by a filter does not",
    ),
    PurposeRule.MARKS_OF_CONTROLS: FollowUpWords(
        "marked SYN",
        "a port was refused: unused ports of its address",
        "how this host marks its own resets, to compare with",
    ),
    PurposeRule.KEEPS_MARKS: FollowUpWords(
        "echo request",
        "a port was refused, or the address is silent",
        "whether the path keeps the mark, and whether a host is there",
    ),
    PurposeRule.KEPT_FROM_SOCKETS: FollowUpWords(
        "marked SYN, or datagram",
        "a port is silent",
        "whether an answer comes back that this machine keeps from its sockets",
    ),
    PurposeRule.WHAT_IS_DROPPED: FollowUpWords(
        "ACK",
        "a port is silent",
        "whether everything is dropped or SYNs only: the host behind resets an ACK",
    ),
    PurposeRule.HOW_FAR: FollowUpWords(
        "SYN with a limited TTL",
        "a port is silent on an address some hops away",
        "how far probes get: which hop drops them",
    ),
    PurposeRule.LISTENER_BEHIND_FILTER: FollowUpWords(
        "FIN",
        "an ACK to a silent port was reset",
        "whether something listens there: a closed port resets a FIN, an open one is silent",
    ),
    PurposeRule.BESIDE_FORWARD: FollowUpWords(
        "FIN",
        "a port is forwarded",
        "whether the host has a filter or a socket for it too: NAT skips a FIN of no connection",
    ),
    PurposeRule.WHO_COMPLETES: FollowUpWords(
        "marked SYN",
        "a port is open that something else may answer for",
        "who completes the handshake: a proxy offers no window, a local program gets no raw packet",
    ),
    PurposeRule.ADDRESS_OR_DEVICE: FollowUpWords(
        "SYN to another of the addresses, handed to this neighbour",
        "an on-link address and another one disagree about a port",
        "whether it is the address or the link, a filter or the binding",
    ),
    PurposeRule.ONE_MACHINE_BY_FRAME: FollowUpWords(
        "SYN to another of the addresses, handed to this neighbour",
        "two addresses, one of them on the link",
        "whether they are one machine's: it answers, another would forward it",
    ),
    PurposeRule.ONE_MACHINE_BY_ARP: FollowUpWords(
        "ARP request",
        "two IPv4 addresses, one of them on the link",
        "whether they are one machine's: it claims both",
    ),
    PurposeRule.LINK_REACHES_LOOPBACK: FollowUpWords(
        "SYN to 127.0.0.1, handed to this neighbour",
        "a port may be bound to loopback",
        "whether this host lets its link reach loopback",
    ),
    PurposeRule.BEHIND_LOOPBACK: FollowUpWords(
        "SYN to 127.0.0.1 with a TTL of 2, handed to this neighbour",
        "it forwards a port of loopback, as Docker publishes them",
        "whether something behind it accepts",
    ),
}
