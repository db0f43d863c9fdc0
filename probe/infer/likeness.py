"""Whether two greetings are of one service, as far as greetings tell: compared on what is stable in them.

Pure. Times, session numbers and the address itself change from one greeting to the next of one service. What
differs in an HTTP answer beside the software may be one service that treats addresses differently.
"""

import re
from collections.abc import Sequence
from enum import StrEnum

from probe.model.facts import AddressSurvey
from probe.model.greeting import Greeting
from probe.model.identity import Key, KeyKind
from probe.model.target import IPAddress, Port

_QUOTED = 48  # characters of a greeting that are told in a sentence
_STABLE_HEADERS = ("server", "content-type", "location", "etag")  # a length may hold that of an address

_DAYS, _MONTHS = "Mon|Tue|Wed|Thu|Fri|Sat|Sun", "Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec"
_CHANGING = re.compile(
    "|".join(
        (
            r"<[^<>]*>",  # the stamp of POP3 (RFC 1939 section 7)
            rf"\b(?:{_DAYS})\b,?",
            rf"\b\d{{1,2}} (?:{_MONTHS})\b(?: \d{{4}}\b)?|\b(?:{_MONTHS}) +\d{{1,2}}\b(?:,? \d{{4}}\b)?",
            r"\b\d{4}[-/]\d\d[-/]\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?Z?)?",
            r"\b\d{1,2}:\d\d(?::\d\d)?(?: [AP]M)?\b(?: \d{4}\b)?",
            r"[+-]\d{4}\b|\((?:UTC|GMT|[A-Z]{3,4})\)|\b(?:UTC|GMT|CES?T)\b",
            r"\b(?=[^\W_]{0,160}\d)[^\W_]{12,}\b",  # an identifier with a digit in it
            r"\b\d{5,}\b",
        )
    )
)
_PRODUCT = re.compile(r"([^/\s]+)(?:/(\S+))?")  # RFC 9110 section 10.2.4


class Likeness(StrEnum):
    """What two greetings are beside each other."""

    SAME = "same"  # they greet alike
    OTHER = "other"  # they name other software, or speak otherwise
    UNLIKE = "unlike"  # they differ as the answers of one service may, too


def likeness(about: AddressSurvey, beside: AddressSurvey, port: Port) -> Likeness:
    """Compare what was said on a port of two addresses; both said something."""
    one, two = about.greetings[port], beside.greetings[port]
    said = [bool(one.text), bool(two.text)]
    if not all(said):
        return Likeness.UNLIKE  # silence is no word
    if (one.tls, one.status is None) != (two.tls, two.status is None):
        return Likeness.OTHER
    if stable(one, about.address.ip) == stable(two, beside.address.ip):
        return Likeness.SAME
    if one.status is None:
        return Likeness.UNLIKE if one.binary or two.binary else Likeness.OTHER
    return Likeness.OTHER if _other_software(one, two) else Likeness.UNLIKE


def stable(greeting: Greeting, ip: IPAddress) -> tuple[str, ...]:
    """What a service says again when it is asked again, whichever of its addresses is asked."""
    if greeting.status is None:
        return (greeting.text if greeting.binary else _settled(greeting.text, ip),)
    headers = (greeting.header(name) or "" for name in _STABLE_HEADERS)
    return (str(greeting.status), *(value.replace(str(ip), "*") for value in headers))


def software(greeting: Greeting) -> str:
    """What the service calls itself, as quoted in sentences."""
    told = greeting.header("server")
    if told is None:
        told = greeting.text if greeting.status is None else f"HTTP {greeting.status}"
    return shortened(told)


def shortened(text: str) -> str:
    """As much of a service's words as a sentence takes."""
    return text if len(text) <= _QUOTED else f"{text[: _QUOTED - 3]}..."


def fingerprints(keys: Sequence[Key], kind: KeyKind) -> dict[str, str]:
    """Fingerprints of the keys of one kind by the keys' types."""
    return {key.type: key.fingerprint for key in keys if key.kind is kind}


def _settled(text: str, ip: IPAddress) -> str:
    return " ".join(_CHANGING.sub("*", text.replace(str(ip), "*")).split())


def _other_software(one: Greeting, two: Greeting) -> bool:
    """Whether both name their software, and it is not the same, or not of the same version."""
    products = [_PRODUCT.match(greeting.header("server") or "") for greeting in (one, two)]
    if None in products:
        return False
    (name, version), (other, its) = (found.groups() for found in products if found is not None)
    return bool(name.lower() != other.lower() or (version and its and version != its))
