"""A whole list of sockets, or several after each other, as one table."""

import re
from collections.abc import Iterator

from msgspec.structs import replace

from probe.errors import UsageError
from probe.model.sockets import IPV4, IPV6, Listener, SocketTable, TableTool
from probe.model.target import Protocol
from probe.socktable.lines import READERS

# How outputs begin that list the sockets of every user, of the protocols that they list at all.
_BEGINNING = re.compile(
    r"(?:Netid\s+)?State\s+Recv-Q.*|Active Internet connections .*|\s*sl\s+local_address\s.*"
    r"|\s*Proto\s+Local Address\s+Foreign Address\s+State.*"
)
_OF_EVERY_USER = frozenset({TableTool.SS, TableTool.NETSTAT, TableTool.PROC})
_OTHER_BEGINNING = re.compile(r"COMMAND\s+PID\s.*|CONTAINER ID\s.*")
_OWN_ADDRESS = re.compile(r"\d+: (?P<interface>[^\s@]+)\S*\s+inet6? (?P<ip>[0-9A-Fa-f.:]+)(?:/\d+)? .*")
_MOST_LINES = 300_000  # of a list: both protocols have 131,072 ports
_LONGEST = 4096  # characters of a line; what follows is of no use here


def read_socket_table(text: str) -> SocketTable:
    """Read what ss, netstat, lsof, /proc/net and docker ps list, and addresses as `ip -o addr` does.

    A protocol counts as listed in full where the beginning of an output is there and a socket of it. A line
    cut out of one, and lsof, which lists a user's own sockets, show what listens and never what does not.

    Raises:
        UsageError: there is nothing of these in it.
    """
    listeners: dict[Listener, None] = {}
    addresses: dict[str, str] = {}
    begins = others = False
    for line in _lines(text):
        found = next((f for reader in READERS if (f := reader(line)) is not None), None)
        if found is not None:
            listeners |= dict.fromkeys(found)
        elif own := _OWN_ADDRESS.fullmatch(line):
            addresses[own["ip"].lower()] = own["interface"]
        else:
            begins = begins or _BEGINNING.fullmatch(line) is not None
            others = others or _OTHER_BEGINNING.fullmatch(line) is not None
    if not (listeners or begins or others):
        raise UsageError(
            "this lists no sockets; give the output of ss -tulnpe, netstat -an, lsof -nP -i or docker ps"
        )
    if any(_OLD_SS.fullmatch(one.line) for one in listeners):
        listeners = dict.fromkeys(map(_of_old_ss, listeners))
    whole = {one.protocol for one in listeners if one.tool in _OF_EVERY_USER} if begins else set[Protocol]()
    return SocketTable(
        listeners=tuple(listeners), complete=tuple(sorted(whole)), addresses=dict(sorted(addresses.items()))
    )


# ss of iproute2 before 4.16 writes *:22 for 0.0.0.0:22, and :::22 for an IPv6 socket whatever it takes.
_OLD_SS = re.compile(r".*\b(?:UNCONN|LISTEN)\s+\d+\s+\d+\s+:::\d+\s.*")


def _of_old_ss(one: Listener) -> Listener:
    if one.tool is not TableTool.SS or one.ip is not None:
        return one
    return replace(one, families=None if one.families == (IPV6,) else (IPV4,))


def _lines(text: str) -> Iterator[str]:
    """The lines, without colours, tabs and what a terminal cannot show.

    Raises:
        UsageError: more lines than sockets there can be.
    """
    for number, line in enumerate(text.splitlines()):
        if number >= _MOST_LINES:
            raise UsageError(f"more than {_MOST_LINES:,} lines are no list of sockets")
        plain = _COLOUR.sub("", line[:_LONGEST]).expandtabs().rstrip()
        yield "".join(letter for letter in plain if letter.isprintable())


_COLOUR = re.compile("\x1b\\[[0-9;]*m")
