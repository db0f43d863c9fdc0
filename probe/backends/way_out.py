"""Sockets that leave by a chosen interface or from a chosen address (SO_BINDTODEVICE and bind(2), socket(7)).

Lives here: what is set on a socket before it connects, and whether this system permits it. Since Linux 5.7 a
socket that has no interface yet may be given one without privilege.
"""

import contextlib
import socket

from probe.backends.sockets import sockaddr_of
from probe.errors import PrivilegeError, UsageError
from probe.model.way_out import WayOut

_BIND_TO_DEVICE: int | None = getattr(socket, "SO_BINDTODEVICE", None)  # Linux only
_PORT_AT_CONNECT = (socket.IPPROTO_IP, 24, 1)  # IP_BIND_ADDRESS_NO_PORT, linux/in.h


def bind_to_interface(sock: socket.socket, name: str) -> None:
    """Have a socket send and receive by one interface only.

    Raises:
        OSError: no such interface, not permitted, or this system has no such option.
    """
    if _BIND_TO_DEVICE is None:
        raise OSError(f"no socket can be bound to {name} here")
    sock.setsockopt(socket.SOL_SOCKET, _BIND_TO_DEVICE, name.encode())


def choose_way(sock: socket.socket, way: WayOut, version: int) -> None:
    """Have a socket leave by a chosen way, before it connects.

    The port is left to connect(): a bound one may not be shared, and a scan takes thousands.

    Raises:
        OSError: as `bind_to_interface`, or the source is no address of this machine any more.
    """
    if way.interface is not None:
        bind_to_interface(sock, way.interface)
    source = way.source(version)
    if source is not None:
        with contextlib.suppress(OSError):  # another system: connect() picks no port of its own then
            sock.setsockopt(*_PORT_AT_CONNECT)
        sock.bind(sockaddr_of(source, 0))


def require_permission(way: WayOut) -> None:
    """Find out on a socket that is never connected whether the interface may be chosen.

    Raises:
        PrivilegeError: it takes a privilege that this process does not have.
        UsageError: this system has no such option, or the interface is gone.
    """
    if way.interface is None:
        return
    name = way.interface
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as scratch:
        try:
            bind_to_interface(scratch, name)
        except PermissionError:
            raise PrivilegeError(
                f"--interface {name}: before Linux 5.7 this takes CAP_NET_RAW; give --source with its address"
            ) from None
        except OSError as error:
            raise UsageError(
                f"--interface {name}: {error.strerror or error}; give --source instead"
            ) from None
