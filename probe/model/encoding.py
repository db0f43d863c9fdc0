"""Values of the model as JSON and back. Addresses and networks are text; everything else msgspec knows.

Reading checks the types of every field, and refuses what is none.
"""

from collections.abc import Callable, Mapping
from functools import lru_cache
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_interface,
    ip_network,
)
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from probe.model.machine import InterfaceAddress, Network
from probe.model.target import IPAddress

T = TypeVar("T")
_REMEMBERED = 4096  # addresses and their texts: a report has few, each many times
_READERS: Mapping[object, Callable[[str], object]] = {
    IPAddress: lru_cache(_REMEMBERED)(ip_address),
    Network: ip_network,
    InterfaceAddress: ip_interface,
}


def encode(value: object) -> bytes:
    """Write a value as JSON, in one line."""
    return msgspec.json.encode(value, enc_hook=_written)


def decode(data: bytes, of_type: type[T]) -> T:
    """Read a value from JSON.

    Raises:
        msgspec.ValidationError: a field is missing or of another type; named.
        msgspec.DecodeError: this is not one complete JSON value.
    """
    return msgspec.json.decode(data, type=of_type, dec_hook=_read)


def as_builtins(value: Struct) -> dict[str, Any]:
    """Make lists, dicts, texts and numbers of a value."""
    plain: dict[str, Any] = msgspec.to_builtins(value, enc_hook=_written)
    return plain


def from_builtins(value: object, of_type: type[T]) -> T:
    """Make a value of lists, dicts, texts and numbers.

    Raises:
        msgspec.ValidationError: a field is missing or of another type; named.
    """
    return msgspec.convert(value, of_type, dec_hook=_read)


def _written(value: object) -> str:
    if isinstance(value, IPv4Address | IPv6Address | IPv4Network | IPv6Network):  # interfaces are addresses
        return _text(value)
    raise NotImplementedError(f"{type(value).__name__} has no form in JSON")


@lru_cache(_REMEMBERED)
def _text(value: IPv4Address | IPv6Address | IPv4Network | IPv6Network) -> str:
    return str(value)


def _read(of_type: type, value: object) -> object:
    reader = _READERS.get(of_type)
    if reader is None:
        raise NotImplementedError(f"{of_type.__name__} cannot be read from JSON")
    if not isinstance(value, str):
        raise TypeError("an address is a text")  # msgspec adds where it stands
    return reader(value)
