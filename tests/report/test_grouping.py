"""Groups: nothing is lost, what stands out stays, what a group shows holds for every member."""

from ipaddress import ip_address

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from sample_reports import (
    ADMIN,
    LAN,
    OPEN,
    RESET,
    SILENT,
    THREE,
    VPN,
    advice,
    observation,
    port,
    probe,
    report,
)

from probe.model.advice import AdviceRule
from probe.model.binding import Binding, Served
from probe.model.evidence import EvidenceRule, PortEvidence
from probe.model.greeting import Greeting
from probe.model.probing import Origin, TcpFacts
from probe.report.grouping import grouped
from probe.services.port_list import parse_ports

SERVICE = PortEvidence(rule=EvidenceRule.SAME_SERVICE, addresses=(LAN[1],))


def numbers(whole) -> list[int]:
    inside = [p.number for group in whole.rest or () for p in parse_ports(group.ports)]
    return sorted([*(one.port for one in whole.ports), *inside])


def test_a_small_report_stays_as_it_is() -> None:
    """Up to the limit every port has its row, and there is no `rest` at all."""
    small = report([port(n, (RESET,) * 3) for n in range(1, 1001)])
    assert grouped(small) is small
    assert small.rest is msgspec.UNSET


def test_ports_that_stand_out_stay() -> None:
    """Among thousands of closed ports the few open ones keep their rows; the rest are ranges."""
    ports = [port(n, ((OPEN if n in {22, 80} else RESET),) * 3) for n in range(1, 2001)]
    whole = grouped(report(ports))
    assert [one.port for one in whole.ports] == [22, 80]
    assert [group.ports for group in whole.rest] == ["1-21,23-79,81-2000"]


def test_a_group_claims_no_more_than_its_weakest_member() -> None:
    """Lowest confidence, most tries, only common evidence, no round-trip time of one of them."""
    seen = PortEvidence(rule=EvidenceRule.REFUSED, addresses=(LAN[1],))
    ports = [
        port(
            n,
            (RESET,) * 3,
            confidence=0.5 + n / 100,
            evidence=(seen, SERVICE) if n == 1 else (seen,),
            observations=tuple(observation(p, RESET, attempts=n, rtt_ms=float(n)) for p in THREE),
        )
        for n in range(1, 21)
    ]
    (group,) = grouped(report(ports), most_rows=10).rest
    assert group.confidence == 0.51
    assert group.evidence == (seen,)
    assert {o.attempts for o in group.observations} == {20}
    assert {o.rtt_ms for o in group.observations} == {None}


def test_differing_facts_are_left_out() -> None:
    """What differs from one member to the next is not given of the group."""
    ports = [
        port(
            n,
            (OPEN,),
            places=(LAN,),
            observations=(
                observation(LAN, tcp=TcpFacts(mss=n, window_scale=None, timestamps=True, sack=True)),
            ),
        )
        for n in range(1, 21)
    ]
    (group,) = grouped(report(ports, (LAN,)), most_rows=10).rest
    assert group.observations[0].tcp is None


def test_evidence_of_all_is_merged_address_by_address() -> None:
    """The most tries that any took; by the host itself where that was seen of every member."""

    def silent(n: int) -> tuple[PortEvidence, ...]:
        lan = PortEvidence(rule=EvidenceRule.SILENT, addresses=(LAN[1],), tries=3 + n % 2)
        if n % 2:
            return (replace(lan, addresses=(LAN[1], VPN[1])),)
        return (lan, PortEvidence(rule=EvidenceRule.SILENT, addresses=(VPN[1],), tries=1))

    def refused(n: int) -> tuple[PortEvidence, ...]:
        origin = Origin.HOST if n % 2 else None
        host = PortEvidence(rule=EvidenceRule.REFUSED, addresses=(LAN[1],), origin=Origin.HOST)
        return (host, replace(host, addresses=(VPN[1],), origin=origin))

    kinds = ((silent, range(1, 21)), (refused, range(101, 121)))
    ports = [
        port(n, (SILENT if seen is silent else RESET,) * 3, evidence=seen(n))
        for seen, numbers_of in kinds
        for n in numbers_of
    ]
    quiet, closed = grouped(report(ports), most_rows=10).rest
    assert quiet.evidence == (PortEvidence(rule=EvidenceRule.SILENT, addresses=(LAN[1], VPN[1]), tries=4),)
    assert closed.evidence == (
        PortEvidence(rule=EvidenceRule.REFUSED, addresses=(LAN[1],), origin=Origin.HOST),
        PortEvidence(rule=EvidenceRule.REFUSED, addresses=(VPN[1],)),
    )


def test_advice_that_all_have_is_the_group_s() -> None:
    """What only some have is left out; how urgent it is parts groups."""
    both = advice(AdviceRule.OPEN_FIREWALL, ""), advice(AdviceRule.KEPT_FROM_PUBLIC, "")
    ports = [port(n, (SILENT,) * 3, advice=both[: 1 + n % 2]) for n in range(1, 21)]
    ports += [port(n, (SILENT,) * 3, advice=both[1:]) for n in range(101, 121)]
    one, other = grouped(report(ports), most_rows=10).rest
    assert (one.ports, one.advice) == ("1-20", both[:1])
    assert (other.ports, other.advice) == ("101-120", both[1:])


def test_a_group_has_no_greetings() -> None:
    """Only a few ports were asked for one: it is not reported of the others."""
    greeted = observation(LAN, greeting=Greeting(text="220 ready"), keys=())
    shown = (Served((ip_address("192.168.77.10"),)),)
    ports = [port(n, (OPEN,) * 3, observations=(greeted,), services=shown) for n in range(1, 21)]
    (group,) = grouped(report(ports), most_rows=10).rest
    assert (group.services, group.observations[0].greeting, group.observations[0].keys) == (None,) * 3


def test_ports_share_a_row_only_if_their_probes_are_alike() -> None:
    """A forged reset and a stack's own make two groups; fields that differ by nature do not."""
    ports = [
        port(
            n,
            (RESET,) * 3,
            probes=(probe(LAN, tos=0x68 if n % 2 else 0, flow_label=n, window=n, attempts=1 + n % 3),),
        )
        for n in range(1, 41)
    ]
    groups = grouped(report(ports), most_rows=10).rest
    assert [(group.ports[:3], group.probes[0].tos) for group in groups] == [("1,3", 0x68), ("2,4", 0)]
    assert {(one.flow_label, one.window, one.attempts) for group in groups for one in group.probes} == {
        (None, None, 3)
    }


def test_groups_without_raw_packets_have_no_probes() -> None:
    """Null where none could be sent; an empty list where none was needed."""
    closed = [port(n, (RESET,) * 3) for n in range(1, 21)]
    assert grouped(report(closed), most_rows=10).rest[0].probes is None
    closed = [port(n, (RESET,) * 3, probes=()) for n in range(1, 21)]
    assert grouped(report(closed), most_rows=10).rest[0].probes == ()


KINDS = st.tuples(
    st.sampled_from([OPEN, RESET, SILENT, ADMIN]), st.sampled_from([Binding.WILDCARD, Binding.UNDETERMINED])
)


@settings(max_examples=30, deadline=None)
@given(st.dictionaries(st.integers(0, 65535), KINDS, min_size=1, max_size=80))
def test_every_port_is_in_exactly_one_place(kinds) -> None:
    """Whatever the answers: no port is lost, none stands twice, and its group has its verdict and state."""
    ports = [port(n, (reason,) * 3, binding) for n, (reason, binding) in kinds.items()]
    whole = grouped(report(ports), most_rows=5)
    assert numbers(whole) == sorted(kinds)
    for group in whole.rest or ():
        for member in parse_ports(group.ports):
            reason, binding = kinds[member.number]
            assert group.binding is binding
            assert group.observations[0].reason is reason
