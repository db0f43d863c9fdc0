"""What the target itself lists of its sockets: the outputs of ss, netstat, lsof, /proc/net and docker ps."""

from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct

from probe.model.binding import Binding
from probe.model.target import IPAddress, Protocol

IPV4, IPV6 = 4, 6


class TableTool(StrEnum):
    """The programs whose outputs are read."""

    SS = "ss"
    NETSTAT = "netstat"
    LSOF = "lsof"
    PROC = "/proc/net"
    DOCKER = "docker ps"


class Listener(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One listening socket, or with `container` one port that a container engine publishes.

    `ip` None: all addresses of `families`, which are None where an IPv6 socket may take IPv4 too (IPV6_V6ONLY
    is not listed). `device` is what SO_BINDTODEVICE names. `line` is what was listed, as it stands there.
    """

    tool: TableTool
    protocol: Protocol
    port: Annotated[int, Meta(ge=0, le=65535)]
    ip: IPAddress | None = None
    families: tuple[int, ...] | None = None
    device: str | None = None
    process: str | None = None
    pid: int | None = None
    container: str | None = None
    line: str


class SocketTable(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """All that one look at the target's sockets listed.

    `complete`: the protocols of which every socket is listed, so that what is not there does not listen.
    `addresses` are the target's own with their interfaces, where they were read too.
    """

    listeners: tuple[Listener, ...] = ()
    complete: tuple[Protocol, ...] = ()
    addresses: dict[str, str] = {}  # interface by address


class ConfirmOutcome(StrEnum):
    """How what was concluded from outside compares with what the target lists."""

    CONFIRMED = "confirmed"
    SHARPENED = "sharpened"  # it left several bindings, of which this is one
    CONTRADICTED = "contradicted"
    UNSEEN = "unseen"  # the list does not show it


class Contradiction(StrEnum):
    """Why the answers from outside are others than the listed socket's, most likely."""

    FIREWALL = "firewall"  # before a socket that covers the address
    FORWARDER = "forwarder"  # hands on what no listed socket takes
    OTHER_HOST = "other-host"  # answers on the address than the one whose sockets are listed


class ListedBinding(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one port is bound to by the target's own list. `lines` are those of it that show this."""

    binding: Binding
    bound_to: tuple[str, ...] = ()
    families: tuple[int, ...] = ()
    device: str | None = None
    process: str | None = None
    pid: int | None = None
    container: str | None = None
    tool: TableTool | None = None
    lines: tuple[str, ...] = ()
