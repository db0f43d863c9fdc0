"""What a use case works with: backends that send, this machine's host, and what reads this machine.

Opened with the privileges that this process has, which stay as they are. The command line, which gives all of
them up before a packet is sent, opens its session in `probe.app.privileged_start`.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from probe.app.engine_request import EngineRequest, engine_request
from probe.app.engines import Engine
from probe.backends import privilege
from probe.engine.backend import Backend, Clients, NoClients
from probe.errors import OutputError, PrivilegeError
from probe.machine.sources import Host, MachineReader
from probe.model.greeting import Inquiry
from probe.model.measurement import CONNECT, RAW
from probe.model.plan import RawPermissions
from probe.model.way_out import USUAL_WAY, WayOut

if TYPE_CHECKING:
    from probe.inference.follow_up import Doubt
    from probe.machine.reader_process import ReaderProcess
    from probe.machine.system import SystemMachine
    from probe.wire.pcapng import Capture


def _nothing() -> None:
    """What ends where nothing is kept."""


@dataclass(frozen=True, slots=True)
class Backends:
    """What a scan sends with.

    Args:
        backend: carries ordinary connections and datagrams.
        host: the prober's own machine.
        raw: carries raw packets; None: none are sent.
        permissions: which raw packets may be sent that look hostile.
        inquiry: what open ports may be asked of their services, by `clients`.
        controls: whether ports that nothing uses are asked too.
        clients: what else is measured with: ping, clients of services and of name servers.
        way: how probes leave this machine.
        let_go: ends the connections that were kept for `clients`, once these need them no more.
    """

    backend: Backend
    host: Host
    raw: Backend | None = None
    permissions: RawPermissions = field(default_factory=RawPermissions)
    inquiry: Inquiry = Inquiry.ALL
    clients: Clients = field(default_factory=NoClients)
    way: WayOut = USUAL_WAY
    controls: bool = True
    let_go: Callable[[], None] = _nothing

    @property
    def engine(self) -> str:
        """What a measurement calls them."""
        return CONNECT if self.raw is None else RAW


@dataclass(frozen=True, slots=True)
class Session:
    """What is open for as many scans and examinations as one likes.

    Args:
        backends: what probes are sent with.
        missing: why no raw packets can be sent; None: they can, or were not asked for.
        reader: what reads this machine; None: this process does.
        capture: the file of packets, if one is written.
    """

    backends: Backends
    missing: str | None = None
    reader: MachineReader | None = None
    capture: "Capture | None" = None

    def machine_reader(self) -> MachineReader:
        """What reads this machine."""
        return self.reader or own_reader()


@contextmanager
def open_session(engine: str | EngineRequest = Engine.AUTO) -> Iterator[Session]:
    """Open what probing takes; all of it is closed at the end.

    Raises:
        UsageError: there is no such engine, or no such way out.
        PrivilegeError: raw packets were asked for by name, or an interface, and are not permitted.
        OutputError: the packet file cannot be written.
        BackendError: this machine lets us open no sockets.
    """
    request = engine_request(engine)
    way = request.way
    missing, raw, host, capture = why_no_raw(request), None, system_host(way=way), None
    with ExitStack() as stack:
        if sends_raw(request, missing):
            capture = open_capture(request, stack)
            raw, missing = open_raw_backend(request, host, capture, stack)
        yield Session(open_backends(request, host, raw, way, stack), missing, capture=capture)


# --- the parts ---


def own_reader() -> "SystemMachine":
    """What reads this machine with the privileges of this process."""
    from probe.machine.system import SystemMachine

    return SystemMachine(privilege.missing)


def system_host(reader: "ReaderProcess | None" = None, way: WayOut = USUAL_WAY) -> Host:
    """The prober's own machine. Its tunnels are read by `reader` where this process may not."""
    from probe.backends.system_host import SystemHost

    return SystemHost(None if reader is None else reader.tunnels, way)


def why_no_raw(request: EngineRequest) -> str | None:
    """Why no raw packets may be sent; None: they may, or are not asked for.

    Raises:
        PrivilegeError: they are asked for by name.
    """
    missing = None if request.engine is Engine.CONNECT else privilege.missing()
    if missing is not None and request.named:
        raise PrivilegeError(f"{request.named[0]}: {missing}")
    return missing


def sends_raw(request: EngineRequest, missing: str | None) -> bool:
    """Whether raw packets are sent beside connections."""
    return request.engine is not Engine.CONNECT and missing is None


def open_capture(request: EngineRequest, stack: ExitStack) -> "Capture | None":
    """Begin the file of packets, if one is asked for; `stack` closes it.

    Raises:
        OutputError: it cannot be written.
    """
    if request.pcap is None:
        return None
    from probe.wire.pcapng import Capture

    try:
        capture = Capture(request.pcap)
    except OSError as error:
        raise OutputError(f"--pcap {str(request.pcap)!r} cannot be written: {error.strerror}") from None
    stack.callback(capture.close)
    return capture


def open_raw_backend(
    request: EngineRequest, host: Host, capture: "Capture | None", stack: ExitStack
) -> tuple[Backend | None, str | None]:
    """Open the sockets of raw packets, which `stack` closes; or None, and why they may not be opened.

    Raises:
        PrivilegeError: they were asked for by name and are not permitted.
    """
    from probe.backends.raw import open_raw

    try:
        raw = open_raw(host, capture, request.interface)
    except PrivilegeError as error:  # the sockets open one by one, and not all of them did
        if request.named:
            raise PrivilegeError(f"{request.named[0]}: {error}") from None
        return None, str(error)
    stack.callback(raw.close)
    return raw, None


def open_backends(
    request: EngineRequest, host: Host, raw: Backend | None, way: WayOut, stack: ExitStack
) -> Backends:
    """Open what takes no privilege, beside what did; `stack` closes it.

    Raises:
        PrivilegeError: the interface may not be chosen.
        BackendError: this machine lets us open no sockets.
    """
    from probe.backends.clients import SystemClients
    from probe.backends.connect import ConnectBackend
    from probe.backends.kept import KeptConnections
    from probe.backends.way_out import require_permission

    require_permission(way)
    kept = KeptConnections()
    backend = ConnectBackend(way=way, kept=kept)
    stack.callback(backend.close)
    stack.callback(kept.close)
    clients = SystemClients(way, kept)
    stack.callback(clients.close)
    return Backends(
        backend,
        host,
        raw,
        request.permissions,
        request.inquiry,
        clients,
        way,
        controls=request.controls,
        let_go=kept.close,
    )


def permitted_follow_ups(request: EngineRequest) -> "tuple[Sequence[Doubt] | None, str | None]":
    """The raw follow-ups that may be sent, for a plan; None and why (None: not asked for) where none may."""
    if request.engine is Engine.CONNECT:
        return None, None
    missing = None if request.named else privilege.missing()
    if missing is not None:
        return None, missing
    from probe.inference.follow_up import DOUBTS

    return [one for one in DOUBTS if one.takes is None or one.takes in request.named], None
