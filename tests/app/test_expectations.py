"""Expectations: written from a report and met by it, read with every mistake named, red for each change."""

from functools import cache
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
import yaml
from msgspec import structs

from probe.app.check import check_report, target_of
from probe.app.expectations import learned, read_expectations
from probe.errors import UsageError
from probe.lab.check import scanned
from probe.lab.files import find_scenario
from probe.lab.scenario import load_scenario, parse_scenario
from probe.model.binding import Condition
from probe.model.expectation import CheckOutcome, CheckReport
from probe.model.probing import State
from probe.model.report import Report
from probe.report.expectation_text import render_annotations, render_check, render_junit

TOP = Path(__file__).parents[2]
DEMO = yaml.safe_load((TOP / "scenarios" / "demo.yaml").read_text(encoding="utf-8"))
LAN, VPN, PUBLIC = "192.168.77.10", "10.88.0.10", "203.0.113.10"
SOME = sorted(path.stem for path in (TOP / "scenarios").glob("*.yaml"))[::9]
TARGET = f'[target]\nlan = "{LAN}"\nvpn = ["{VPN}"]\npublic = "{PUBLIC}"\n'


@cache
def demo() -> Report:
    return scanned(find_scenario("demo"), "sim")


def check(text: str, report: Report | None = None) -> CheckReport:
    return check_report(report or demo(), read_expectations(text, "expect.toml"))


def outcomes(text: str, report: Report | None = None) -> list[CheckOutcome]:
    """Those of a text below the demo's addresses."""
    return [one.outcome for one in check(f"{TARGET}{text}", report).checked]


# --- learned ---


def is_scanned_in_memory(name: str) -> bool:
    scenario = load_scenario(TOP / "scenarios" / f"{name}.yaml")
    return "sim" in scenario.worlds and bool(scenario.scan.ports)


@pytest.mark.parametrize("name", [name for name in SOME if is_scanned_in_memory(name)])
def test_what_is_learned_is_met(name: str) -> None:
    """By the report that it was learned from, whatever it found."""
    report = scanned(find_scenario(name), "sim")
    checked = check(learned(report), report).checked
    assert {one.outcome for one in checked} <= {CheckOutcome.MET}


def test_what_is_learned() -> None:
    """Bindings that are named, and for each realm the state, or why it is blocked."""
    expected = read_expectations(learned(demo()), "learned")
    assert expected.addresses == {"lan": (LAN,), "vpn": (VPN,), "public": (PUBLIC,)}
    assert (expected.running, expected.never) == ("5432", ())  # MySQL is open in public
    ports = {one.port.number: one for one in expected.ports}
    assert ports[8000].bindings == ("specific",)
    assert ports[8000].bound_to == (LAN,)
    assert ports[9090].bindings == ()
    assert ports[9090].answers == {"lan": ("open",), "vpn": ("dropped",), "public": ("rejected",)}


def test_private_services_that_stay_inside_are_to_stay_there() -> None:
    """Where none is open in public, none is expected to be."""
    inside = [one for one in DEMO["target"]["listen"] if one["port"] != 3306]
    target = DEMO["target"] | {"listen": inside}
    report = scanned(parse_scenario("demo", DEMO | {"target": target, "expect": {}}), "sim")
    assert read_expectations(learned(report), "learned").never == ("public",)
    assert CheckOutcome.UNMET in {one.outcome for one in check(learned(report)).checked}


def test_addresses_of_a_realm_that_differ() -> None:
    """They are learned one by one."""
    report = scanned(find_scenario("filters-of-one-ip-version"), "sim")
    text = learned(report)
    assert '"fd77::10" = ' in text
    assert {one.outcome for one in check(text, report).checked} == {CheckOutcome.MET}


# --- ten changes of the host, each with its reason ---


def changed(**target) -> Report:
    document = DEMO | {"target": DEMO["target"] | target, "expect": {}}
    return scanned(parse_scenario("demo", document), "sim")


def listen(port: int, bind: str | None) -> dict:
    others = [one for one in DEMO["target"]["listen"] if one["port"] != port]
    return {"listen": others if bind is None else [*others, {"port": port, "bind": bind}]}


def rule(action: str, ports: str, on: str) -> dict:
    return {"filter": [*DEMO["target"]["filter"], {"action": action, "ports": ports, "on": [on]}]}


@pytest.mark.parametrize(
    ("target", "about", "found"),
    [
        (listen(443, None), "443/tcp lan", "closed (reset)"),
        (listen(443, "127.0.0.1"), "443/tcp binding", "loopback-or-not-listening"),
        (listen(443, "lan"), "443/tcp binding", "specific"),
        (listen(5432, "0.0.0.0"), "5432/tcp binding", "wildcard"),
        (listen(8000, "0.0.0.0"), "8000/tcp vpn", "open (syn-ack)"),
        (listen(8000, "vpn"), "8000/tcp bound_to", VPN),
        (listen(8080, "0.0.0.0"), "8080/tcp public", "open (syn-ack)"),
        (rule("drop", "443", "vpn"), "443/tcp vpn", "filtered (no-response, dropped)"),
        (rule("admin-prohibited", "443", "lan"), "443/tcp lan", "filtered (admin-prohibited, rejected)"),
        ({"filter": []}, "22/tcp public", "open (syn-ack)"),
    ],
)
def test_a_change_is_not_met(target: dict, about: str, found: str) -> None:
    """And what was found instead stands beside."""
    unmet = {one.text for one in check(learned(demo()), changed(**target)).checked if one.outcome == "unmet"}
    assert any(text.startswith(f"{about}: expected ") and text.endswith(f", found {found}") for text in unmet)


# --- one expectation ---


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        ('binding = "wildcard"', CheckOutcome.MET),
        ('binding = ["loopback", "wildcard"]', CheckOutcome.MET),
        ('binding = "specific"', CheckOutcome.UNMET),
        ('lan = "open"', CheckOutcome.MET),
        ('lan = "syn-ack"', CheckOutcome.MET),
        ('lan = "clear"', CheckOutcome.MET),
        ('lan = ["closed", "dropped"]', CheckOutcome.UNMET),
        (f'"{LAN}" = "open"', CheckOutcome.MET),
        ('bound_to = "lan"', CheckOutcome.UNMET),
    ],
)
def test_one_expectation(text: str, outcome: CheckOutcome) -> None:
    """A word is a state, a reason or a condition; of several one holds."""
    assert outcomes(f"[port.443]\n{text}") == [outcome]


def test_what_is_not_named() -> None:
    """A pair is met where both are expected, and unsettled where one is; so is what may still be."""
    for text, outcome in (
        ('[port.8080]\nbinding = "loopback-or-not-listening"', CheckOutcome.MET),
        ('[port.8080]\nbinding = ["loopback", "not-listening"]', CheckOutcome.MET),
        ('[port.8080]\nbinding = "not-listening"', CheckOutcome.UNSETTLED),
        ('[port.8080]\nbinding = "wildcard"', CheckOutcome.UNMET),
        ('[port.5432]\nbinding = "loopback-or-not-listening"', CheckOutcome.MET),
        ('[port.9090]\nbinding = "wildcard"', CheckOutcome.UNSETTLED),
        ('[port.9090]\nbinding = "loopback"', CheckOutcome.UNMET),
        ('[port.9090]\nbound_to = "lan"', CheckOutcome.UNSETTLED),
        ('[port.9090]\nbound_to = "public"', CheckOutcome.UNMET),
        ('[port.8000]\nbound_to = "lan"', CheckOutcome.MET),
    ):
        assert outcomes(text) == [outcome], text


def test_what_was_not_measured() -> None:
    """Neither a port that was not asked, nor an address, is met or not."""
    assert outcomes('[port.1]\nlan = "open"') == [CheckOutcome.UNSETTLED]
    text = '[target]\nhome = "192.0.2.1"\n[port.443]\nhome = "open"'
    assert [one.outcome for one in check(text).checked] == [CheckOutcome.UNSETTLED]


@pytest.mark.parametrize("condition", [Condition.RATE_LIMITED, Condition.CHANGED])
def test_unreliable_answers_settle_nothing(condition: Condition) -> None:
    """Neither learned nor held against an expectation."""
    (row,) = [one for one in demo().ports if one.port == 9090]
    rationed = [
        structs.replace(one, condition=Condition.RATE_LIMITED, state=State.FILTERED)
        for one in row.observations
    ]
    report = structs.replace(demo(), ports=(structs.replace(row, observations=tuple(rationed)),))
    assert outcomes('[port.9090]\nlan = "open"', report) == [CheckOutcome.UNSETTLED]
    assert "lan = " not in learned(report).partition("[port")[2]


def test_services_that_should_stay_inside() -> None:
    """By class, without naming any."""
    text = f'private = "never public"\n{TARGET}'
    (one,) = check(text).checked
    assert (one.outcome, one.port, one.line) == (CheckOutcome.UNMET, "3306/tcp", 1)
    assert one.text == f"3306/tcp: expected never public, found open on {PUBLIC}"
    harmless = structs.replace(demo(), ports=tuple(row for row in demo().ports if row.port == 443))
    assert [one.outcome for one in check(text, harmless).checked] == [CheckOutcome.MET]


def test_the_target_of_a_file() -> None:
    """What has to be scanned: its addresses, each in its realm, and its ports."""
    target = target_of(read_expectations(f"{TARGET}[port.22-23]\n[port.'U:53']\n", "x"))
    assert dict(target.places()) == {"lan": LAN, "vpn": VPN, "public": PUBLIC}
    assert target.port_list() == "T:22-23,U:53"
    for text, words in (("[port.22]\n", "no address"), (TARGET, "no port")):
        with pytest.raises(UsageError, match=words):
            target_of(read_expectations(text, "x"))


# --- mistakes ---


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[\n", "line 1"),
        ("prot = 1", "did you mean port"),
        ("[target]\nlan = 5", "target.lan is a text or a list"),
        ("target = 5", "target is a table"),
        ("running = 5", "running is a port list"),
        ("port = 5", "port is a table"),
        ("[port]\n22 = 5", "port.22 is a table"),
        ("[port.0x50]\n", "is no port"),
        ('[port.22]\nbindng = "wildcard"', "did you mean binding"),
        ('[port.22]\nbinding = "wildcrd"', "did you mean wildcard"),
        ('[port.22]\nbinding = "zzz"', "known are wildcard"),
        ('[port.22]\nbinding = ["wildcard", 5]', "a text or a list of texts"),
        ('[port.22]\nbound_to = "lna"', "did you mean lan"),
        ('[port.22]\nlan = "opne"', "did you mean open"),
        ('[port.22]\noffice = "open"', "known are binding"),
        ('private = "public"', 'such as "never public"'),
        ("private = 1", 'such as "never public"'),
        ('private = "never pubic"', "did you mean public"),
    ],
)
def test_mistakes(text: str, words: str) -> None:
    """Each is named with the file, in one line, and the nearest word that there is."""
    top, separator, rest = text.partition("[")
    whole = text if "target" in text or text == "[\n" else f"{top}\n{TARGET}{separator}{rest}"
    with pytest.raises(UsageError) as refused:
        read_expectations(whole, "expect.toml")
    assert str(refused.value).startswith("expect.toml: ")
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)


# --- formats ---


def test_the_text() -> None:
    """What is not met first, then what is unsettled, then the counts."""
    text = render_check(check(f'{TARGET}[port.443]\nlan = "closed"\nvpn = "open"\n[port.1]\nlan = "open"\n'))
    assert text.splitlines() == [
        "NOT MET    443/tcp lan: expected closed, found open (syn-ack)",
        "unsettled  1/tcp port: expected measured, found not measured",
        "1 met, 1 unmet, 1 unsettled",
    ]
    interrupted = structs.replace(check(TARGET), complete=False)
    assert render_check(interrupted).endswith("Interrupted: what is missing was not measured.\n")


def test_junit() -> None:
    """A case each: failed, skipped, or neither; the suite counts them."""
    found = check(f'{TARGET}[port.443]\nlan = "closed"\nvpn = "open"\n[port.1]\nlan = "open"\n')
    suite = ET.fromstring(render_junit(found, "expect.toml"))  # noqa: S314 - written here
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("3", "1", "1")
    assert [[part.tag for part in case] for case in suite] == [["failure"], [], ["skipped"]]
    assert suite[0].get("name") == "443/tcp lan"


def test_annotations() -> None:
    """An error or a warning at the line that expects it."""
    found = check(f'{TARGET}[port.443]\n# a comment\nlan = "closed"\n[port.9090]\nbinding = "wildcard"\n')
    first, second = render_annotations(found, "a,b:c.toml").splitlines()
    assert first == ("::error file=a%2Cb%3Ac.toml,line=7::443/tcp lan: expected closed, found open (syn-ack)")
    assert second.startswith(
        "::warning file=a%2Cb%3Ac.toml,line=9::9090/tcp binding: expected wildcard, found"
    )
    assert "%25" in second  # of a probability
    lineless = structs.replace(found, checked=tuple(structs.replace(c, line=None) for c in found.checked))
    assert render_annotations(lineless, "x").startswith("::error file=x::443")
