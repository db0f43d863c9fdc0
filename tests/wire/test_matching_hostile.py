"""Nobody is believed who did not see the probe, and many probes at once are kept apart."""

from typing import Any

from flights import (
    ELSEWHERE,
    HEADER,
    HONEST,
    ROUTER,
    SHAPES,
    TARGET,
    TCP,
    UDP,
    US,
    WORD,
    answer,
    flight_of,
    replies_to,
)
from hypothesis import given
from hypothesis import strategies as st

from probe.model.probing import Reason
from probe.wire.compose import Composer
from probe.wire.match import Matching
from probe.wire.packet import Incoming, Outgoing, PacketKind, Quoted

ADDRESSES = st.sampled_from([TARGET, ELSEWHERE, ROUTER, US])
NUMBERS = st.one_of(st.integers(0, WORD - 1), st.sampled_from([0, 1, WORD - 1]))
PORTS = st.one_of(st.integers(0, 65535), st.sampled_from([80, 61000, 65535]))
QUOTES = st.builds(
    Quoted,
    ADDRESSES,
    ADDRESSES,
    st.sampled_from([TCP, UDP, None]),
    PORTS,
    PORTS,
    st.one_of(st.none(), NUMBERS),
)
PACKETS = st.builds(
    Incoming,
    kind=st.sampled_from(PacketKind),
    source=ADDRESSES,
    destination=ADDRESSES,
    header=st.just(HEADER),
    ttl=st.integers(0, 255),
    source_port=PORTS,
    destination_port=PORTS,
    sequence=NUMBERS,
    acknowledgment=st.one_of(st.none(), NUMBERS),
    icmp=st.one_of(st.none(), st.tuples(st.integers(0, 255), st.integers(0, 255))),
    quoted=st.one_of(st.none(), QUOTES),
)


def proves_itself(sent: Outgoing, got: Incoming) -> bool:
    """Whether the packet names the probe, found in another way than by the rules."""
    quoted = got.quoted
    if got.kind is PacketKind.ICMP_ERROR:
        return quoted is not None and (quoted.source_port, quoted.destination_port) == (
            sent.source_port,
            sent.destination_port,
        )
    if got.kind is PacketKind.ARP_REPLY:
        return got.source == sent.destination
    return got.destination_port == sent.source_port


@given(st.sampled_from(sorted(SHAPES)), st.lists(PACKETS, max_size=20))
def test_no_stranger_is_believed(name: str, packets: list[Incoming]) -> None:
    """Whatever arrives, there is at most one reply, and it comes from a packet that names the probe."""
    flight = flight_of(SHAPES[name])
    replies = replies_to(flight, *packets)
    assert len(replies) <= 1
    for reply in replies:
        assert proves_itself(flight.packet, packets[int(reply.at)])


@given(st.lists(st.tuples(st.sampled_from(HONEST), st.integers(1, 3)), min_size=1, max_size=12), st.randoms())
def test_many_at_once_are_kept_apart(
    asked: list[tuple[tuple[str, PacketKind, Reason], int]], chance: Any
) -> None:
    """Probes of all shapes at once, answered in any order and more than once: each has its own one reply."""
    composer = Composer(chance.randrange)
    matching = Matching()
    coming = []
    for number, ((name, kind, reason), copies) in enumerate(asked):
        flight = flight_of(SHAPES[name], number, composer)
        matching.remember(flight)
        claimed = 1 if name == "who-has" else copies  # ARP answers are all alike
        coming += [(reason, answer(flight.packet, kind))] * claimed
    chance.shuffle(coming)
    taken = [(reason, matching.take(packet, at=0.0)) for reason, packet in coming]
    replies = [(reason, match[1]) for reason, match in taken if match]
    assert sorted(reply.probe_id for _, reply in replies) == list(range(len(asked)))
    assert all(reply.reason is reason for reason, reply in replies)
