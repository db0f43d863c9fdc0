"""Greetings of services: what they send first, or to an HTTP request for their front page, plain or by TLS.

Lives here: a few ordinary connections at once, bounded in time and bytes, whatever the servers send. It knows
nothing of what equal greetings mean, and meets only the ports that it is given. Sent is one request without a
body (HEAD, RFC 9110 section 9.3.2), or nothing at all.
"""

from collections.abc import Callable, Mapping, Sequence
from ipaddress import IPv6Address
from time import monotonic

from msgspec import structs

from probe.backends.side_by_side import side_by_side
from probe.backends.stream import Plain, Stream, connect
from probe.model.greeting import Approach, Call, Greeting
from probe.model.target import IPAddress, Port
from probe.model.way_out import USUAL_WAY, WayOut
from probe.services.banner_text import is_alert, parse_greeting

DEADLINE_S = 2.0
# Waited for each connection, each handshake and the first byte; the rest of a line or head comes soon after.
LIKELY_S, UNLIKELY_S, REST_S = 0.7, 0.25, 0.15
# A port none of whose addresses has sent anything within this and three round trips keeps quiet.
FIRST_S, _ROUND_TRIPS = 0.25, 3
MOST_LINE, MOST_HEAD = 512, 4096  # bytes
_AT_ONCE = 48
_BAD_REQUEST = 400  # what web servers answer to a plain request where TLS is spoken

_PLAIN, _TLS = False, True
_TRANSPORTS: Mapping[Approach, tuple[bool, ...]] = {
    Approach.LISTEN: (_PLAIN,),
    Approach.LISTEN_TLS: (_TLS,),
    Approach.WEB: (_PLAIN, _TLS),
    Approach.WEB_TLS: (_TLS, _PLAIN),
}
_WEB = frozenset({Approach.WEB, Approach.WEB_TLS})
_USUAL_PORTS = {_PLAIN: 80, _TLS: 443}


def read_greetings(
    calls: Sequence[Call], within: float = DEADLINE_S, way: WayOut = USUAL_WAY
) -> Mapping[tuple[IPAddress, Port], Greeting]:
    """Meet TCP ports, all at once, for at most `within` seconds, by connections that leave by `way`.

    Left out is what sends nothing in time, or before a signal asks for the end.
    """
    end = monotonic() + within
    talkative: set[Port] = set()
    found = side_by_side(lambda call: _greeting_of(call, end, talkative, way), calls, _AT_ONCE)
    return {
        (call.address, call.port): greeting
        for call, greeting in zip(calls, found, strict=True)
        if greeting is not None
    }


def _greeting_of(call: Call, end: float, talkative: set[Port], way: WayOut) -> Greeting | None:
    """The answer by the first transport that is understood; a bad request is better than nothing.

    `talkative` are the ports that have answered on some address; this one is added when it does.
    """
    best = None
    for encrypted in _TRANSPORTS[call.approach]:
        try:
            found = _met(call, end, talkative, way, encrypted=encrypted)
        except TimeoutError:
            break  # it keeps quiet: another way of asking would wait as long
        except OSError:  # refused, cut off, no TLS: it does not speak like this
            continue
        best = found or best
        if found is not None and (encrypted or found.status != _BAD_REQUEST):
            break
    return best


def _met(call: Call, end: float, talkative: set[Port], way: WayOut, *, encrypted: bool) -> Greeting | None:
    """What one connection brings; None where it was not understood.

    Raises:
        OSError: no connection, no TLS, or cut off; TimeoutError where nothing came in time.
    """
    patience = LIKELY_S if call.likely else UNLIKELY_S
    began = monotonic()
    with connect(call.address, call.port.number, min(end, began + patience), way) as sock:
        first = min(patience, FIRST_S + _ROUND_TRIPS * (monotonic() - began))

        def soon() -> float:
            return min(end, monotonic() + first)

        def extension() -> float:
            return min(end, began + 2 * patience) if call.port in talkative else 0.0

        plain = Plain(sock, soon(), extension)
        if not encrypted:
            return _read(plain, call, soon(), talkative, encrypted=False)
        from probe.backends.tls import Encrypted, certificate_key  # noqa: PLC0415 - heavy: see there

        secured = Encrypted(plain)
        key = certificate_key(secured.certificate())
        try:
            greeting = _read(secured, call, soon(), talkative, encrypted=True)
        except OSError:  # it spoke TLS, that is something
            greeting = None
        return structs.replace(greeting or Greeting(""), tls=True, key=key)


def _read(talk: Stream, call: Call, end: float, talkative: set[Port], *, encrypted: bool) -> Greeting | None:
    talk.until(end)
    if call.approach not in _WEB:
        data = _collected(talk, MOST_LINE, lambda data: b"\n" in data.lstrip())
        talkative.add(call.port)
        return parse_greeting(data)
    talk.send(_request(call, encrypted=encrypted))
    data = _collected(talk, MOST_HEAD, lambda data: b"\r\n\r\n" in data or b"\n\n" in data)
    talkative.add(call.port)
    return None if is_alert(data) else parse_greeting(data)


def _collected(talk: Stream, most: int, whole: Callable[[bytes], bool]) -> bytes:
    """Bytes until they are whole, so many, the last, or until the rest of them took too long.

    Raises:
        OSError: not one byte came.
    """
    data = talk.receive()
    talk.until(monotonic() + REST_S)
    while data and len(data) < most and not whole(data):
        try:
            more = talk.receive()
        except OSError:  # too slow, or cut off: what is there will do
            break
        if not more:
            break
        data += more
    return data[:most]


def _request(call: Call, *, encrypted: bool) -> bytes:
    """A HEAD request for the front page with the address as its host (RFC 9110 section 7.2)."""
    host = str(call.address).partition("%")[0]
    host = f"[{host}]" if isinstance(call.address, IPv6Address) else host
    if call.port.number != _USUAL_PORTS[encrypted]:
        host += f":{call.port.number}"
    lines = ("HEAD / HTTP/1.1", f"Host: {host}", "User-Agent: bindprobe", "Accept: */*", "Connection: close")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("ascii")
