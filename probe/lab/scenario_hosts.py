"""The hosts of a scenario, as data: what listens on them, what filters, what is odd about each.

Lives here: the shape of these parts of the files. What they mean packet by packet belongs to the worlds.
"""

from enum import StrEnum

from msgspec import Struct

from probe.model.target import Protocol, Realm

LIMIT_S = 30.0  # in which a rule counts openings
_REALMS = (Realm.LAN, Realm.VPN, Realm.PUBLIC)  # whose links filters distinguish


class Action(StrEnum):
    """What a filter rule does with a TCP or UDP packet."""

    ACCEPT = "accept"
    DROP = "drop"
    RESET = "reset"  # a forged TCP reset
    PORT_UNREACH = "port-unreach"
    HOST_UNREACH = "host-unreach"
    NET_UNREACH = "net-unreach"
    PROTO_UNREACH = "proto-unreach"  # IPv4 only
    ADMIN_PROHIBITED = "admin-prohibited"
    HOST_PROHIBITED = "host-prohibited"
    NET_PROHIBITED = "net-prohibited"


class Serves(StrEnum):
    """What a listener does with a peer."""

    HOLD = "hold"  # TCP: accept and keep quiet. UDP: receive and keep quiet
    GREET = "greet"  # TCP: accept and send a line
    CLOSE = "close"  # TCP: accept and close at once (a proxy whose backend is dead)
    RESET = "reset"  # TCP: accept and reset at once
    ANSWER = "answer"  # UDP: answer every datagram
    ONCE = "once"  # TCP: accept one connection, and listen no more
    FULL = "full"  # TCP: never accept, and the accept queue is full
    FORWARD = "forward"  # TCP: a userspace forwarder: pass everything on to 127.0.0.1, same port


class ServiceKind(StrEnum):
    """Which real program a service is. Worlds without programs have plain listeners in its place."""

    NGINX = "nginx"  # plain on its first port, TLS on its second
    POSTGRESQL = "postgresql"
    REDIS = "redis"
    SSHD = "sshd"
    DNSMASQ = "dnsmasq"  # TCP and UDP
    APP = "app"  # a small web application in Python
    PROXY = "proxy"  # nginx in front of an `app` on its usual port of loopback


class Forwarder(StrEnum):
    """What forwards ports into the target's container, measured with Docker 20.10.

    All three do it by the same NAT rules: by destination address, for IPv4 alone, past the input chain.
    Docker also has sockets on the host, for what the rules leave alone, and lets nothing else be forwarded.
    """

    RULES = "rules"  # the rules, and no socket
    DOCKER = "docker"  # its userland proxy listens where a port is published; for all addresses on [::] too
    DOCKER_NO_PROXY = "docker-no-proxy"  # the engine keeps the port, with an IPv4 socket that accepts nothing


class Segment(StrEnum):
    """The TCP segments that a rule is about, where it is not about all of them."""

    SYN = "syn"  # openings only: an ACK or a FIN passes
    SYN_ACK = "syn-ack"  # what the host answers to them, on its way out


class Strict(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A part of a scenario's file: unknown keys are errors."""


class Listen(Strict, frozen=True, kw_only=True):
    """One listening socket. `bind`: a literal address, or a symbol such as `lan` or `vpn6`.

    `turns_away`: realms from which a TCP peer is accepted and closed at once, as hosts.deny(5) has it.
    """

    port: int
    bind: str
    protocol: Protocol = Protocol.TCP
    device: str | None = None  # a realm: SO_BINDTODEVICE to its interface
    v6only: bool = False
    serves: Serves = Serves.HOLD
    turns_away: tuple[str, ...] = ()


class Service(Strict, frozen=True, kw_only=True):
    """A real program that serves. `bind` as in Listen; `ports` in place of its usual ones, as many.

    `key`: a name; the certificates of services with one name are made for one key, as renewed ones are.
    """

    kind: ServiceKind
    bind: tuple[str, ...]
    ports: tuple[int, ...] | None = None
    key: str | None = None


class Rule(Strict, frozen=True, kw_only=True):
    """One filter rule; the first that matches decides, and what none matches is accepted.

    `ports` in the command line's syntax (none: every port of TCP and UDP), `on`: realms (none: all), of which
    `lan4` or `lan6` is IPv4 or IPv6 alone. Without `segment` it judges what comes in, all of it.
    """

    action: Action
    ports: str | None = None
    on: tuple[str, ...] = ()
    segment: Segment | None = None
    # From this opening on that one address sends within `LIMIT_S`, as `ufw limit` counts; in memory alone.
    from_opening: int | None = None

    def __post_init__(self) -> None:
        """Refuse a realm that there is not.

        Raises:
            ValueError: named, with its place.
        """
        self.links()

    def links(self) -> tuple[tuple[str, int | None], ...]:
        """Read `on`: realm and IP version of each; None for both.

        Raises:
            ValueError: there is no such realm; named.
        """
        return tuple(map(_link, self.on))


def _link(text: str) -> tuple[str, int | None]:
    realm = text.rstrip("46")
    if realm not in _REALMS or len(text) > len(realm) + 1:
        raise ValueError(f"'on' has {text!r}: give lan, vpn or public, or one of them with 4 or 6 (lan6)")
    return realm, int(text[-1]) if text != realm else None


class Dnat(Strict, frozen=True, kw_only=True):
    """A TCP port that the target forwards to a container behind it; `-p ADDRESS:PORT:...` of `docker run`.

    `address`: a symbol or a literal IPv4 address of the target, loopback included; none: all of them.
    """

    port: int
    address: str | None = None
    alive: bool = True  # something listens in the container


class TargetHost(Strict, frozen=True, kw_only=True):
    """The machine under test."""

    listen: tuple[Listen, ...] = ()
    services: tuple[Service, ...] = ()
    filter: tuple[Rule, ...] = ()
    dnat: tuple[Dnat, ...] = ()
    dnat_by: Forwarder = Forwarder.RULES
    resets_per_s: int | None = None  # a stack that limits its resets, as BSD's does
    never_resets: bool = False  # a stack that is silent where nothing listens, as Windows' firewall makes it
    ttl: int | None = None  # with which its packets start; none: 64
    route_localnet: bool = False  # takes 127.0.0.0/8 from its links (net.ipv4.conf.all.route_localnet)
    # realm -> realm: answers to the prober's address there leave by this link
    replies_by: dict[str, str] = {}
    no_way_back: tuple[str, ...] = ()  # realms: it has no route to the prober's addresses there
    strict_reverse_path: bool = False  # rp_filter=1 (RFC 3704 section 2.2)
    forwards: bool = False  # it is a gateway: what is not its own it sends on, or reports unreachable
    # a program in user space has its VPN addresses, and connects to 127.0.0.1 for its peers; in memory alone
    vpn_program: bool = False
    # realm -> bytes: longer packets vanish on their way to it, and nobody is notified
    swallows_above: dict[str, int] = {}


class ProberHost(Strict, frozen=True, kw_only=True):
    """The prober's own machine. Its rules' ports are the target's: where it sends to, and receives from."""

    outgoing: tuple[Rule, ...] = ()
    incoming: tuple[Rule, ...] = ()
    strict_reverse_path: bool = False  # rp_filter=1 (RFC 3704 section 2.2)
    routes: dict[str, str] = {}  # symbol -> realm: a host route to this address by the wrong link
    names: tuple[dict[str, str], ...] = ()  # one name server each: name -> symbol or literal address


class Router(Strict, frozen=True, kw_only=True):
    """The box between the prober and the target's public address."""

    filter: tuple[Rule, ...] = ()
    nat: bool = False
    forward: tuple[int, ...] = ()  # TCP ports forwarded to the target, with `nat`
    answers_all: bool = False  # a middlebox that completes every handshake itself
    intercepts: str | None = None  # TCP ports that it takes for itself, whoever is asked
    syn_proxy: str | None = None  # ports whose handshakes it completes before asking the target
    listen: tuple[Listen, ...] = ()  # its own services, on the public address that it owns with `nat`
    narrow: int | None = None  # bytes: MTU of its link to the target; it reports that to whoever sends more
