"""Values of the model as JSON and back: addresses are text, and nothing else is guessed."""

from ipaddress import ip_address, ip_interface, ip_network

import msgspec
import pytest
from msgspec import Struct

from probe.model.encoding import decode, encode
from probe.model.facts import LinkKind
from probe.model.machine import Link, Peer
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


@pytest.mark.parametrize("text", ["192.0.2.0/24", "2001:db8::/32", "0.0.0.0/0"])
def test_networks_are_text(text: str) -> None:
    """Those of a peer, and those of an interface with its own address."""
    peer = Peer("key", (ip_network(text),))
    assert decode(encode(peer), Peer) == peer
    link = Link("wg0", LinkKind.TUNNEL, up=True, running=True, addresses=(ip_interface(text),))
    assert msgspec.json.decode(encode(link))["addresses"] == [text]
    assert decode(encode(link), Link) == link


@pytest.mark.parametrize("wrong", ["192.0.2.256", "host", ""])
def test_what_is_no_address(wrong: str) -> None:
    """A text that is no address is refused with its place."""
    data = msgspec.json.encode({"ip": wrong, "realm": "lan"})
    with pytest.raises(msgspec.ValidationError, match=r"\$\.ip"):
        decode(data, TargetAddress)


def test_what_has_no_form() -> None:
    """A type that the model does not have is an error where it is met, not a guess."""
    with pytest.raises(NotImplementedError, match="complex has no form"):
        encode(1j)
    with pytest.raises(NotImplementedError, match="complex cannot be read"):
        decode(b'{"network": 1}', Priced)


def test_a_number_is_no_address() -> None:
    """It would be one to `ipaddress`; a report that has it was made by nobody."""
    with pytest.raises(msgspec.ValidationError, match=r"an address is a text - at `\$\.ip`"):
        decode(b'{"ip": 3, "realm": "lan"}', TargetAddress)
