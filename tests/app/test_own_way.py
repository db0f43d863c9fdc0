"""The way out that a user chooses: read, checked against this machine and the target, and passed on."""

from ipaddress import ip_address, ip_interface

import pytest

from probe import EngineRequest, Target, doctor, scan
from probe.app import way_out
from probe.app.session import Backends, Session, open_session
from probe.app.way_out import own_way, require_sources
from probe.backends.system_host import SystemHost
from probe.errors import UsageError
from probe.lab.files import find_scenario
from probe.lab.open_world import backends_of, open_world
from probe.machine.interfaces import Interface
from probe.model.facts import LinkKind
from probe.model.way_out import USUAL_WAY, WayOut

OWN = (
    Interface("lo", LinkKind.LOOPBACK, 65536, (ip_interface("127.0.0.1/8"),)),
    Interface(
        "eth0",
        LinkKind.ETHERNET,
        1500,
        tuple(map(ip_interface, ("192.168.77.2/24", "2001:db8::2/64", "fe80::2/64"))),
    ),
    Interface("wg0", LinkKind.TUNNEL, 1420, (ip_interface("10.8.0.2/24"),)),
)


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(way_out, "interfaces", lambda: OWN)


def test_nothing_chosen_asks_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Most scans choose no way: this machine's interfaces are not read for them."""
    monkeypatch.setattr(way_out, "interfaces", None)
    assert own_way(None, ()) == USUAL_WAY


@pytest.mark.parametrize(
    ("interface", "sources", "expected"),
    [
        ("wg0", (), ()),
        (None, ("192.168.77.2",), ("192.168.77.2",)),
        ("eth0", ("10.8.0.2", "2001:db8::2"), ("10.8.0.2", "2001:db8::2")),
        ("eth0", ("fe80::2",), ("fe80::2%eth0",)),
        (None, ("fe80::2%eth0",), ("fe80::2%eth0",)),
        (None, ("127.0.0.9",), ("127.0.0.9",)),
    ],
)
def test_what_this_machine_has(interface: str | None, sources: tuple[str, ...], expected: object) -> None:
    """An interface, an address of any of them, one of each family, and all of 127.0.0.0/8."""
    way = own_way(interface, sources)
    assert way == WayOut(interface, tuple(map(ip_address, expected)))
    assert [way.source(4), way.source(6)] == [
        next((s for s in way.sources if s.version == version), None) for version in (4, 6)
    ]


@pytest.mark.parametrize(
    ("interface", "sources", "words"),
    [
        ("eth1", (), "--interface eth1: this machine has lo, eth0, wg0"),
        (None, ("192.168.77.3",), "--source 192.168.77.3: this machine has no such address"),
        ("wg0", ("fe80::2",), "fe80::2%wg0: this machine has no such address"),
        (None, ("here",), "'here' is no IPv4 or IPv6 address"),
        (None, ("192.168.77.2", "10.8.0.2"), "give one address of each family"),
    ],
)
def test_what_it_does_not_have(interface: str | None, sources: tuple[str, ...], words: str) -> None:
    """Each is a usage error that names what is wrong."""
    with pytest.raises(UsageError, match=words):
        own_way(interface, sources)


@pytest.mark.parametrize(
    ("source", "other", "flag"), [("127.0.0.9", "::1", "-4"), ("::1", "127.0.0.1", "-6")]
)
def test_a_source_of_the_other_family(source: str, other: str, flag: str) -> None:
    """An address that no given source can reach is an error; without a source every one is well."""
    way = WayOut(sources=(ip_address(source),))
    require_sources(way, [way.sources[0]])
    require_sources(WayOut("eth0"), [ip_address(other)])
    with pytest.raises(UsageError, match=f"{other} is IPv.*leave it out by {flag}"):
        require_sources(way, [way.sources[0], ip_address(other)])


def test_a_scan_without_a_source_for_an_address_sends_nothing() -> None:
    """The error comes before the first probe, whatever the backends are."""
    with open_world(find_scenario("demo"), "sim") as world:
        given = backends_of(world, "connect")
        backends = Backends(given.backend, given.host, way=WayOut(sources=(ip_address("::1"),)))
        with pytest.raises(UsageError, match=r"192\.168\.77\.10 is IPv4"):
            scan(Target("192.168.77.10"), backends=backends)
        assert given.backend.now() == 0


def test_a_session_takes_the_way_along() -> None:
    """Backends, host and clients of a session share it, and the report has the source."""
    request = EngineRequest("connect", sources=("127.0.0.9",))
    with open_session(request) as session:
        assert session.backends.way == WayOut(sources=(ip_address("127.0.0.9"),))
        report = scan(Target("127.0.0.1", ports="9"), backends=session.backends)
    assert [address.source for address in report.addresses] == ["127.0.0.9"]


def test_an_examination_has_no_chosen_way() -> None:
    """The doctor explains what this machine does by itself."""
    request = EngineRequest("connect", sources=("127.0.0.9",))
    with pytest.raises(UsageError, match="choose no interface or source"):
        doctor(Target("127.0.0.1"), engine=request)
    session = Session(Backends(None, SystemHost(), way=WayOut("lo")))
    with pytest.raises(UsageError, match="choose no interface or source"):
        doctor(Target("127.0.0.1"), session=session)
