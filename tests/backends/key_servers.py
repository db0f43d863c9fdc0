"""Servers on loopback that keys are asked of: an SSH server up to its host key, TLS, and hostile ones."""

import contextlib
import socket
import ssl
import struct
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

Serve = Callable[[socket.socket], None]


@contextlib.contextmanager
def serving(serve: Serve, address: str = "127.0.0.1", port: int = 0) -> Iterator[int]:
    """Serve every connection in a thread of its own; yields the port. What a peer breaks off is over.

    Every connection has been served to its end when this is left.
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.create_server((address, port), family=family) as listening:
        threads = [threading.Thread(target=_accept, args=(listening, serve), daemon=True)]
        threads[0].start()
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)  # wakes the one that accepts
        threads[0].join()


def _accept(listening: socket.socket, serve: Serve) -> None:
    threads = []
    while True:
        try:
            peer, _ = listening.accept()
        except OSError:  # the test is over
            break
        threads.append(threading.Thread(target=_one, args=(peer, serve), daemon=True))
        threads[-1].start()
    for thread in threads:
        thread.join()


def _one(peer: socket.socket, serve: Serve) -> None:
    with peer, contextlib.suppress(OSError):
        peer.settimeout(5)
        serve(peer)


def _text(data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + data


def host_key(seed: bytes) -> bytes:
    """An ssh-ed25519 public key (RFC 8709 section 4); any 32 bytes will do to be shown."""
    return _text(b"ssh-ed25519") + _text(seed * 32)


def ssh_server(key: bytes) -> Serve:
    """An SSH server up to the message that shows its host key (RFC 4253 section 8, RFC 8731); no login."""
    algorithms = ["curve25519-sha256", "ssh-ed25519", *["aes128-ctr"] * 2, *["hmac-sha2-256"] * 2]
    lists = [*algorithms, "none", "none", "", ""]
    opening = bytes([20]) + bytes(16) + b"".join(_text(one.encode()) for one in lists) + bytes(5)
    shown = bytes([31]) + _text(key) + _text(b"\x09" * 32) + _text(b"no signature")

    def serve(peer: socket.socket) -> None:
        peer.sendall(b"SSH-2.0-sample\r\n" + _packet(opening))
        peer.recv(65_536)  # its version, and perhaps its algorithms
        peer.sendall(_packet(shown))
        while peer.recv(65_536):
            pass

    return serve


def _packet(payload: bytes) -> bytes:
    """A packet without encryption (RFC 4253 section 6): padded to eight bytes, four of them at least."""
    padding = 8 - (5 + len(payload)) % 8 + 8
    return struct.pack(">IB", 1 + len(payload) + padding, padding) + payload + bytes(padding)


def tls_server(folder: Path) -> tuple[Serve, bytes]:
    """A TLS server and its certificate in DER, made by the `openssl` command."""
    return tls_speaker(folder, b"", waits=True)


def make_certificate(key: Path, certificate: Path, *more: str) -> bytes:
    """Make a certificate, in DER too, for this private key; one that is not there yet is made first."""
    if not key.exists():
        curve = ("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256")
        _openssl("genpkey", *curve, "-out", str(key))
    made = ("req", "-x509", "-key", str(key), "-out", str(certificate), "-days", "2", "-subj", "/CN=sample")
    _openssl(*made, *more)
    return ssl.PEM_cert_to_DER_cert(certificate.read_text(encoding="ascii"))


def _openssl(*words: str) -> None:
    subprocess.run(("openssl", *words), check=True, capture_output=True, timeout=30)


def tls_speaker(folder: Path, sends: bytes, *, waits: bool) -> tuple[Serve, bytes]:
    """A TLS server that sends something, first or when it was spoken to; its certificate is the folder's."""
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    if not certificate.exists():
        make_certificate(key, certificate)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)

    def serve(peer: socket.socket) -> None:
        with context.wrap_socket(peer, server_side=True) as encrypted:
            if waits:
                encrypted.recv(4096)
            encrypted.sendall(sends)

    return serve, ssl.PEM_cert_to_DER_cert(certificate.read_text(encoding="ascii"))


def flood(start: bytes, chunk: bytes) -> Serve:
    """Send without end, whatever the peer sends."""

    def serve(peer: socket.socket) -> None:
        peer.sendall(start)
        while True:
            peer.sendall(chunk)

    return serve


def drip(data: bytes) -> Serve:
    """Send one byte at a time, so that something always just came."""

    def serve(peer: socket.socket) -> None:
        for byte in data * 1000:
            peer.sendall(bytes([byte]))
            time.sleep(0.05)

    return serve


def send(data: bytes) -> Serve:
    """Send this, wait for an answer, and close."""

    def serve(peer: socket.socket) -> None:
        peer.sendall(data)
        peer.recv(1)

    return serve


def never(peer: socket.socket) -> None:
    """Accept and keep quiet."""
    while peer.recv(65_536):
        pass


TLS_RECORD = b"\x16\x03\x03"  # a handshake of TLS 1.2
HOSTILE: dict[str, Serve] = {
    "silent": never,
    "closes at once": lambda peer: None,
    "garbage": send(bytes(range(256)) * 16),
    "megabytes": flood(b"", b"x" * 65_536),
    "megabytes of lines": flood(b"", b"no banner\r\n" * 4096),
    "a banner with other lines": send(b"SSH-2.0-\r127.0.0.1 ssh-ed25519 AAAA\x0b\x85\r\n" + bytes(64)),
    "an endless packet": flood(b"SSH-2.0-x\r\n" + struct.pack(">I", 0xFFFF_FFFF), b"\0" * 65_536),
    "dripping": drip(b"SSH-2.0-slow"),
    "a key that is none": ssh_server(b"\0\0\0\x0bssh-ed25519" + b"\xff" * 64),
    "plain HTTP": send(b"HTTP/1.1 400 Bad Request\r\n\r\n"),
    "a TLS record that never ends": flood(TLS_RECORD + b"\x40\x00" + b"\x02\xff\xff\xff", b"\0" * 65_536),
    "TLS records without content": flood(b"", TLS_RECORD + b"\0\0"),
    "TLS warnings without end": flood(b"", b"\x15\x03\x03\x00\x02\x01\x00"),
    "a dripping TLS record": drip(TLS_RECORD),
}
