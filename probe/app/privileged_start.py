"""The privileged start of every command that probes: open what takes a privilege, then give all of them up.

Its order: a process of its own that goes on reading this machine, with no more than that takes; the packet
file, as the user who called; raw sockets. Then this process becomes that user and drops every capability,
before a name is resolved, an output opened or a packet sent. Where that fails nothing is sent.
"""

import os
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from probe.app import session
from probe.app.engine_request import EngineRequest
from probe.app.invoker import Invoker, acting_as_invoker, invoker_of
from probe.app.session import Session
from probe.backends import privilege
from probe.model.facts import LinkKind

if TYPE_CHECKING:
    from probe.machine.reader_process import ReaderProcess
    from probe.machine.sources import MachineReader

# What a scan or an examination loads when it gets there.
_LATER = (
    "concurrent.futures.thread",
    "encodings.ascii",
    "encodings.idna",
    "probe.app.check",
    "probe.app.confirm",
    "probe.app.infer",
    "probe.engine.rows",
    "probe.backends.banner",
    "probe.backends.clients",
    "probe.backends.host_keys",
    "probe.backends.side_by_side",
    "probe.machine.tunnels",
    "probe.redact.measurements",
    "probe.report.prometheus",
    "psutil",
    "pwd",
    "resource",
)
_OPTIONAL = ("cryptography.x509", "cryptography.hazmat.primitives.serialization")
_LATER_IN_DOCTOR = (
    *("dns.exception", "dns.message", "dns.query", "dns.rcode"),
    *("dns.rdtypes.ANY.CNAME", "dns.rdtypes.IN.A", "dns.rdtypes.IN.AAAA"),
    *("probe.backends.pmtu", "probe.backends.ping", "probe.backends.dns", "probe.machine.system"),
)


def _nothing() -> None:
    """What a program without a part of its own does."""


@dataclass(frozen=True, slots=True)
class Around:
    """What the program does at the end of its start.

    Args:
        load: loads what it needs later; called only where this process may soon not read its Python.
        hold: makes sure, with the privileges that are left, that its result can be written, and holds a place
            for it until the end.
    """

    load: Callable[[], None] = _nothing
    hold: Callable[[], AbstractContextManager[None]] = nullcontext


@contextmanager
def started(request: EngineRequest, around: Around, *, examines: bool = False) -> Iterator[Session]:
    """Open what probing takes and give up every privilege; all of it is closed at the end.

    Args:
        request: which engine, and what it may do.
        around: what the program has to do beside.
        examines: this machine is read too, whatever it has.

    Raises:
        UsageError: the environment names no user that makes sense as the one who called sudo, or there is no
            such way out.
        PrivilegeError: raw packets were asked for by name, or an interface, and are not permitted, or
            privileges are left.
        OutputError: the packet file or the result cannot be written.
        BackendError: this machine lets us open no sockets.
    """
    invoker, way = invoker_of(os.environ), request.way
    missing, raw, capture = session.why_no_raw(request), None, None
    with ExitStack() as stack:
        reader = stack.enter_context(_reader()) if privilege.held() and (examines or _has_tunnel()) else None
        host = session.system_host(reader, way)
        if session.sends_raw(request, missing):
            with acting_as_invoker():
                capture = session.open_capture(request, stack)
            raw, missing = session.open_raw_backend(request, host, capture, stack)
        if privilege.held():
            _preload(_LATER_IN_DOCTOR if examines else (), around, codec=raw is not None)
        _give_up(invoker)
        stack.enter_context(around.hold())
        yield Session(session.open_backends(request, host, raw, way, stack), missing, reader, capture)


@contextmanager
def looking(around: Around) -> "Iterator[MachineReader]":
    """Give up every privilege but those of a process that reads this machine; nothing will be sent.

    Raises:
        UsageError, PrivilegeError, OutputError: as `started`.
    """
    invoker = invoker_of(os.environ)
    with ExitStack() as stack:
        reader = stack.enter_context(_reader()) if privilege.held() else None
        if reader is not None:
            _preload((), around)
        _give_up(invoker)
        stack.enter_context(around.hold())
        yield reader or session.own_reader()


def _has_tunnel() -> bool:
    from probe.machine.interfaces import interfaces

    return any(interface.kind is LinkKind.TUNNEL for interface in interfaces())


def _reader() -> "ReaderProcess":
    from probe.machine.reader_process import ReaderProcess

    return ReaderProcess(session.own_reader(), privilege.keep_what_reads)


def _stays_readable() -> bool:
    """Whether every user may read the Python that runs this program, and its packages."""
    places = (os.__file__, __file__, msgspec.__file__)
    return all(_is_for_all(Path(place).resolve()) for place in places)


def _is_for_all(path: Path) -> bool:
    """Whether every user may read a file: it is readable, and its folders may be entered."""
    if not path.stat().st_mode & stat.S_IROTH:
        return False
    return all(folder.stat().st_mode & stat.S_IXOTH for folder in path.parents)


def _preload(later: Sequence[str], around: Around, *, codec: bool = False) -> None:
    """Load what is needed later: without privileges, this process may not be able to read its Python."""
    if _stays_readable():
        return
    for name in (*_LATER, *later):
        import_module(name)
    for name in _OPTIONAL:
        with suppress(ImportError):  # it is not installed
            import_module(name)
    if codec:
        _preload_codec()
    around.load()


def _preload_codec() -> None:
    """Load what scapy loads at the first packet."""
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
