"""The one table of ICMP errors."""

import pytest

from probe.model.probing import ICMP_REASONS, REASONS, Reason
from probe.wire.icmp import reason_of

CASES = [
    (4, 3, 0, Reason.NET_UNREACH),
    (4, 3, 1, Reason.HOST_UNREACH),
    (4, 3, 2, Reason.PROTO_UNREACH),
    (4, 3, 3, Reason.PORT_UNREACH),
    (4, 3, 4, Reason.FRAG_NEEDED),
    (4, 3, 9, Reason.NET_PROHIBITED),
    (4, 3, 10, Reason.HOST_PROHIBITED),
    (4, 3, 13, Reason.ADMIN_PROHIBITED),
    (4, 11, 0, Reason.TIME_EXCEEDED),
    (6, 1, 0, Reason.NET_UNREACH),
    (6, 1, 1, Reason.ADMIN_PROHIBITED),
    (6, 1, 3, Reason.HOST_UNREACH),
    (6, 1, 4, Reason.PORT_UNREACH),
    (6, 1, 5, Reason.ADMIN_PROHIBITED),
    (6, 1, 6, Reason.NET_PROHIBITED),
    (6, 2, 0, Reason.FRAG_NEEDED),
    (6, 3, 0, Reason.TIME_EXCEEDED),
    (4, 0, 0, None),  # echo reply
    (4, 5, 1, None),  # redirect
    (6, 129, 0, None),  # echo reply
    (6, 3, 13, None),
    (5, 3, 3, None),
]


@pytest.mark.parametrize(("family", "icmp_type", "code", "reason"), CASES)
def test_reason_of_an_icmp_error(family: int, icmp_type: int, code: int, reason: Reason | None) -> None:
    """Every error that a filter or a router sends has the word that nmap's users know."""
    assert reason_of(family, icmp_type, code) is reason


@pytest.mark.parametrize("family", [4, 6])
def test_every_icmp_reason_can_occur_in_both_families(family: int) -> None:
    """Each ICMP word has a message in IPv4; IPv6 lacks only host-prohibited (RFC 4443 section 3.1)."""
    met = {reason_of(family, kind, code) for kind in range(256) for code in range(16)} - {None}
    missing = {6: {Reason.HOST_PROHIBITED}}.get(family, set())
    assert met == ICMP_REASONS - missing


def test_every_reason_has_its_row() -> None:
    """What it amounts to is stated of each."""
    assert set(REASONS) == set(Reason)
