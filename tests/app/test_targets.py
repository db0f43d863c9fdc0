"""From flags to the target: realms, families, doubles, port lists. The host and the resolver are scripted."""

from collections.abc import Mapping
from ipaddress import ip_address

import pytest

from probe.app.target import Target, read_ports, realm_of, resolve_target
from probe.cli.options import families_of
from probe.engine.backend import Done, NoClients
from probe.errors import NothingMeasuredError, UsageError
from probe.interruption import StopRequestedError
from probe.model.exam import NameAnswer
from probe.model.facts import LinkKind, Route
from probe.model.target import Port, Protocol
from probe.model.unread import NameFailure, NameFailureRule
from probe.services.registry import DEFAULT_PORTS

NAMES = {"server.example": ("192.168.77.10", "2001:db8::1"), "same.example": ("192.168.77.10",)}
TUNNELLED = ("10.88.0.10", "100.64.0.7", "fd88::10")


class TunnelHost:
    """Routes into a tunnel for some addresses, Ethernet for the others."""

    def route(self, destination):
        tunnel = str(destination) in TUNNELLED
        return Route(destination, kind=LinkKind.TUNNEL if tunnel else LinkKind.ETHERNET)


class KnownNames(NoClients):
    """Clients whose resolver knows some names, and notes what it was asked."""

    def __init__(self, failures: Mapping[str, NameFailure] = {}) -> None:
        self.asked: list[tuple[str, ...]] = []
        self._failures = failures

    def look_up(self, names, families):
        self.asked.append(tuple(names))
        return Done({name: self._answer(name, families) for name in names})

    def _answer(self, name, families) -> NameAnswer:
        found = tuple(map(ip_address, NAMES.get(name, ())))
        return NameAnswer(None, tuple(ip for ip in found if ip.version in families), self._failures.get(name))


def target(*addresses: str, clients=None, **flags):
    return resolve_target(Target(addresses, **flags), TunnelHost(), clients or KnownNames())


def realms(made) -> list[tuple[str, str]]:
    return [(address.realm, str(address.ip)) for address in made.addresses]


@pytest.mark.parametrize(
    ("address", "realm"),
    [
        ("127.0.0.1", "loopback"),
        ("::1", "loopback"),
        ("192.168.1.10", "lan"),
        ("172.31.255.1", "lan"),
        ("10.0.0.1", "lan"),
        ("169.254.1.1", "lan"),
        ("fd00::1", "lan"),
        ("fe80::1%eth0", "lan"),
        ("100.64.0.1", "lan"),
        ("100.64.0.7", "vpn"),
        ("10.88.0.10", "vpn"),
        ("fd88::10", "vpn"),
        ("172.32.0.1", "public"),
        ("198.51.100.7", "public"),
        ("203.0.113.10", "public"),
        ("2001:db8::1", "public"),
    ],
)
def test_realms_are_worked_out(address: str, realm: str) -> None:
    """A tunnel is vpn, private ranges are lan, the rest is public."""
    assert realm_of(ip_address(address), TunnelHost()) == realm


def test_flags_and_words_give_the_realm() -> None:
    """What the user states wins over what would be worked out; any word can be a realm."""
    made = target("office=192.168.1.10", "192.168.1.11", "VPN=192.168.1.12", lan=["203.0.113.1"], vpn=["::1"])
    assert realms(made) == [
        ("office", "192.168.1.10"),
        ("lan", "192.168.1.11"),
        ("vpn", "192.168.1.12"),
        ("lan", "203.0.113.1"),
        ("vpn", "::1"),
    ]


def test_names_bring_all_their_addresses() -> None:
    """A name stands for all it resolves to, and is remembered; a literal has no name."""
    made = target("server.example", "10.0.0.1")
    assert realms(made) == [("lan", "192.168.77.10"), ("public", "2001:db8::1"), ("lan", "10.0.0.1")]
    assert [address.name for address in made.addresses] == ["server.example", "server.example", None]


def test_names_are_looked_up_at_once() -> None:
    """Several names are one request, each once and in ASCII; addresses are nobody's question."""
    clients = KnownNames()
    made = target("server.example", "10.0.0.1", "same.example", "server.example", clients=clients)
    assert clients.asked == [("server.example", "same.example")]
    assert [str(address.ip) for address in made.addresses] == ["192.168.77.10", "2001:db8::1", "10.0.0.1"]
    target("10.0.0.1", "[::1]:80", clients=clients)
    assert len(clients.asked) == 1


def test_nobody_is_asked_where_the_target_is_wrong() -> None:
    """What is no name, or an address of no host, is an error before any name is looked up."""
    clients = KnownNames()
    for wrong in ("0.0.0.0", "a..b"):
        with pytest.raises(UsageError):
            target("server.example", wrong, clients=clients)
    with pytest.raises(UsageError, match="empty"):
        target("server.example", ports="", clients=clients)
    assert clients.asked == []


def failing(rule: NameFailureRule, code: str | None = None) -> KnownNames:
    return KnownNames({"lost.example": NameFailure(rule=rule, code=code)})


@pytest.mark.parametrize(
    ("clients", "families", "words"),
    [
        (failing(NameFailureRule.NO_SUCH_NAME), {4, 6}, "no host lost.example is known"),
        (failing(NameFailureRule.NO_SUCH_NAME), {6}, "with an IPv6 address"),
        (failing(NameFailureRule.NO_ANSWER), {4, 6}, "name server does not answer"),
        (failing(NameFailureRule.UNREACHABLE, "failed"), {4, 6}, "cannot be looked up: failed"),
        (NoClients(), {4, 6}, "cannot be looked up now"),
    ],
)
def test_names_that_lead_nowhere(clients, families, words: str) -> None:
    """An unknown name measures nothing, and the message shows whether it was unknown or unanswered."""
    with pytest.raises(NothingMeasuredError, match=words):
        target("server.example", "lost.example", clients=clients, families=families)


def test_addresses_of_no_host_are_named() -> None:
    """What a name has besides is left out, with the reason."""
    found = NameAnswer(None, (ip_address("0.0.0.0"), ip_address("192.0.2.1")))
    reasons: list[str] = []

    class Blocked(NoClients):
        """A name server that blocks a name in one way."""

        def look_up(self, names, families):
            return Done(dict.fromkeys(names, found))

    made = resolve_target(Target("blocked.example"), TunnelHost(), Blocked(), reasons.append)
    assert [str(address.ip) for address in made.addresses] == ["192.0.2.1"]
    assert reasons == [
        "blocked.example: 0.0.0.0 is not the address of one host; give an address of the target"
    ]


def test_a_signal_while_names_are_looked_up(interrupt) -> None:
    """What has not been found by then is no answer."""

    class Interrupted(NoClients):
        """Meets a signal while it waits."""

        def wait(self, tasks):
            interrupt()

    with pytest.raises(StopRequestedError):
        target("server.example", clients=Interrupted())


def test_an_address_stands_once() -> None:
    """The same address by flag, by name and bare is one, with the realm and the name that were given."""
    made = target("192.168.77.10", "same.example", vpn=["192.168.77.10"])
    assert realms(made) == [("vpn", "192.168.77.10")]
    assert made.addresses[0].name == "same.example"


def test_one_family_only() -> None:
    """-4 and -6 each leave one family, both together leave both."""
    assert families_of(only_ipv4=True, only_ipv6=False) == {4}
    assert families_of(only_ipv4=False, only_ipv6=True) == {6}
    assert families_of(only_ipv4=True, only_ipv6=True) == {4, 6}
    assert realms(target("server.example", families=frozenset({6}))) == [("public", "2001:db8::1")]


@pytest.mark.parametrize(
    ("addresses", "words"),
    [
        ((), "no address given"),
        (("lan=",), "no address follows"),
        (("=10.0.0.1",), "a realm is a word"),
        (("9lives=10.0.0.1",), "a realm is a word"),
        (("a b=10.0.0.1",), "a realm is a word"),
        (("lan=10.0.0.1", "vpn=10.0.0.1"), "given as lan and as vpn"),
    ],
)
def test_addresses_that_make_no_target(addresses, words: str) -> None:
    """Each is a usage error that names what is wrong."""
    with pytest.raises(UsageError, match=words):
        target(*addresses)


def test_ports_and_what_runs() -> None:
    """Without -p the default list; ports that are known to run are tested too."""
    assert target("10.0.0.1").ports == DEFAULT_PORTS
    made = target("10.0.0.1", ports="80,22", running="U:53")
    assert made.ports == (Port(Protocol.TCP, 22), Port(Protocol.TCP, 80), Port(Protocol.UDP, 53))
    assert made.running == {Port(Protocol.UDP, 53)}


@pytest.mark.parametrize("flag", ["ports", "running"])
def test_empty_port_lists_are_errors(flag: str) -> None:
    """An empty list that was given is not the same as none."""
    with pytest.raises(UsageError, match="empty"):
        target("10.0.0.1", **{flag: ""})


def test_names_of_ports_fall_back_to_the_system(monkeypatch: pytest.MonkeyPatch) -> None:
    """Our table first, then the system's."""
    monkeypatch.setattr("probe.app.target.find_port", lambda name, _: {"gopher": 70, "ssh": 1}.get(name))
    assert [port.number for port in read_ports("gopher,ssh")] == [22, 70]
    with pytest.raises(UsageError, match="nothing-such"):
        read_ports("nothing-such")
