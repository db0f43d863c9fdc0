"""The host key that an SSH server shows before any login, in one connection (RFC 4253 sections 4.2, 6 to 8).

A key exchange is begun and not ended: the server's answer has its key in clear. Nothing is secret here and
no signature is verified: keys are compared, not trusted.
"""

import struct

from probe.backends.kept import IDENTIFICATION
from probe.backends.stream import Stream
from probe.backends.tls import fingerprint
from probe.model.identity import Key, KeyKind

_KEXINIT, _KEX_BEGIN, _KEX_REPLY = 20, 30, 31  # RFC 4253 section 12, RFC 5656 section 7.1
_MOST_BANNER = 4096  # bytes until the identification ends; lines before it are allowed
_MOST_PACKET = 35_000  # RFC 4253 section 6.1
_MOST_PACKETS = 16  # before a key: servers send two
_BLOCK, _LEAST_PADDING = 8, 4


def _text(data: bytes) -> bytes:
    """A string (RFC 4251 section 5)."""
    return struct.pack(">I", len(data)) + data


# Public values of a client, by method: base points of the curves, and a number for the group.
_CURVE25519 = _text(b"\x09" + bytes(31))  # RFC 7748 section 4.1
_P256 = _text(  # uncompressed: SEC 2 section 2.4.2
    bytes.fromhex(
        "046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"
        "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5"
    )
)
_GROUP14 = _text(bytes.fromhex("5a5a5a5a5a5a5a5a"))
_METHODS = {
    b"curve25519-sha256": _CURVE25519,  # RFC 8731
    b"curve25519-sha256@libssh.org": _CURVE25519,
    b"ecdh-sha2-nistp256": _P256,  # RFC 5656
    b"diffie-hellman-group14-sha256": _GROUP14,  # RFC 8268
    b"diffie-hellman-group14-sha1": _GROUP14,
}
_KEY_TYPES = (
    b"ssh-ed25519,ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521,"
    b"rsa-sha2-512,rsa-sha2-256,ssh-rsa"
)
_CIPHERS = (
    b"chacha20-poly1305@openssh.com,aes128-ctr,aes192-ctr,aes256-ctr,aes128-gcm@openssh.com,"
    b"aes256-gcm@openssh.com,aes128-cbc,3des-cbc"
)
_MACS = b"hmac-sha2-256,hmac-sha2-512,hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com,hmac-sha1"
_NO_COMPRESSION = b"none"
_KNOWN_TYPES = frozenset(_KEY_TYPES.split(b",")) - {b"rsa-sha2-512", b"rsa-sha2-256"}
_COOKIE = bytes(16)  # random where a session is to be secret


class _NotSshError(OSError):
    """What came is not of this protocol."""


def read_host_key(talk: Stream, received: bytes = b"") -> Key | None:
    """Begin a key exchange; return the key that the server shows, None where it shows none that is known.

    Args:
        talk: a connection to the server, on which nothing was sent so far.
        received: what was read of it already.

    Raises:
        OSError: no SSH, cut off, or not in time.
    """
    reader = _Reader(talk, received)
    reader.skip_banner()
    lists = (b",".join(_METHODS), _KEY_TYPES, *[_CIPHERS] * 2, *[_MACS] * 2, *[_NO_COMPRESSION] * 2, b"", b"")
    offer = bytes([_KEXINIT]) + _COOKIE + b"".join(map(_text, lists)) + bytes(5)
    talk.send(IDENTIFICATION + packet(offer))
    method = chosen_method(reader.message(_KEXINIT))
    if method is None:
        return None
    talk.send(packet(bytes([_KEX_BEGIN]) + _METHODS[method]))
    return shown_key(reader.message(_KEX_REPLY))


def packet(payload: bytes) -> bytes:
    """A packet without encryption (RFC 4253 section 6)."""
    padding = _BLOCK - (5 + len(payload)) % _BLOCK
    padding += _BLOCK if padding < _LEAST_PADDING else 0
    return struct.pack(">IB", 1 + len(payload) + padding, padding) + payload + bytes(padding)


def chosen_method(message: bytes) -> bytes | None:
    """The method of key exchange that a server's KEXINIT agrees to: the client's first that it has."""
    theirs = frozenset(_first_text(message[1 + len(_COOKIE) :]).split(b","))
    return next((method for method in _METHODS if method in theirs), None)


def shown_key(message: bytes) -> Key | None:
    """The host key in a reply to the exchange; None for nonsense. A key names its type (RFC 4253 6.6)."""
    blob = _first_text(message[1:])
    name = _first_text(blob)
    if name not in _KNOWN_TYPES or not _is_whole(blob[len(_text(name)) :]):
        return None
    return Key(KeyKind.SSH, name.decode("ascii"), fingerprint(blob))


def _first_text(data: bytes) -> bytes:
    """The string that data begin with; nothing where they are too short for it."""
    (length,) = struct.unpack(">I", data[:4]) if len(data) >= len(_text(b"")) else (0,)
    text = data[4 : 4 + length]
    return text if len(text) == length else b""


def _is_whole(rest: bytes) -> bool:
    """Whether these are the parts of a key, strings and nothing else; one at least."""
    parts = 0
    while rest:
        size = len(_text(_first_text(rest)))
        if len(rest) < size or size == len(_text(b"")):
            return False
        rest, parts = rest[size:], parts + 1
    return parts > 0


class _Reader:
    """Messages of a server, one after the other."""

    def __init__(self, talk: Stream, received: bytes) -> None:
        self._talk = talk
        self._buffer = received

    def skip_banner(self) -> None:
        """Read up to the end of the identification, and of lines before it."""
        read = 0
        while True:
            line, found, rest = self._buffer.partition(b"\n")
            if found:
                read += len(line)
                self._buffer = rest
                if line.startswith(b"SSH-"):
                    return
            if read + len(self._buffer) > _MOST_BANNER:
                raise _NotSshError
            if not found:
                self._more()

    def message(self, kind: int) -> bytes:
        """The next message of a kind; what comes before it is left."""
        for _ in range(_MOST_PACKETS):
            length, padding = struct.unpack(">IB", self._exactly(5))
            if not padding < length <= _MOST_PACKET:
                raise _NotSshError
            payload = self._exactly(length - 1)[: length - 1 - padding]
            if payload[:1] == bytes([kind]):
                return payload
        raise _NotSshError

    def _exactly(self, count: int) -> bytes:
        while len(self._buffer) < count:
            self._more()
        data, self._buffer = self._buffer[:count], self._buffer[count:]
        return data

    def _more(self) -> None:
        data = self._talk.receive()
        if not data:
            raise _NotSshError
        self._buffer += data
