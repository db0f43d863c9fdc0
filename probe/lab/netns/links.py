"""Wires, addresses and routes as text for `ip -batch -`. Pure: no system call."""

from collections.abc import Iterator, Mapping

from probe.lab.netns.layout import HostPlan, Wire, cable_ends


def wiring(wires: tuple[Wire, ...], pids: Mapping[str, int]) -> str:
    """Lay every wire, seen from the prober. `pids`: for each other host a process that lives in it.

    A wire with a delay is cut in two: the ends in the middle belong to the host `cable`.
    """
    return "".join(_veth(one, other, pids) for wire in wires for one, other in _pieces(wire))


def _pieces(wire: Wire) -> Iterator[tuple[tuple[str, str], tuple[str, str]]]:
    one, other = wire.ends
    if wire.delay == 0:
        yield one, other
        return
    near, far = cable_ends(wire)
    yield one, ("cable", near)
    yield ("cable", far), other


def _veth(one: tuple[str, str], other: tuple[str, str], pids: Mapping[str, int]) -> str:
    def end(host: str, interface: str) -> str:
        return f"name {interface} netns {pids[host]}" if host in pids else f"name {interface}"

    return f"link add {end(*one)} type veth peer {end(*other)}\n"


def addressing(host: HostPlan) -> str:
    """Switch on every interface of a host, with its addresses and routes.

    IPv6 addresses skip duplicate address detection (RFC 4862 section 5.4): no other host can have them.
    """
    return "".join(f"{line}\n" for line in _lines(host))


def _lines(host: HostPlan) -> Iterator[str]:
    yield "link set lo up"
    for interface in host.interfaces:
        for address in interface.addresses:
            yield f"addr add {address} dev {interface.name}" + (" nodad" if ":" in address else "")
        yield f"link set {interface.name} up"
    for destination, gateway in host.routes:
        yield f"route add {destination} via {gateway}"
