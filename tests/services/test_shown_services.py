"""Services that show what they are, on whatever port: named where no other program sends that."""

import pytest

from probe.model.greeting import Greeting
from probe.model.target import Port, Protocol
from probe.services.registry import SERVICES
from probe.services.shown import served_on, shown_service


def web(server: str | None) -> Greeting:
    """The head of a page, of some server."""
    return Greeting("HTTP/1.1 200 OK", 200, {} if server is None else {"server": server})


SHOWN = [
    (Greeting("SSH-2.0-OpenSSH_9.6"), "ssh"),
    (Greeting("MySQL handshake, 8.0.36"), "mysql"),
    (Greeting("MySQL error 1130: Host '10.0.0.1' is not allowed"), "mysql"),
    (Greeting("-ERR unknown command 'HEAD', with args beginning with:"), "redis"),
    (Greeting("-ERR wrong number of arguments for 'get' command"), "redis"),
    (Greeting("-NOAUTH Authentication required."), "redis"),
    (Greeting("-DENIED Redis is running in protected mode"), "redis"),
    (Greeting("RFB 003.008"), "vnc"),
    (web("CouchDB/3.3.3 (Erlang OTP/24)"), "couchdb"),
    (web("Docker/20.10.24 (linux)"), "docker"),
    (web("MinIO"), "minio"),
    (web("MiniServ/2.105"), "webmin"),
    (web("nginx"), None),
    (web(None), None),
    (Greeting("-ERR authentication failed"), None),  # POP3 (RFC 1939) refuses so too
    (Greeting("ERROR"), None),
    (Greeting("220 ready"), None),
    (Greeting(""), None),
]


@pytest.mark.parametrize(("greeting", "name"), SHOWN, ids=lambda one: getattr(one, "text", one))
def test_what_a_greeting_shows(greeting: Greeting, name: str | None) -> None:
    """What could be another service's names none; a name is one of the table's."""
    assert shown_service(greeting) == name
    assert name is None or name in {service.name for service in SERVICES}


@pytest.mark.parametrize(
    ("number", "greetings", "served"),
    [
        (6380, ["-NOAUTH Authentication required."], ("redis", True)),
        (6379, ["SSH-2.0-OpenSSH_9.6"], ("ssh", False)),
        (6379, [], ("redis", True)),
        (6379, ["220 ready"], ("redis", True)),
        (8001, [], (None, False)),
        (2222, ["SSH-2.0-OpenSSH_9.6", "-NOAUTH Authentication required."], ("redis", True)),
    ],
)
def test_what_shows_itself_counts_before_the_port(number, greetings, served) -> None:
    """Redis on another port is private, SSH on that of Redis is not; of two the private one counts."""
    assert served_on(Port(Protocol.TCP, number), map(Greeting, greetings)) == served
