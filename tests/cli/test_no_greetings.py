"""`--no-greetings`: no open port is asked for a greeting."""

import contextlib
import json
import socket
import threading
from collections.abc import Iterator

import pytest

from probe.cli.main import main

PLACES = ("127.0.0.1", "127.0.0.2")


@pytest.fixture
def greeter() -> Iterator[int]:
    """A port on every address of loopback that greets whoever comes."""
    with socket.create_server(("0.0.0.0", 0)) as server:
        threading.Thread(target=greet_all, args=(server,), daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)


def greet_all(server: socket.socket) -> None:
    with contextlib.suppress(OSError):  # the end of the test
        while True:
            peer, _ = server.accept()
            with peer, contextlib.suppress(OSError):
                peer.sendall(b"220 ready\r\n")
                peer.settimeout(1)
                peer.recv(1)


@pytest.mark.parametrize(("flags", "greeting"), [((), "220 ready"), (("--no-greetings",), None)])
def test_no_greetings(greeter: int, flags, greeting, capsys: pytest.CaptureFixture[str]) -> None:
    """With the flag nothing is asked; without it both addresses are."""
    assert main(["scan", *PLACES, "-p", str(greeter), "--engine", "connect", "--json", *flags]) == 0
    (port,) = json.loads(capsys.readouterr().out)["ports"]
    greetings = [one["greeting"] for one in port["observations"]]
    assert [None if one is None else one["text"] for one in greetings] == [greeting, greeting]


@pytest.mark.parametrize(("flags", "announced"), [((), True), (("--no-greetings",), False)])
def test_the_plan_shows_it(flags, announced, capsys: pytest.CaptureFixture[str]) -> None:
    """What may be asked stands in the plan."""
    assert main(["scan", *PLACES, "-p", "80", "--plan", *flags]) == 0
    assert ("HEAD /" in capsys.readouterr().out) is announced
