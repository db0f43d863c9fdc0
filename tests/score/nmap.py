"""A plain reading of nmap, to be graded beside ours, and an oracle for states and reasons.

It runs the host's own nmap as its manual has it (`-sS -n -Pn`), in the network that its caller names, and
concludes from the states alone. It knows nothing of scenarios.
"""

import shutil
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from xml.etree import ElementTree as ET

from probe.errors import BackendError
from probe.model.binding import Binding
from probe.model.target import IPAddress, Port, Protocol
from probe.services.port_list import parse_ports
from score.grade import Claim

TIMEOUT = 120.0  # seconds for one run

Answers = Mapping[tuple[IPAddress, Port], "Answer"]


@dataclass(frozen=True, slots=True)
class Answer:
    """What nmap reports of one port on one address, in its own words."""

    state: str
    reason: str


def available() -> bool:
    """Whether this machine has nmap."""
    return shutil.which("nmap") is not None


def command(addresses: Sequence[IPAddress], ports: Iterable[Port]) -> tuple[str, ...]:
    """Command line for addresses of one family."""
    numbers = ",".join(str(port.number) for port in ports)
    family = ("-6",) if addresses[0].version == 6 else ()
    return ("nmap", *family, "-sS", "-n", "-Pn", "-oX", "-", "-p", numbers, *map(str, addresses))


def ask(addresses: Sequence[IPAddress], ports: Sequence[Port], inside: Sequence[str] = ()) -> Answers:
    """Scan TCP ports, one run a family; `inside` is a command prefix that enters the network.

    An address whose run exceeds TIMEOUT has no answers.

    Raises:
        BackendError: nmap failed; the message has its last line.
    """
    found: dict[tuple[IPAddress, Port], Answer] = {}
    for version in (4, 6):
        of_family = [address for address in addresses if address.version == version]
        if of_family:
            found |= read(_output((*inside, *command(of_family, ports))))
    return found


def _output(arguments: Sequence[str]) -> str:
    try:
        done = subprocess.run(arguments, capture_output=True, text=True, timeout=TIMEOUT, check=False)
    except subprocess.TimeoutExpired:
        return ""
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise BackendError(f"nmap ended with {done.returncode}: {last}")
    return done.stdout


def read(xml: str) -> dict[tuple[IPAddress, Port], Answer]:
    """Read nmap's XML, ports that it sums up as `extraports` too; an empty text has no answers."""
    if not xml:
        return {}
    root = ET.fromstring(xml)  # noqa: S314 - written by the nmap that we ran
    found: dict[tuple[IPAddress, Port], Answer] = {}
    for host in root.iter("host"):
        address = _address(host)
        for extra in host.iter("extraports"):
            found |= {(address, port): answer for port, answer in _summed_up(extra)}
        for entry in host.iter("port"):
            port = Port(Protocol(entry.attrib["protocol"]), int(entry.attrib["portid"]))
            found[address, port] = _answer(entry)
    return found


def _address(host: ET.Element) -> IPAddress:
    texts = {entry.attrib["addrtype"]: entry.attrib["addr"] for entry in host.iter("address")}
    return ip_address(texts.get("ipv4") or texts["ipv6"])


def _answer(entry: ET.Element) -> Answer:
    state = next(entry.iter("state"))
    return Answer(state=state.attrib["state"], reason=state.attrib["reason"])


def _summed_up(extra: ET.Element) -> Iterable[tuple[Port, Answer]]:
    for reasons in extra.iter("extrareasons"):
        answer = Answer(state=extra.attrib["state"], reason=reasons.attrib["reason"])
        for port in parse_ports(reasons.attrib["ports"]):
            yield port, answer


def conclude(answers: Answers, port: Port, addresses: Sequence[IPAddress]) -> Claim:
    """Read the states of one port on all addresses by the plain rule.

    Open everywhere is a wildcard, closed everywhere is loopback or nothing, open somewhere is specific to
    where it is open, and anything else shows nothing.
    """
    states = {address: answers[address, port].state for address in addresses if (address, port) in answers}
    where_open = frozenset(address for address, state in states.items() if state == "open")
    if where_open == frozenset(addresses):
        return Claim(Binding.WILDCARD)
    if where_open:
        return Claim(Binding.SPECIFIC, where_open)
    if len(states) == len(addresses) and set(states.values()) == {"closed"}:
        return Claim(Binding.LOOPBACK_OR_NOT_LISTENING)
    return Claim(Binding.UNDETERMINED)
