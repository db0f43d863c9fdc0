"""Values of the model as JSON and back. Addresses are text; everything else msgspec knows.

Reading checks the types of every field, and refuses what is none.
"""

from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from probe.model.target import IPAddress

T = TypeVar("T")
_ADDRESS: object = IPAddress  # one type at run time


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
    if isinstance(value, IPv4Address | IPv6Address):
        return str(value)
    raise NotImplementedError(f"{type(value).__name__} has no form in JSON")


def _read(of_type: type, value: object) -> IPv4Address | IPv6Address:
    if of_type is not _ADDRESS:
        raise NotImplementedError(f"{of_type.__name__} cannot be read from JSON")
    if not isinstance(value, str):
        raise TypeError("an address is a text")  # msgspec says where it stands
    return ip_address(value)
