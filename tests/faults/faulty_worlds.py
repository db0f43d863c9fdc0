"""Networks to which something happens while they are scanned, and whose truth is known at every moment.

Drawn at random from a seed: a target with a few services on two or three addresses, some nearer than others,
and one fault at a random moment of the scan. Nothing is known here of how a scan is judged.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random

from probe.lab.scenario import Scenario, parse_scenario

Document = dict[str, object]
Services = dict[int, tuple[str, ...]]  # by port: what it is bound to, in symbols; empty: nothing listens

REALMS = ("lan", "vpn", "public")
PORTS = (22, 80, 443, 3306, 5432, 6379, 8000, 8080, 8443, 9000)
EVERYWHERE, LOOPBACK = ("0.0.0.0",), ("127.0.0.1",)
AT_MS = (0.05, 400.0)  # the earliest and the latest moment; small ones are as likely as large ones
FIRST_MS = 21.0  # by then the first probes have come to every address
ONCE = (4333,)


@dataclass(frozen=True, slots=True)
class FaultyWorld:
    """One network. `changed`: ports whose service is another after the fault; `services` before it."""

    scenario: Scenario
    services: Services
    changed: frozenset[int] = frozenset()

    def truths(self, port: int) -> set[tuple[str, ...]]:
        """What a port is bound to before, and after."""
        before = self.services[port]
        return {before, ()} if port in self.changed else {before}


@dataclass(frozen=True, slots=True)
class Drawn:
    """One fault: events, more of the document, and the ports that are another's afterwards."""

    events: tuple[Document, ...] = ()
    changed: frozenset[int] = frozenset()
    rules: tuple[Document, ...] = ()
    once: tuple[int, ...] = ()
    loss: float = 0.0


def draw(name: str, seed: int) -> FaultyWorld:
    """A network with this fault; the same name and seed, the same network."""
    rng = Random(f"{name} {seed}")  # noqa: S311 - a world of a test
    realms = REALMS[: rng.choice((2, 2, 3))]
    services = _services(rng, realms)
    at = AT_MS[0] * (AT_MS[1] / AT_MS[0]) ** rng.random()
    fault = FAULTS[name](rng, services, realms, at)
    for port in fault.once:
        services[port] = EVERYWHERE
    listen = [
        {"port": port, "bind": bind, **({"serves": "once"} if port in fault.once else {})}
        for port, binds in services.items()
        for bind in binds
    ]
    delays = {realm: rng.choice((0.0, 0.0, 1.0, 5.0, 20.0)) for realm in realms}
    loss = {} if not fault.loss else {"loss": fault.loss}
    document: Document = {
        "about": f"something happens to it: {name}",
        "addresses": list(realms),
        "links": {realm: {"delay_ms": delay, **loss} for realm, delay in delays.items()},
        "target": {"listen": listen, "filter": list(fault.rules)},
        "events": list(fault.events),
        "scan": {"ports": ",".join(map(str, sorted(services)))},
        "expect": {},
        "worlds": ["sim"],
    }
    scenario = parse_scenario(f"{name}-{seed}", document)
    return FaultyWorld(scenario, services, fault.changed | frozenset(fault.once))


def _services(rng: Random, realms: tuple[str, ...]) -> Services:
    """What listens where: everywhere mostly, on one address, on loopback, or nothing."""
    found: Services = {}
    for port in rng.sample(PORTS, rng.randint(4, len(PORTS))):
        kind = rng.random()
        if kind < 0.45:
            found[port] = EVERYWHERE
        elif kind < 0.65:
            found[port] = (rng.choice(realms),)
        else:
            found[port] = LOOPBACK if kind < 0.8 else ()
    return found


def _of(does: str, at: float, **more: object) -> Document:
    return {"at_ms": at, "does": does, **more}


def _text(ports: frozenset[int]) -> str:
    return ",".join(map(str, sorted(ports)))


# --- services ---


def _killed(rng: Random, services: Services, realms: tuple[str, ...], at: float) -> Drawn:
    del rng, realms
    return Drawn((_of("stop", at),), frozenset(services))


def _half_killed(rng: Random, services: Services, realms: tuple[str, ...], at: float) -> Drawn:
    del realms
    few = frozenset(rng.sample(sorted(services), (len(services) + 1) // 2))
    return Drawn((_of("stop", at, ports=_text(few)),), few)


def _coming_up(rng: Random, services: Services, realms: tuple[str, ...], at: float) -> Drawn:
    del realms
    few = frozenset(rng.sample(sorted(services), (len(services) + 1) // 2))
    return Drawn((_of("start", at, ports=_text(few)),), few)


def _restarting(rng: Random, services: Services, realms: tuple[str, ...], at: float) -> Drawn:
    del realms
    few = frozenset(rng.sample(sorted(services), (len(services) + 1) // 2))
    return Drawn((_of("stop", at, ports=_text(few), for_ms=rng.choice((2.0, 20.0, 100.0))),), few)


def _one_client(rng: Random, services: Services, realms: tuple[str, ...], at: float) -> Drawn:
    del rng, services, realms, at
    return Drawn(once=ONCE)


# --- the host and its links ---


def _rebooting(rng: Random, services: Services, realms: tuple[str, ...], at: float) -> Drawn:
    del realms
    return Drawn((_of("down", at, for_ms=rng.choice((50.0, 500.0, 20_000.0))),), frozenset(services))


def _vpn_down(rng: Random, services: Services, realms: tuple[str, ...], at: float) -> Drawn:
    del rng, services, realms
    return Drawn((_of("cut", at, on=["vpn"]),))


def _unplugged(rng: Random, services: Services, realms: tuple[str, ...], at: float) -> Drawn:
    del services
    return Drawn((_of("unplug", at, on=[rng.choice(realms)]),))


def _address_gone(rng: Random, services: Services, realms: tuple[str, ...], at: float) -> Drawn:
    del services
    return Drawn((_of("lose-address", at, on=[rng.choice(realms)]),))


def _route_gone(rng: Random, services: Services, realms: tuple[str, ...], at: float) -> Drawn:
    del services
    return Drawn((_of("lose-route", at, on=[rng.choice(realms)]),))


def _gap(rng: Random, services: Services, realms: tuple[str, ...], at: float) -> Drawn:
    del services
    return Drawn((_of("cut", at, on=[rng.choice(realms)], for_ms=rng.choice((10.0, 100.0, 1000.0))),))


# --- filters ---


def _ban(action: str) -> Callable[[Random, Services, tuple[str, ...], float], Drawn]:
    """Of this machine, once it has probed, or of each of its addresses after so many openings.

    A filter that forges resets before anything was accepted is none that sockets alone could see.
    """

    def make(rng: Random, services: Services, realms: tuple[str, ...], at: float) -> Drawn:
        del services, realms
        if rng.random() < 0.5:
            return Drawn((_of("filter", max(at, FIRST_MS), rule={"action": action}),))
        return Drawn(rules=({"action": action, "from_opening": rng.choice((4, 8, 12, 20, 40))},))

    return make


def _limit(action: str) -> Callable[[Random, Services, tuple[str, ...], float], Drawn]:
    """Of one port, as `ufw limit` does: from the sixth opening on, or sooner where others asked before."""

    def make(rng: Random, services: Services, realms: tuple[str, ...], at: float) -> Drawn:
        del realms, at
        port = rng.choice(sorted(services))
        return Drawn(
            rules=({"action": action, "ports": str(port), "from_opening": rng.choice((2, 3, 4, 6))},)
        )

    return make


# --- nothing ---


def _nothing(rng: Random, services: Services, realms: tuple[str, ...], at: float) -> Drawn:
    del rng, services, realms, at
    return Drawn()


def _loss(share: float) -> Callable[[Random, Services, tuple[str, ...], float], Drawn]:
    def make(rng: Random, services: Services, realms: tuple[str, ...], at: float) -> Drawn:
        del rng, services, realms, at
        return Drawn(loss=share)

    return make


FAULTS: Mapping[str, Callable[[Random, Services, tuple[str, ...], float], Drawn]] = {
    "nothing": _nothing,
    "services end": _killed,
    "half of the services end": _half_killed,
    "services come up": _coming_up,
    "services restart": _restarting,
    "a listener takes one client": _one_client,
    "the target restarts": _rebooting,
    "the VPN goes down": _vpn_down,
    "a link of ours is unplugged": _unplugged,
    "an address of ours is gone": _address_gone,
    "a route of ours is gone": _route_gone,
    "a link is silent for a while": _gap,
    "banned by drop": _ban("drop"),
    "banned by reset": _ban("reset"),
    "banned by ICMP": _ban("admin-prohibited"),
    "limited by reset": _limit("reset"),
    "limited by ICMP": _limit("port-unreach"),
    "limited by drop": _limit("drop"),
    "5 % loss": _loss(0.05),
    "20 % loss": _loss(0.2),
}
