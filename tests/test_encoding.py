"""Values of the model as JSON and back: addresses are text, and nothing else is guessed."""

from ipaddress import ip_address, ip_network

import msgspec
import pytest
from msgspec import Struct

from probe.model.encoding import decode, encode
from probe.model.target import IPAddress, TargetAddress


class Priced(Struct):
    """What has no form here."""

    network: complex


@pytest.mark.parametrize("text", ["192.0.2.1", "2001:db8::1", "fe80::1%eth0"])
def test_addresses_are_text(text: str) -> None:
    """Of either family, with their scope."""
    address = TargetAddress(ip_address(text), "lan")
    data = encode(address)
    assert msgspec.json.decode(data) == {"ip": text, "realm": "lan"}
    assert decode(data, TargetAddress) == address
    assert isinstance(address.ip, IPAddress)


@pytest.mark.parametrize("wrong", ["192.0.2.256", "host", ""])
def test_what_is_no_address(wrong: str) -> None:
    """A text that is no address is refused with its place."""
    data = msgspec.json.encode({"ip": wrong, "realm": "lan"})
    with pytest.raises(msgspec.ValidationError, match=r"\$\.ip"):
        decode(data, TargetAddress)


def test_what_has_no_form() -> None:
    """A type that the model does not have is an error where it is met, not a guess."""
    with pytest.raises(NotImplementedError, match="IPv4Network has no form"):
        encode(ip_network("192.0.2.0/24"))
    with pytest.raises(NotImplementedError, match="complex cannot be read"):
        decode(b'{"network": 1}', Priced)


def test_a_number_is_no_address() -> None:
    """It would be one to `ipaddress`; a report that has it was made by nobody."""
    with pytest.raises(msgspec.ValidationError, match=r"an address is a text - at `\$\.ip`"):
        decode(b'{"ip": 3, "realm": "lan"}', TargetAddress)
