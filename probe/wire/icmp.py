"""What an ICMP error means for a port, in nmap's words.

Lives here: the one table from (family, type, code) to a Reason; every backend reads errors by it. Sources:
RFC 792, RFC 1812 section 5.2.7.1 and RFC 4443 section 3. Echo, redirects and other messages that are no
errors have no row.

nmap calls IPv6 1/0 "no-route" and 1/6 "reject-route". Here they share the words of their IPv4 twins 3/0 and
3/9, for "no-route" is kept for a prober that has no route itself.
"""

from probe.model.probing import Reason

_REASONS: dict[tuple[int, int, int], Reason] = {
    (4, 3, 0): Reason.NET_UNREACH,
    (4, 3, 1): Reason.HOST_UNREACH,
    (4, 3, 2): Reason.PROTO_UNREACH,
    (4, 3, 3): Reason.PORT_UNREACH,
    (4, 3, 4): Reason.FRAG_NEEDED,
    (4, 3, 5): Reason.NET_UNREACH,  # source route failed
    (4, 3, 6): Reason.NET_UNREACH,  # network unknown
    (4, 3, 7): Reason.HOST_UNREACH,  # host unknown
    (4, 3, 8): Reason.HOST_UNREACH,  # source host isolated
    (4, 3, 9): Reason.NET_PROHIBITED,
    (4, 3, 10): Reason.HOST_PROHIBITED,
    (4, 3, 11): Reason.NET_UNREACH,  # for this type of service
    (4, 3, 12): Reason.HOST_UNREACH,  # for this type of service
    (4, 3, 13): Reason.ADMIN_PROHIBITED,
    (4, 3, 14): Reason.HOST_PROHIBITED,  # host precedence violation
    (4, 3, 15): Reason.HOST_PROHIBITED,  # precedence cutoff in effect
    (4, 11, 0): Reason.TIME_EXCEEDED,
    (4, 11, 1): Reason.TIME_EXCEEDED,  # fragment reassembly
    (6, 1, 0): Reason.NET_UNREACH,  # no route to destination
    (6, 1, 1): Reason.ADMIN_PROHIBITED,
    (6, 1, 2): Reason.NET_UNREACH,  # beyond scope of source address
    (6, 1, 3): Reason.HOST_UNREACH,  # address unreachable
    (6, 1, 4): Reason.PORT_UNREACH,
    (6, 1, 5): Reason.ADMIN_PROHIBITED,  # source address failed ingress or egress policy
    (6, 1, 6): Reason.NET_PROHIBITED,  # reject route to destination
    (6, 2, 0): Reason.FRAG_NEEDED,  # packet too big
    (6, 3, 0): Reason.TIME_EXCEEDED,
    (6, 3, 1): Reason.TIME_EXCEEDED,  # fragment reassembly
    (6, 4, 1): Reason.PROTO_UNREACH,  # unrecognised next header
}


def reason_of(family: int, icmp_type: int, code: int) -> Reason | None:
    """Reason that an ICMP error gives for a port; None where the message is no such error.

    Args:
        family: IP version, 4 or 6.
        icmp_type: ICMP type.
        code: ICMP code.
    """
    return _REASONS.get((family, icmp_type, code))
