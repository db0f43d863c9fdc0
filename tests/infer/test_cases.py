"""The inference against tests/cases/bindings.yaml: what was heard, and what must be concluded."""

from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path

import pytest
import yaml

from probe.infer import infer
from probe.lab.scenario import PROBER_ADDRESSES, TARGET_ADDRESSES, realm_of
from probe.model.facts import AddressSurvey, Neighbour, Route
from probe.model.probing import ICMP_REASONS, Aftermath, Observation, Origin, Question, Reason, Role
from probe.model.target import Port, Protocol, TargetAddress
from probe.model.verdict import Verdict

CASES = yaml.safe_load((Path(__file__).parents[1] / "cases" / "bindings.yaml").read_text(encoding="utf-8"))
NUMBER, OTHER = 8000, 8001
CONTROLS = (1006, 18233, 61417)
OWN = frozenset(map(ip_address, PROBER_ADDRESSES.values()))
ROUTER = ip_address("198.51.100.1")
SILENT_TRIES = 6


def observe(word: str, address: TargetAddress, port: Port, role: Role) -> Observation:
    """An observation from a word such as `reset@host` or `admin-prohibited/router`."""
    word, _, aftermath = word.partition("+")
    word, _, origin = word.partition("@")
    word, _, sender = word.partition("/")
    reason = Reason(word)
    silent = reason in {Reason.NO_RESPONSE, Reason.NOT_SENT}
    prober = ip_address(PROBER_ADDRESSES["lan"])
    senders = {"router": ROUTER, "prober": prober, "host": address.ip, "": None if silent else address.ip}
    return Observation(
        Question(address.ip, port, role),
        reason,
        attempts=SILENT_TRIES if reason is Reason.NO_RESPONSE else 1,
        answered=None if silent else 1,
        rtt=None if silent else 0.01,
        sender=senders[sender],
        icmp=(3, 3) if reason in ICMP_REASONS else None,
        origin=Origin(origin) if origin else None,
        aftermath=Aftermath(aftermath) if aftermath else None,
    )


def survey(symbol: str, told: dict, port: Port) -> AddressSurvey:
    """One address as a case tells it."""
    address = TargetAddress(ip_address(TARGET_ADDRESSES[symbol]), realm_of(symbol))
    words = told["controls"] if isinstance(told["controls"], list) else [told["controls"]] * len(CONTROLS)
    heard = [
        observe(word, address, Port(Protocol.TCP, number), Role.CONTROL)
        for number, word in zip(CONTROLS, words, strict=True)
    ]
    for key, asked in (("port", port), ("also", Port(Protocol.TCP, OTHER))):
        if key in told:
            heard.append(observe(told[key], address, asked, Role.TESTED))
    if "canary" in told:
        heard.append(observe(told["canary"], address, Port(Protocol.TCP, CONTROLS[0]), Role.CANARY))
    return AddressSurvey(
        address,
        tuple(heard),
        route=Route(address.ip, on_link=told.get("on_link", True)),
        hops=told.get("hops"),
        neighbour=Neighbour(told["neighbour"]) if "neighbour" in told else None,
        own_addresses=OWN,
    )


def conclude(case: dict) -> tuple[Port, Verdict]:
    """Run the inference on a case."""
    port = Port(Protocol(case.get("protocol", "tcp")), case.get("number", NUMBER))
    surveys = [survey(symbol, told, port) for symbol, told in case.items() if symbol in TARGET_ADDRESSES]
    return port, infer(surveys, frozenset({port}) if case.get("running") else frozenset())


@pytest.mark.parametrize("name", CASES)
def test_case(name):
    """The verdict, its conditions and its words are those of the case."""
    case = CASES[name]
    port, verdict = conclude(case)
    (found,) = [one for one in verdict.ports if one.port == port]
    shown = "\n".join(f"{c.binding} {c.bound_to} {c.probability:.3f}" for c in found.candidates)
    assert found.binding == case["binding"], shown
    assert sum(c.probability for c in found.candidates) == pytest.approx(1)
    assert found.confidence >= case.get("at_least", 0), shown
    if "bound_to" in case:
        assert set(found.bound_to) == {ip_address(TARGET_ADDRESSES[s]) for s in case["bound_to"]}
    if "families" in case:
        assert list(found.families) == case["families"]
    if "via" in case:
        assert found.via == case["via"]
    if "urgency" in case:
        assert found.urgency == case["urgency"]
    for symbol, condition in case.get("conditions", {}).items():
        assert found.conditions[ip_address(TARGET_ADDRESSES[symbol])] == condition, symbol
    by_address = {a.address.ip: a for a in verdict.addresses}
    for symbol, condition in case.get("addresses", {}).items():
        assert by_address[ip_address(TARGET_ADDRESSES[symbol])].condition == condition, symbol
    expected_text(case, found, verdict)


def expected_text(case: dict, found, verdict: Verdict) -> None:
    """Every phrase that the case asks for is said."""
    texts = {
        "say": found.evidence,
        "advise": found.advice,
        "next": found.next_tests,
        "rivals": found.rivals,
        "say_address": [line for a in verdict.addresses for line in a.evidence],
        "advise_address": [line for a in verdict.addresses for line in a.advice],
    }
    for key, lines in texts.items():
        for phrase in case.get(key, ()):
            assert any(phrase in line for line in lines), (key, lines)


def test_every_named_port_has_a_reading_and_a_why():
    """Whatever was heard, the verdict tells by which rule it was read and sums it up in one line."""
    for case in CASES.values():
        _, verdict = conclude(case)
        for port in verdict.ports:
            assert port.why
            assert "\n" not in port.why
            assert all(port.readings.values())


def test_many_addresses_weigh_only_the_larger_set_that_was_seen():
    """With six addresses not every set is weighed, but the one that answered is, and it is named."""
    port = Port(Protocol.TCP, NUMBER)
    surveys = [
        survey(symbol, {"controls": "reset@host", "port": word}, port)
        for symbol, word in {
            "lan": "syn-ack@host",
            "vpn": "syn-ack@host",
            "public": "reset@host",
            "lan6": "syn-ack@host",
            "vpn6": "reset@host",
            "public6": "reset@host",
        }.items()
    ]
    (found,) = infer(surveys).ports
    assert found.binding == "specific"
    assert len(found.bound_to) == 3
    assert (
        found.why
        == "open on lan IPv4, vpn IPv4 and lan IPv6; refused on public IPv4, vpn IPv6 and public IPv6"
    )


def test_two_addresses_of_one_realm_and_family_are_told_apart_by_their_numbers():
    """Where realm and family do not name an address, the address itself does."""
    port = Port(Protocol.TCP, NUMBER)
    one = survey("lan", {"controls": "reset@host", "port": "syn-ack@host"}, port)
    other_ip = ip_address("192.168.77.11")
    address = TargetAddress(other_ip, "lan")
    heard = [observe("reset@host", address, Port(Protocol.TCP, n), Role.CONTROL) for n in CONTROLS]
    other = AddressSurvey(
        address, (*heard, observe("reset@host", address, port, Role.TESTED)), own_addresses=OWN
    )
    (found,) = infer([one, other]).ports
    assert found.why == "open on 192.168.77.10; refused on 192.168.77.11"


def test_the_target_s_own_error_counts_where_the_prober_is_the_target():
    """On loopback the sender of an error is the prober's own address and the target's: no local firewall."""
    port = Port(Protocol.TCP, NUMBER)
    address = TargetAddress(ip_address("127.0.0.1"), "loopback")
    seen = tuple(observe("reset", address, Port(Protocol.TCP, n), Role.CONTROL) for n in CONTROLS)
    seen += (observe("port-unreach/host", address, port, Role.TESTED),)
    (found,) = infer([AddressSurvey(address, seen, own_addresses=frozenset({address.ip}))]).ports
    assert found.conditions[address.ip] == "rejected"


def test_this_machine_s_own_loopback_tells_not_listening_from_loopback():
    """Where the prober is the target, 127.0.0.1 and ::1 separate what no remote packet can."""
    for word, binding in (("reset@host", "not-listening"), ("syn-ack@host", "loopback")):
        port = Port(Protocol.TCP, NUMBER)
        surveys = [survey("lan", {"controls": "reset@host", "port": "reset@host"}, port)]
        for text in ("127.0.0.1", "::1"):
            address = TargetAddress(ip_address(text), "loopback")
            seen = tuple(
                observe("reset@host", address, Port(Protocol.TCP, n), Role.CONTROL) for n in CONTROLS
            )
            surveys.append(AddressSurvey(address, (*seen, observe(word, address, port, Role.TESTED))))
        (found,) = infer(surveys).ports
        assert found.binding == binding


def test_an_address_without_controls_is_still_judged():
    """A survey that was cut short before its controls were asked leaves the condition unknown."""
    port = Port(Protocol.TCP, NUMBER)
    address = TargetAddress(ip_address(TARGET_ADDRESSES["lan"]), "lan")
    verdict = infer([AddressSurvey(address, (observe("syn-ack", address, port, Role.TESTED),))])
    assert verdict.addresses[0].condition == "unknown"
    assert verdict.ports[0].binding == "undetermined"


def test_strict_takes_nothing_as_usual():
    """What is told by what is usual alone is no longer told; what the answers tell is."""
    port = Port(Protocol.TCP, NUMBER)

    def judged(lan: str, vpn: str, *, strict: bool):
        surveys = [
            survey("lan", {"controls": "reset@host", "port": lan}, port),
            survey("vpn", {"controls": "reset@host", "port": vpn}, port),
        ]
        (found,) = infer(surveys, strict=strict).ports
        return found

    usual, strict = (judged("syn-ack@host", "syn-ack@host", strict=s) for s in (False, True))
    assert usual.binding == "wildcard"
    assert strict.binding == "undetermined"  # both addresses one by one are as likely as all
    assert strict.candidates[0].probability < usual.confidence
    assert judged("syn-ack@host", "reset@host", strict=True).binding == "specific"


def test_a_packet_that_this_machine_refused_to_send_says_nothing_of_the_target():
    """Its own firewall or a prohibiting route gives no ICMP error, but it is this machine that spoke."""
    port = Port(Protocol.TCP, NUMBER)
    address = TargetAddress(ip_address(TARGET_ADDRESSES["lan"]), "lan")
    word = "admin-prohibited/prober"
    seen = [observe(word, address, Port(Protocol.TCP, n), Role.CONTROL) for n in CONTROLS]
    seen.append(observe(word, address, port, Role.TESTED))
    survey_ = AddressSurvey(address, tuple(replace(o, icmp=None) for o in seen), own_addresses=OWN)
    verdict = infer([survey_])
    assert verdict.addresses[0].condition == "local-firewall"
    assert verdict.ports[0].binding == "undetermined"


def test_controls_that_were_not_measured_are_not_said_to_have_answered():
    """A silent port stands alone where no control was asked, or where this machine answered for it."""
    for controls in ("not-sent", "host-unreach/prober", None):
        told = {"port": "no-response", "also": "reset@host"}
        port = Port(Protocol.TCP, NUMBER)
        whole = survey("lan", {"controls": controls or "not-sent", **told}, port)
        seen = [o for o in whole.observations if controls or o.question.role is Role.TESTED]
        verdict = infer([replace(whole, observations=tuple(seen))])
        (found,) = [one for one in verdict.ports if one.port == port]
        assert found.evidence == ("no answer from 192.168.77.10 (lan) in 6 tries",)
        (reading,) = found.readings.values()
        assert reading == "silent; no port that nothing uses was measured to compare it with"


@pytest.mark.parametrize(
    ("controls", "word"),
    [
        ("not-sent", "not-sent"),  # interrupted: not asked is not silent
        (["reset@host", "no-response", "port-unreach/host"], "syn-ack@host"),  # unknown, but alive
    ],
)
def test_only_a_silent_address_is_said_to_have_sent_nothing(controls, word):
    """An unknown path is not called silent where it was not asked, nor where something answered."""
    verdict = infer([survey("lan", {"controls": controls, "port": word}, Port(Protocol.TCP, NUMBER))])
    assert verdict.addresses[0].condition == "unknown"
    assert verdict.addresses[0].advice == ()
