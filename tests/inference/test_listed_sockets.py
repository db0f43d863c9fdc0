"""The target's own list of sockets beside what shows from outside: in every scenario, and in odd ones."""

from collections.abc import Iterator
from functools import cache
from ipaddress import ip_address
from pathlib import Path

import pytest
from varied import replace

from probe.app.confirm import confirmed, is_elsewhere
from probe.errors import UsageError
from probe.lab.check import scanned
from probe.lab.daemons import listens_of
from probe.lab.files import find_scenario
from probe.lab.scenario import Scenario, load_scenario
from probe.lab.sim.stack import read_socket
from probe.lab.truth import truth
from probe.model.binding import Binding
from probe.model.evidence import EvidenceRule
from probe.model.report import PortReport, Report
from probe.model.sockets import ConfirmOutcome, Contradiction, Listener, SocketTable, TableTool
from probe.model.target import Port, Protocol

TOP = Path(__file__).parents[2]
SCENARIOS = sorted(path.stem for path in (TOP / "scenarios").glob("*.yaml"))[::3]
LAN, VPN, PUBLIC = "192.168.77.10", "10.88.0.10", "203.0.113.10"
BOTH = tuple(Protocol)


@cache
def report_of(name: str) -> Report:
    return scanned(find_scenario(name), "sim")


def listener(port: int, ip: str | None = None, **more) -> Listener:
    """A socket, as ss lists it."""
    fields = {"tool": TableTool.SS, "protocol": Protocol.TCP, "line": f"{ip or '*'}:{port}"} | more
    address = None if ip is None else ip_address(ip)
    families = {"families": (4,) if address is None else (address.version,)} | fields
    return Listener(port=port, ip=address, **families)


def table(*listeners: Listener, complete: tuple[Protocol, ...] = BOTH, **more) -> SocketTable:
    return SocketTable(listeners=listeners, complete=complete, **more)


def joined(name: str, sockets: SocketTable) -> dict[int, PortReport]:
    return {row.port: row for row in confirmed([report_of(name)], sockets).ports}


def contradiction_of(row: PortReport) -> tuple[Contradiction | None, tuple[str, ...]]:
    (found,) = [one for one in row.evidence if one.rule is EvidenceRule.UNLIKE_LIST]
    return found.contradiction, found.addresses


# --- every scenario ---


def sockets_of(scenario: Scenario) -> Iterator[Listener]:
    """What ss would list on the scenario's target."""
    for entry in listens_of(scenario.target):
        socket = read_socket(entry)
        everywhere = socket.bind.is_unspecified
        v6 = socket.bind.version == 6
        families = (6, 4) if v6 and not socket.v6only else (socket.bind.version,)
        yield listener(
            socket.port.number,
            None if everywhere else str(socket.bind),
            protocol=socket.port.protocol,
            families=tuple(sorted(families)) if everywhere else (socket.bind.version,),
            device=socket.device,
        )


def in_memory(name: str) -> bool:
    scenario = load_scenario(TOP / "scenarios" / f"{name}.yaml")
    return "sim" in scenario.worlds and not scenario.target.dnat and bool(scenario.scan.ports)


@pytest.mark.parametrize("name", list(filter(in_memory, SCENARIOS)))
def test_the_list_decides(name: str) -> None:
    """Joined with its target's list, every port of a scenario is named as it is bound."""
    scenario = find_scenario(name)
    wanted = truth(scenario)
    report = confirmed([report_of(name)], table(*sockets_of(scenario)))
    for row in report.ports:
        port = Port(row.protocol, row.port)
        assert row.truth, port
        if wanted[port].binding is not Binding.NOT_LISTENING or not row.exposed_on:
            assert row.binding is wanted[port].binding, port
            assert row.truth.binding is row.binding
            assert row.confidence > 0.9


# --- how a verdict from outside compares ---


def test_outcomes() -> None:
    """The same binding, one of those that were left, another, and what is not listed."""
    sockets = (
        listener(22),
        listener(443),
        listener(5432, "127.0.0.1"),
        listener(8000, LAN),
        listener(9090),
    )
    rows = joined("demo", table(*sockets, complete=()))
    assert {port: row.outcome for port, row in rows.items()} == {
        22: ConfirmOutcome.CONFIRMED,
        443: ConfirmOutcome.CONFIRMED,
        3306: ConfirmOutcome.UNSEEN,
        5432: ConfirmOutcome.CONFIRMED,
        8000: ConfirmOutcome.CONFIRMED,
        8080: ConfirmOutcome.UNSEEN,
        9090: ConfirmOutcome.SHARPENED,
    }
    assert rows[3306].truth is None
    whole = joined("demo", table(*sockets, listener(3306), listener(8080, "127.0.0.1")))
    assert whole[8080].binding is Binding.LOOPBACK
    assert whole[8080].outcome is ConfirmOutcome.SHARPENED


def test_what_is_not_listed_does_not_listen() -> None:
    """Where the protocol is listed in full: the pair that no packet separates is separated."""
    row = joined("demo", table(listener(22)))[8080]
    assert (row.outcome, row.binding) == (ConfirmOutcome.SHARPENED, Binding.NOT_LISTENING)
    assert [one.rule for one in row.evidence][:1] == [EvidenceRule.NOT_LISTED]
    assert (
        joined("demo", table(listener(22), complete=(Protocol.UDP,)))[8080].outcome is ConfirmOutcome.UNSEEN
    )


def test_bound_to_an_address_that_was_not_probed() -> None:
    """Refused everywhere, and there it listens."""
    row = joined("demo", table(listener(22), listener(8080, "10.9.9.9")))[8080]
    assert (row.outcome, row.binding, row.truth.bound_to) == (
        ConfirmOutcome.SHARPENED,
        Binding.SPECIFIC,
        ("10.9.9.9",),
    )


def test_a_firewall_hides_what_is_bound() -> None:
    """Refused on addresses that a listed socket covers: a firewall forges the resets."""
    row = joined("demo", table(listener(22), listener(8080)))[8080]
    assert (row.outcome, row.binding) == (ConfirmOutcome.CONTRADICTED, Binding.WILDCARD)
    assert contradiction_of(row) == (Contradiction.FIREWALL, (VPN, LAN, PUBLIC))


def test_a_forwarder_accepts_where_nothing_is_bound() -> None:
    """Accepted on addresses that no listed socket covers, or without any."""
    rows = joined("demo", table(listener(22), listener(443, "127.0.0.1")))
    assert (rows[443].outcome, rows[443].binding) == (ConfirmOutcome.CONTRADICTED, Binding.LOOPBACK)
    assert contradiction_of(rows[443]) == (Contradiction.FORWARDER, (VPN, LAN, PUBLIC))
    row = joined("demo", table(listener(22), listener(443)))[3306]
    assert (row.outcome, row.binding) == (ConfirmOutcome.CONTRADICTED, Binding.WILDCARD)  # of what forwards


def test_the_list_of_another_machine() -> None:
    """It has no socket of any port that accepts: then nothing follows from what it lacks."""
    rows = joined("demo", table(listener(25, "127.0.0.1"), listener(443, "127.0.0.1", protocol=Protocol.UDP)))
    assert {row.outcome for row in rows.values()} == {ConfirmOutcome.UNSEEN}
    rows = joined(
        "demo", table(listener(8080, "127.0.0.1"), listener(9090, "127.0.0.1", protocol=Protocol.UDP))
    )
    assert rows[8080].outcome is ConfirmOutcome.SHARPENED


def test_both_families_where_the_list_leaves_it_open() -> None:
    """Netstat does not list whether an IPv6 socket takes IPv4: who accepts shows it."""
    unknown = listener(443, families=None, tool=TableTool.NETSTAT)
    assert joined("demo", table(unknown))[443].truth.families == (4, 6)
    refused = listener(8080, families=None, tool=TableTool.NETSTAT)
    row = joined("demo", table(listener(22), refused))[8080]
    assert (row.truth.families, row.binding) == ((6,), Binding.WILDCARD)


def test_a_socket_on_a_device() -> None:
    """Its addresses are those of the device, where the list has them, or the ones that accept."""
    on_lan = listener(8000, device="eth0")
    assert joined("demo", table(on_lan))[8000].outcome is ConfirmOutcome.CONFIRMED
    known = joined("demo", table(on_lan, addresses={LAN: "eth0", "fe80::1": "eth0", VPN: "wg0"}))[8000]
    assert (known.outcome, known.truth.bound_to, known.truth.device) == (
        ConfirmOutcome.CONFIRMED,
        (LAN,),
        "eth0",
    )
    elsewhere = joined("demo", table(listener(22), listener(8080, device="eth9")))[8080]
    assert elsewhere.truth.binding is Binding.SPECIFIC
    inside = joined("demo", table(listener(22), listener(8080, device="lo")))[8080]
    assert inside.binding is Binding.LOOPBACK


def test_a_published_port() -> None:
    """A container's port is bound as it is published; the engine's own proxy is a socket of its own."""
    published = listener(443, tool=TableTool.DOCKER, container="web")
    row = joined("demo", table(listener(22), published))[443]
    assert (row.outcome, row.truth.container, row.truth.process) == (ConfirmOutcome.CONFIRMED, "web", None)
    proxy = listener(443, process="docker-proxy", pid=9)
    both = joined("demo", table(published, proxy))[443].truth
    assert (both.container, both.process, both.lines) == ("web", "docker-proxy", ("*:443",))


def test_a_word_of_the_users_gives_way() -> None:
    """--running states that something listens; the list shows that nothing does."""
    report = report_of("demo")  # its facts have 5432 running
    row = {one.port: one for one in confirmed([report], table(listener(22))).ports}[5432]
    assert (row.binding, row.outcome) == (Binding.NOT_LISTENING, ConfirmOutcome.CONTRADICTED)


def test_the_machine_of_the_list() -> None:
    """A list that names its machine's addresses, and none of the target's inside, may be another's."""
    report = report_of("demo")
    for addresses, elsewhere in (({LAN: "eth0"}, False), ({"10.1.1.1": "eth0"}, True), ({}, False)):
        found = confirmed([report], table(listener(22), addresses=addresses))
        assert is_elsewhere(found) is elsewhere
    assert not is_elsewhere(report)


def test_without_measurements() -> None:
    """A report that keeps none cannot be judged again."""
    with pytest.raises(UsageError, match="no measurements"):
        confirmed([replace(report_of("demo"), measurements=())], table(listener(22)))
