"""Real services as data: what each listens on, its configuration and keys, how it starts and answers. Pure.

A daemon is started by a shell script in a directory of its own, as a user without privileges, and stays in
the foreground. Who starts it lets every user bind to low ports, and has a directory `HOME` that nobody else
sees.
"""

from base64 import b64encode, encodebytes
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from ipaddress import IPv4Address

from probe.errors import ScenarioError
from probe.lab.scenario import address_of
from probe.lab.scenario_hosts import Dnat, Forwarder, Listen, Serves, Service, ServiceKind, TargetHost
from probe.model.identity import Key, KeyKind
from probe.model.target import IPAddress, Port, Protocol

# --- configuration files and scripts ---


UPSTREAM = 8081  # where the proxy finds its application, on loopback
NAME = "served.test"  # what the name server knows; RFC 6761 keeps the domain for tests


@dataclass(frozen=True, slots=True)
class DaemonPlace:
    """Where a daemon lives (an absolute directory) and listens."""

    directory: str
    addresses: tuple[IPAddress, ...]
    ports: tuple[int, ...]
    key: str  # name of its private key


def _lines(*lines: str) -> str:
    return "".join(f"{line}\n" for line in lines)


def _spaced(items: Iterable[object], between: str = " ") -> str:
    return between.join(map(str, items))


def _nginx(place: DaemonPlace) -> dict[str, str]:
    plain, secure = place.ports
    tls = ("ssl_certificate certificate.pem;", "ssl_certificate_key key.pem;")
    answer = 'location / { default_type text/plain; return 200 "nginx\\n"; }'
    listens = (*_nginx_listens(place, plain), *_nginx_listens(place, secure, " ssl"))
    return {"nginx.conf": _nginx_server(*listens, *tls, answer), "key.pem": private_key(place.key)}


def _proxy(place: DaemonPlace) -> dict[str, str]:
    (port,) = place.ports
    passing = f"location / {{ proxy_pass http://127.0.0.1:{UPSTREAM}; }}"
    return {"nginx.conf": _nginx_server(*_nginx_listens(place, port), passing)}


def _nginx_listens(place: DaemonPlace, port: int, options: str = "") -> tuple[str, ...]:
    hosts = (f"[{a}]" if a.version == 6 else str(a) for a in place.addresses)  # noqa: PLR2004 - IPv6
    return tuple(f"listen {host}:{port}{options};" for host in hosts)


def _nginx_server(*lines: str) -> str:
    """One server in one process: no other is left when it is ended (nginx.org, core module)."""
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    http = ("access_log off;", *(f"{kind}_temp_path {kind};" for kind in kinds), "server {", *lines, "}")
    head = ("daemon off;", "master_process off;", "pid nginx.pid;", "error_log stderr;")
    return _lines(*head, "events { worker_connections 256; }", "http {", *http, "}")


def _postgresql(place: DaemonPlace) -> dict[str, str]:
    (port,) = place.ports
    settings = _lines(
        f"listen_addresses = '{_spaced(place.addresses, ',')}'",
        f"port = {port}",
        "unix_socket_directories = ''",
        "fsync = off",
        "shared_buffers = 1MB",
        "max_connections = 20",
    )
    return {"more.conf": settings}


def _redis(place: DaemonPlace) -> dict[str, str]:
    (port,) = place.ports
    settings = (f"port {port}", "protected-mode no", 'save ""', "appendonly no", "daemonize no")
    return {"redis.conf": _lines(f"bind {_spaced(place.addresses)}", *settings, f"dir {place.directory}")}


def _sshd(place: DaemonPlace) -> dict[str, str]:
    (port,) = place.ports
    listens = (f"ListenAddress {address}" for address in place.addresses)
    fixed = ("PidFile none", "UsePAM no", "UseDNS no", "PasswordAuthentication no")
    key = f"HostKey {place.directory}/host_key"
    return {"sshd_config": _lines(f"Port {port}", *listens, key, *fixed)}


def _dnsmasq(place: DaemonPlace) -> dict[str, str]:
    (port,) = place.ports
    fixed = ("no-resolv", "no-hosts", f"pid-file={place.directory}/pid", f"address=/{NAME}/192.0.2.1")
    return {"dnsmasq.conf": _lines(f"port={port}", *_dnsmasq_listens(place), *fixed)}


def _dnsmasq_listens(place: DaemonPlace) -> tuple[str, ...]:
    """Its addresses. Given none, it binds to all interfaces in both families; to those of one it cannot."""
    everywhere = {address.version for address in place.addresses if address.is_unspecified}
    if not everywhere:
        return ("bind-interfaces", *(f"listen-address={address}" for address in place.addresses))
    if everywhere != {4, 6} or len(place.addresses) != len(everywhere):
        raise ScenarioError("dnsmasq binds to addresses, or to all interfaces in both families")
    return ()


def _app(place: DaemonPlace) -> dict[str, str]:
    (port,) = place.ports
    return {"sockets": f"{port} {_spaced(place.addresses)}\n"}


FILES: dict[ServiceKind, Callable[[DaemonPlace], dict[str, str]]] = {
    ServiceKind.NGINX: _nginx,
    ServiceKind.POSTGRESQL: _postgresql,
    ServiceKind.REDIS: _redis,
    ServiceKind.SSHD: _sshd,
    ServiceKind.DNSMASQ: _dnsmasq,
    ServiceKind.APP: _app,
    ServiceKind.PROXY: _proxy,
}

_START_NGINX = 'exec nginx -p "$PWD/" -c nginx.conf -e stderr\n'
# Debian keeps the server's programs of each version of PostgreSQL in a directory of their own, out of PATH.
FIND_POSTGRESQL = 'PATH="$PATH:$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -n 1)"\n'

# Run by `sh -e` in the daemon's directory; the last line becomes the daemon.
SCRIPTS: dict[ServiceKind, str] = {
    ServiceKind.NGINX: ("openssl req -x509 -key key.pem -days 2 -subj /CN=target -out certificate.pem\n")
    + _START_NGINX,
    ServiceKind.POSTGRESQL: FIND_POSTGRESQL
    + (
        "initdb -D data -U postgres --locale=C --encoding=UTF8 --auth=trust --no-sync --no-instructions\n"
        "cat more.conf >> data/postgresql.conf\n"
        "exec postgres -D data\n"
    ),
    ServiceKind.REDIS: "exec redis-server redis.conf\n",
    ServiceKind.SSHD: (
        "ssh-keygen -q -t ed25519 -N '' -f host_key\n"
        # By its full path, as it wants to be. -r: it does not start itself anew for each peer, which on busy
        # machines takes longer than scans wait for a service that speaks first.
        'exec "$(command -v sshd)" -D -e -r -f "$PWD/sshd_config"\n'
    ),
    ServiceKind.DNSMASQ: "exec dnsmasq --keep-in-foreground --log-facility=- --conf-file=dnsmasq.conf\n",
    ServiceKind.APP: 'exec "$PYTHON" -I "$APP" $(cat sockets)\n',
    ServiceKind.PROXY: _START_NGINX,
}


# --- ports that are published ---


_ANY, _ANY6 = "0.0.0.0", "::"  # noqa: S104 - the wildcard addresses, as names
# Where a socket of the host listens too, by whether the port is published on all addresses.
_EVERYWHERE: Mapping[Forwarder, tuple[str, ...]] = {
    Forwarder.RULES: (),
    Forwarder.DOCKER: (_ANY, _ANY6),
    Forwarder.DOCKER_NO_PROXY: (_ANY,),
}


def published_on(entry: Dnat) -> IPv4Address | None:
    """The one address of the target on which a port is published; None: on all.

    Raises:
        ScenarioError: it is no IPv4 address.
    """
    if entry.address is None:
        return None
    address = address_of(entry.address)
    if not isinstance(address, IPv4Address):
        raise ScenarioError(f"port {entry.port} is published on {address}: only IPv4 is forwarded")
    return address


def guards(target: TargetHost) -> bool:
    """Whether only published ports are forwarded: Docker sees to it where the host did not forward before."""
    return bool(target.dnat) and target.dnat_by is not Forwarder.RULES and not target.forwards


def engine_sockets(target: TargetHost) -> Iterator[Listen]:
    """The sockets of the host by which Docker keeps or serves its published ports.

    Raises:
        ScenarioError: a port is published on what is no IPv4 address.
    """
    everywhere = _EVERYWHERE[target.dnat_by]
    for entry in target.dnat if everywhere else ():
        for bind in everywhere if published_on(entry) is None else (str(published_on(entry)),):
            serves = Serves.HOLD if entry.alive else Serves.CLOSE
            yield Listen(port=entry.port, bind=bind, v6only=bind == _ANY6, serves=serves)


# --- daemons ---


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
_ASKED = b"".join(len(label).to_bytes(1, "big") + label.encode() for label in NAME.split("."))
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
class ServiceCheck:
    """What a service answers to a request, and how that begins. Empty: it accepts."""

    protocol: Protocol
    address: str
    port: int
    request: bytes = b""
    response: bytes = b""


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
    checks: tuple[ServiceCheck, ...]


def listens_of(target: TargetHost) -> tuple[Listen, ...]:
    """Everything that listens on a host: its plain listeners, and the sockets of its services and of Docker.

    Raises:
        ScenarioError: a service has not as many ports as its kind takes.
    """
    services = (listen for one in target.services for listen in _listens(one))
    return (*target.listen, *services, *engine_sockets(target))


def keys_of(target: TargetHost) -> Mapping[Listen, tuple[Key, ...]]:
    """What those that listen for services show in memory, where a real one shows a key.

    Raises:
        ScenarioError: a service has a `key` that takes none, or not as many ports as its kind takes.
    """
    shown: dict[Listen, tuple[Key, ...]] = {}
    for number, service in enumerate(target.services, 1):
        keys = dict(shown_keys(service, number, _ports(service)))
        for listen in _listens(service):
            key = keys.get(Port(listen.protocol, listen.port))
            if key is not None:
                shown[listen] = (key,)
    return shown


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
    key = service.key or directory
    files = FILES[service.kind](DaemonPlace(directory, addresses, _ports(service), key))
    checks = tuple(_check(service, listen) for listen in _listens(service))
    return Daemon(service.kind, directory, files, SCRIPTS[service.kind], checks)


def _check(service: Service, listen: Listen) -> ServiceCheck:
    address = str(address_of(listen.bind))
    tls = service.kind is ServiceKind.NGINX and listen.port == _ports(service)[1]
    request, response = _NOTHING if tls else _ANSWERS[service.kind, listen.protocol]
    return ServiceCheck(listen.protocol, _FROM_INSIDE.get(address, address), listen.port, request, response)


_P256 = bytes.fromhex("06082a8648ce3d030107")  # the identifier of prime256v1 (RFC 5480 section 2.1.1.1)


def private_key(name: str) -> str:
    """The EC private key of this name in PEM (RFC 5915); programs work out its public half."""
    number = sha256(name.encode()).digest()
    body = b"\x02\x01\x01" + _der(0x04, number) + _der(0xA0, _P256)
    text = encodebytes(_der(0x30, body)).decode("ascii")
    return f"-----BEGIN EC PRIVATE KEY-----\n{text}-----END EC PRIVATE KEY-----\n"


def _der(tag: int, content: bytes) -> bytes:
    """One element of DER; all are short here."""
    return bytes([tag, len(content)]) + content


def shown_keys(service: Service, number: int, ports: tuple[int, ...]) -> Iterator[tuple[Port, Key]]:
    """What a service shows in memory, by port. `number` is its place among those of its host.

    Raises:
        ScenarioError: a service has a `key` that takes none.
    """
    if service.key is not None and service.kind is not ServiceKind.NGINX:
        raise ScenarioError(f"{service.kind} takes no key: only nginx does")
    own = f"{number}-{service.kind}"
    if service.kind is ServiceKind.SSHD:
        yield Port(Protocol.TCP, ports[0]), Key(KeyKind.SSH, "ssh-ed25519", _fingerprint(own))
    if service.kind is ServiceKind.NGINX:
        public = _fingerprint(f"key {service.key or own}")
        yield Port(Protocol.TCP, ports[1]), Key(KeyKind.TLS, "x509", _fingerprint(own), public)


def _fingerprint(text: str) -> str:
    return f"SHA256:{b64encode(sha256(text.encode()).digest()).decode('ascii').rstrip('=')}"
