"""A name server that knows a few names, one address each (RFC 1035). Knows messages, no sockets."""

from collections.abc import Mapping
from ipaddress import ip_address

_TTL_S = 5
_TYPES = {4: "A", 6: "AAAA"}


def answered(query: bytes, answers: Mapping[str, str]) -> bytes | None:
    """Answer a query from `answers`, names and their addresses. None: it is no query.

    A name that is not known does not exist; of one that is known, other types have no record.
    """
    import dns.exception  # noqa: PLC0415 - only a world with name servers needs it
    import dns.flags  # noqa: PLC0415
    import dns.message  # noqa: PLC0415
    import dns.rcode  # noqa: PLC0415
    import dns.rdatatype  # noqa: PLC0415
    import dns.rrset  # noqa: PLC0415

    try:
        asked = dns.message.from_wire(query)
        response = dns.message.make_response(asked, recursion_available=True)
        (question,) = asked.question
    except (dns.exception.DNSException, ValueError):
        return None
    address = answers.get(question.name.to_text(omit_final_dot=True).lower())
    if address is None:
        response.set_rcode(dns.rcode.NXDOMAIN)
    else:
        kind = _TYPES[ip_address(address).version]
        if question.rdtype == dns.rdatatype.from_text(kind):
            response.answer.append(dns.rrset.from_text(question.name, _TTL_S, "IN", kind, address))
    return bytes(response.to_wire())
