r"""What a service sent first, from bytes to a greeting: one line of text, or an HTTP head.

Pure. Whatever the bytes are, the texts that come out are printable and short: control characters, bytes of no
encoding and characters that reorder text become escapes such as `\x1b`.
"""

import re

from probe.model.greeting import Greeting

MOST_TEXT = 160  # characters of the line, and of one header's value
# RFC 9110; no dates, no cookies
HEADERS = ("server", "content-type", "location", "etag", "content-length", "via")
_MOST_LINES = 64  # of an HTTP head that are looked at
_STATUS = re.compile(rb"HTTP/\d(?:\.\d)? (\d{3})(?: |$)")
_ALERT = b"\x15\x03"  # the record of a TLS alert (RFC 8446 section 5.1)
_MYSQL_ERROR = (
    0xFF  # what they open with for a peer that they do not serve: the error's number and text follow
)
_MYSQL = 10  # the version of the handshake that MySQL and MariaDB open with, after four bytes of length
_MYSQL_LEAST = 7  # bytes of an error with no text
_TEXT_CONTROLS = frozenset(b"\t\x1b")  # of control characters these are seen in text


def is_alert(data: bytes) -> bool:
    """Whether this is a TLS alert: the request was not TLS."""
    return data.startswith(_ALERT)


def parse_greeting(data: bytes) -> Greeting | None:
    """Read what came first; None where nothing did."""
    if not data.strip():
        return None
    return _http(data) or _mysql(data) or _line(data)


def _http(data: bytes) -> Greeting | None:
    """The head of an HTTP answer (RFC 9112 section 2.1), as far as it arrived."""
    first, *rest = data.split(b"\n", _MOST_LINES)
    status = _STATUS.match(first.rstrip(b"\r"))
    if status is None:
        return None
    found: dict[str, str] = {}
    for line in rest[: _MOST_LINES - 1]:
        if not line.strip():
            break
        name, colon, value = line.partition(b":")
        known = name.decode("latin-1").lower()
        if colon and known in HEADERS:
            found.setdefault(known, _value(known, value))
    headers = {name: found[name] for name in HEADERS if name in found}
    return Greeting(_printable(first), int(status[1]), headers)


def _value(name: str, value: bytes) -> str:
    """A header's value; of a location without its query, which may hold secrets."""
    text = re.split(rb"[?#]", value, maxsplit=1)[0] if name == "location" else value
    return _printable(text)


def _mysql(data: bytes) -> Greeting | None:
    """The handshake of MySQL: the version ends with a NUL, what follows is another at every connection."""
    head, version = data[:5], data[5:].partition(b"\0")
    length = int.from_bytes(head[:3], "little") + 4
    if len(data) >= length > _MYSQL_LEAST and head[3:] == bytes([0, _MYSQL_ERROR]):
        number = int.from_bytes(data[5:7], "little")
        return Greeting(_printable(b"MySQL error %d: %s" % (number, data[7:length])))
    if len(data) < length or head[3:] != bytes([0, _MYSQL]) or not version[1]:
        return None
    return Greeting(_printable(b"MySQL handshake, " + version[0]))


def _line(data: bytes) -> Greeting:
    line = data.lstrip().partition(b"\n")[0].rstrip()
    binary = any(byte < 0x20 and byte not in _TEXT_CONTROLS for byte in line)  # noqa: PLR2004 - a space
    return Greeting(_printable(line), binary=binary)


def _printable(data: bytes) -> str:
    text = data[: 2 * MOST_TEXT].strip().decode("utf-8", "backslashreplace")
    shown = (c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)
    whole = "".join(shown)
    return whole if len(whole) <= MOST_TEXT else f"{whole[: MOST_TEXT - 3]}..."
