"""The measurement: everything that was measured of a target from one vantage, and nothing that was concluded.

It is saved with every report and judged again at will. Keyed by vantage and address. Times are in seconds
after the first probe. Of the prober's own machine it has what concerns the target, and no more.
"""

from typing import Annotated

from msgspec import Meta, Struct

from probe.model.exam import ExamMeasurement
from probe.model.facts import Neighbour, Route, Trace, TunnelHealth
from probe.model.greeting import Greeting
from probe.model.identity import Key
from probe.model.machine import Surroundings
from probe.model.probing import Aftermath, Header, Origin, Reason, Role, TcpFacts
from probe.model.sockets import SocketTable
from probe.model.target import IPAddress, Port, Protocol, TargetAddress

VERSION = 1
CONNECT, RAW = "connect", "raw"  # the engine's name; raw: raw packets could be sent too

PortList = Annotated[str, Meta(pattern=r"^\d{1,5}(-\d{1,5})?(,\d{1,5}(-\d{1,5})?)*$")]


class AnswerRow(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How one address answered on one port, or alike on several.

    `attempts` counts the tries sent to each port, `answered` which of them was answered (1 is the first;
    absent for silence). `sent` is when the first try left, `answer` when the answer came. Of several ports
    these are the earliest, `last_sent` and `last_answer` the latest, `rtt` the median, between `rtt_min` and
    `rtt_max`. What is absent was not measured.
    """

    ports: PortList  # "22", "1-21,23-79"
    protocol: Protocol = Protocol.TCP
    role: Role = Role.TESTED
    reason: Reason
    attempts: int
    answered: int | None = None
    sender: IPAddress | None = None
    icmp: tuple[int, int] | None = None  # type, code
    ttl: int | None = None  # of the answer as it arrived
    aftermath: Aftermath | None = None
    tcp: TcpFacts | None = None
    origin: Origin | None = None
    header: Header | None = None
    raw_only: bool = False  # raw packets brought this answer; connect() waited for it in vain
    rationed: bool = False  # silence that may be an ICMP error held back: its sender had given its ration
    sent: float | None = None  # seconds
    last_sent: float | None = None
    answer: float | None = None  # seconds
    last_answer: float | None = None
    rtt: float | None = None  # seconds
    rtt_min: float | None = None
    rtt_max: float | None = None


class Shown(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a service showed of itself on one port: its keys, and its greeting."""

    port: Port
    keys: tuple[Key, ...] | None = None  # absent: not asked, or none was shown
    greeting: Greeting | None = None


class AddressMeasurement(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One address of the target, as it was found from one vantage.

    `own_addresses` are the prober's, as far as probes left from them or answers came from them. `exam`:
    what the doctor asked beyond the ports.
    """

    address: TargetAddress
    route: Route | None = None
    own_addresses: tuple[IPAddress, ...] = ()
    neighbour: Neighbour | None = None
    link_address: str | None = None
    tunnel: TunnelHealth | None = None
    tunnel_name: str | None = None
    hops: int | None = None
    reply_ttl: int | None = None
    path: tuple[IPAddress, ...] = ()
    rows: tuple[AnswerRow, ...] = ()
    traces: tuple[Trace, ...] = ()
    shown: tuple[Shown, ...] = ()
    exam: ExamMeasurement | None = None


class Measurement(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """All that was measured from one vantage, address by address in the order of asking.

    `machine` is the prober's, as far as it concerns the target (`probe.model.surroundings`); absent: it was
    not looked into.
    """

    version: int
    vantage: str
    engine: str
    started: str  # RFC 3339, UTC
    elapsed_s: float
    complete: bool = True
    sent: int  # probes
    answered: int
    resent: int
    addresses: tuple[AddressMeasurement, ...]
    machine: Surroundings | None = None


class Facts(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the user stated or got from the target, beside which a measurement is judged."""

    running: str = ""  # ports that are known to run, as the command line takes them
    named: str = ""  # ports that were asked for one by one; the doctor takes them as meant to work
    strict: bool = False  # nothing is taken as usual
    realms: dict[str, str] = {}  # by address: where the prober reaches it
    sockets: SocketTable | None = None  # what the target lists of its own


NO_FACTS = Facts()


class Judged(Struct, frozen=True, kw_only=True):
    """All that a verdict is made of."""

    measurements: tuple[Measurement, ...]
    facts: Facts
