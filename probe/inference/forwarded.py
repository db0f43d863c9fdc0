"""Which addresses forward a port: the host itself, into a container or to another host."""

from collections.abc import Sequence

from probe.inference.policy import AddressModel
from probe.model.disposition import RawResponse
from probe.model.evidence import Response
from probe.model.target import Port, Realm

BEHIND = frozenset({Response.OPEN_BEHIND, Response.CLOSED_BEHIND})


def forwarders(port: Port, models: Sequence[AddressModel]) -> list[AddressModel]:
    """The addresses on which the host itself forwards a port; before a public one a router may do it."""
    near = (m for m in models if m.address.realm != Realm.PUBLIC)
    return [m for m in near if port in m.evidence and m.evidence[port].response in BEHIND]


def forwards(port: Port, models: Sequence[AddressModel]) -> bool:
    """Whether the host forwards a port that something serves: on an address, or, by frames, on loopback."""
    if any(m.evidence[port].response is Response.OPEN_BEHIND for m in forwarders(port, models)):
        return True
    cross_link = (c for m in models if port in m.evidence for c in m.evidence[port].raw.cross_link)
    return any(c.destination.is_loopback and c.tried.response is RawResponse.PASSED_ON for c in cross_link)
