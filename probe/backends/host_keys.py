"""Keys that services show before any login: SSH host keys, by `ssh-keyscan`, and TLS certificates.

Lives here: a few ordinary connections at once, bounded in time and bytes, whatever the servers send. It knows
nothing of what equal keys mean. No name is resolved: the addresses are literals, and no server name is sent.
"""

import base64
import binascii
import struct
import subprocess
from collections.abc import Mapping, Sequence
from threading import Timer
from time import monotonic

from probe import interruption
from probe.backends.side_by_side import side_by_side
from probe.backends.stream import Plain, connect
from probe.backends.tls import Encrypted, certificate_key, fingerprint
from probe.machine import tools
from probe.model.identity import Key, KeyKind
from probe.model.target import IPAddress, Port
from probe.model.way_out import USUAL_WAY, WayOut
from probe.services.registry import TLS_PORTS

DEADLINE_S = 3.0
_AT_ONCE = 32
_MOST_BYTES = 65_536  # of ssh-keyscan's output; three keys take about two thousand

_TLS_PATIENCE_S = 1.0  # for a handshake: what speaks TLS begins it at once

_PROGRAM = "ssh-keyscan"
_PATIENCE_S = "2"
# Each type costs a connection, and an sshd (OpenSSH 9.8) holds connections without a login against their
# source: the types that nearly every server lacks or has beside ed25519 are asked only where that is missing.
_TYPES = ("ed25519", "ecdsa,rsa")
_KNOWN_TYPES = frozenset(
    {"ssh-ed25519", "ssh-rsa", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521"}
)

Place = tuple[IPAddress, Port]


def read_keys(
    wanted: Sequence[Place], within: float = DEADLINE_S, way: WayOut = USUAL_WAY
) -> Mapping[Place, tuple[Key, ...]]:
    """Ask TCP ports for their keys, all at once, for at most `within` seconds.

    The usual TLS ports are asked for their certificate, the others for SSH host keys: one to three
    connections each. Where there is no `ssh-keyscan` (OpenSSH), no host keys are asked for, nor where a way
    out was chosen, which it cannot take. What shows no key
    in time, or before a signal asks for the end, is left out.
    """
    end = monotonic() + within
    found = side_by_side(lambda place: _keys_of(place, end, way), wanted, _AT_ONCE)
    return {place: keys for place, keys in zip(wanted, found, strict=True) if keys}


def _keys_of(place: Place, end: float, way: WayOut) -> tuple[Key, ...]:
    address, port = place
    try:
        if port.number in TLS_PORTS:
            return _certificate(address, port.number, end, way)
        return _host_keys(address, port.number, end) if way == USUAL_WAY else ()
    except OSError:  # refused, silent, no TLS, nonsense: a port that shows no key
        return ()


def _host_keys(address: IPAddress, port: int, end: float) -> tuple[Key, ...]:
    program = tools.find(_PROGRAM)
    if program is None:
        return ()
    for types in _TYPES:
        command = (program, "-T", _PATIENCE_S, "-p", str(port), "-t", types, str(address))
        keys = parse_keyscan(_output(command, end))
        if keys:
            return keys
    return ()


def _output(command: Sequence[str], end: float) -> bytes:
    """What a command prints, as much as is read of it, until `end`."""
    left = end - monotonic()
    if left <= 0:
        return b""
    env, quiet, kept = tools.environment(), subprocess.DEVNULL, subprocess.PIPE

    def start() -> "subprocess.Popen[bytes]":
        return subprocess.Popen(command, env=env, stdin=quiet, stdout=kept, stderr=quiet)  # noqa: S603 - a literal address and a number

    with interruption.child(start) as process, process:
        alarm = Timer(left, process.kill)
        alarm.start()
        try:
            return process.stdout.read(_MOST_BYTES) if process.stdout else b""
        finally:
            alarm.cancel()
            process.kill()


def parse_keyscan(output: bytes) -> tuple[Key, ...]:
    """Host keys in what `ssh-keyscan` prints: lines of host, type and key, as in known_hosts (sshd(8))."""
    keys = (_host_key(line.split(b" ")) for line in output.split(b"\n"))
    return tuple(dict.fromkeys(key for key in keys if key is not None))


def _host_key(fields: Sequence[bytes]) -> Key | None:
    """One line's key; None for remarks and nonsense. A key names its type once more (RFC 4253 6.6)."""
    if len(fields) != 3:  # noqa: PLR2004 - host, type, key
        return None
    _, name, text = fields
    try:
        blob = base64.b64decode(text, validate=True)
    except binascii.Error:
        return None
    known = name.decode("ascii", "replace")
    if known not in _KNOWN_TYPES or not blob.startswith(struct.pack(">I", len(name)) + name):
        return None
    return Key(KeyKind.SSH, known, fingerprint(blob))


def _certificate(address: IPAddress, port: int, end: float, way: WayOut) -> tuple[Key, ...]:
    """The server's own certificate, unverified: it is compared, not trusted.

    Raises:
        OSError: no connection, no TLS, or not in time.
    """
    end = min(end, monotonic() + _TLS_PATIENCE_S)
    with connect(address, port, end, way) as plain:
        key = certificate_key(Encrypted(Plain(plain, end)).certificate())
    return () if key is None else (key,)
