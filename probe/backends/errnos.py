"""What a socket error means for a probe, on each platform, where no error-queue entry explains it.

Lives here: one table with the error numbers of three families of systems, and what each error means when the
socket cannot be made, when `connect` returns it at once (this machine decided) or when it comes later.
Numbers are literals, so that every platform's table can be read and tested on any of them.

Sources: Linux include/uapi/asm-generic/errno.h, net/ipv4/icmp.c `icmp_err_convert`, net/ipv6/icmp.c
`tab_unreach`; FreeBSD sys/sys/errno.h and netinet/in_proto.c `inetctlerrmap` (shared by XNU); Windows
winsock2.h and WSASetFailConnectOnIcmpError.
"""

from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct

from probe.model.probing import Reason


class System(StrEnum):
    """Systems that share error numbers and behaviour."""

    LINUX = "linux"
    BSD = "bsd"  # macOS and the BSDs
    WIN32 = "win32"


class Moment(StrEnum):
    """When a socket reports an error."""

    OPENING = "opening"  # while it is made
    AT_ONCE = "at once"  # connect() returns it
    LATER = "later"  # after the packet left, or while it was sent


class ErrnoMeaning(Struct, frozen=True):
    """What an error amounts to. `by_us`: this machine refused, so its own address is the sender."""

    reason: Reason
    by_us: bool = False


class ErrnoRow(Struct, frozen=True):
    """One error: its number on each system (None: does not occur), and its meanings (None: not measured)."""

    name: str
    linux: int | None
    bsd: int | None
    win32: int | None
    at_once: ErrnoMeaning | None = None
    later: ErrnoMeaning | None = None
    opening: ErrnoMeaning | None = None

    def number(self, system: System) -> int | None:
        """The error's number on one system."""
        return {System.LINUX: self.linux, System.BSD: self.bsd, System.WIN32: self.win32}[system]

    def meaning(self, moment: Moment) -> ErrnoMeaning | None:
        """What the error means at one moment."""
        return {Moment.OPENING: self.opening, Moment.AT_ONCE: self.at_once, Moment.LATER: self.later}[moment]


_NO_ROUTE = ErrnoMeaning(Reason.NO_ROUTE)
_OWN_FIREWALL = ErrnoMeaning(Reason.ADMIN_PROHIBITED, by_us=True)
_OWN_TUNNEL = ErrnoMeaning(Reason.HOST_UNREACH, by_us=True)
_HOST_UNREACH = ErrnoMeaning(Reason.HOST_UNREACH)
_NET_UNREACH = ErrnoMeaning(Reason.NET_UNREACH)
_REFUSED = ErrnoMeaning(Reason.REFUSED)
_RESET = ErrnoMeaning(Reason.RESET)

ROWS: tuple[ErrnoRow, ...] = (
    #        name             linux  bsd  win32   at once        later
    ErrnoRow("EPERM",            1,    1, None,  _OWN_FIREWALL, _OWN_FIREWALL),
    ErrnoRow("EACCES",          13,   13, 10013, _OWN_FIREWALL, _OWN_FIREWALL),
    ErrnoRow("EINVAL",          22, None, None,  _NO_ROUTE),  # a `blackhole` route; fe80:: without a link
    ErrnoRow("EAFNOSUPPORT",    97,   47, 10047, _NO_ROUTE, None, _NO_ROUTE),  # a kernel without IPv6
    ErrnoRow("ENETDOWN",       100,   50, 10050, _NO_ROUTE, _NO_ROUTE),
    ErrnoRow("ENETUNREACH",    101,   51, 10051, _NO_ROUTE, _NET_UNREACH),
    ErrnoRow("EHOSTUNREACH",   113,   65, 10065, _NO_ROUTE, _HOST_UNREACH),
    ErrnoRow("EHOSTDOWN",      112,   64, 10064, _HOST_UNREACH, _HOST_UNREACH),
    ErrnoRow("ENODEV",          19,   19, 19,    _NO_ROUTE, _NO_ROUTE, _NO_ROUTE),  # the scope is no link
    ErrnoRow("ENXIO",            6,    6, None,  _NO_ROUTE, _NO_ROUTE),
    ErrnoRow("ENONET",          64, None, None,  None, _HOST_UNREACH),
    ErrnoRow("ENOPROTOOPT",     92,   42, 10042, None, ErrnoMeaning(Reason.PROTO_UNREACH)),
    ErrnoRow("EMSGSIZE",        90,   40, 10040, None, ErrnoMeaning(Reason.FRAG_NEEDED)),
    ErrnoRow("ECONNREFUSED",   111,   61, 10061, _REFUSED, _REFUSED),
    ErrnoRow("ECONNRESET",     104,   54, 10054, None, _REFUSED),  # Windows, UDP: port-unreach
    ErrnoRow("ENOKEY",         126, None, None,  _OWN_TUNNEL, _OWN_TUNNEL),  # WireGuard: no such peer
    ErrnoRow("EDESTADDRREQ",    89, None, None,  _OWN_TUNNEL, _OWN_TUNNEL),  # WireGuard: no endpoint
)  # fmt: skip

# A connection that was there and is gone: the peer reset it before this program looked.
RESET_AFTER_ACCEPT: Mapping[System, frozenset[int]] = {
    System.LINUX: frozenset({104, 32}),  # ECONNRESET, EPIPE
    System.BSD: frozenset({54, 32}),
    System.WIN32: frozenset({10054, 10053}),  # WSAECONNRESET, WSAECONNABORTED
}

IN_PROGRESS: Mapping[System, frozenset[int]] = {
    System.LINUX: frozenset({115}),
    System.BSD: frozenset({36}),
    System.WIN32: frozenset({10035}),  # WSAEWOULDBLOCK
}

# Nothing answered until the kernel gave up: silence, which is no reply.
TIMED_OUT: Mapping[System, frozenset[int]] = {
    System.LINUX: frozenset({110}),
    System.BSD: frozenset({60}),
    System.WIN32: frozenset({10060}),
}

NOT_SENT = ErrnoMeaning(Reason.NOT_SENT)


def meanings(system: System, moment: Moment, *, resets_known: bool) -> Mapping[int, ErrnoMeaning]:
    """Error number -> meaning on one system; what has no row could not be measured (`NOT_SENT`).

    Args:
        system: whose numbers.
        moment: when the error comes.
        resets_known: TCP with an error queue: a refusal that left no ICMP error there is a reset.
    """
    table: dict[int, ErrnoMeaning] = {}
    for row in ROWS:
        number, meaning = row.number(system), row.meaning(moment)
        if number is None or meaning is None:
            continue
        exact = resets_known and row.name == "ECONNREFUSED"
        table[number] = _RESET if exact else meaning
    return table
