"""One end of a WireGuard tunnel: when it may be configured."""

import socket
from pathlib import Path

from probe.lab.netns import wireguard


def test_a_control_socket_is_used_once_somebody_listens(tmp_path: Path) -> None:
    """Not before: `wg` takes one that refuses for a leftover, and removes it."""
    path = tmp_path / "control"
    assert not wireguard._accepts(path)
    with socket.socket(socket.AF_UNIX) as control:
        control.bind(str(path))
        assert not wireguard._accepts(path)
        control.listen()
        assert wireguard._accepts(path)
