"""Keys of services, asked of servers on loopback, friendly and hostile."""

import base64
import hashlib
import importlib.util
import shutil
import socket
import subprocess
import sys
import threading
import time
from contextlib import ExitStack
from ipaddress import ip_address
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from key_servers import HOSTILE, host_key, make_certificate, serving, ssh_server, tls_server

from probe.backends import host_keys
from probe.backends.host_keys import parse_keyscan, read_keys
from probe.backends.tls import certificate_key, public_key_of
from probe.model.identity import Key, KeyKind
from probe.model.target import Port, Protocol

HERE, THERE = ip_address("127.0.0.1"), ip_address("127.0.0.2")
WITHIN = 1.0
HANGS_S = 30.0  # by then even a busy machine has ended what has an end

needs_keyscan = pytest.mark.skipif(shutil.which("ssh-keyscan") is None, reason="ssh-keyscan is not installed")
needs_cryptography = pytest.mark.skipif(
    importlib.util.find_spec("cryptography") is None, reason="cryptography is not installed"
)
needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")


def tcp(number: int) -> Port:
    return Port(Protocol.TCP, number)


def fingerprint(data: bytes) -> str:
    return "SHA256:" + base64.b64encode(hashlib.sha256(data).digest()).decode().rstrip("=")


@pytest.fixture
def tls_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ports below 1024 take privileges: here every port is asked for its certificate."""
    monkeypatch.setattr(host_keys, "TLS_PORTS", frozenset(range(65_536)))


ONE, TWO = host_key(b"a"), host_key(b"b")
LINE = b"127.0.0.1 ssh-ed25519 " + base64.b64encode(ONE)

OUTPUTS = {
    "one key": (LINE + b"\n", [ONE]),
    "a port of its own": (LINE.replace(b"127.0.0.1", b"[127.0.0.1]:2222"), [ONE]),
    "twice": (LINE + b"\n" + LINE, [ONE]),
    "remarks": (b"# 127.0.0.1:22 SSH-2.0-OpenSSH_9.2\n" + LINE + b"\n# end", [ONE]),
    "a remark with a line in it": (b"# 127.0.0.1:22 SSH-2.0-x\r" + LINE, []),
    "another kind of line break": (b"# x\x0b" + LINE + b"\x85" + LINE, []),
    "no key": (b"127.0.0.1 ssh-ed25519", []),
    "no base64": (b"127.0.0.1 ssh-ed25519 ?!", []),
    "a key of another type": (LINE.replace(b"ed25519", b"rsa"), []),
    "an unknown type": (b"127.0.0.1 x AAAAAXg=", []),
    "nothing": (b"", []),
}


@pytest.mark.parametrize("name", OUTPUTS)
def test_output_of_keyscan(name: str) -> None:
    """Lines with a key are read; what else a server may have put there is not."""
    output, expected = OUTPUTS[name]
    found = parse_keyscan(output)
    assert found == tuple(Key(KeyKind.SSH, "ssh-ed25519", fingerprint(blob)) for blob in expected)


def test_the_fingerprint_is_that_of_openssh() -> None:
    """As `ssh-keygen -l` prints it."""
    (key,) = parse_keyscan(LINE)
    assert key.fingerprint == "SHA256:" + base64.b64encode(hashlib.sha256(ONE).digest()).decode()[:-1]


@given(st.binary(max_size=300))
def test_any_output_is_read(output: bytes) -> None:
    """No bytes make the reader fail."""
    assert all(key.kind is KeyKind.SSH for key in parse_keyscan(output))


@needs_keyscan
def test_host_keys() -> None:
    """Two servers on one port number of two addresses: each shows its own key."""
    with serving(ssh_server(ONE)) as port, serving(ssh_server(TWO), str(THERE), port):
        found = read_keys([(HERE, tcp(port)), (THERE, tcp(port))])
    assert found == {
        (HERE, tcp(port)): (Key(KeyKind.SSH, "ssh-ed25519", fingerprint(ONE)),),
        (THERE, tcp(port)): (Key(KeyKind.SSH, "ssh-ed25519", fingerprint(TWO)),),
    }


@needs_keyscan
@pytest.mark.skipif(not socket.has_ipv6, reason="no IPv6 here")
def test_host_keys_over_ipv6() -> None:
    """The address is given to ssh-keyscan as a literal of either family."""
    with serving(ssh_server(ONE), "::1") as port:
        assert len(read_keys([(ip_address("::1"), tcp(port))])) == 1


def test_without_keyscan(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where OpenSSH is not installed, host keys are not asked for; that is no error."""
    monkeypatch.setattr(shutil, "which", lambda program, path: None)
    asked = threading.Event()
    with serving(lambda peer: asked.set()) as port:
        assert read_keys([(HERE, tcp(port))]) == {}
    assert not asked.is_set()


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


@needs_keyscan
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


@needs_keyscan
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


def test_a_program_that_floods(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only so much is read of what ssh-keyscan prints, and the program ends with that."""
    program = tmp_path / "keyscan"
    program.write_text("#!/bin/sh\nexec yes '127.0.0.1 ssh-ed25519 AAAA'\n", encoding="ascii")
    program.chmod(0o700)
    monkeypatch.setattr(shutil, "which", lambda name, path: str(program))
    before = time.monotonic()
    assert read_keys([(HERE, tcp(9))], 2 * HANGS_S) == {}
    assert time.monotonic() - before < HANGS_S


def test_nothing_wanted() -> None:
    """Nothing is asked, nothing is found."""
    assert read_keys([]) == {}
