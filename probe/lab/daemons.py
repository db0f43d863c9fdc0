"""Real services as data: what each listens on, its configuration, how it is started and how it answers. Pure.

A daemon is started by a shell script in a directory of its own, as a user without privileges, and stays in
the foreground. Who starts it lets every user bind to low ports, and has a directory `HOME` that nobody else
sees.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from probe.errors import ScenarioError
from probe.lab import daemon_texts as texts
from probe.lab.publishing import engine_sockets
from probe.lab.scenario import Listen, Serves, Service, ServiceKind, TargetHost, address_of
from probe.model.target import Protocol

HOME = "/run/lab"

USUAL_PORTS: dict[ServiceKind, tuple[int, ...]] = {
    ServiceKind.NGINX: (80, 443),
    ServiceKind.POSTGRESQL: (5432,),
    ServiceKind.REDIS: (6379,),
    ServiceKind.SSHD: (22,),
    ServiceKind.DNSMASQ: (53,),
    ServiceKind.APP: (8081,),
    ServiceKind.PROXY: (8080,),
}
# Programs, and the Debian packages that have them.
_NGINX = {"nginx": "nginx-light"}
TOOLS: dict[ServiceKind, dict[str, str]] = {
    ServiceKind.NGINX: {**_NGINX, "openssl": "openssl"},
    ServiceKind.POSTGRESQL: {"initdb": "postgresql", "postgres": "postgresql"},
    ServiceKind.REDIS: {"redis-server": "redis-server"},
    ServiceKind.SSHD: {"sshd": "openssh-server", "ssh-keygen": "openssh-client"},
    ServiceKind.DNSMASQ: {"dnsmasq": "dnsmasq-base"},
    ServiceKind.APP: {},
    ServiceKind.PROXY: _NGINX,
}
_SERVES: dict[tuple[ServiceKind, Protocol], Serves] = {
    (ServiceKind.SSHD, Protocol.TCP): Serves.GREET,
    (ServiceKind.DNSMASQ, Protocol.UDP): Serves.ANSWER,
}
_GET = b"GET / HTTP/1.0\r\n\r\n"
# A question for a name (RFC 1035 section 4.1): number, flags, one question; then the name, A, IN.
_NUMBER = b"\x0b\x1d"
_ASKED = b"".join(len(label).to_bytes(1, "big") + label.encode() for label in texts.NAME.split("."))
_QUERY = _NUMBER + b"\1\0" + b"\0\1" + bytes(6) + _ASKED + b"\0" + b"\0\1" + b"\0\1"
_NOTHING = b"", b""
# What each is asked, and how its answer begins. The proxy's is only that when its application runs.
_ANSWERS: dict[tuple[ServiceKind, Protocol], tuple[bytes, bytes]] = {
    (ServiceKind.NGINX, Protocol.TCP): (_GET, b"HTTP/1.1 200"),
    (ServiceKind.POSTGRESQL, Protocol.TCP): (bytes.fromhex("00000008 04d2162f"), b"N"),  # SSLRequest
    (ServiceKind.REDIS, Protocol.TCP): (b"PING\r\n", b"+PONG"),
    (ServiceKind.SSHD, Protocol.TCP): (b"", b"SSH-2.0-"),
    (ServiceKind.DNSMASQ, Protocol.TCP): _NOTHING,
    (ServiceKind.DNSMASQ, Protocol.UDP): (_QUERY, _NUMBER),
    (ServiceKind.APP, Protocol.TCP): (_GET, b"HTTP/1.0 200"),
    (ServiceKind.PROXY, Protocol.TCP): (_GET, b"HTTP/1.1 200"),
}
_FROM_INSIDE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - how a wildcard is reached from inside


@dataclass(frozen=True, slots=True)
class Check:
    """What a service answers on one of its sockets: says, and how the answer begins. Empty: it accepts."""

    protocol: Protocol
    address: str
    port: int
    says: bytes = b""
    hears: bytes = b""


@dataclass(frozen=True, slots=True)
class Daemon:
    """One service to start: its directory, files in there, and a script that becomes the program.

    The script has the program's directory as its own, and finds the interpreter of Python in `PYTHON` and the
    small application's file in `APP`.
    """

    kind: ServiceKind
    directory: str
    files: Mapping[str, str]
    script: str
    checks: tuple[Check, ...]


def listens_of(target: TargetHost) -> tuple[Listen, ...]:
    """Everything that listens on a host: its plain listeners, and the sockets of its services and of Docker.

    Raises:
        ScenarioError: a service has not as many ports as its kind takes.
    """
    services = (listen for one in target.services for listen in _listens(one))
    return (*target.listen, *services, *engine_sockets(target))


def daemons_of(target: TargetHost) -> tuple[Daemon, ...]:
    """What is to be started for the services of a host.

    Raises:
        ScenarioError: an unknown address symbol, or a service has not as many ports as its kind takes.
    """
    return tuple(_daemon(service, number) for number, service in enumerate(target.services, 1))


def _ports(service: Service) -> tuple[int, ...]:
    usual = USUAL_PORTS[service.kind]
    ports = usual if service.ports is None else service.ports
    if len(ports) != len(usual):
        raise ScenarioError(f"{service.kind} takes {len(usual)} ports, not {len(ports)}")
    return ports


def _listens(service: Service) -> Iterator[Listen]:
    protocols = (Protocol.TCP, Protocol.UDP) if service.kind is ServiceKind.DNSMASQ else (Protocol.TCP,)
    for protocol in protocols:
        serves = _SERVES.get((service.kind, protocol), Serves.HOLD)
        for port in _ports(service):
            for bind in service.bind:
                yield Listen(port=port, bind=bind, protocol=protocol, v6only=bind == "::", serves=serves)


def _daemon(service: Service, number: int) -> Daemon:
    directory = f"{HOME}/{number}-{service.kind}"
    addresses = tuple(address_of(bind) for bind in service.bind)
    files = texts.FILES[service.kind](texts.Place(directory, addresses, _ports(service)))
    checks = tuple(_check(service, listen) for listen in _listens(service))
    return Daemon(service.kind, directory, files, texts.SCRIPTS[service.kind], checks)


def _check(service: Service, listen: Listen) -> Check:
    address = str(address_of(listen.bind))
    tls = service.kind is ServiceKind.NGINX and listen.port == _ports(service)[1]
    says, hears = _NOTHING if tls else _ANSWERS[service.kind, listen.protocol]
    return Check(listen.protocol, _FROM_INSIDE.get(address, address), listen.port, says, hears)
