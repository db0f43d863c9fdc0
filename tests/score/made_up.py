"""Made-up hosts: what a family of them is, and how one is drawn.

Abstract: a host is drawn as the answers of its addresses, without a packet, so that thousands take minutes.
Ports of one host are independent of each other given the zones of its addresses, so that the best possible
posterior can be computed.

A UDP service answers what it is asked, or it does not, on all of its addresses alike.

Answers are letters: O accepted, X accepted and closed at once, B accepted by what the host forwards to, R the
host's own refusal, F one that a filter or a VPN program made (to sockets the same), S silence, I an ICMP
error of the host, P one of a router. Of UDP, O is an answer, and R a port-unreachable.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from typing import TypeVar

from probe.lab.scenario import realm_of
from probe.model.binding import Binding

PORTS = 10
THREE = ("lan", "vpn", "public")
SET_BY_BIND = {"lan", "lan6", "vpn", "public", "public6"}
UDP_SPEAKS = 0.6  # share of UDP services that answer what they are asked
QUIET = "quiet "  # before the bind of one that does not

_Choice = TypeVar("_Choice")


@dataclass(frozen=True, slots=True)
class Zone:
    """What stands before one address.

    `unused` is what a port that nothing uses answers. `let_in` are the shares that a zone that denies lets
    pass, of ports that listen on some address and of others; `rules` the answers that single ports get for
    their own rule. `owner`: the `target`, a `front` that accepts a share `holds` itself, forwards what it
    `passes`, and other ports `to_others`, hosts beside it, or a `relay`, a VPN program that connects to
    127.0.0.1 for its peers. `hops` is its distance where that shows. `alike` is how often its SYN/ACKs have
    the scale and the options of the host's own.
    """

    unused: str = "R"
    let_in: tuple[float, float] = (0.0, 0.0)
    rules: Mapping[str, float] = field(default_factory=dict)
    owner: str = "target"
    holds: float = 0.0
    passes: float = 0.0
    to_others: float = 0.0
    hops: int | None = None
    alike: float = 0.97
    by_router: bool = False  # the zone is a router's: it stands before what the host forwards too


@dataclass(frozen=True, slots=True)
class Family:
    """One kind of hosts. Weights need not sum to 1; `alike`: how often all addresses share one zone."""

    about: str
    binds: Mapping[str, float]
    zones: Mapping[str, float]
    public: Mapping[str, float] = field(default_factory=dict)  # instead, of the public address
    vpn: Mapping[str, float] = field(default_factory=dict)  # instead, of the VPN address
    everywhere: Mapping[str, float] = field(default_factory=dict)  # one rule for a port on all addresses
    alike: float = 0.0
    addresses: tuple[str, ...] = THREE
    protocol: str = "tcp"
    sockets_blind: bool = False  # sockets cannot see what its filters do
    tuned: bool = False  # looked at while the priors were chosen

    def zones_of(self, address: str) -> Mapping[str, float]:
        """Zones of one address, with their weights."""
        by_realm = {"public": self.public, "vpn": self.vpn}
        return by_realm.get(realm_of(address)) or self.zones

    def all_binds(self) -> Mapping[str, float]:
        """Binds with their shares; of UDP those of services that keep quiet beside them."""
        total = sum(self.binds.values())
        shares = {bind: weight / total for bind, weight in self.binds.items()}
        if self.protocol != "udp":
            return shares
        return {
            name: share * part
            for bind, share in shares.items()
            for name, part in {bind: UDP_SPEAKS, f"{QUIET}{bind}": 1 - UDP_SPEAKS}.items()
        }


@dataclass(frozen=True, slots=True)
class Bound:
    """The truth of one port as the report names it: addresses by their symbols."""

    binding: Binding
    bound_to: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class MadeUpHost:
    """One host of a family: the truth of its ports, and what its addresses answer.

    `alike`: whether SYN/ACKs of an address are like the host's own. `claims`: whether the LAN's link answers
    ARP for the VPN address, which raw packets can ask. Neither is known where it is not drawn.
    """

    family: Family
    truth: tuple[Bound, ...]
    answers: Mapping[str, tuple[str, ...]]  # by address, a letter a port
    zones: Mapping[str, Zone]
    binds: tuple[str, ...] = ()  # of its ports
    alike: Mapping[str, bool] = field(default_factory=dict)
    claims: bool | None = True

    def shows_alike(self, address: str) -> bool | None:
        """Whether SYN/ACKs of an address are like those of the LAN address; None: nothing to compare."""
        accepted = (set(self.answers.get(one, ())) & set("OX") for one in ("lan", address))
        return self.alike.get(address) if address != "lan" and all(accepted) else None


def claimed(zone: Zone) -> float:
    """How often the LAN's link answers ARP for a VPN address: never for one that a program has."""
    return 0.0 if zone.owner == "relay" else 0.8


def fact_of(bind: str) -> Bound:
    """What the report should call it."""
    bind = bind.removeprefix(QUIET)
    kinds = {"loopback": Binding.LOOPBACK, "nothing": Binding.NOT_LISTENING, "docker": Binding.WILDCARD}
    if bind == "closing" or bind.startswith("wildcard"):
        return Bound(Binding.WILDCARD)
    if bind in kinds:
        return Bound(kinds[bind])
    return Bound(Binding.SPECIFIC, covered(bind, ()))


def covered(bind: str, addresses: tuple[str, ...]) -> frozenset[str]:
    """The addresses on which its socket, or its forwarding, accepts."""
    bind = bind.removeprefix(QUIET)
    if bind.startswith("wildcard") or bind in {"docker", "closing"}:
        only = {"docker": "4", "wildcard 4": "4", "wildcard 6": "6"}.get(bind, "")
        return frozenset(a for a in addresses if only in {"", "6" if a.endswith("6") else "4"})
    return frozenset(bind.rsplit(" ", maxsplit=1)[-1].split("+")) & SET_BY_BIND


def let_in_of(zone: Zone, bind: str, family: Family) -> float:
    """How likely a zone that denies lets a port of this bind pass."""
    return zone.let_in[0 if covered(bind, family.addresses) else 1]


def answers_of(
    zone: Zone, bind: str, address: str, family: Family, rule: str = "", *, passes: bool | None = None
) -> Mapping[str, float]:
    """P(letter): what a tested port answers, given its zone, its binding and a rule for all addresses.

    `passes`: whether a zone that denies lets it pass, where that is settled for several addresses at once.
    """
    takes = address in covered(bind, family.addresses)
    if zone.owner == "front":
        passed = zone.passes if takes and bind.startswith(("wildcard", "docker")) else 0.0
        passed += (1 - passed) * zone.to_others
        held = (1 - passed) * zone.holds
        return _merged({"B": passed, "O": held, zone.unused: 1 - passed - held})
    if zone.owner == "relay":
        return own_answer(bind, family.protocol, takes=True) if takes or bind == "loopback" else {"F": 1.0}
    own = own_answer(bind, family.protocol, takes=takes)
    forwarded = bind.startswith("docker") and takes
    if forwarded and not zone.by_router:
        return own
    if zone.unused != "R":
        let_in = let_in_of(zone, bind, family) if passes is None else float(passes)
        return _merged({zone.unused: 1 - let_in}, own, share=let_in)
    if rule:
        return {rule: 1.0}
    return _merged(zone.rules, own, share=1 - sum(zone.rules.values()))


def own_answer(bind: str, protocol: str, *, takes: bool) -> Mapping[str, float]:
    """What a port answers that nothing stands before."""
    if not takes:
        return {"R": 1.0}
    if protocol == "udp":
        return {"S" if bind.startswith(QUIET) else "O": 1.0}
    return {{"docker": "B", "closing": "X"}.get(bind.split(" ", maxsplit=1)[0], "O"): 1.0}


def _merged(
    first: Mapping[str, float], own: Mapping[str, float] | None = None, share: float = 0.0
) -> dict[str, float]:
    out = dict(first)
    for letter, part in (own or {}).items():
        out[letter] = out.get(letter, 0.0) + part * share
    return {letter: part for letter, part in out.items() if part > 0}


def rules_of(family: Family) -> Mapping[str, float]:
    """Rules for a port on all addresses, with their shares; "" is none."""
    return {**family.everywhere, "": 1 - sum(family.everywhere.values())}


def choose(rng: Random, weights: Mapping[_Choice, float]) -> _Choice:
    """Draw one by weight."""
    return rng.choices(tuple(weights), weights=tuple(weights.values()))[0]


def draw_of(family: Family, zones_by_name: Mapping[str, Zone], rng: Random, ports: int = PORTS) -> MadeUpHost:
    """Make one host. Addresses that share a zone let the same ports pass."""
    names = {address: choose(rng, family.zones_of(address)) for address in family.addresses}
    linked: frozenset[str] = frozenset()
    if rng.random() < family.alike:
        shared = choose(rng, family.zones)
        linked = frozenset(a for a in names if shared in family.zones_of(a))
        names = {a: shared if a in linked else name for a, name in names.items()}
    zones = {address: zones_by_name[name] for address, name in names.items()}
    binds = tuple(choose(rng, family.all_binds()) for _ in range(ports))
    rows = []
    for bind in binds:
        rule, level = choose(rng, rules_of(family)), rng.random()
        passes = {a: level < let_in_of(zones[a], bind, family) for a in linked}
        shares = {a: answers_of(z, bind, a, family, rule, passes=passes.get(a)) for a, z in zones.items()}
        rows.append({address: choose(rng, letters) for address, letters in shares.items()})
    answers = {address: tuple(row[address] for row in rows) for address in zones}
    alike = {address: rng.random() < zone.alike for address, zone in zones.items()}
    claims = "vpn" in zones and rng.random() < claimed(zones["vpn"])
    return MadeUpHost(family, tuple(map(fact_of, binds)), answers, zones, binds, alike, claims)
