"""Keys that services show before any login: SSH host keys and TLS certificates.

Lives here: a few ordinary connections at once, bounded in time and bytes, whatever the servers send. It knows
nothing of what equal keys mean. No name is resolved: the addresses are literals, and no server name is sent.
"""

from collections.abc import Mapping, Sequence
from time import monotonic

from probe.backends.kept import KeptConnections
from probe.backends.side_by_side import side_by_side
from probe.backends.ssh import read_host_key
from probe.backends.stream import Plain, connect
from probe.backends.tls import Encrypted, certificate_key
from probe.model.identity import Key
from probe.model.target import IPAddress, Port
from probe.model.way_out import USUAL_WAY, WayOut
from probe.services.registry import TLS_PORTS

DEADLINE_S = 3.0
_AT_ONCE = 32
_TLS_PATIENCE_S = 1.0  # for a handshake: what speaks TLS begins it at once
_SSH_PATIENCE_S = 2.0  # for a key exchange: small machines take their time

Place = tuple[IPAddress, Port]


def read_keys(
    wanted: Sequence[Place],
    within: float = DEADLINE_S,
    way: WayOut = USUAL_WAY,
    kept: KeptConnections | None = None,
) -> Mapping[Place, tuple[Key, ...]]:
    """Ask TCP ports for their keys, all at once, for at most `within` seconds.

    The usual TLS ports are asked for their certificate, the others for an SSH host key, by one connection
    each or by the one that was `kept`. What shows no key in time, or before a signal asks for the end, is
    left out.
    """
    end = monotonic() + within
    found = side_by_side(lambda place: _keys_of(place, end, way, kept), wanted, _AT_ONCE)
    return {place: keys for place, keys in zip(wanted, found, strict=True) if keys}


def _keys_of(place: Place, end: float, way: WayOut, kept: KeptConnections | None) -> tuple[Key, ...]:
    address, port = place
    try:
        if port.number in TLS_PORTS:
            return _certificate(address, port.number, end, way)
        return _host_key(address, port, end, way, kept)
    except OSError:  # refused, silent, no TLS, nonsense: a port that shows no key
        return ()


def _host_key(
    address: IPAddress, port: Port, end: float, way: WayOut, kept: KeptConnections | None
) -> tuple[Key, ...]:
    """By the survey's own connection, where it was kept.

    Raises:
        OSError: no connection, no SSH, or not in time.
    """
    before = None if kept is None else kept.take(address, port)
    end = min(end, monotonic() + _SSH_PATIENCE_S)
    with before.sock if before is not None else connect(address, port.number, end, way) as sock:
        key = read_host_key(Plain(sock, end), b"" if before is None else before.received)
    return () if key is None else (key,)


def _certificate(address: IPAddress, port: int, end: float, way: WayOut) -> tuple[Key, ...]:
    """The server's own certificate, unverified: it is compared, not trusted.

    Raises:
        OSError: no connection, no TLS, or not in time.
    """
    end = min(end, monotonic() + _TLS_PATIENCE_S)
    with connect(address, port, end, way) as plain:
        key = certificate_key(Encrypted(Plain(plain, end)).certificate())
    return () if key is None else (key,)
