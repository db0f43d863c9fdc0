"""Well-known services: names of ports, and which of them outsiders should not reach.

Lives here: a small table of our own, from the port registrations of IANA (RFC 6335) and the projects'
own documentation. Pure: the system's services database is asked in `probe.machine.names`, never here.
"""

from enum import StrEnum

from msgspec import Struct

from probe.model.target import Port, Protocol


class ServicePurpose(StrEnum):
    """What a service is for."""

    ADMIN = "admin"
    DATABASE = "database"
    FILE_SHARING = "file-sharing"
    MAIL = "mail"
    NAMING = "naming"
    OTHER = "other"
    REMOTE_LOGIN = "remote-login"
    WEB = "web"


class KnownService(Struct, frozen=True):
    """One registered or customary use of a port.

    `private`: it should normally not be reachable from outside (no encryption, no or weak
    authentication by default, or simply nobody's business).
    """

    name: str
    port: Port
    kind: ServicePurpose
    private: bool


_OPEN = False
_PRIVATE = True

# name, port, kind, private. Where a name has several ports the first row is what the name means.
_TCP: tuple[tuple[str, int, ServicePurpose, bool], ...] = (
    ("echo", 7, ServicePurpose.OTHER, _PRIVATE),
    ("discard", 9, ServicePurpose.OTHER, _PRIVATE),
    ("ftp", 21, ServicePurpose.FILE_SHARING, _OPEN),
    ("ssh", 22, ServicePurpose.REMOTE_LOGIN, _OPEN),
    ("telnet", 23, ServicePurpose.REMOTE_LOGIN, _PRIVATE),
    ("smtp", 25, ServicePurpose.MAIL, _OPEN),
    ("domain", 53, ServicePurpose.NAMING, _OPEN),
    ("finger", 79, ServicePurpose.OTHER, _PRIVATE),
    ("http", 80, ServicePurpose.WEB, _OPEN),
    ("kerberos", 88, ServicePurpose.OTHER, _PRIVATE),
    ("pop3", 110, ServicePurpose.MAIL, _OPEN),
    ("sunrpc", 111, ServicePurpose.FILE_SHARING, _PRIVATE),
    ("epmap", 135, ServicePurpose.ADMIN, _PRIVATE),
    ("netbios-ssn", 139, ServicePurpose.FILE_SHARING, _PRIVATE),
    ("imap", 143, ServicePurpose.MAIL, _OPEN),
    ("bgp", 179, ServicePurpose.OTHER, _PRIVATE),
    ("ldap", 389, ServicePurpose.ADMIN, _PRIVATE),
    ("https", 443, ServicePurpose.WEB, _OPEN),
    ("microsoft-ds", 445, ServicePurpose.FILE_SHARING, _PRIVATE),
    ("submissions", 465, ServicePurpose.MAIL, _OPEN),
    ("printer", 515, ServicePurpose.OTHER, _PRIVATE),
    ("rtsp", 554, ServicePurpose.OTHER, _PRIVATE),
    ("afpovertcp", 548, ServicePurpose.FILE_SHARING, _PRIVATE),
    ("submission", 587, ServicePurpose.MAIL, _OPEN),
    ("ipp", 631, ServicePurpose.OTHER, _PRIVATE),
    ("ldaps", 636, ServicePurpose.ADMIN, _PRIVATE),
    ("domain-s", 853, ServicePurpose.NAMING, _OPEN),
    ("rsync", 873, ServicePurpose.FILE_SHARING, _PRIVATE),
    ("imaps", 993, ServicePurpose.MAIL, _OPEN),
    ("pop3s", 995, ServicePurpose.MAIL, _OPEN),
    ("socks", 1080, ServicePurpose.OTHER, _PRIVATE),
    ("openvpn", 1194, ServicePurpose.OTHER, _OPEN),
    ("ms-sql-s", 1433, ServicePurpose.DATABASE, _PRIVATE),
    ("oracle", 1521, ServicePurpose.DATABASE, _PRIVATE),
    ("mqtt", 1883, ServicePurpose.OTHER, _PRIVATE),
    ("nfs", 2049, ServicePurpose.FILE_SHARING, _PRIVATE),
    ("zookeeper", 2181, ServicePurpose.DATABASE, _PRIVATE),
    ("docker", 2375, ServicePurpose.ADMIN, _PRIVATE),
    ("docker-s", 2376, ServicePurpose.ADMIN, _PRIVATE),
    ("docker-swarm", 2377, ServicePurpose.ADMIN, _PRIVATE),
    ("etcd-client", 2379, ServicePurpose.DATABASE, _PRIVATE),
    ("etcd-server", 2380, ServicePurpose.DATABASE, _PRIVATE),
    ("grafana", 3000, ServicePurpose.WEB, _OPEN),
    ("loki", 3100, ServicePurpose.ADMIN, _PRIVATE),
    ("mysql", 3306, ServicePurpose.DATABASE, _PRIVATE),
    ("rdp", 3389, ServicePurpose.REMOTE_LOGIN, _PRIVATE),
    ("ms-wbt-server", 3389, ServicePurpose.REMOTE_LOGIN, _PRIVATE),
    ("svn", 3690, ServicePurpose.OTHER, _OPEN),
    ("angular", 4200, ServicePurpose.WEB, _OPEN),
    ("nats", 4222, ServicePurpose.OTHER, _PRIVATE),
    ("epmd", 4369, ServicePurpose.ADMIN, _PRIVATE),
    ("flask", 5000, ServicePurpose.WEB, _OPEN),
    ("vite", 5173, ServicePurpose.WEB, _OPEN),
    ("postgresql", 5432, ServicePurpose.DATABASE, _PRIVATE),
    ("adb", 5555, ServicePurpose.ADMIN, _PRIVATE),
    ("amqps", 5671, ServicePurpose.OTHER, _PRIVATE),
    ("amqp", 5672, ServicePurpose.OTHER, _PRIVATE),
    ("kibana", 5601, ServicePurpose.ADMIN, _PRIVATE),
    ("vnc", 5900, ServicePurpose.REMOTE_LOGIN, _PRIVATE),
    ("rfb", 5900, ServicePurpose.REMOTE_LOGIN, _PRIVATE),
    ("couchdb", 5984, ServicePurpose.DATABASE, _PRIVATE),
    ("winrm", 5985, ServicePurpose.ADMIN, _PRIVATE),
    ("wsman", 5985, ServicePurpose.ADMIN, _PRIVATE),
    ("wsmans", 5986, ServicePurpose.ADMIN, _PRIVATE),
    ("x11", 6000, ServicePurpose.REMOTE_LOGIN, _PRIVATE),
    ("qdrant", 6333, ServicePurpose.DATABASE, _PRIVATE),
    ("redis", 6379, ServicePurpose.DATABASE, _PRIVATE),
    ("kubernetes", 6443, ServicePurpose.ADMIN, _PRIVATE),
    ("neo4j", 7474, ServicePurpose.DATABASE, _PRIVATE),
    ("bolt", 7687, ServicePurpose.DATABASE, _PRIVATE),
    ("gradio", 7860, ServicePurpose.ADMIN, _PRIVATE),
    ("proxmox", 8006, ServicePurpose.ADMIN, _PRIVATE),
    ("http-alt", 8080, ServicePurpose.WEB, _OPEN),
    ("http-alt", 8000, ServicePurpose.WEB, _OPEN),
    ("http-alt", 8008, ServicePurpose.WEB, _OPEN),
    ("influxdb", 8086, ServicePurpose.DATABASE, _PRIVATE),
    ("jellyfin", 8096, ServicePurpose.WEB, _OPEN),
    ("home-assistant", 8123, ServicePurpose.WEB, _OPEN),
    ("syncthing", 8384, ServicePurpose.ADMIN, _PRIVATE),
    ("https-alt", 8443, ServicePurpose.WEB, _OPEN),
    ("consul", 8500, ServicePurpose.ADMIN, _PRIVATE),
    ("secure-mqtt", 8883, ServicePurpose.OTHER, _OPEN),
    ("jupyter", 8888, ServicePurpose.ADMIN, _PRIVATE),
    ("minio", 9000, ServicePurpose.ADMIN, _PRIVATE),
    ("cassandra", 9042, ServicePurpose.DATABASE, _PRIVATE),
    ("prometheus", 9090, ServicePurpose.ADMIN, _PRIVATE),
    ("kafka", 9092, ServicePurpose.DATABASE, _PRIVATE),
    ("alertmanager", 9093, ServicePurpose.ADMIN, _PRIVATE),
    ("node-exporter", 9100, ServicePurpose.ADMIN, _PRIVATE),
    ("elasticsearch", 9200, ServicePurpose.DATABASE, _PRIVATE),
    ("node-inspector", 9229, ServicePurpose.ADMIN, _PRIVATE),
    ("git", 9418, ServicePurpose.OTHER, _OPEN),
    ("portainer", 9443, ServicePurpose.ADMIN, _PRIVATE),
    ("webmin", 10000, ServicePurpose.ADMIN, _PRIVATE),
    ("kubelet", 10250, ServicePurpose.ADMIN, _PRIVATE),
    ("memcached", 11211, ServicePurpose.DATABASE, _PRIVATE),
    ("ollama", 11434, ServicePurpose.ADMIN, _PRIVATE),
    ("rabbitmq-management", 15672, ServicePurpose.ADMIN, _PRIVATE),
    ("mongodb", 27017, ServicePurpose.DATABASE, _PRIVATE),
    ("plex", 32400, ServicePurpose.WEB, _OPEN),
)
_UDP: tuple[tuple[str, int, ServicePurpose, bool], ...] = (
    ("echo", 7, ServicePurpose.OTHER, _PRIVATE),
    ("domain", 53, ServicePurpose.NAMING, _OPEN),
    ("bootps", 67, ServicePurpose.OTHER, _PRIVATE),
    ("tftp", 69, ServicePurpose.FILE_SHARING, _PRIVATE),
    ("sunrpc", 111, ServicePurpose.FILE_SHARING, _PRIVATE),
    ("ntp", 123, ServicePurpose.OTHER, _OPEN),
    ("netbios-ns", 137, ServicePurpose.FILE_SHARING, _PRIVATE),
    ("snmp", 161, ServicePurpose.ADMIN, _PRIVATE),
    ("https", 443, ServicePurpose.WEB, _OPEN),
    ("isakmp", 500, ServicePurpose.OTHER, _OPEN),
    ("syslog", 514, ServicePurpose.ADMIN, _PRIVATE),
    ("openvpn", 1194, ServicePurpose.OTHER, _OPEN),
    ("ssdp", 1900, ServicePurpose.OTHER, _PRIVATE),
    ("nfs", 2049, ServicePurpose.FILE_SHARING, _PRIVATE),
    ("ipsec-nat-t", 4500, ServicePurpose.OTHER, _OPEN),
    ("sip", 5060, ServicePurpose.OTHER, _OPEN),
    ("mdns", 5353, ServicePurpose.NAMING, _PRIVATE),
    ("memcached", 11211, ServicePurpose.DATABASE, _PRIVATE),
    ("wireguard", 51820, ServicePurpose.OTHER, _OPEN),
)

SERVICES: tuple[KnownService, ...] = tuple(
    KnownService(name, Port(protocol, number), kind, private)
    for protocol, rows in ((Protocol.TCP, _TCP), (Protocol.UDP, _UDP))
    for name, number, kind, private in rows
)

_BY_PORT: dict[Port, KnownService] = {service.port: service for service in reversed(SERVICES)}
_BY_NAME: dict[tuple[str, Protocol], KnownService] = {
    (service.name, service.port.protocol): service for service in reversed(SERVICES)
}

# Probed without `-p`: what people run and expose, one to a few ports for each kind of service.
DEFAULT_PORTS: tuple[Port, ...] = tuple(
    Port(Protocol.TCP, number)
    for number in (
        *(21, 22, 25, 53, 80, 139, 443, 445, 631, 1883, 2049, 2375),
        *(3000, 3306, 3389, 5432, 5900, 6379, 8000, 8080, 8443, 9200, 11211, 27017),
    )
)

# Of TCP, those that a server most often has open first: remote login, web, mail and files before databases,
# these before what is run for administration.
RANKED_PORTS: tuple[int, ...] = tuple(
    dict.fromkeys(
        (
            *(22, 80, 443, 8080, 8443, 25, 53, 445, 139, 21, 3306, 5432, 3389, 6379, 8000, 3000, 587, 993),
            *(143, 465, 110, 995, 111, 2049, 631, 5900, 27017, 9200, 1883, 5000, 9000, 9090, 11434, 2375),
            *(service.port.number for service in SERVICES if service.port.protocol is Protocol.TCP),
        )
    )
)

# Where a service shows who it is before any login: an SSH host key, or the certificate of TLS from the start.
SSH_PORTS: frozenset[int] = frozenset({22, 2222})
TLS_PORTS: frozenset[int] = frozenset({443, 465, 636, 853, 993, 995, 5986, 6443, 8006, 8443, 9443})

# Where a request for a web page is what the service expects. Beside these, all of the kind `web`.
_ALSO_HTTP = frozenset(
    {
        *(2379, 3100, 5601, 5984, 5985, 5986, 6333, 6443, 7474, 7860, 8006, 8086, 8384, 8500, 8888),
        *(9000, 9090, 9093, 9200, 9229, 9443, 10000, 10250, 11434, 15672),
    }
)
WEB_PORTS: frozenset[int] = _ALSO_HTTP | {
    service.port.number
    for service in SERVICES
    if service.kind is ServicePurpose.WEB and service.port.protocol is Protocol.TCP
}
# Where what is sent is acted on, not answered: it is printed, put on a serial line, or read by a controller.
PRINTER_PORTS: frozenset[int] = frozenset({515, *range(9100, 9108)})  # LPD (RFC 1179), raw printing
_SERIAL_LINES = frozenset({*range(2001, 2033), *range(2101, 2133), *range(4001, 4033), 10001})
_CONTROLLERS = frozenset(
    {102, 502, 1911, 1962, 2404, 2455, 4840, 4911, 5006, 5007, 9600, 18245, 20000, 44818}
)
UNSPOKEN_PORTS: frozenset[int] = PRINTER_PORTS | _SERIAL_LINES | _CONTROLLERS


def find_service(port: Port) -> KnownService | None:
    """The service that customarily uses `port`; None where the table knows none."""
    return _BY_PORT.get(port)


def service_name(port: Port) -> str | None:
    """Name of the service that customarily uses `port`."""
    service = find_service(port)
    return service.name if service else None


def port_of(name: str, protocol: Protocol) -> int | None:
    """Port number of a service by its name, in any case."""
    service = _BY_NAME.get((name.lower(), protocol))
    return service.port.number if service else None


def is_private(port: Port) -> bool:
    """Whether the service that customarily uses `port` should normally not be reachable from outside."""
    service = find_service(port)
    return service is not None and service.private
