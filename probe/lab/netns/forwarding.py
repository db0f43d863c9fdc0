"""A userspace forwarder, as some VPN programs are: it takes a connection and makes one to loopback itself."""

import contextlib
import socket
import threading

_PATIENCE = 5.0  # seconds
_CHUNK = 65536


def forward(peer: socket.socket, port: int) -> bool:
    """Join an accepted connection with one to 127.0.0.1; False where nothing listens there.

    From then on the connection belongs to threads that end with it.
    """
    try:
        inner = socket.create_connection(("127.0.0.1", port), timeout=_PATIENCE)
    except OSError:
        return False
    inner.settimeout(None)
    outer = peer.dup()
    outer.settimeout(None)
    for source, sink in ((outer, inner), (inner, outer)):
        threading.Thread(target=_pass_on, args=(source, sink), daemon=True).start()
    return True


def _pass_on(source: socket.socket, sink: socket.socket) -> None:
    """Copy until one side ends, then tell the other."""
    with contextlib.suppress(OSError):  # reset by a peer: the end as well
        while data := source.recv(_CHUNK):
            sink.sendall(data)
    with contextlib.suppress(OSError):  # the other direction has ended it already
        sink.shutdown(socket.SHUT_WR)
