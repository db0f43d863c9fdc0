"""A scan made again and again: what is shown of each, with scripted scans."""

import datetime as dt

from demo_scans import LAN, demo, listening, scanned
from msgspec import structs

from probe.app.watch import Comparison, ScanWatch
from probe.errors import NothingMeasuredError
from probe.model.binding import Binding, Condition
from probe.model.difference import DifferenceRule
from probe.model.report import Report
from probe.model.target import Port, Protocol
from probe.model.watching import WatchEvent, WatchKind

NOON = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
AS_BEFORE = scanned(demo())
CLOSED = scanned(demo(listen=listening(without=443)))
OPENED = scanned(demo(listen=listening({"port": 8080, "bind": "0.0.0.0"})))
NO_VPN = scanned(demo(dead=["vpn"]))
NO_VPN_CLOSED = scanned(demo(dead=["vpn"], listen=listening(without=443)))
INTERRUPTED = structs.replace(AS_BEFORE, complete=False)
NOBODY = NothingMeasuredError("no address of box.test")


def watched(*scans: Report | NothingMeasuredError, reads: int = 99) -> tuple[list[object], Report | None]:
    """What a watch of these scans shows until one is interrupted; `reads`: pieces that somebody reads."""
    left, shown, pauses = [*scans, INTERRUPTED], [], []

    def scan() -> Report:
        found = left.pop(0)
        if isinstance(found, NothingMeasuredError):
            raise found
        return found

    def show(piece: object) -> bool:
        shown.append(piece)
        return len(shown) < reads

    last = ScanWatch(scan, show, lambda: NOON, pauses.append, 30.0).run()
    assert set(pauses) <= {30.0}
    return shown, last


def words(piece: object) -> str:
    assert isinstance(piece, WatchEvent)
    assert piece.time == "2026-03-01T12:00:00Z"
    one = piece.difference
    return f"{one.rule} {one.port} {','.join(one.addresses)}" if one else f"{piece.kind} {piece.why}"


def test_the_first_is_shown_in_full_and_an_unchanged_host_never_again() -> None:
    """However often it is scanned."""
    assert watched(AS_BEFORE, AS_BEFORE, AS_BEFORE) == ([AS_BEFORE], AS_BEFORE)


def test_changes_come_once() -> None:
    """When they happen, and when they are undone."""
    shown, last = watched(AS_BEFORE, CLOSED, CLOSED, AS_BEFORE)
    rules = [words(one).split()[0] for one in shown[1:]]
    assert rules.count(DifferenceRule.CLOSED) == rules.count(DifferenceRule.OPENED) == 1
    assert {words(one).split()[1] for one in shown[1:]} == {"443"}
    assert last is AS_BEFORE


def test_a_scan_that_measures_nothing_is_a_gap() -> None:
    """One line for it, one when it is over, and what changed meanwhile."""
    shown, _ = watched(AS_BEFORE, NOBODY, NOBODY, CLOSED)
    assert [words(one) for one in shown[1:3]] == [f"gap {NOBODY}", "resumed None"]
    assert {words(one).split()[1] for one in shown[3:]} == {"443"}


def test_a_gap_at_the_start() -> None:
    """The first scan that measures something is the one in full."""
    shown, last = watched(NOBODY, AS_BEFORE)
    assert words(shown[0]) == f"gap {NOBODY}"
    assert (shown[1:], last) == ([AS_BEFORE], AS_BEFORE)
    assert watched(NOBODY)[1] is None


def test_what_changes_while_an_address_is_not_reached() -> None:
    """The ports of the others at once; its own when it is back, and none of them twice."""
    shown, _ = watched(AS_BEFORE, NO_VPN, NO_VPN_CLOSED, NO_VPN_CLOSED, CLOSED)
    found = [words(one) for one in shown[1:]]
    assert found[0] == f"{DifferenceRule.CONDITION_CHANGED} None 10.88.0.10"
    of_ports = [one for one in found if " 443 " in one]
    assert [one for one in of_ports if one.startswith("closed")] == [
        "closed 443 192.168.77.10,203.0.113.10",
        "closed 443 10.88.0.10",
    ]
    assert found.count(f"{DifferenceRule.CONDITION_CHANGED} None 10.88.0.10") == 2


def test_a_verdict_that_a_lost_address_leaves_open_is_not_forgotten() -> None:
    """A binding stands until another is named."""
    comparison = Comparison()
    kept = [list(comparison.take(one, NOON)) for one in (AS_BEFORE, NO_VPN)]
    assert kept[0] == [AS_BEFORE]
    known = comparison._ports
    assert known is not None
    before, after = (
        {Port(one.protocol, one.port): one.binding for one in report.ports} for report in (AS_BEFORE, known)
    )
    assert Binding.UNDETERMINED in {one.binding for one in NO_VPN.ports}
    assert after == before
    assert {one.condition for one in known.addresses} == {one.condition for one in AS_BEFORE.addresses}


def test_nobody_reads() -> None:
    """Then it ends, without a pause."""
    assert watched(AS_BEFORE, CLOSED, reads=1) == ([AS_BEFORE], AS_BEFORE)


def test_a_port_that_was_not_there_before() -> None:
    """Of a name whose addresses change: what has no row before is no change."""
    fewer = structs.replace(AS_BEFORE, ports=AS_BEFORE.ports[1:])
    lost = structs.replace(NO_VPN, addresses=tuple(structs.replace(one) for one in NO_VPN.addresses))
    shown, _ = watched(fewer, lost)
    assert AS_BEFORE.ports[0].port not in {
        one.difference.port for one in shown[1:] if isinstance(one, WatchEvent) and one.difference
    }


def test_one_that_opens() -> None:
    """With its service and where."""
    shown, _ = watched(AS_BEFORE, OPENED)
    (opened,) = [one for one in shown[1:] if words(one).startswith(DifferenceRule.OPENED)]
    assert opened.kind is WatchKind.CHANGED
    assert (opened.difference.port, opened.difference.protocol) == (8080, Protocol.TCP)
    assert LAN in opened.difference.addresses
    assert Condition.CLEAR in {one.condition for one in OPENED.addresses}
