"""Which engine a scan gets: what was asked for, what this machine permits, and what to say where they differ.

Raw sockets and the packet file are opened first; then every privilege is given up, before a packet is sent.
"""

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from probe.cli.invoker import become_invoker
from probe.cli.options import Engine
from probe.cli.terminal import is_terminal, say
from probe.errors import OutputError, PrivilegeError, UsageError
from probe.model.facts import LinkKind
from probe.model.greeting import Inquiry
from probe.model.plan import Battery

if TYPE_CHECKING:
    from probe.app import Means
    from probe.engine.backend import Backend
    from probe.engine.capture import Capture
    from probe.host.host import Host
    from probe.host.reader_process import ReaderProcess
    from probe.infer.doubts import Doubt
    from probe.model.target import Target

_HINT = "connect() alone, which a forged reset deceives"
_LOOKS_HOSTILE = "their owner may take that for an attack"
# What a scan and its report load when they get there.
_LATER = (
    "encodings.ascii",
    "encodings.idna",
    "probe.host.greetings",
    "probe.host.keys",
    "probe.host.tunnels",
    "psutil",
    "pwd",
    "resource",
    "tabulate",
)
_ON_A_TERMINAL = ("rich._emoji_codes", "rich.console", "rich.progress")


@dataclass(frozen=True, slots=True)
class Wish:
    """The engine that was asked for, and what ports may be asked of their services.

    `named` are the flags that take raw packets: they are never dropped.
    """

    engine: Engine
    battery: Battery
    pcap: Path | None = None
    named: tuple[str, ...] = ()
    inquiry: Inquiry = Inquiry.ALL


def wish_of(engine: Engine, pcap: Path | None, *, l2: bool, fin: bool, greet: bool = True) -> Wish:
    """Read the flags of the raw engine.

    Raises:
        UsageError: one that takes raw packets, and `--engine connect`.
    """
    flags = {"--pcap": pcap is not None, "--l2": l2, "--fin": fin}
    named = tuple(flag for flag, given in flags.items() if given)
    if named and engine is Engine.CONNECT:
        raise UsageError(f"{named[0]} takes raw packets, which --engine connect does not send")
    if engine is Engine.RAW:
        named = ("--engine raw", *named)
    return Wish(engine, Battery(fin=fin, loopback=l2), pcap, named, Inquiry.ALL if greet else Inquiry.NONE)


@contextmanager
def reader_apart(wish: Wish) -> "Iterator[ReaderProcess | None]":
    """A process that reads this machine with the privileges that raw sockets will take from this one.

    None where no raw sockets will be opened: then this process keeps what it has, and reads for itself.
    """
    if wish.engine is Engine.CONNECT or _missing() is not None:
        yield None
        return
    from probe.engine import privilege
    from probe.host.reader_process import ReaderProcess
    from probe.host.system_machine import SystemMachine

    with ReaderProcess(SystemMachine(privilege.missing)) as reader:
        yield reader


def doubts_of(wish: Wish, *, quiet: bool) -> "Sequence[Doubt] | None":
    """The raw follow-ups that these flags permit; None where no raw packets would be sent."""
    if wish.engine is Engine.CONNECT:
        return None
    missing = None if wish.named else _missing()
    if missing is not None:
        _hint(missing, quiet=quiet)
        return None
    from probe.infer.doubts import DOUBTS

    return [one for one in DOUBTS if one.takes is None or one.takes in wish.named]


@contextmanager
def opened(wish: Wish, target: "Target", host: "Host", *, quiet: bool) -> "Iterator[Means]":
    """Open what the scan works with; all of it is closed at the end.

    Raises:
        PrivilegeError: raw packets were asked for by name and are not permitted.
        OutputError: the packet file cannot be written.
        BackendError: this machine lets us open no sockets.
    """
    from probe.app import Means
    from probe.engine.connect import ConnectBackend

    with ExitStack() as stack:
        raw = _raw(wish, host, stack, quiet=quiet)
        backend = ConnectBackend()
        stack.callback(backend.close)
        if raw is not None:
            _announce(wish.battery, target, host)
        yield Means(backend, host, raw, wish.battery, wish.inquiry)


@contextmanager
def opened_for_scan(wish: Wish, target: "Target", *, quiet: bool) -> "Iterator[Means]":
    """Open what a scan of the real machine works with; its tunnels stay readable.

    Raises:
        PrivilegeError, OutputError, BackendError: as `opened`.
    """
    from probe.host.system import SystemHost

    with reader_apart(wish) if _has_tunnel() else nullcontext() as reader:
        host = SystemHost() if reader is None else SystemHost(reader.tunnels)
        with opened(wish, target, host, quiet=quiet) as means:
            yield means


def _has_tunnel() -> bool:
    from probe.host.interfaces import interfaces

    return any(interface.kind is LinkKind.TUNNEL for interface in interfaces())


def _raw(wish: Wish, host: "Host", stack: ExitStack, *, quiet: bool) -> "Backend | None":
    """Open the raw engine and give up every privilege; None where connect() has to do."""
    if wish.engine is Engine.CONNECT:
        return None
    missing = _missing()
    if missing is None:
        try:
            return _open(wish, host, stack)
        except PrivilegeError as error:  # the sockets open one by one, and not all of them did
            missing = str(error)
    if wish.named:
        raise PrivilegeError(f"{wish.named[0]}: {missing}")
    _hint(missing, quiet=quiet)
    return None


def _open(wish: Wish, host: "Host", stack: ExitStack) -> "Backend":
    """Open the packet file and the sockets, then give up every privilege.

    Raises:
        PrivilegeError: not permitted.
        OutputError: the packet file cannot be written.
    """
    from probe.engine import privilege
    from probe.engine.raw import open_raw

    capture = _capture(wish.pcap)
    if capture is not None:
        stack.callback(capture.close)
    raw = open_raw(host, capture)
    stack.callback(raw.close)
    _preload()
    become_invoker(os.environ)
    privilege.drop()
    return raw


def _capture(path: Path | None) -> "Capture | None":
    from probe.engine.capture import Capture

    try:
        return None if path is None else Capture(path)
    except OSError as error:
        raise OutputError(f"--pcap {str(path)!r} cannot be written: {error.strerror}") from None


def _preload() -> None:
    """Load what is needed later: without privileges, root may not read another user's Python any more."""
    from ipaddress import ip_address

    from probe.engine import codec
    from probe.engine.packet import Outgoing
    from probe.model.probing import Shape
    from probe.model.target import Protocol

    here = ip_address("127.0.0.1")
    codec.build(Outgoing(Shape.OPENING, Protocol.TCP, here, here))
    for name in (*_LATER, *(_ON_A_TERMINAL if is_terminal(sys.stderr) else ())):
        import_module(name)


def _missing() -> str | None:
    """What is missing for raw packets; None where they may be sent."""
    from probe.engine import privilege

    return privilege.missing()


def _hint(missing: str, *, quiet: bool) -> None:
    if not quiet:
        say(f"{_HINT}; {missing}")


def _announce(battery: Battery, target: "Target", host: "Host") -> None:
    """Say on stderr what looks hostile, before it is sent."""
    if battery.fin:
        every = ", ".join(str(address.ip) for address in target.addresses)
        what = (
            f"--fin: FINs without a connection go to TCP ports of {every} that stay silent or are forwarded"
        )
        say(f"{what}; {_LOOKS_HOSTILE}")
    if battery.loopback:
        near = ", ".join(_neighbours(target, host)) or "nobody, none of the addresses is a neighbour"
        say(f"--l2: frames for 127.0.0.1 go to {near}; {_LOOKS_HOSTILE}")


def _neighbours(target: "Target", host: "Host") -> Iterator[str]:
    """Addresses whose frames go straight to the machine itself."""
    for address in target.addresses:
        route = host.route(address.ip)
        if address.family == 4 and route.on_link and route.kind is LinkKind.ETHERNET:  # noqa: PLR2004 - IPv4
            yield str(address.ip)
