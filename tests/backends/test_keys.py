"""Keys of services, asked of servers on loopback, friendly and hostile."""

import base64
import hashlib
import importlib.util
import shutil
import socket
import struct
import subprocess
import sys
import time
from contextlib import ExitStack
from ipaddress import ip_address
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from key_servers import HOSTILE, host_key, make_certificate, serving, ssh_server, tls_server

from probe.backends import host_keys
from probe.backends.host_keys import read_keys
from probe.backends.ssh import chosen_method, packet, shown_key
from probe.backends.tls import certificate_key, public_key_of
from probe.model.identity import Key, KeyKind
from probe.model.target import Port, Protocol

HERE, THERE = ip_address("127.0.0.1"), ip_address("127.0.0.2")
WITHIN = 1.0
HANGS_S = 30.0  # by then even a busy machine has ended what has an end

needs_cryptography = pytest.mark.skipif(
    importlib.util.find_spec("cryptography") is None, reason="cryptography is not installed"
)
needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")


def tcp(number: int) -> Port:
    return Port(Protocol.TCP, number)


def fingerprint(data: bytes) -> str:
    return "SHA256:" + base64.b64encode(hashlib.sha256(data).digest()).decode().rstrip("=")


def text(data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + data


@pytest.fixture
def tls_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ports below 1024 take privileges: here every port is asked for its certificate."""
    monkeypatch.setattr(host_keys, "TLS_PORTS", frozenset(range(65_536)))


ONE, TWO = host_key(b"a"), host_key(b"b")
REPLIES = {
    "a key": (bytes([31]) + text(ONE) + text(b"x"), ONE),
    "no key": (bytes([31]), None),
    "a type alone": (bytes([31]) + text(text(b"ssh-ed25519")), None),
    "an unknown type": (bytes([31]) + text(text(b"ssh-x") + b"key"), None),
    "cut off": ((bytes([31]) + text(ONE))[:-1], None),
}


@pytest.mark.parametrize("name", REPLIES)
def test_what_a_reply_shows(name: str) -> None:
    """A key of a known type is read, whatever else a server may have put there is not."""
    reply, expected = REPLIES[name]
    found = shown_key(reply)
    assert found == (None if expected is None else Key(KeyKind.SSH, "ssh-ed25519", fingerprint(expected)))


def test_the_fingerprint_is_that_of_openssh() -> None:
    """As `ssh-keygen -l` prints it."""
    key = shown_key(REPLIES["a key"][0])
    assert key is not None
    assert key.fingerprint == "SHA256:" + base64.b64encode(hashlib.sha256(ONE).digest()).decode()[:-1]


@given(st.binary(max_size=300))
def test_any_message_is_read(message: bytes) -> None:
    """No bytes make the readers fail."""
    assert shown_key(message) is None or message
    assert chosen_method(message) is None or message


@pytest.mark.parametrize(
    ("theirs", "chosen"),
    [
        (b"ecdh-sha2-nistp256,curve25519-sha256", b"curve25519-sha256"),
        (b"diffie-hellman-group14-sha1", b"diffie-hellman-group14-sha1"),
        (b"sntrup761x25519-sha512", None),
    ],
)
def test_the_method_is_the_first_of_ours_that_they_have(theirs: bytes, chosen: bytes | None) -> None:
    """RFC 4253 section 7.1."""
    assert chosen_method(bytes(17) + text(theirs)) == chosen


def test_packets_are_padded() -> None:
    """To a multiple of eight bytes, with four at least (RFC 4253 section 6)."""
    for length in range(20):
        made = packet(bytes(length))
        assert len(made) % 8 == 0
        assert made[4] >= 4
        assert len(made) == 5 + length + made[4]


def test_lines_before_the_identification() -> None:
    """They are allowed (RFC 4253 section 4.2); without end they are no SSH."""
    speaks = ssh_server(ONE)

    def late(peer: socket.socket) -> None:
        peer.sendall(b"welcome\r\n")
        speaks(peer)

    with serving(late) as port:
        assert list(read_keys([(HERE, tcp(port))])) == [(HERE, tcp(port))]


def test_host_keys() -> None:
    """Two servers on one port number of two addresses: each shows its own key."""
    with serving(ssh_server(ONE)) as port, serving(ssh_server(TWO), str(THERE), port):
        found = read_keys([(HERE, tcp(port)), (THERE, tcp(port))])
    assert found == {
        (HERE, tcp(port)): (Key(KeyKind.SSH, "ssh-ed25519", fingerprint(ONE)),),
        (THERE, tcp(port)): (Key(KeyKind.SSH, "ssh-ed25519", fingerprint(TWO)),),
    }


@pytest.mark.skipif(not socket.has_ipv6, reason="no IPv6 here")
def test_host_keys_over_ipv6() -> None:
    """Addresses of either family."""
    with serving(ssh_server(ONE), "::1") as port:
        assert len(read_keys([(ip_address("::1"), tcp(port))])) == 1


@needs_openssl
def test_certificates(tmp_path: Path, tls_everywhere: None) -> None:
    """One certificate on two addresses has one fingerprint, that of its DER."""
    serve, certificate = tls_server(tmp_path)
    with serving(serve) as port, serving(serve, str(THERE), port):
        found = read_keys([(HERE, tcp(port)), (THERE, tcp(port))])
    expected = (certificate_key(certificate),)
    assert [key.fingerprint for key in expected] == [fingerprint(certificate)]
    assert found == {(HERE, tcp(port)): expected, (THERE, tcp(port)): expected}


@needs_openssl
@needs_cryptography
def test_a_renewed_certificate_keeps_its_key(tmp_path: Path) -> None:
    """Two certificates of one key differ as a whole, and have its fingerprint, that of the key in DER."""
    key = tmp_path / "key.pem"
    made = [make_certificate(key, tmp_path / f"{n}.pem", "-set_serial", n) for n in ("0", "2")]
    other = make_certificate(tmp_path / "other.pem", tmp_path / "other.crt")
    one, two, three = map(certificate_key, (*made, other))
    assert one is not None
    assert two is not None
    assert three is not None
    assert one.fingerprint != two.fingerprint
    assert one.public_key == two.public_key != three.public_key
    command = ["openssl", "pkey", "-in", str(key), "-pubout", "-outform", "DER"]
    assert one.public_key == fingerprint(subprocess.run(command, check=True, capture_output=True).stdout)


def test_a_certificate_without_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is compared whole; so is one that cannot be read."""
    whole = Key(KeyKind.TLS, "x509", fingerprint(b"no certificate"))
    assert certificate_key(b"no certificate") == whole
    monkeypatch.setitem(sys.modules, "cryptography", None)
    assert certificate_key(b"no certificate") == whole
    assert public_key_of(b"no certificate") is None


@needs_openssl
def test_a_certificate_of_an_unknown_version(tmp_path: Path) -> None:
    """A server may send one with any number there: it is compared whole."""
    made = make_certificate(tmp_path / "key.pem", tmp_path / "c.pem")
    odd = made.replace(bytes.fromhex("a003020102"), bytes.fromhex("a003020122"), 1)
    assert odd != made
    assert certificate_key(odd) == Key(KeyKind.TLS, "x509", fingerprint(odd))


@needs_openssl
def test_a_key_of_an_unknown_kind(tmp_path: Path) -> None:
    """A certificate whose key is of no known algorithm is compared whole."""
    made = make_certificate(tmp_path / "key.pem", tmp_path / "c.pem")
    of_ec_key = bytes.fromhex("06072a8648ce3d0201")
    assert made.count(of_ec_key) == 1
    assert public_key_of(made.replace(of_ec_key, bytes.fromhex("06072a8648ce3d027f"))) is None


def unread(hostile: str) -> None:
    """Ask a hostile server, and a friendly one beside it, within the time."""
    with serving(HOSTILE[hostile]) as port:
        before = time.monotonic()
        assert read_keys([(HERE, tcp(port))], WITHIN) == {}
        assert time.monotonic() - before < HANGS_S


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_ssh(hostile: str) -> None:
    """Whatever a server sends or does not send: no key, no error, in time."""
    unread(hostile)


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_tls(hostile: str, tls_everywhere: None) -> None:
    """The same for a server that is asked for its certificate."""
    unread(hostile)


@needs_openssl
def test_hostile_servers_do_not_hold_up_others(tmp_path: Path, tls_everywhere: None) -> None:
    """All are asked at once: a friendly server's key is there although the others never end."""
    serve, _ = tls_server(tmp_path)
    with ExitStack() as stack:
        ports = [stack.enter_context(serving(one)) for one in (*HOSTILE.values(), serve)]
        found = read_keys([(HERE, tcp(port)) for port in ports], WITHIN)
    assert list(found) == [(HERE, tcp(ports[-1]))]


def test_no_time_left() -> None:
    """What is asked after the deadline is not asked."""
    with serving(ssh_server(ONE)) as port:
        for within in (0.0, -1.0):
            assert read_keys([(HERE, tcp(port))], within) == {}


def test_a_closed_port(tls_everywhere: None) -> None:
    """Nobody there, or no time left: no key."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert read_keys([(HERE, tcp(port))], WITHIN) == {}
    assert read_keys([(HERE, tcp(port))], 0.0) == {}


def test_nothing_wanted() -> None:
    """Nothing is asked, nothing is found."""
    assert read_keys([]) == {}
