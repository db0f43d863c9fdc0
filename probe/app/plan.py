"""What to ask: target and ports become a plan, to be printed, compared and tested beforehand."""

from itertools import chain

from probe.engine.counted import tries_beside
from probe.machine.sources import Host
from probe.model.plan import AddressPlan, Plan, Timing
from probe.model.target import Port, Protocol, ResolvedTarget, TargetAddress

# Ports that no common service uses, spread over the range and outside of the usual ephemeral ones
# (32768-60999 on Linux): low, middle, high. The first that is not itself tested is taken.
_CONTROLS = (
    (1006, 1005, 1004, 1003),
    (18233, 23719, 27431, 29017),
    (61417, 62843, 63709, 64129),
)
_SPARES = (997, 25229, 62011, 64901)
_SPARE_COUNT = 2
_UDP_CONTROLS = ((61417, 62843, 63709), (23719, 27431, 29017))

_PHASES = 8  # steps of a survey that may each wait for silence
_SLOWEST_PER_S = 100.0  # the engine never paces an address below this
_FOLLOW_UPS = 4  # probes that one answered port may cost beyond its tries
_SLACK_S = 10.0


def _first_free(row: tuple[int, ...], taken: set[int]) -> int:
    """The first port from a row on that is not tested; where all are, the row's first: it is asked twice."""
    candidates = chain(row, range(row[-1], 65536))
    return next((number for number in candidates if number not in taken), row[0])


def controls_for(tested: tuple[Port, ...]) -> tuple[Port, ...]:
    """Control ports beside these: three for TCP, and two for UDP where such ports are tested.

    TCP controls go with UDP ports too: a port-unreachable may be the host's own or a filter's, a reset shows
    which of the two the address gives.
    """
    protocols = {port.protocol for port in tested}
    tables: list[tuple[Protocol, tuple[tuple[int, ...], ...]]] = [(Protocol.TCP, _CONTROLS)]
    tables += [(Protocol.UDP, _UDP_CONTROLS)] if Protocol.UDP in protocols else []
    return tuple(
        Port(protocol, _first_free(row, _taken(tested, protocol)))
        for protocol, table in tables
        for row in table
    )


def _taken(tested: tuple[Port, ...], protocol: Protocol) -> set[int]:
    return {port.number for port in tested if port.protocol is protocol}


def spares_for(tested: tuple[Port, ...]) -> tuple[Port, ...]:
    """More TCP control ports, for an address on which a control is open."""
    taken = _taken(tested, Protocol.TCP)
    free = [number for number in _SPARES if number not in taken]
    return tuple(Port(Protocol.TCP, number) for number in free[:_SPARE_COUNT])


def make_plan(target: ResolvedTarget, timing: Timing, host: Host, *, controls: bool = True) -> Plan:
    """Plan a scan, with ports that nothing uses or without. Asks the host for routes, which sends nothing."""
    beside = controls_for(target.ports) if controls else ()
    spares = spares_for(target.ports) if controls else ()
    routes = {address.ip: host.route(address.ip) for address in target.addresses}
    tries = tries_beside(routes)

    def plan_address(address: TargetAddress) -> AddressPlan:
        ip = address.ip
        return AddressPlan(address, routes[ip], target.ports, beside, spares, tries[ip])

    addresses = tuple(plan_address(address) for address in target.addresses)
    return Plan(addresses, timing, _deadline(len(addresses), len(target.ports) + len(beside), timing))


def _deadline(addresses: int, questions: int, timing: Timing) -> float:
    """Seconds after which the scan ends whatever happens."""
    tries = timing.retries + 1
    waits = _PHASES * 2 * tries * timing.timeout
    per_address = questions * (2 * tries + _FOLLOW_UPS) / _SLOWEST_PER_S
    total = 0.0 if timing.rate is None else addresses * questions * (2 * tries + _FOLLOW_UPS) / timing.rate
    return _SLACK_S + waits + max(per_address, total) + addresses * 5
