"""How names are resolved here, as it is set up. Nothing is asked."""

import sys
import tempfile
from ipaddress import ip_address
from pathlib import Path

import dns.name
import dns.resolver
import pytest
from hypothesis import given
from hypothesis import strategies as st

from probe.machine.system import read_resolvers
from probe.model.machine import Resolvers

FILES = [
    ("nameserver 127.0.0.53\noptions edns0 trust-ad\nsearch lan\n", ["127.0.0.53"], ("lan",)),
    (
        "# made by hand\n; so\nsearch corp.example lan.\nnameserver 10.8.0.1\nnameserver 2001:db8::53\n",
        ["10.8.0.1", "2001:db8::53"],
        ("corp.example", "lan"),
    ),
    ("nameserver fe80::1%eth0\ndomain corp.example\n", ["fe80::1%eth0"], ("corp.example",)),
    ("nameserver 10.8.0.1\nnameserver\nnonsense\n", ["10.8.0.1"], ("home",)),
    ("nameserver https://dns.example/dns-query\nnameserver 10.8.0.1\n", ["10.8.0.1"], ("home",)),
    ("search lan\n", [], ("lan",)),
    ("", [], ("home",)),
    ("nameserver dns.example\n", None, ()),
    ("nameserver 10.8.0.1\nsearch a..b\n", None, ()),
]


@pytest.fixture
def named(monkeypatch: pytest.MonkeyPatch) -> None:
    """This machine is called laptop.home."""
    monkeypatch.setattr("socket.gethostname", lambda: "laptop.home")


@pytest.mark.parametrize(("text", "servers", "search"), FILES)
@pytest.mark.usefixtures("named")
def test_files(tmp_path: Path, text: str, servers: list[str] | None, search: tuple[str, ...]) -> None:
    """Servers and search domains; none is not the same as not readable."""
    path = tmp_path / "resolv.conf"
    path.write_text(text, encoding="utf-8")
    known = None if servers is None else tuple(map(ip_address, servers))
    assert read_resolvers(path) == Resolvers(known, search, str(path))


def test_no_file(tmp_path: Path) -> None:
    """Where there is no such file, nothing is known."""
    assert read_resolvers(tmp_path / "none") == Resolvers(source=str(tmp_path / "none"))


def test_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    """On Windows the registry has them."""

    def read_registry(resolver: dns.resolver.Resolver) -> None:
        resolver.nameservers = ["192.0.2.53"]
        resolver.search = [dns.name.from_text("corp.example")]

    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(dns.resolver.Resolver, "read_registry", read_registry, raising=False)
    expected = Resolvers((ip_address("192.0.2.53"),), ("corp.example",), "the registry")
    assert read_resolvers() == expected


WORDS = st.sampled_from(["nameserver", "search", "domain", "options", "::1", "ndots:x", "a..b", "\n", "#"])


@given(st.binary() | st.lists(WORDS).map(lambda words: " ".join(words).encode()))
def test_any_file_is_read(content: bytes) -> None:
    """Whatever stands there, it gives servers or reports that it cannot."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "resolv.conf"
        path.write_bytes(content)
        assert read_resolvers(path).source == str(path)
