"""Addresses that no probe reached show nothing, whatever else answered: properties and odd corners."""

from ipaddress import ip_address

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from survey_builder import stated
from test_raw_properties import CONTROLS, TESTED, surveyed, surveys_of_one
from varied import replace

from probe.inference import follow_ups, infer
from probe.inference.reachability import UNREACHED, is_silent, way_condition
from probe.model.binding import Binding, Condition
from probe.model.facts import HERE, AddressSurvey, LinkKind, Neighbour, Route, TunnelHealth
from probe.model.measurement import Facts
from probe.model.plan import RawPermissions
from probe.model.probing import Observation, Question, Reason, Role
from probe.model.target import TargetAddress
from probe.model.verdict import PortVerdict

VPN, OWN = ip_address("10.88.0.10"), ip_address("10.88.0.2")
INTO_TUNNEL = Route(VPN, OWN, "wg0", LinkKind.TUNNEL, 1420)
ELSEWHERE = Route(VPN, ip_address("192.168.77.2"), "eth0", LinkKind.ETHERNET, 1500, on_link=False)
NOWHERE = Route(VPN, reachable=False)
SHUT = [TunnelHealth.NOT_ALLOWED, TunnelHealth.NEVER, TunnelHealth.STALE]

ways = (
    st.tuples(st.just(INTO_TUNNEL), st.sampled_from(SHUT))
    | st.tuples(st.sampled_from([NOWHERE, ELSEWHERE]), st.just(TunnelHealth.OFF))
    | st.tuples(st.just(ELSEWHERE), st.sampled_from([*SHUT, TunnelHealth.FRESH, TunnelHealth.UNKNOWN]))
)


def silent(way, reasons=(Reason.NO_RESPONSE,) * 5, neighbour=None) -> AddressSurvey:
    """The VPN address, from which nothing came."""
    route, health = way
    ports = [(port, Role.TESTED) for port in TESTED] + [(port, Role.CONTROL) for port in CONTROLS]
    seen = tuple(
        Observation(Question(VPN, port, role), reason, 6, sender=None if reason in QUIET else OWN)
        for (port, role), reason in zip(ports, reasons, strict=True)
    )
    return AddressSurvey(
        TargetAddress(VPN, "vpn"),
        seen,
        route=route,
        neighbour=neighbour,
        own_addresses=frozenset({OWN}),
        tunnel=health,
        tunnel_name=None if health is None else "wg0",
    )


QUIET = frozenset({Reason.NO_RESPONSE, Reason.NO_ROUTE})
LOST = st.tuples(*[st.sampled_from([*sorted(QUIET), Reason.HOST_UNREACH])] * 5)


@st.composite
def unreached(draw) -> AddressSurvey:
    """An address that no probe reached, for any reason that a tunnel or a route gives."""
    return silent(draw(ways), draw(LOST), draw(st.none() | st.just(Neighbour.FAILED)))


def share(verdict: PortVerdict, binding: Binding) -> float:
    """What a verdict gives to a binding."""
    return sum(c.probability for c in verdict.candidates if c.binding is binding)


others = surveyed().map(lambda many: [one for one in many if one.address.ip != VPN]).filter(bool)


@settings(max_examples=40, deadline=None)
@given(rest=others, lost=unreached(), first=st.booleans(), running=st.booleans(), strict=st.booleans())
def test_an_address_that_was_not_reached_names_nothing_new(rest, lost, first, running, strict):
    """With it no port is called otherwise than without it; and what is bound to it alone stays possible."""
    facts = stated(*(TESTED[:1] if running else ()), strict=strict)
    surveys = [lost, *rest] if first else [*rest, lost]
    with_it, without = infer(surveys, facts), infer(rest, facts)
    hidden = {a.address.ip for a in without.addresses if a.condition in UNREACHED}
    for now, before in zip(with_it.ports, without.ports, strict=True):
        clear = Binding.UNDETERMINED not in {now.binding, before.binding}
        assert not clear or (now.binding, now.bound_to) == (before.binding, before.bound_to)
        if len(hidden) < len(rest) and share(before, Binding.NOT_LISTENING) > 0.2:
            assert sum(c.probability for c in now.candidates if c.bound_to == (VPN,)) > 0.01
    (found,) = [a for a in with_it.addresses if a.address.ip == VPN]
    assert found.condition in {Condition.TUNNEL_DOWN, Condition.WRONG_ROUTE}
    assert found.evidence
    assert [one.rule.value for one in found.advice] == [found.condition.value]
    assert {port.conditions[HERE, VPN] for port in with_it.ports} == {found.condition}


@settings(max_examples=25, deadline=None)
@given(rest=others, lost=unreached())
def test_no_raw_packet_is_sent_to_an_address_that_cannot_be_reached(rest, lost):
    """Follow-ups go to the others, as if it were not there."""
    permissions = RawPermissions(fin=True, loopback=True)
    assert VPN not in follow_ups([*rest, lost], Facts(), permissions)


@settings(max_examples=60, deadline=None)
@given(one=surveys_of_one(VPN), way=ways)
def test_an_answer_of_the_address_itself_is_never_explained_away(one, way):
    """Whatever tunnel and route show: where the address answered, it was reached."""
    route, health = way
    changed = replace(one, route=route, tunnel=health, tunnel_name="wg0")
    if any(o.sender == VPN and o.reason not in {*QUIET, Reason.NOT_SENT} for o in one.observations):
        assert way_condition(changed) is None


@pytest.mark.parametrize(
    ("way", "expected"),
    [
        ((None, None), None),
        ((INTO_TUNNEL, None), None),
        ((INTO_TUNNEL, TunnelHealth.FRESH), None),
        ((INTO_TUNNEL, TunnelHealth.UNKNOWN), None),
        ((INTO_TUNNEL, TunnelHealth.OFF), Condition.TUNNEL_DOWN),
        ((NOWHERE, None), None),
        ((NOWHERE, TunnelHealth.FRESH), None),  # there is no route: that is reported
        ((replace(ELSEWHERE, kind=None), None), None),  # the system does not show by what link
        ((replace(ELSEWHERE, kind=LinkKind.LOOPBACK), None), None),
        ((replace(ELSEWHERE, interface="wg0"), TunnelHealth.STALE), Condition.TUNNEL_DOWN),  # a tap device
    ],
)
def test_condition_of_a_silent_address(way, expected):
    """What a way makes of silence."""
    assert way_condition(silent(way)) is expected


def test_what_was_not_sent_is_not_silence():
    """An interrupted scan accuses no tunnel."""
    nothing = silent((INTO_TUNNEL, TunnelHealth.STALE), (Reason.NOT_SENT,) * 5)
    assert not is_silent(nothing)
    assert way_condition(nothing) is None


def test_an_address_of_another_realm_is_not_expected_in_a_tunnel():
    """Without a tunnel that should have it, a silent LAN address took the right way."""
    lan = replace(silent((ELSEWHERE, None)), address=TargetAddress(VPN, "lan"))
    assert way_condition(lan) is None
    assert way_condition(replace(lan, tunnel=TunnelHealth.FRESH, tunnel_name="wg0")) is Condition.WRONG_ROUTE
