"""The findings above the table: what is exposed first, then what is open, blocked and closed."""

import pytest
from sample_reports import (
    ADMIN,
    LAN,
    OPEN,
    PUBLIC,
    RESET,
    SILENT,
    VPN,
    address,
    observation,
    port,
    report,
    rest,
)

from probe.explain.findings import NOT_REACHED, findings, what_one_address_leaves
from probe.model.advice import Advice, AdviceRule, Severity
from probe.model.binding import Binding, Condition, Owner
from probe.model.evidence import AddressEvidence, AddressRule
from probe.model.probing import Reason
from probe.model.report import PortReport, Report
from probe.model.target import Protocol

THREE = (LAN, VPN, PUBLIC)
CONDITIONS = {
    OPEN: Condition.CLEAR,
    RESET: Condition.CLEAR,
    SILENT: Condition.DROPPED,
    ADMIN: Condition.REJECTED,
}
LOOPBACK_OR_NOT = Binding.LOOPBACK_OR_NOT_LISTENING


def seen(number: int, *reasons: Reason, places=THREE, **more) -> PortReport:
    """A port and what its addresses answered; each with the condition that goes with it."""
    protocol = more.get("protocol", Protocol.TCP)
    answers = tuple(
        observation(place, reason, protocol, condition=CONDITIONS[reason])
        for place, reason in zip(places, reasons, strict=True)
    )
    return port(number, reasons, places=places, observations=answers, **more)


def found(*ports: PortReport, addresses=None, **more) -> tuple[str, ...]:
    """The findings of a report of three addresses, or of others."""
    return findings(report(ports, addresses=addresses or tuple(map(address, THREE)), **more))


def test_what_is_exposed_comes_first() -> None:
    """A service that should stay inside is named with every place from which others reach it."""
    ports = (
        seen(443, OPEN, OPEN, OPEN, service="https"),
        seen(3306, OPEN, OPEN, OPEN, service="mysql", private=True),
        seen(9090, OPEN, SILENT, ADMIN, service="prometheus", private=True, binding=Binding.UNDETERMINED),
        seen(22, OPEN, OPEN, SILENT, service="ssh"),
        seen(8080, RESET, RESET, RESET, service="http-alt", binding=LOOPBACK_OR_NOT),
    )
    assert found(*ports) == (
        "Exposed: mysql 3306 on all 3 addresses; prometheus 9090 on the LAN.",
        "Open: https 443 on all 3 addresses; ssh 22 on the LAN and the VPN.",
        "Blocked: prometheus 9090 on the VPN and the public address; ssh 22 on the public address.",
        "Closed: 8080 (not running, or loopback only).",
    )


@pytest.mark.parametrize(
    "more",
    [
        {"owner": Owner.THIS_MACHINE},
        {"owner": Owner.OTHER_MACHINE},
    ],
    ids=str,
)
def test_what_others_do_not_reach_is_not_exposed(more) -> None:
    """The prober's own address shows nothing of others, and another machine's nothing of the target."""
    places = (address(LAN, **more), address(VPN))
    redis = seen(6379, OPEN, RESET, places=(LAN, VPN), service="redis", private=True)
    assert not any(one.startswith("Exposed") for one in found(redis, addresses=places))


def test_a_router_in_front_is_named() -> None:
    """What its address refuses shows nothing of the host; so with several of them."""
    places = (address(LAN), address(PUBLIC, owner=Owner.GATEWAY))
    web = seen(8080, OPEN, OPEN, places=(LAN, PUBLIC))
    assert found(web, addresses=places)[-1] == (
        f"{PUBLIC[1]} is a router or load balancer: only what is forwarded is seen."
    )
    both = tuple(address(place, owner=Owner.GATEWAY) for place in (LAN, PUBLIC))
    assert found(web, addresses=both)[-1] == (
        f"{LAN[1]} and {PUBLIC[1]} are routers or load balancers: only what is forwarded is seen."
    )


def test_turned_away_is_not_exposed() -> None:
    """A program that refuses this machine itself is open, and not exposed to it."""
    answers = (observation(LAN, OPEN, condition=Condition.TURNED_AWAY),)
    redis = port(6379, [OPEN], places=(LAN,), service="redis", private=True, observations=answers)
    assert found(redis, addresses=(address(LAN),)) == ("Open: redis 6379 on the LAN.",)


def test_a_service_on_loopback_is_not_exposed() -> None:
    """Who probes 127.0.0.1 is the machine itself."""
    here = ("loopback", "127.0.0.1")
    redis = seen(6379, OPEN, places=(here,), service="redis", private=True)
    assert found(redis, addresses=(address(here),)) == ("Open: redis 6379 on loopback.",)


@pytest.mark.parametrize(
    "condition", sorted(set(NOT_REACHED) - {Condition.INTERCEPTED, Condition.WRONG_HOST})
)
def test_nothing_is_known_of_what_was_not_reached(condition: Condition) -> None:
    """One sentence, and no word on bindings."""
    silent = (observation(LAN, SILENT, condition=condition),)
    one = port(8000, [SILENT], places=(LAN,), observations=silent)
    assert found(one, addresses=(address(LAN, condition),)) == (
        f"No answer: lan 192.168.77.10 ({NOT_REACHED[condition]}). Nothing is known about 8000.",
    )


def test_a_silent_machine_that_is_there_is_no_missing_one() -> None:
    """An address that answers ARP has its machine."""
    there = AddressEvidence(rule=AddressRule.ANSWERS_ON_LINK)
    silent = (observation(LAN, SILENT, condition=Condition.UNKNOWN),)
    one = port(8000, [SILENT], places=(LAN,), observations=silent)
    (sentence,) = found(one, addresses=(address(LAN, Condition.UNKNOWN, evidence=(there,)),))
    assert sentence.startswith("No answer: lan 192.168.77.10 (the host is up, but answers nothing).")


def test_an_address_without_condition_that_answers_is_reached() -> None:
    """Unknown is the condition of silence alone."""
    one = seen(8000, OPEN, places=(LAN,))
    assert found(one, addresses=(address(LAN, Condition.UNKNOWN),)) == ("Open: 8000 on the LAN.",)


def test_some_addresses_that_were_not_reached_stand_before_what_is_open() -> None:
    """What is missing of the answer comes before the answer; a box on the way is not the target."""
    places = (address(LAN), address(VPN, Condition.TUNNEL_DOWN), address(PUBLIC, Condition.INTERCEPTED))
    assert found(seen(22, OPEN, SILENT, OPEN), addresses=places) == (
        (
            "No answer: vpn 10.88.0.10 (the tunnel is down)."
            " Not the target: public 203.0.113.10 (a box on the way answers for every port)."
        ),
        "Open: 22 on the LAN.",
    )


def test_a_filter_that_drops_all_but_a_few() -> None:
    """Where unused ports are dropped too, what passes is named instead of what does not."""
    ports = [seen(22, OPEN, OPEN, RESET), *(seen(n, SILENT, SILENT, RESET) for n in range(80, 83))]
    places = (address(LAN, Condition.DROPPED), address(VPN, Condition.DROPPED), address(PUBLIC))
    assert found(*ports, addresses=places)[1] == "Blocked: all but 22 on the LAN and the VPN."
    nothing = found(*ports[1:], addresses=places)
    assert nothing[:2] == ("Nothing is open.", "Blocked: every port on the LAN and the VPN.")


def test_many_ports_are_counted() -> None:
    """Seven closed ports are a number, six open ones and the rest too; a group counts as its ports."""
    closed = [seen(n, RESET, RESET, RESET, binding=LOOPBACK_OR_NOT) for n in range(1, 8)]
    assert found(*closed)[1] == "Closed: 7 ports (not running, or loopback only)."
    opened = [seen(n, OPEN, OPEN, OPEN) for n in range(1, 9)]
    assert found(*opened) == ("Open: 1, 2, 3, 4, 5, 6 and 2 more on all 3 addresses.",)
    group = rest("1-21,23-79,90-4000", binding=LOOPBACK_OR_NOT)
    assert found(rest=(group,))[1] == "Closed: 3,989 ports (not running, or loopback only)."
    assert found(rest=(rest("1-21", binding=Binding.NOT_LISTENING),))[1] == "Closed: 1-21 (nothing listens)."


def test_a_binding_to_some_addresses_is_said() -> None:
    """It is the answer to why one address opens and another refuses."""
    bound = seen(8000, OPEN, RESET, RESET, binding=Binding.SPECIFIC)
    both = seen(22, OPEN, RESET, RESET, binding=Binding.UNDETERMINED)
    assert found(bound, both) == ("Open: 22 on the LAN; 8000 on the LAN (bound there only).",)


def test_what_is_forwarded_past_the_host_s_rules() -> None:
    """By the advice on it, before what is open."""
    past = Advice(rule=AdviceRule.PUBLISHED_PAST_FIREWALL, severity=Severity.MEDIUM)
    sentences = found(seen(8000, OPEN, OPEN, RESET, advice=(past,)), seen(22, OPEN, OPEN, RESET))
    assert sentences[:2] == ("Past the host's firewall: 8000.", "Open: 8000 and 22 on the LAN and the VPN.")


def test_udp_and_one_family_are_named() -> None:
    """A datagram's port has its protocol; of two addresses in a realm the one that is meant is named."""
    six = ("lan", "fd77::10")
    dns = seen(53, OPEN, RESET, places=(LAN, six), service="domain")
    assert found(dns, addresses=(address(LAN), address(six))) == ("Open: domain 53 on 192.168.77.10.",)
    public = (PUBLIC, ("public", "2001:db8::10"))
    both = seen(53, OPEN, OPEN, RESET, places=(*public, LAN))
    assert found(both, addresses=(*map(address, public), address(LAN))) == (
        "Open: 53 on the public addresses.",
    )
    udp = port(53, [Reason.UDP_RESPONSE], places=(LAN,), protocol=Protocol.UDP)
    assert found(udp, addresses=(address(LAN),)) == ("Open: 53/udp on the LAN.",)
    office = ("office", "10.1.2.3")
    assert found(seen(53, OPEN, places=(office,)), addresses=(address(office),)) == ("Open: 53 on office.",)
    two = (address(LAN), address(VPN))
    assert found(seen(53, OPEN, OPEN, places=(LAN, VPN)), addresses=two) == ("Open: 53 on both addresses.",)


def test_the_own_address_is_said_to_be_one() -> None:
    """What others reach is not shown there."""
    answers = (observation(LAN, OPEN, condition=Condition.THIS_MACHINE),)
    one = port(22, [OPEN], places=(LAN,), observations=answers)
    assert found(one, addresses=(address(LAN, Condition.THIS_MACHINE),))[-1] == (
        "Own address: 192.168.77.10, so what others reach was not tested."
    )


def test_without_a_port_there_is_no_finding() -> None:
    """A scan that was interrupted at once found nothing."""
    assert found() == ()


def one_address(binding: Binding, reason: Reason, place=LAN) -> Report:
    return report([seen(22, reason, places=(place,), binding=binding)], addresses=(address(place),))


def test_what_one_address_leaves_open_and_what_settles_it() -> None:
    """For an open port whose binding is open; the flags are those of the other realms."""
    left = what_one_address_leaves(one_address(Binding.UNDETERMINED, OPEN))
    assert "add another (--vpn or --public), or run ss -tlnp" in left
    assert "(--lan or --public)" in what_one_address_leaves(one_address(Binding.UNDETERMINED, OPEN, VPN))
    assert what_one_address_leaves(one_address(Binding.UNDETERMINED, SILENT)) == ""
    assert what_one_address_leaves(one_address(Binding.WILDCARD, OPEN)) == ""
    both = (address(LAN), address(VPN))
    two = report([seen(22, OPEN, OPEN, places=(LAN, VPN), binding=Binding.UNDETERMINED)], addresses=both)
    assert what_one_address_leaves(two) == ""
