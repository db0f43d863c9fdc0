"""What real services are told: configuration files, and the scripts that start them. Pure text.

Every daemon stays in the foreground, logs to its standard error, keeps its files in its own directory and
asks nobody for names.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from probe.errors import ScenarioError
from probe.lab.scenario_hosts import ServiceKind
from probe.model.target import IPAddress

UPSTREAM = 8081  # where the proxy finds its application, on loopback
NAME = "served.test"  # what the name server knows; RFC 6761 keeps the domain for tests


@dataclass(frozen=True, slots=True)
class Place:
    """Where a daemon lives (an absolute directory) and listens."""

    directory: str
    addresses: tuple[IPAddress, ...]
    ports: tuple[int, ...]


def _lines(*lines: str) -> str:
    return "".join(f"{line}\n" for line in lines)


def _spaced(items: Iterable[object], between: str = " ") -> str:
    return between.join(map(str, items))


def _nginx(place: Place) -> dict[str, str]:
    plain, secure = place.ports
    tls = ("ssl_certificate certificate.pem;", "ssl_certificate_key key.pem;")
    answer = 'location / { default_type text/plain; return 200 "nginx\\n"; }'
    listens = (*_nginx_listens(place, plain), *_nginx_listens(place, secure, " ssl"))
    return {"nginx.conf": _nginx_server(*listens, *tls, answer)}


def _proxy(place: Place) -> dict[str, str]:
    (port,) = place.ports
    passing = f"location / {{ proxy_pass http://127.0.0.1:{UPSTREAM}; }}"
    return {"nginx.conf": _nginx_server(*_nginx_listens(place, port), passing)}


def _nginx_listens(place: Place, port: int, options: str = "") -> tuple[str, ...]:
    hosts = (f"[{a}]" if a.version == 6 else str(a) for a in place.addresses)  # noqa: PLR2004 - IPv6
    return tuple(f"listen {host}:{port}{options};" for host in hosts)


def _nginx_server(*lines: str) -> str:
    """One server in one process: no other is left when it is ended (nginx.org, core module)."""
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    http = ("access_log off;", *(f"{kind}_temp_path {kind};" for kind in kinds), "server {", *lines, "}")
    head = ("daemon off;", "master_process off;", "pid nginx.pid;", "error_log stderr;")
    return _lines(*head, "events { worker_connections 256; }", "http {", *http, "}")


def _postgresql(place: Place) -> dict[str, str]:
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


def _redis(place: Place) -> dict[str, str]:
    (port,) = place.ports
    settings = (f"port {port}", "protected-mode no", 'save ""', "appendonly no", "daemonize no")
    return {"redis.conf": _lines(f"bind {_spaced(place.addresses)}", *settings, f"dir {place.directory}")}


def _sshd(place: Place) -> dict[str, str]:
    (port,) = place.ports
    listens = (f"ListenAddress {address}" for address in place.addresses)
    fixed = ("PidFile none", "UsePAM no", "UseDNS no", "PasswordAuthentication no")
    key = f"HostKey {place.directory}/host_key"
    return {"sshd_config": _lines(f"Port {port}", *listens, key, *fixed)}


def _dnsmasq(place: Place) -> dict[str, str]:
    (port,) = place.ports
    fixed = ("no-resolv", "no-hosts", f"pid-file={place.directory}/pid", f"address=/{NAME}/192.0.2.1")
    return {"dnsmasq.conf": _lines(f"port={port}", *_dnsmasq_listens(place), *fixed)}


def _dnsmasq_listens(place: Place) -> tuple[str, ...]:
    """Its addresses. Told none, it binds to all interfaces in both families; to those of one it cannot."""
    everywhere = {address.version for address in place.addresses if address.is_unspecified}
    if not everywhere:
        return ("bind-interfaces", *(f"listen-address={address}" for address in place.addresses))
    if everywhere != {4, 6} or len(place.addresses) != len(everywhere):
        raise ScenarioError("dnsmasq binds to addresses, or to all interfaces in both families")
    return ()


def _app(place: Place) -> dict[str, str]:
    (port,) = place.ports
    return {"sockets": f"{port} {_spaced(place.addresses)}\n"}


FILES: dict[ServiceKind, Callable[[Place], dict[str, str]]] = {
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
    ServiceKind.NGINX: (
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
        " -subj /CN=target -keyout key.pem -out certificate.pem\n"
    )
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
