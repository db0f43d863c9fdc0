"""Addresses as people type and paste them: `realm=ADDRESS`, `HOST:PORT`, `[2001:db8::1]:443`, a URL.

Lives here: what a text stands for. Nothing is looked up; what is no address is found where names are.
"""

import re
from ipaddress import ip_address, ip_network
from urllib.parse import urlsplit

from msgspec import Struct

from probe.errors import UsageError
from probe.model.target import Protocol
from probe.services.port_list import parse_ports
from probe.services.registry import port_of

_REALM = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,31}")
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_IN_BRACKETS = re.compile(r"(\[[^\[\]]*\])(?::(.*))?", re.DOTALL)
_ONLY_DIGITS_AND_DOTS = re.compile(r"[0-9]+(?:\.[0-9]*)+")


class TypedAddress(Struct, frozen=True):
    """What was typed: the host as a literal or a name, its realm where one was given, and its port."""

    host: str
    realm: str | None = None
    port: int | None = None  # TCP


def read_address(text: str) -> TypedAddress:
    """Take apart what was typed for one address.

    Raises:
        UsageError: a word that can be no realm, no host, a port that is none, a network, or an IPv4 address
            with a typing error.
    """
    realm, rest = _split_realm(text)
    host, port = _split_port(rest)
    _check(host)
    return TypedAddress(host, realm, port)


def _split_realm(text: str) -> tuple[str | None, str]:
    realm, equals, address = text.partition("=")
    if not equals or _URL.match(realm):  # a URL may have one in its query
        return None, text
    if not _REALM.fullmatch(realm):
        raise UsageError(f"{text!r}: a realm is a word such as lan, vpn or office")
    if not address:
        raise UsageError(f"{text!r}: no address follows the realm")
    return realm.lower(), address


def _split_port(text: str) -> tuple[str, int | None]:
    if _URL.match(text):
        return _of_url(text)
    bracketed = _IN_BRACKETS.fullmatch(text)
    if bracketed:
        host, digits = bracketed.groups()
        return host, None if digits is None else _port(digits, text)
    host, colon, digits = text.partition(":")
    if not colon or ":" in digits:  # of IPv6 every colon is the address's own
        return text, None
    if not host:
        raise UsageError(f"{text!r}: no host stands before the port")
    return host, _port(digits, text)


def _of_url(text: str) -> tuple[str, int | None]:
    """Host and port of a URL (RFC 3986 section 3.2); without a port that of its scheme."""
    try:
        url = urlsplit(text)
        host, port = url.hostname, url.port
    except ValueError as error:
        raise UsageError(f"{text!r} is no URL: {error}") from None
    if not host:
        raise UsageError(f"{text!r} names no host")
    if port is None:
        port = port_of(url.scheme, Protocol.TCP)
    return (f"[{host}]" if ":" in host else host), port


def _port(digits: str, text: str) -> int:
    if not digits.isascii() or not digits.isdigit():
        raise UsageError(f"{text!r}: {digits!r} is no port number")
    (port,) = parse_ports(digits)
    return port.number


def _check(host: str) -> None:
    """Refuse what people mistake for one address, with what to give instead."""
    if "/" in host and _is_network(host):
        raise UsageError(f"{host} is a network: give the addresses of one host, as many as it has")
    if _ONLY_DIGITS_AND_DOTS.fullmatch(host) and not _is_address(host):
        raise UsageError(f"{host!r} is no IPv4 address: four numbers from 0 to 255, with dots between")


def _is_network(text: str) -> bool:
    try:
        ip_network(text, strict=False)
    except ValueError:
        return False
    return True


def _is_address(text: str) -> bool:
    """Whether it is an address, and no name."""
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
