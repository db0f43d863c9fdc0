"""Wires, addresses and routes as text for `ip -batch -`. Pure: no system call."""

from collections.abc import Iterator, Mapping

from probe.lab.netns.plans import HostPlan, VethPair, cable_ends

# The kernel announces the carrier of an interface at once, but only within a second where the ends of a wire
# have the same index in their namespaces (net/core/link_watch.c, linkwatch_urgent_event).
_FIRST_INDEX = 101

End = tuple[str, str]  # host, interface


def wiring(wires: tuple[VethPair, ...], pids: Mapping[str, int]) -> str:
    """Lay every wire, seen from the prober. `pids`: for each other host a process that lives in it.

    A wire with a delay is cut in two: the ends in the middle belong to the host `cable`.
    """
    pieces = (piece for wire in wires for piece in _pieces(wire))
    return "".join(_veth(ends, index, pids) for index, ends in enumerate(pieces, _FIRST_INDEX))


def _pieces(wire: VethPair) -> Iterator[tuple[End, End]]:
    one, other = wire.ends
    if wire.delay == 0:
        yield one, other
        return
    near, far = cable_ends(wire)
    yield one, ("cable", near)
    yield ("cable", far), other


def _veth(ends: tuple[End, End], index: int, pids: Mapping[str, int]) -> str:
    one, other = (
        f"name {interface} netns {pids[host]}" if host in pids else f"name {interface}"
        for host, interface in ends
    )
    return f"link add {one} index {index} type veth peer {other}\n"


def addressing(host: HostPlan) -> str:
    """Switch on every interface of a host, with its addresses.

    IPv6 addresses skip duplicate address detection (RFC 4862 section 5.4): no other host can have them.
    """
    return "".join(f"{line}\n" for line in _lines(host))


def _lines(host: HostPlan) -> Iterator[str]:
    yield "link set lo up"
    for interface in host.interfaces:
        for address in interface.addresses:
            yield f"addr add {address} dev {interface.name}" + (" nodad" if ":" in address else "")
        size = "" if interface.mtu is None else f" mtu {interface.mtu}"
        yield f"link set {interface.name}{size} up"


def routing(host: HostPlan) -> str:
    """Every route of a host; its interfaces must be up. Empty where it has none."""
    return "".join(f"route add {destination} via {gateway}\n" for destination, gateway in host.routes)


def switching_off(host: HostPlan) -> str:
    """Take every address from a host: it is deaf and mute then, as if it were off, while its wires stay up.

    For `ip -force -batch -`: an interface may be gone already.
    """
    return "".join(f"addr flush dev {interface.name}\n" for interface in host.interfaces)
