"""Port lists as people type them: `22,80,8000-8010`, `-` or `all`, `-100`, `http`, `T:22,U:53`, `53/udp`.

Lives here: the syntax and nothing else. A name is looked up with the function that the caller passes,
so this module knows no services database. Every error names the piece that is wrong.
"""

import re
from collections.abc import Callable, Iterable, Iterator

from probe.errors import UsageError
from probe.model.target import Port, Protocol
from probe.services.registry import port_of

LOWEST, HIGHEST = 0, 65535
FIRST = 1  # where an open range such as `-100` starts: port 0 must be asked for by number

PROTOCOL_OF_LETTER = {"T": Protocol.TCP, "U": Protocol.UDP}
_PREFIX = re.compile(r"([A-Za-z])\s*:\s*(.*)", re.DOTALL)
_RANGE = re.compile(r"([0-9]*)\s*(-?)\s*([0-9]*)")
_SUFFIX = re.compile(r"(.*?)\s*/\s*([A-Za-z]*)", re.DOTALL)
_ALL = "all"  # every port but 0
_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9_.+-]*[A-Za-z0-9])?")

Lookup = Callable[[str, Protocol], int | None]


def port_set(listed: str) -> frozenset[Port]:
    """The ports of a list that may be empty."""
    return frozenset(parse_ports(listed)) if listed else frozenset()


def parse_ports(text: str, lookup: Lookup = port_of) -> tuple[Port, ...]:
    """Read a port list; `lookup` finds the number of a named service, or None.

    Returns the ports sorted (TCP before UDP), each once. `T:` and `U:` hold until the next letter, `/tcp` and
    `/udp` for their piece.

    Raises:
        UsageError: something is no port list; the message names the piece.
    """
    found: dict[Protocol, set[int]] = {known: set() for known in Protocol}
    protocol = Protocol.TCP
    for piece in _pieces(text):
        protocol, rest = _split_prefix(piece, protocol)
        of_piece, rest = _split_suffix(rest, piece, protocol)
        found[of_piece].update(_numbers(rest, piece, of_piece, lookup))
    return tuple(Port(known, number) for known, numbers in found.items() for number in sorted(numbers))


def named_ports(text: str, lookup: Lookup = port_of) -> frozenset[Port]:
    """The ports of a list that are typed one by one; a range or `all` names none.

    Raises:
        UsageError: as `parse_ports`.
    """
    found: set[Port] = set()
    protocol = Protocol.TCP
    for piece in _pieces(text):
        protocol, rest = _split_prefix(piece, protocol)
        of_piece, rest = _split_suffix(rest, piece, protocol)
        numbers = _numbers(rest, piece, of_piece, lookup)
        found.update(Port(of_piece, number) for number in numbers if len(numbers) == 1)
    return frozenset(found)


def format_ports(numbers: Iterable[int]) -> str:
    """Write port numbers as the shortest list: `1-21,23-79`. The empty list gives an empty text."""
    return ",".join(
        str(first) if first == last else f"{first}-{last}" for first, last in _runs(sorted(set(numbers)))
    )


def format_port_list(ports: Iterable[Port]) -> str:
    """Write ports of both protocols so that `parse_ports` reads them back: `22,80` or `T:22,U:53`."""
    wanted = tuple(ports)
    lists = {
        letter: format_ports(port.number for port in wanted if port.protocol is protocol)
        for letter, protocol in PROTOCOL_OF_LETTER.items()
    }
    if not lists["U"]:
        return lists["T"]
    return ",".join(f"{letter}:{numbers}" for letter, numbers in lists.items() if numbers)


def _pieces(text: str) -> list[str]:
    pieces = [piece.strip() for piece in text.split(",")]
    if len(pieces) > 1 and not pieces[-1]:
        pieces.pop()  # one trailing comma
    if pieces == [""]:
        raise UsageError("the port list is empty; give ports such as 22,80 or 8000-8010")
    if "" in pieces:
        raise UsageError(f"the port list {_quoted(text)} has an empty piece between its commas; remove it")
    return pieces


def _split_prefix(piece: str, protocol: Protocol) -> tuple[Protocol, str]:
    match = _PREFIX.fullmatch(piece)
    if not match:
        return protocol, piece
    letter, rest = match.groups()
    if letter.upper() not in PROTOCOL_OF_LETTER:
        raise UsageError(f"{_quoted(piece)}: no protocol has the letter {letter}; use T: (TCP) or U: (UDP)")
    if not rest:
        raise UsageError(f"{_quoted(piece)}: no port follows the letter")
    return PROTOCOL_OF_LETTER[letter.upper()], rest


def _split_suffix(text: str, piece: str, protocol: Protocol) -> tuple[Protocol, str]:
    match = _SUFFIX.fullmatch(text)
    if not match:
        return protocol, text
    rest, name = match.groups()
    if name.lower() not in set(Protocol):
        raise UsageError(f"{_quoted(piece)}: {_quoted(name)} is no protocol; use /tcp or /udp")
    if not rest:
        raise UsageError(f"{_quoted(piece)}: no port stands before the protocol")
    return Protocol(name.lower()), rest


def _numbers(text: str, piece: str, protocol: Protocol, lookup: Lookup) -> range:
    if text.lower() == _ALL:
        return range(FIRST, HIGHEST + 1)
    match = _RANGE.fullmatch(text)
    if not match:
        return _named(text, piece, protocol, lookup)
    low_text, dash, high_text = match.groups()
    if not dash:
        if low_text and high_text:  # digits, a gap, digits
            raise UsageError(f"{_quoted(piece)} is no port; put commas between ports")
        high_text = low_text = low_text or high_text
    low = _number(low_text, piece) if low_text else FIRST
    high = _number(high_text, piece) if high_text else HIGHEST
    if low > high:
        raise UsageError(f"{_quoted(piece)} runs backwards; did you mean {high}-{low}?")
    return range(low, high + 1)


def _number(digits: str, piece: str) -> int:
    significant = digits.lstrip("0") or "0"
    if len(significant) > len(str(HIGHEST)) or int(significant) > HIGHEST:
        raise UsageError(f"{_quoted(piece)}: a port is between {LOWEST} and {HIGHEST}")
    return int(significant)


def _named(name: str, piece: str, protocol: Protocol, lookup: Lookup) -> range:
    if not _NAME.fullmatch(name) or not any(letter.isalpha() for letter in name):
        raise UsageError(f"{_quoted(piece)} is no port; give ports such as 22, 8000-8010, http or U:53")
    number = lookup(name, protocol)
    if number is None:
        raise UsageError(f"{_quoted(piece)} is no port and no {protocol.upper()} service known here")
    return range(number, number + 1)


def _quoted(piece: str, longest: int = 40) -> str:
    return repr(piece if len(piece) <= longest else piece[: longest - 3] + "...")


def _runs(numbers: list[int]) -> Iterator[tuple[int, int]]:
    first = last = None
    for number in numbers:
        if first is None or last is None:
            first = last = number
        elif number == last + 1:
            last = number
        else:
            yield first, last
            first = last = number
    if first is not None and last is not None:
        yield first, last
