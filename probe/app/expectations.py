"""The file of expectations, in TOML: read, and written from a report. Pure.

Every error names its line or key, and the nearest key that there is.
"""

import json
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from probe.errors import UsageError
from probe.model.binding import Binding, Condition
from probe.model.expectation import Expectations, PortExpectation
from probe.model.probing import Reason, State
from probe.model.report import PortReport, Report
from probe.model.target import Port, Protocol
from probe.services.port_list import parse_ports

WORDS = tuple(dict.fromkeys((*State, *Reason, *Condition)))
_NEVER = "never "
_TOP = ("target", "running", "private", "port")
_OF_PORT = ("binding", "bound_to")
_HEADER = re.compile(r'\s*\[\s*port\s*\.\s*(?:"(?P<quoted>[^"]*)"|(?P<bare>[\w-]+))\s*\]')
_KEY = re.compile(r'\s*(?:"(?P<quoted>[^"]*)"|(?P<bare>[\w-]+))\s*=')


def read_expectations(text: str, name: str) -> Expectations:
    """Read a file of expectations; `name` is what messages call it.

    Raises:
        UsageError: no TOML, a key or a word that there is not, or a value of another type; named.
    """
    try:
        document = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise UsageError(f"{name}: {error}") from None
    try:
        return _read(document, _lines(text))
    except UsageError as error:
        raise UsageError(f"{name}: {error}") from None


def _read(document: Mapping[str, Any], lines: Mapping[tuple[str, str], int]) -> Expectations:
    _require_known(document, _TOP, "the file")
    target = _table(document.get("target", {}), "target")
    addresses = {realm: _texts(value, f"target.{realm}") for realm, value in target.items()}
    running = document.get("running")
    if running is not None and not isinstance(running, str):
        raise UsageError('running is a port list, such as "22,443"')
    ports: list[PortExpectation] = []
    for listed, value in _table(document.get("port", {}), "port").items():
        expected = _table(value, f"port.{listed}")
        ports += (_port(port, listed, expected, addresses, lines) for port in parse_ports(listed))
    return Expectations(
        addresses=addresses,
        running=running,
        never=_never(document.get("private"), addresses),
        never_line=lines.get(("", "private")),
        ports=tuple(ports),
    )


def _never(value: object, addresses: Mapping[str, object]) -> tuple[str, ...]:
    """The realms of `private = "never public, lan"`."""
    if value is None:
        return ()
    if not isinstance(value, str) or not value.startswith(_NEVER):
        raise UsageError('private is "never" and realms, such as "never public"')
    realms = tuple(realm.strip() for realm in value.removeprefix(_NEVER).split(","))
    for realm in realms:
        _require_one(realm, addresses, "private names the realm")
    return realms


def _port(
    port: Port,
    listed: str,
    expected: Mapping[str, Any],
    addresses: Mapping[str, Sequence[str]],
    lines: Mapping[tuple[str, str], int],
) -> PortExpectation:
    places = (*addresses, *(one for every in addresses.values() for one in every))
    _require_known(expected, (*_OF_PORT, *places), f"port.{listed}")
    bindings = _texts(expected.get("binding", ()), f"port.{listed}.binding")
    for word in bindings:
        _require_one(word, tuple(Binding), f"port.{listed}.binding is")
    bound_to = _texts(expected.get("bound_to", ()), f"port.{listed}.bound_to")
    for place in bound_to:
        _require_one(place, places, f"port.{listed}.bound_to is")
    answers = {
        place: _texts(expected[place], f"port.{listed}.{place}") for place in places if place in expected
    }
    for place, words in answers.items():
        for word in words:
            _require_one(word, WORDS, f"port.{listed}.{place} is")
    keys = ("", *expected)
    return PortExpectation(
        port=port,
        bindings=tuple(map(Binding, bindings)),
        bound_to=bound_to,
        answers=answers,
        lines={key: line for key in keys if (line := lines.get((listed, key))) is not None},
    )


def _table(value: object, key: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise UsageError(f"{key} is a table: [{key}]")
    return value


def _texts(value: object, key: str) -> tuple[str, ...]:
    """A text or a list of texts."""
    texts = (value,) if isinstance(value, str) else value
    if not isinstance(texts, list | tuple) or not all(isinstance(one, str) for one in texts):
        raise UsageError(f'{key} is a text or a list of texts, such as "open" or ["closed", "dropped"]')
    return tuple(texts)


def _require_known(table: Iterable[str], known: Sequence[str], where: str) -> None:
    for key in table:
        _require_one(key, known, f"{where} has the key")


def _require_one(word: str, known: Iterable[str], what: str) -> None:
    every = list(known)
    if word not in every:
        near = get_close_matches(word, every, n=1)
        hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(every)}"
        raise UsageError(f"{what} {word!r}: {hint}")


def _lines(text: str) -> Mapping[tuple[str, str], int]:
    """The line of each key, by the port's list (or "" above all tables) and the key."""
    found: dict[tuple[str, str], int] = {}
    listed: str | None = ""
    for number, line in enumerate(text.splitlines(), 1):
        header = _HEADER.match(line)
        if header is not None:
            listed = header["quoted"] if header["quoted"] is not None else header["bare"]
            found[listed, ""] = number
        elif line.lstrip().startswith("["):
            listed = None
        elif listed is not None and (key := _KEY.match(line)):
            found[listed, key["quoted"] if key["quoted"] is not None else key["bare"]] = number
    return found


# --- from a report ---


_HEAD = """# What this target is expected to be: bindprobe check compares it with a new scan.
#
# A word of a realm or address is a state (open, closed, filtered), a reason (reset, no-response, ...) or a
# condition (dropped, rejected, not-forwarded, ...); of several, in a list, one must hold. What is left out is
# not checked.
"""


def learned(report: Report) -> str:
    """Write what a report found as expectations. What is undetermined or was not measured is left out.

    Args:
        report: with a row for every port.
    """
    realms: dict[str, list[str]] = {}
    for one in report.addresses:
        realms.setdefault(one.realm, []).append(one.address)
    never = [realm for realm in realms if realm == "public" and not _reaches_private(report, realm)]
    lines = [_HEAD]
    if never:
        lines.append(f"private = {_toml(_NEVER + ', '.join(never))}\n")
    if report.facts.running:
        lines.append(f"running = {_toml(report.facts.running)}\n")
    lines.append("[target]")
    lines += (f"{_key(realm)} = {_toml(list(dict.fromkeys(every)))}" for realm, every in realms.items())
    for row in report.ports:
        table = dict(_expected(row, realms))
        if table:
            listed = f"U:{row.port}" if row.protocol is Protocol.UDP else str(row.port)
            name = f"  # {row.service}" if row.service else ""
            lines += ["", f"[port.{_key(listed)}]{name}"]
            lines += (f"{_key(key)} = {_toml(value)}" for key, value in table.items())
    return "\n".join(lines) + "\n"


def _reaches_private(report: Report, realm: str) -> bool:
    addresses = {one.address for one in report.addresses if one.realm == realm}
    return any(row.private and addresses & set(row.exposed_on) for row in report.ports)


def _expected(row: PortReport, realms: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, object]]:
    if row.binding is not Binding.UNDETERMINED:
        yield "binding", str(row.binding)
    if row.bound_to:
        yield "bound_to", list(row.bound_to)
    words: dict[str, str] = {}
    for one in row.observations:
        word = _word(one.state, one.condition)
        if word is not None:
            words[one.address] = word
    for realm, addresses in realms.items():
        of_realm = [words.get(address) for address in addresses]
        if of_realm[0] is not None and len(set(of_realm)) == 1:
            yield realm, of_realm[0]
        else:
            yield from ((address, words[address]) for address in addresses if address in words)


def _word(state: State | None, condition: Condition) -> str | None:
    """The word to expect: why it is blocked, where that is known; None where the answer settles nothing."""
    unsettled = condition in {Condition.CHANGED, Condition.RATE_LIMITED}
    if state is None or unsettled or state is State.OPEN_FILTERED:
        return None
    blocked = state in {State.FILTERED, State.UNREACHABLE}
    return str(condition if blocked and condition is not Condition.UNKNOWN else state)


_BARE = re.compile(r"[A-Za-z0-9_-]+")
_toml: Callable[[object], str] = json.dumps  # texts and lists of texts are the same in TOML


def _key(text: str) -> str:
    return text if _BARE.fullmatch(text) else _toml(text)
