"""Measurements and what the user stated, redacted: what is inferred of them is the same. Pure.

Of greetings what names their owner goes: software and version stay. Two that are alike stay alike, and two
that differ stay apart.
"""

import re
from collections.abc import Hashable, Sequence

from msgspec import structs

from probe.inference.same_service import stable
from probe.model.encoding import as_builtins, from_builtins
from probe.model.greeting import Greeting
from probe.model.measurement import AddressMeasurement, Facts, Judged, Measurement
from probe.model.target import IPAddress
from probe.redact.texts import Redaction

# As much of a first line as is the protocol's own: SSH (RFC 4253 section 4.2), HTTP, what MySQL opens with.
_HEAD = re.compile(r"SSH-\d\.\d+-[^\s-]+|HTTP/\d(?:\.\d)? \d{3}|MySQL handshake, [\d.]+|")
_PRODUCT = re.compile(r"[^/\s]+(?:/\S+)?|")
_AS_IT_IS = frozenset({"content-type", "content-length"})


class GreetingRedaction:
    """Replacements of greetings. One instance for all that are compared with each other."""

    def __init__(self) -> None:
        self._numbers: dict[Hashable, int] = {}

    def of(self, greeting: Greeting, ip: IPAddress) -> Greeting:
        """A greeting of the address `ip` without names."""
        headers = {name: self._header(name, value, ip) for name, value in greeting.headers.items()}
        return structs.replace(greeting, text=self._text(greeting, ip), headers=headers)

    def _text(self, greeting: Greeting, ip: IPAddress) -> str:
        if not greeting.text:
            return ""
        head = _head(_HEAD, greeting.text)
        if greeting.status is not None or head == greeting.text:
            return head
        return f"{head} {self._number(stable(greeting, ip))}".lstrip()

    def _header(self, name: str, value: str, ip: IPAddress) -> str:
        if name in _AS_IT_IS or not value:
            return value
        head = _head(_PRODUCT, value) if name == "server" else ""
        if head == value:
            return value
        return f"{head} ({self._number((name, value.replace(str(ip), '*')))})".lstrip()

    def _number(self, key: Hashable) -> int:
        return self._numbers.setdefault(key, len(self._numbers) + 1)


def _head(pattern: re.Pattern[str], text: str) -> str:
    found = pattern.match(text)
    return "" if found is None else found[0]


def redacted(measurements: Sequence[Measurement], facts: Facts) -> Judged:
    """Replace everything that names a network, the same by the same in all of them."""
    greetings = GreetingRedaction()
    spoken = tuple(
        structs.replace(one, addresses=tuple(_unspoken(address, greetings) for address in one.addresses))
        for one in measurements
    )
    plain = as_builtins(Judged(measurements=spoken, facts=facts))
    return from_builtins(Redaction([plain]).of(plain), Judged)


def _unspoken(measured: AddressMeasurement, greetings: GreetingRedaction) -> AddressMeasurement:
    shown = tuple(
        one
        if one.greeting is None
        else structs.replace(one, greeting=greetings.of(one.greeting, measured.address.ip))
        for one in measured.shown
    )
    return structs.replace(measured, shown=shown)
