"""Addresses as people type and paste them."""

import pytest

from probe.app.target import Target
from probe.app.typed_address import TypedAddress, read_address
from probe.errors import UsageError


@pytest.mark.parametrize(
    ("text", "host", "realm", "port"),
    [
        ("192.168.1.20", "192.168.1.20", None, None),
        ("192.168.1.20:8080", "192.168.1.20", None, 8080),
        ("nas.example:22", "nas.example", None, 22),
        ("2001:db8::1", "2001:db8::1", None, None),
        ("::1", "::1", None, None),
        ("fe80::1%eth0", "fe80::1%eth0", None, None),
        ("[2001:db8::1]", "[2001:db8::1]", None, None),
        ("[2001:db8::1]:443", "[2001:db8::1]", None, 443),
        ("vpn=10.8.0.1:22", "10.8.0.1", "vpn", 22),
        ("Office=nas.example", "nas.example", "office", None),
        ("http://nas.example/", "nas.example", None, 80),
        ("https://nas.example", "nas.example", None, 443),
        ("HTTPS://nas.example:8443/login?next=/a=b", "nas.example", None, 8443),
        ("https://user:secret@[2001:db8::1]:9443/x", "[2001:db8::1]", None, 9443),
        ("ssh://root@192.168.1.20", "192.168.1.20", None, 22),
        ("postgresql://db.example/app", "db.example", None, 5432),
        ("lan=redis://192.168.1.20", "192.168.1.20", "lan", 6379),
        ("gopher9://nas.example", "nas.example", None, None),
    ],
)
def test_what_was_typed(text, host, realm, port):
    """Host, realm and port of whatever is pasted; a URL's scheme has its usual port."""
    assert read_address(text) == TypedAddress(host, realm, port)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("192.168.1.0/24", "is a network"),
        ("2001:db8::/64", "is a network"),
        ("192.168.1.300", "no IPv4 address"),
        ("192.168.1", "no IPv4 address"),
        ("192.168..1", "no IPv4 address"),
        ("192.168.1.2.3", "no IPv4 address"),
        ("192.168.1.20:http", "no port number"),
        ("192.168.1.20:", "no port number"),
        ("192.168.1.20:65536", "65536"),
        ("[::1]:x", "no port number"),
        (":80", "no host"),
        ("http://", "names no host"),
        ("http:///path", "names no host"),
        ("http://nas.example:99999/", "no URL"),
        ("http://[::1/", "no URL"),
        ("=10.0.0.1", "a realm is a word"),
        ("lan=", "no address follows"),
    ],
)
def test_mistakes_name_what_to_give(text, words):
    """Each is refused before anything is looked up."""
    with pytest.raises(UsageError, match=words):
        read_address(text)


@pytest.mark.parametrize(
    ("addresses", "ports", "listed"),
    [
        (["192.168.1.20"], None, None),
        (["192.168.1.20:8080"], None, "8080"),
        (["192.168.1.20:8080", "vpn=10.8.0.1:22"], None, "22,8080"),
        (["192.168.1.20:8080"], "U:53", "U:53,T:8080"),
        (["192.168.1.20"], "U:53", "U:53"),
        (["192.168.1.20:8080"], "", ""),
    ],
)
def test_ports_of_addresses(addresses, ports, listed):
    """A port that came with an address is tested on all of them, beside those of -p."""
    assert Target(addresses, ports=ports).port_list() == listed


def test_a_flag_has_its_realm():
    """A flag's address may have a port, and has no other realm."""
    target = Target(lan=["192.168.1.20:80"])
    assert (target.places(), target.port_list()) == ((("lan", "192.168.1.20"),), "80")
    with pytest.raises(UsageError, match="given by --vpn"):
        Target(vpn="lan=10.8.0.1")
