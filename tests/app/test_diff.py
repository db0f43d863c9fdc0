"""Two scans compared: each change of a host by its rule, and nothing where the host is as it was."""

import pytest
from demo_scans import DEMO, LAN, PUBLIC, VPN, demo, listening, scanned
from msgspec import structs

from probe.app import diff
from probe.app.diff import compare
from probe.errors import UsageError
from probe.lab.scenario import Scenario
from probe.model.binding import Condition, Owner
from probe.model.difference import Difference, DifferenceRule, DiffReport
from probe.model.identity import Key, KeyKind
from probe.model.probing import State
from probe.model.report import Report
from probe.report.difference_text import render_differences
from probe.report.style import TextStyle

LOSSY = {realm: {"loss": 0.05, "delay_ms": 2} for realm in ("lan", "vpn", "public")}


def found(old: Scenario, new: Scenario) -> set[tuple]:
    return {
        (one.rule, one.port, one.addresses, one.before, one.after)
        for one in compare(scanned(old), scanned(new)).differences
    }


# --- nothing changed ---


@pytest.mark.parametrize("seed", range(1, 4))
def test_an_unchanged_host_over_lossy_links(seed: int) -> None:
    """Scans of one host, of which each loses other packets, differ in nothing."""
    first = scanned(demo(links=LOSSY))
    for other in (seed, 100 + seed):
        assert compare(first, scanned(demo(links=LOSSY), other)).differences == ()


def test_a_report_and_itself() -> None:
    """Also where it was grouped: every port is judged again."""
    report = scanned(demo())
    same = compare(report, report)
    assert same.differences == same.only_old == same.only_new == ()


# --- what changed ---


def test_a_service_that_moved_to_all_interfaces() -> None:
    """It opens where it was refused, and is bound otherwise."""
    new = demo(listen=listening({"port": 8000, "bind": "0.0.0.0"}))
    assert found(demo(), new) == {
        (DifferenceRule.OPENED, 8000, (VPN, PUBLIC), "closed", "open"),
        (DifferenceRule.MOVED, 8000, (), f"specific: {LAN}", "wildcard"),
    }


def test_a_service_that_ended() -> None:
    """It is refused where it was open."""
    assert found(demo(), demo(listen=listening(without=443))) == {
        (DifferenceRule.CLOSED, 443, (LAN, VPN, PUBLIC), "open", "closed"),
        (DifferenceRule.MOVED, 443, (), "wildcard", "loopback-or-not-listening"),
    }


def test_a_firewall_that_was_switched_on() -> None:
    """What answered is blocked; and the other way round what was blocked is open, or refused."""
    rule = {"action": "drop", "ports": "443,8080", "on": ["vpn"]}
    dropping = demo(filter=[*DEMO["target"]["filter"], rule])
    assert found(demo(), dropping) == {
        (DifferenceRule.BLOCKED, 443, (VPN,), "open", "filtered"),
        (DifferenceRule.BLOCKED, 8080, (VPN,), "closed", "filtered"),
    }
    assert found(dropping, demo()) == {
        (DifferenceRule.OPENED, 443, (VPN,), "filtered", "open"),
        (DifferenceRule.UNBLOCKED, 8080, (VPN,), "filtered", "closed"),
    }


def test_an_address_that_is_gone() -> None:
    """One difference, of the address: its ports were not reached."""
    listen = listening(without=8000)  # which is bound to it
    assert found(demo(listen=listen), demo(listen=listen, dead=["lan"])) == {
        (DifferenceRule.CONDITION_CHANGED, None, (LAN,), "clear", "host-down")
    }


def test_what_only_one_has() -> None:
    """Addresses and ports beside the others are named, and are no difference."""
    both = compare(scanned(demo()), scanned(demo(addresses=["lan", "vpn"])))
    assert (both.only_old, both.only_new) == ((PUBLIC,), ())
    assert DifferenceRule.CONDITION_CHANGED not in {one.rule for one in both.differences}


# --- what no scenario shows ---


def with_keys(report: Report, port: int, *fingerprints: str, kind: KeyKind = KeyKind.SSH) -> Report:
    """The report with other keys on the first address's port."""
    (measured,) = report.measurements
    first, *others = measured.addresses
    shown = [one for one in first.shown if one.port.number != port]
    (mine,) = [one for one in first.shown if one.port.number == port]
    keys = tuple(Key(kind, "ssh-ed25519", one) for one in fingerprints)
    first = structs.replace(first, shown=(*shown, structs.replace(mine, keys=keys)))
    return structs.replace(report, measurements=(structs.replace(measured, addresses=(first, *others)),))


def test_host_keys() -> None:
    """Another key is a difference; one that is left, or a renewed certificate, is none."""
    report = scanned(demo())
    old = with_keys(report, 3306, "SHA256:a", "SHA256:b")
    (one,) = compare(old, with_keys(report, 3306, "SHA256:c")).differences
    assert (one.rule, one.port, one.addresses) == (DifferenceRule.KEYS_CHANGED, 3306, (LAN,))
    assert (one.before, one.after) == ("SHA256:a, SHA256:b", "SHA256:c")
    assert compare(old, with_keys(report, 3306, "SHA256:b", "SHA256:c")).differences == ()
    certificates = [with_keys(report, 3306, one, kind=KeyKind.TLS) for one in ("SHA256:a", "SHA256:c")]
    assert compare(*certificates).differences == ()


def test_another_owner() -> None:
    """Who answers on an address now, where both times it was clear."""
    (before, *_) = scanned(demo()).addresses
    owners = [structs.replace(before, owner=one) for one in (Owner.TARGET, Owner.GATEWAY, Owner.UNKNOWN)]
    target, gateway, unknown = ({(None, LAN): one} for one in owners)
    (one,) = diff._of_addresses(target, gateway)
    assert (one.rule, one.before, one.after) == (DifferenceRule.OWNER_CHANGED, "target", "gateway")
    assert list(diff._of_addresses(target, unknown)) == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (State.OPEN_FILTERED, State.OPEN),
        (State.CLOSED, State.OPEN_FILTERED),
        (State.FILTERED, State.UNREACHABLE),
        (None, State.OPEN),
        (State.OPEN, None),
    ],
)
def test_states_that_show_no_change(before: State | None, after: State | None) -> None:
    """Silence of UDP, what blocks in another way, and what was not measured."""
    assert diff._rule(before, after) is None


@pytest.mark.parametrize("condition", [Condition.RATE_LIMITED, Condition.CHANGED])
def test_unreliable_answers(condition: Condition) -> None:
    """An answer that its sender rations, or that changed within one scan, shows nothing by being another."""
    (row,) = [one for one in scanned(demo()).ports if one.port == 443]
    rationed = [structs.replace(one, condition=condition) for one in row.observations]
    places = frozenset((None, one.address) for one in row.observations)
    assert len(diff._answers(row, row, places)) == 3
    assert diff._answers(row, structs.replace(row, observations=tuple(rationed)), places) == []


def test_without_measurements() -> None:
    """A report that keeps none cannot be compared."""
    with pytest.raises(UsageError, match="no measurements"):
        compare(structs.replace(scanned(demo()), measurements=()), scanned(demo()))


# --- in words ---


def test_new_exposures_come_first() -> None:
    """A service that should stay inside is listed first, and pointed out."""
    inside = demo(listen=listening({"port": 3306, "bind": "127.0.0.1"}, without=443))
    text = render_differences(compare(scanned(inside), scanned(demo())), TextStyle(width=200))
    first, *others = text.splitlines()
    assert first == (
        f"3306/tcp (mysql) opened on {LAN}, {VPN}, {PUBLIC}: it was closed; a service that should stay inside"
    )
    assert f"443/tcp (https) opened on {LAN}, {VPN}, {PUBLIC}: it was closed" in others


def test_nothing() -> None:
    """One line that names both times."""
    report = scanned(demo())
    text = render_differences(compare(report, report), TextStyle(width=200))
    assert text == f"Nothing changed between {report.started} and {report.started}.\n"


def test_what_was_not_compared_is_listed_last() -> None:
    """With the time of the report that has it."""
    old, new = scanned(demo()), scanned(demo(addresses=["lan", "vpn"]))
    for pair in ((old, new), (new, old)):
        last = render_differences(compare(*pair), TextStyle(width=200)).splitlines()[-1]
        assert last == f"Not compared, measured at {old.started} only: {PUBLIC}"


def test_control_characters() -> None:
    """What the network sent does not reach the terminal as it is."""
    one = Difference(rule=DifferenceRule.MOVED, before="a", after="b", text="\x1b[31mred")
    report = DiffReport(old="then", new="now", differences=(one,))
    assert "\x1b" not in render_differences(report)
