"""The options that commands share or that would crowd a command, each with its help."""

import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from probe.app.engines import Engine
from probe.cli.help_layout import OUTPUT, PORTS, PROBING, TARGET, WAY_OUT


class WorldKind(StrEnum):
    """Where a scenario runs: in memory, or as hosts in network namespaces (Linux)."""

    SIM = "sim"
    NETNS = "netns"


_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0}
_LONGEST_S = 86_400.0


def seconds(text: str) -> float:
    """A time as it is typed: 90, 90s, 1.5m, 1h.

    Raises:
        BadParameter: it is none, not more than 0, or more than a day.
    """
    number, unit = (text[:-1], text[-1]) if text[-1:] in _UNITS else (text, "s")
    plain = number.isascii() and number.replace(".", "", 1).isdecimal()
    if not plain or not 0 < (found := float(number) * _UNITS[unit]) <= _LONGEST_S:
        raise typer.BadParameter(f"{text!r} is no time; give more than 0s and at most 24h, as in 30s or 5m")
    return found


class ColourChoice(StrEnum):
    """Whether to colour: where it goes to a terminal, always or never."""

    AUTO = "auto"
    ALWAYS = "always"
    NEVER = "never"


SavedReport = Annotated[
    Path, typer.Argument(metavar="REPORT.json", help="A report made with --json; - is stdin.")
]


class LabWorld(StrEnum):
    """Where `lab run` runs a scenario: as any world, or in Docker containers."""

    SIM = "sim"
    NETNS = "netns"
    COMPOSE = "compose"


Addresses = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[ADDRESS]...",
        show_default=False,
        help="Addresses of one target: IPv4, IPv6, a name, HOST:PORT or a URL; also realm=ADDRESS.",
        rich_help_panel=TARGET,
    ),
]
Lan = Annotated[
    list[str] | None,
    typer.Option("--lan", metavar="A", help="An address on the LAN.", rich_help_panel=TARGET),
]
Vpn = Annotated[
    list[str] | None,
    typer.Option("--vpn", metavar="A", help="An address on the VPN.", rich_help_panel=TARGET),
]
Public = Annotated[
    list[str] | None, typer.Option("--public", metavar="A", help="A public address.", rich_help_panel=TARGET)
]
Ports = Annotated[
    str | None,
    typer.Option(
        "-p",
        "--ports",
        metavar="PORTS",
        help="As for nmap: 22,80,8000-8010  all  -100  http  53/udp  T:22,U:53  (default: common services).",
        rich_help_panel=PORTS,
    ),
]
TopPorts = Annotated[
    int | None,
    typer.Option(
        "--top-ports",
        metavar="N",
        help="The N ports that a server most often has open, instead of -p.",
        rich_help_panel=PORTS,
    ),
]
DoctorPorts = Annotated[
    str | None,
    typer.Option(
        "-p",
        "--ports",
        metavar="PORTS",
        help="Ports that are meant to work (default: 22,80,443,445,3389, of which any may be closed).",
        rich_help_panel=PORTS,
    ),
]
Running = Annotated[
    str | None,
    typer.Option(
        "--running", metavar="PORTS", help="Ports that are known to have a listener.", rich_help_panel=PORTS
    ),
]
Confirm = Annotated[
    str | None,
    typer.Option(
        "--confirm",
        metavar="USER@HOST",
        help="Compare with the target's own sockets, listed over ssh.",
        rich_help_panel=PROBING,
    ),
]
EngineChoice = Annotated[
    Engine,
    typer.Option(
        "--engine",
        help="connect: connect() alone; raw: crafted packets too; auto: raw where permitted.",
        rich_help_panel=PROBING,
    ),
]
PacketFile = Annotated[
    Path | None,
    typer.Option(
        "--pcap",
        metavar="FILE",
        help="Write every raw packet sent and received to FILE (pcapng).",
        rich_help_panel=PROBING,
    ),
]
Layer2 = Annotated[
    bool,
    typer.Option(
        "--l2",
        help="Raw: also send frames for 127.0.0.1 to on-link addresses. May be taken for an attack.",
        rich_help_panel=PROBING,
    ),
]
Fin = Annotated[
    bool,
    typer.Option(
        "--fin",
        help="Raw: also send FIN probes, outside any connection, to filtered and forwarded ports. "
        "May be taken for an attack.",
        rich_help_panel=PROBING,
    ),
]
Timeout = Annotated[
    float,
    typer.Option(
        "--timeout",
        metavar="SECONDS",
        help="Longest wait for a response to a probe.",
        rich_help_panel=PROBING,
    ),
]
Retries = Annotated[
    int,
    typer.Option(
        "--retries",
        metavar="N",
        min=0,
        max=20,
        help="Retransmissions of a probe without response.",
        rich_help_panel=PROBING,
    ),
]
Rate = Annotated[
    float | None,
    typer.Option(
        "--rate",
        metavar="PER_SECOND",
        help="Most new connections per second, over all addresses.",
        rich_help_panel=PROBING,
    ),
]
Interface = Annotated[
    str | None,
    typer.Option(
        "--interface",
        metavar="NAME",
        help="Send by this interface, whatever the routes are.",
        rich_help_panel=WAY_OUT,
    ),
]
Source = Annotated[
    list[str] | None,
    typer.Option(
        "--source",
        metavar="ADDRESS",
        help="Send from this address of this machine; one of each family.",
        rich_help_panel=WAY_OUT,
    ),
]
OnlyIPv4 = Annotated[bool, typer.Option("-4", help="Only IPv4 addresses.", rich_help_panel=TARGET)]
OnlyIPv6 = Annotated[bool, typer.Option("-6", help="Only IPv6 addresses.", rich_help_panel=TARGET)]
Watch = Annotated[
    bool,
    typer.Option(
        "--watch",
        help="Check again and again, and print what changes: every 5 s, or give a number of seconds.",
        rich_help_panel=PROBING,
    ),
]
WatchEvery = Annotated[
    float | None,
    typer.Option(
        "--watch",
        metavar="TIME",
        parser=seconds,
        help="Scan again after each TIME (30s, 5m), and print what changes.",
        rich_help_panel=PROBING,
    ),
]
Metrics = Annotated[
    Path | None,
    typer.Option(
        "--prom",
        metavar="FILE",
        help="Write metrics of the scan too, for Prometheus' textfile collector.",
        rich_help_panel=OUTPUT,
    ),
]
ShowPlan = Annotated[
    bool,
    typer.Option("--plan", help="Print the probes that would be sent; send none.", rich_help_panel=PROBING),
]
NoGreetings = Annotated[
    bool,
    typer.Option(
        "--no-greetings",
        help="Do not read host keys, certificates, banners and HTTP headers of open ports.",
        rich_help_panel=PROBING,
    ),
]
NoControls = Annotated[
    bool,
    typer.Option(
        "--no-controls",
        help="Leave unused ports alone, for hosts that ban whoever probes them. A filter on all ports then"
        " does not show.",
        rich_help_panel=PROBING,
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object.", rich_help_panel=OUTPUT)]
Output = Annotated[
    Path | None,
    typer.Option(
        "-o", "--output", metavar="FILE", help="Write to FILE, wholly or not at all.", rich_help_panel=OUTPUT
    ),
]
Strict = Annotated[
    bool,
    typer.Option(
        "--strict",
        help="Assume nothing about usual services and firewalls; exit with 5 when a port is undetermined.",
        rich_help_panel=PROBING,
    ),
]
AllPorts = Annotated[
    bool, typer.Option("--all", help="A row for every port, however many there are.", rich_help_panel=OUTPUT)
]
Redact = Annotated[
    bool,
    typer.Option(
        "--redact",
        help="Replace addresses, names and keys consistently, so that the report can be shared.",
        rich_help_panel=OUTPUT,
    ),
]


def _settle_colour(choice: ColourChoice) -> ColourChoice:
    """Set what `probe.cli.terminal` goes by; `auto` leaves NO_COLOR and FORCE_COLOR as they are."""
    if choice is not ColourChoice.AUTO:
        os.environ["NO_COLOR"] = "1" if choice is ColourChoice.NEVER else ""
        os.environ["FORCE_COLOR"] = "1" if choice is ColourChoice.ALWAYS else ""
    return choice


Colour = Annotated[
    ColourChoice,
    typer.Option(
        "--color",
        help="auto: on a terminal, unless NO_COLOR is set; always; never.",
        rich_help_panel=OUTPUT,
        callback=_settle_colour,
    ),
]
Verbose = Annotated[
    bool,
    typer.Option("-v", "--verbose", help="Show evidence, and what the scan cost.", rich_help_panel=OUTPUT),
]
Quiet = Annotated[
    bool, typer.Option("-q", "--quiet", help="No progress and no hints.", rich_help_panel=OUTPUT)
]
DoctorVerbose = Annotated[
    bool,
    typer.Option(
        "-v",
        "--verbose",
        help="Show every check of this machine, and all that was measured.",
        rich_help_panel=OUTPUT,
    ),
]


def families_of(*, only_ipv4: bool, only_ipv6: bool) -> frozenset[int]:
    """IP versions that `-4` and `-6` leave; both together are both."""
    if only_ipv4 == only_ipv6:
        return frozenset({4, 6})
    return frozenset({4}) if only_ipv4 else frozenset({6})


def ports_of(ports: str | None, top: int | None) -> str | None:
    """The port list of `-p`, or of `--top-ports`.

    Raises:
        UsageError: both were given, or a number of ports that there is not.
    """
    if top is None:
        return ports
    from probe.errors import UsageError
    from probe.services.port_list import format_ports
    from probe.services.registry import RANKED_PORTS

    if ports is not None:
        raise UsageError("-p and --top-ports both name the ports; give one of them")
    if not 1 <= top <= len(RANKED_PORTS):
        raise UsageError(f"--top-ports {top}: give 1 to {len(RANKED_PORTS)}; -p all probes every port")
    return format_ports(RANKED_PORTS[:top])
