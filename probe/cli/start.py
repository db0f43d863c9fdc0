"""The privileged start of every command that probes: open what takes a privilege, then give all of them up.

Its order: a process of its own that goes on reading this machine, with no more than that takes; the packet
file, as the user who called; raw sockets. Then this process becomes that user and drops every capability,
before a name is resolved, an output opened or a packet sent. Where that fails nothing is sent.
"""

import os
import stat
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from probe.backends import privilege
from probe.cli.engines import EngineRequest
from probe.cli.invoker import Invoker, acting_as_invoker, invoker_of
from probe.cli.options import Engine
from probe.cli.output import Destination, Form
from probe.cli.terminal import is_terminal
from probe.errors import OutputError, PrivilegeError
from probe.model.facts import LinkKind

if TYPE_CHECKING:
    from probe.app.scan import Backends
    from probe.engine.backend import Backend
    from probe.machine.reader_process import ReaderProcess
    from probe.machine.sources import Host, MachineReader
    from probe.machine.system import SystemMachine
    from probe.wire.pcapng import Capture

# What a scan or an examination loads when it gets there.
_LATER = (
    "encodings.ascii",
    "encodings.idna",
    "probe.backends.banner",
    "probe.backends.host_keys",
    "probe.machine.tunnels",
    "psutil",
    "pwd",
    "resource",
)
_LATER_IN_DOCTOR = (
    *("dns.exception", "dns.message", "dns.query", "dns.rcode"),
    *("dns.rdtypes.ANY.CNAME", "dns.rdtypes.IN.A", "dns.rdtypes.IN.AAAA"),
    *("probe.backends.pmtu", "probe.backends.ping", "probe.backends.dns", "probe.machine.system"),
)
_LATER_IN_TABLES = ("tabulate",)
_ON_A_TERMINAL = ("rich._emoji_codes", "rich.console", "rich.progress")


@dataclass(frozen=True, slots=True)
class Session:
    """What a command works with once every privilege is given up.

    `missing` says why no raw packets may be sent; None: they may, or were not asked for. `apart` is the
    process that kept what reading this machine takes, if this one had more than its user.
    """

    means: "Backends"
    missing: str | None = None
    apart: "ReaderProcess | None" = None

    def machine(self) -> "MachineReader":
        """What reads this machine."""
        return self.apart or _own_reader()


@contextmanager
def started(wish: EngineRequest, destination: Destination, *, examines: bool = False) -> Iterator[Session]:
    """Open what probing takes and give up every privilege; all of it is closed at the end.

    Args:
        wish: which engine, and what it may do.
        destination: where the result goes; it is checked with the privileges that are left.
        examines: this machine is read too, whatever it has.

    Raises:
        UsageError: the environment names no user that makes sense as the one who called sudo.
        PrivilegeError: raw packets were asked for by name and are not permitted, or privileges are left.
        OutputError: the packet file or the result cannot be written.
        BackendError: this machine lets us open no sockets.
    """
    from probe.app.scan import Backends
    from probe.backends.clients import SystemClients
    from probe.backends.connect import ConnectBackend

    invoker = invoker_of(os.environ)
    missing = _missing(wish)
    with ExitStack() as stack:
        apart = stack.enter_context(_reader()) if privilege.held() and (examines or _has_tunnel()) else None
        host = _host(apart)
        raw = None
        if wish.engine is not Engine.CONNECT and missing is None:
            raw, missing = _raw(wish, host, stack)
        if privilege.held():
            _preload(_LATER_IN_DOCTOR if examines else (), destination)
        _give_up(invoker)
        destination.check()
        backend = ConnectBackend()
        stack.callback(backend.close)
        clients = SystemClients()
        stack.callback(clients.close)
        means = Backends(backend, host, raw, wish.battery, wish.inquiry, clients)
        yield Session(means, missing, apart)


@contextmanager
def looking(destination: Destination) -> "Iterator[MachineReader]":
    """Give up every privilege but those of a process that reads this machine; nothing will be sent.

    Raises:
        UsageError, PrivilegeError, OutputError: as `started`.
    """
    invoker = invoker_of(os.environ)
    with ExitStack() as stack:
        apart = stack.enter_context(_reader()) if privilege.held() else None
        if apart is not None:
            _preload((), destination)
        _give_up(invoker)
        destination.check()
        yield apart or _own_reader()


def _missing(wish: EngineRequest) -> str | None:
    """Why no raw packets may be sent; None: they may, or were not asked for.

    Raises:
        PrivilegeError: they were asked for by name.
    """
    missing = None if wish.engine is Engine.CONNECT else privilege.missing()
    if missing is not None and wish.named:
        raise PrivilegeError(f"{wish.named[0]}: {missing}")
    return missing


def _has_tunnel() -> bool:
    from probe.machine.interfaces import interfaces

    return any(interface.kind is LinkKind.TUNNEL for interface in interfaces())


def _reader() -> "ReaderProcess":
    from probe.machine.reader_process import ReaderProcess

    return ReaderProcess(_own_reader(), privilege.keep_what_reads)


def _own_reader() -> "SystemMachine":
    from probe.machine.system import SystemMachine

    return SystemMachine(privilege.missing)


def _host(apart: "ReaderProcess | None") -> "Host":
    from probe.backends.system_host import SystemHost

    return SystemHost() if apart is None else SystemHost(apart.tunnels)


def _raw(wish: EngineRequest, host: "Host", stack: ExitStack) -> "tuple[Backend | None, str | None]":
    """Open the packet file and the raw sockets, or say why those may not be opened.

    Raises:
        PrivilegeError: they were asked for by name and are not permitted.
        OutputError: the packet file cannot be written.
    """
    from probe.backends.raw import open_raw

    capture = None if wish.pcap is None else _capture(wish.pcap)
    if capture is not None:
        stack.callback(capture.close)
    try:
        raw = open_raw(host, capture)
    except PrivilegeError as error:  # the sockets open one by one, and not all of them did
        if wish.named:
            raise PrivilegeError(f"{wish.named[0]}: {error}") from None
        return None, str(error)
    stack.callback(raw.close)
    _preload_codec()
    return raw, None


def _capture(path: Path) -> "Capture":
    from probe.wire.pcapng import Capture

    try:
        with acting_as_invoker():
            return Capture(path)
    except OSError as error:
        raise OutputError(f"--pcap {str(path)!r} cannot be written: {error.strerror}") from None


def _stays_readable() -> bool:
    """Whether every user may read the Python that runs this program, and its packages."""
    places = (os.__file__, __file__, typer.__file__)
    return all(_is_for_all(Path(place).resolve()) for place in places)


def _is_for_all(path: Path) -> bool:
    """Whether every user may read a file: it is readable, and its folders may be entered."""
    if not path.stat().st_mode & stat.S_IROTH:
        return False
    return all(folder.stat().st_mode & stat.S_IXOTH for folder in path.parents)


def _preload(later: Sequence[str], destination: Destination) -> None:
    """Load what is needed later: without privileges, this process may not be able to read its Python."""
    if _stays_readable():
        return
    tables = _LATER_IN_TABLES if destination.form is Form.TABLE else ()
    progress = _ON_A_TERMINAL if is_terminal(sys.stderr) else ()
    for name in (*_LATER, *later, *tables, *progress):
        import_module(name)


def _preload_codec() -> None:
    """Load what scapy loads at the first packet, for the same reason."""
    if _stays_readable():
        return
    from ipaddress import ip_address

    from probe.model.probing import Shape
    from probe.model.target import Protocol
    from probe.wire import codec
    from probe.wire.packet import Outgoing

    here = ip_address("127.0.0.1")
    codec.build(Outgoing(Shape.OPENING, Protocol.TCP, here, here))


def _give_up(invoker: Invoker | None) -> None:
    """Go on as who called, without a capability.

    Raises:
        PrivilegeError: the kernel refuses; nothing may be sent then.
    """
    if not privilege.held():
        return
    privilege.gain_none()  # takes a capability that goes with root's user number
    if invoker is not None:
        invoker.become()
    privilege.drop()
