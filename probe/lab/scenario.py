"""A scenario: a small network with a truth, as data. One YAML file a world, named after its symptom.

Lives here: the shape of the files, and how their symbols ("lan", "vpn6") become addresses. What a
scenario *means* packet by packet belongs to the worlds; what is concluded of it, to `infer`.

The network is always the same family. The prober has one link per realm in use:

    prober --- lan ------------------- target      on the link
    prober --- vpn ------------------- target      on the link
    prober --- public --- router ----- target      one hop further

With `vpn` the vpn link is a real tunnel, carried by a link of its own:

    prober --- wan ------------------- target      198.18.0.2, 198.18.0.10; never given to the prober

With `router.nat` the public address belongs to the router, which forwards what `router.forward` lists to the
target's address on the inside. A `dnat` entry of the target forwards a port to a container behind the target;
`dnat_by` is how: by rules alone, or as Docker does.
"""

from enum import StrEnum
from ipaddress import ip_address
from pathlib import Path

import msgspec
from msgspec import Struct

from probe.errors import ScenarioError
from probe.lab.scenario_events import Event
from probe.lab.scenario_hosts import Listen, ProberHost, Router, Strict, TargetHost
from probe.model.advice import AdviceRule
from probe.model.binding import Owner, Probability
from probe.model.target import IPAddress, Protocol
from probe.services.port_list import parse_ports

# What the prober is given, and the prober's own address on the same realm (RFC 1918, 4193, 5737, 3849).
TARGET_ADDRESSES: dict[str, str] = {
    "lan": "192.168.77.10",
    "lan6": "fd77::10",
    "vpn": "10.88.0.10",
    "vpn6": "fd88::10",
    "public": "203.0.113.10",
    "public6": "2001:db8:113::10",
    "inside": "192.168.99.10",  # the target behind a NAT router; never given to the prober
}
PROBER_ADDRESSES: dict[str, str] = {
    "lan": "192.168.77.2",
    "lan6": "fd77::2",
    "vpn": "10.88.0.2",
    "vpn6": "fd88::2",
    "public": "198.51.100.2",
    "public6": "2001:db8:100::2",
}


def turned_away(listen: Listen) -> frozenset[IPAddress]:
    """The prober's addresses whose connections a listener closes at once.

    Raises:
        ScenarioError: it is none of the prober's realms, or the listener is none of TCP.
    """
    realms = {realm_of(symbol) for symbol in PROBER_ADDRESSES}
    unknown = sorted(set(listen.turns_away) - realms)
    if unknown or (listen.turns_away and listen.protocol is not Protocol.TCP):
        raise ScenarioError(f"port {listen.port} cannot turn away {', '.join(unknown) or 'datagrams'}")
    found = (a for symbol, a in PROBER_ADDRESSES.items() if realm_of(symbol) in listen.turns_away)
    return frozenset(map(ip_address, found))


ROUTER_ADDRESSES: dict[str, str] = {
    "public": "198.51.100.1",  # towards the prober
    "public6": "2001:db8:100::1",
    "behind": "203.0.113.1",  # towards the target
    "behind6": "2001:db8:113::1",
    "inside": "192.168.99.1",
}
CARRIER_ADDRESSES: dict[str, str] = {"prober": "198.18.0.2", "target": "198.18.0.10"}  # RFC 2544
CONTAINER_ADDRESSES: dict[str, str] = {"container": "172.31.0.2", "bridge": "172.31.0.1"}


class VpnKind(StrEnum):
    """Which program makes the tunnel."""

    WIREGUARD = "wireguard"  # wireguard-go, IPv4 and IPv6
    OPENVPN = "openvpn"  # TLS with fingerprints; IPv4


class FarEnd(StrEnum):
    """What is at the tunnel's far end."""

    SERVES = "serves"
    ABSENT = "absent"  # the program does not run: the carrier address answers, the port does not
    UNKNOWN_PEER = "unknown-peer"  # it does not know our key
    UNREACHABLE = "unreachable"  # the carrier drops everything between the two


class ScenarioLink(Strict, frozen=True, kw_only=True):
    """What a realm's link does to packets, in each direction."""

    delay_ms: float = 0.0  # one way
    loss: float = 0.0  # share of packets, one way
    bleaches: bool = False  # something on it sets DSCP to 0 in what goes to the target
    wireless: bool = False  # of the prober's interface, in memory
    unplugged: bool = False  # its far end is off: the prober's interface has no carrier
    isolates: bool = False  # an access point between the two that keeps its clients apart, and answers itself


class Vpn(Strict, frozen=True, kw_only=True):
    """A real tunnel in place of the vpn link. Without trouble: up, warm or cold, both ends agreed."""

    kind: VpnKind
    far_end: FarEnd = FarEnd.SERVES
    warm: bool = False  # a handshake has just been made; `far_end` holds from then on
    wait_s: float = 0.0  # seconds between that and the scan
    up: bool = True  # the prober's interface is switched on
    # WireGuard's allowed IPs at the prober and at the target; none: the other's addresses
    allowed: tuple[str, ...] | None = None
    accepts: tuple[str, ...] | None = None
    mtu: int | None = None  # bytes, at both ends; none: the program's own


class ScenarioScan(Strict, frozen=True, kw_only=True):
    """What the prober is given."""

    ports: str
    running: str | None = None


class SameService(Strict, frozen=True, kw_only=True):
    """One service behind a port: the symbols of its addresses, and what shows that it is one."""

    addresses: tuple[str, ...]
    by: tuple[str, ...]


class Expected(Strict, frozen=True, kw_only=True):
    """What the report must have of one port. Absent keys are not checked.

    `bound_to` in symbols. `states`, `reasons` and `conditions` by symbol of the address. `services`: all
    that show behind the port. `advice`: the rules of all that is to be done about it. `confidence`: what the
    binding named has at least; `keeps`: what the true one has at least, named or not.
    """

    binding: str | None = None
    bound_to: tuple[str, ...] | None = None
    families: tuple[int, ...] | None = None
    via: str | None = None
    states: dict[str, str] | None = None
    reasons: dict[str, str] | None = None
    conditions: dict[str, str] | None = None
    bound_by: str | None = None
    services: tuple[SameService, ...] | None = None
    advice: tuple[AdviceRule, ...] | None = None
    confidence: Probability | None = None
    keeps: Probability | None = None


class Scenario(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One world and what must be found in it. Ports in `expect` are keyed `8000` or `U:53`.

    `expect_raw` replaces keys where raw packets show more, `expect_compose_raw` where they do in containers.
    """

    about: str
    addresses: tuple[str, ...]  # symbols, in the order in which the prober is given them
    prober: ProberHost = ProberHost()
    target: TargetHost = TargetHost()
    router: Router = Router()
    links: dict[str, ScenarioLink] = {}
    dead: tuple[str, ...] = ()  # symbols of addresses that nobody has
    vpn: Vpn | None = None
    down: bool = False  # the target is switched off, once every tunnel is up
    elsewhere: tuple[str, ...] = ()  # symbols: a machine on another link of the prober has the address too
    names: dict[str, str] = {}  # symbol -> name: what the prober is given in place of the address
    events: tuple[Event, ...] = ()  # what happens while it is scanned; in memory alone
    scan: ScenarioScan
    expect: dict[str, Expected]
    expect_raw: dict[str, Expected] = {}
    expect_compose_raw: dict[str, Expected] = {}
    expect_addresses: dict[str, str] = {}  # symbol -> condition of the address
    expect_addresses_raw: dict[str, str] = {}
    expect_owners: dict[str, Owner] = {}  # symbol -> who has the address
    expect_causes: dict[str, str] = {}  # symbol -> the true cause, which `doctor` ranks first there
    # engine -> symbol -> another cause, which that engine mistakes for the true one and ranks before it
    looks_like: dict[str, dict[str, str]] = {}
    worlds: tuple[str, ...] = ("sim", "netns", "compose")
    why_not: str | None = None  # why a world is left out
    name: str = ""  # from the file name


def realm_of(symbol: str) -> str:
    """Realm of an address symbol: `lan6` is in `lan`."""
    return symbol.removesuffix("6")


def address_of(symbol: str) -> IPAddress:
    """Target's address for a symbol, or the literal itself.

    Raises:
        ScenarioError: neither a symbol nor an address.
    """
    try:
        return ip_address(TARGET_ADDRESSES.get(symbol, symbol))
    except ValueError:
        raise ScenarioError(f"{symbol!r} is no address and none of {', '.join(TARGET_ADDRESSES)}") from None


def parse_scenario(name: str, document: object) -> Scenario:
    """Make a Scenario from a parsed YAML document.

    Raises:
        ScenarioError: an unknown key, a missing one, or a value of the wrong kind; named.
    """
    try:
        scenario = msgspec.convert(document, Scenario)
    except msgspec.ValidationError as error:
        raise ScenarioError(f"scenario {name}: {error}") from None
    return msgspec.structs.replace(scenario, name=name)


def load_scenario(path: Path) -> Scenario:
    """Read one scenario file. It has to state what a scan finds of each port: a binding, or `undetermined`.

    Raises:
        ScenarioError: the file cannot be read, is not YAML, is not a scenario, or leaves a port out.
        UsageError: a port list cannot be read.
    """
    scenario = parse_scenario(path.stem, read_document(path))
    named = [text for text, wanted in scenario.expect.items() if wanted.binding is not None]
    judged = {port for text in named for port in parse_ports(text)}
    left_out = [str(port) for port in parse_ports(scenario.scan.ports) if port not in judged]
    if left_out:
        raise ScenarioError(f"scenario {scenario.name}: 'expect' has no binding of {', '.join(left_out)}")
    return scenario


def read_document(path: Path) -> object:
    """Read one YAML file.

    Raises:
        ScenarioError: the file cannot be read, or is not YAML.
    """
    import yaml  # noqa: PLC0415 - only the lab needs it; keeps `--help` and `scan` fast

    try:
        return _parse(path.read_text(encoding="utf-8"))
    except yaml.MarkedYAMLError as error:
        where = f" (line {error.problem_mark.line + 1})" if error.problem_mark else ""
        raise ScenarioError(f"scenario {path}: {error.problem or error.context}{where}") from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ScenarioError(f"scenario {path}: {str(error).splitlines()[0]}") from None
    except RecursionError:
        raise ScenarioError(f"scenario {path}: nested too deeply") from None
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        # PyYAML lets through what Python makes of a date that there is not, or of a number of 5,000 digits.
        raise ScenarioError(f"scenario {path}: a value that cannot be read: {error}") from None


def _parse(text: str) -> object:
    """Read YAML as its version 1.2 does: YAML 1.1 would take the key `on` for the boolean true.

    Not by libyaml, which is ten times as fast: with PyYAML 6.0 deep nesting overflows its stack.
    """
    import yaml  # noqa: PLC0415 - as above

    class Loader(yaml.SafeLoader):
        yaml_implicit_resolvers = {  # noqa: RUF012 - the base class declares it so
            first: [rule for rule in rules if first in "tTfF" or rule[0] != "tag:yaml.org,2002:bool"]
            for first, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()
        }

    return yaml.load(text, Loader)  # noqa: S506 - a SafeLoader with fewer rules
