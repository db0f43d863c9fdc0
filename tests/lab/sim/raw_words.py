"""Raw replies of worlds in memory, in the words of the tests' tables."""

from probe.model.probing import Reason, Reply

LAN_LINK, VPN_LINK = "02:00:00:00:00:02", "02:00:00:00:00:04"  # the target's
ROUTER_LINK = "02:00:00:00:00:06"

# What came back: SA, a kernel's reset (marked), a forged one (bare), an ICMP error by its type and code.
SA, KERNEL, FORGED, SILENCE = "syn-ack", "kernel reset", "forged reset", "-"


def described(reply: Reply | None) -> str:
    """A reply in a table's words."""
    if reply is None:
        return SILENCE
    assert reply.header is not None, reply
    if reply.icmp is not None:
        return "{}/{}".format(*reply.icmp)
    if reply.reason is Reason.RESET:
        marks = {bool(reply.header.tos)}
        if reply.header.flow_label is not None:
            marks.add(bool(reply.header.flow_label))
        (marked,) = marks
        return KERNEL if marked else FORGED
    return str(reply.reason)
