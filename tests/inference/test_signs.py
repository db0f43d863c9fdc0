"""Signs of one machine or of several: which answers are which sign."""

import pytest
from address_builder import (
    CONTAINER,
    DNS,
    LAN,
    LAN6,
    MAC,
    OTHER_MAC,
    PROBER,
    PUBLIC,
    SSH,
    TO_LAN,
    VPN,
    frame,
    greeting,
    opened,
    ssh,
    survey,
    tls,
    trace,
    traced,
    two,
    web,
    who_has,
)
from varied import replace

from probe.inference.identity import identify
from probe.inference.same_host import MEANINGS, findings
from probe.model.evidence import AliasClaim
from probe.model.identity import AliasSign, Sameness
from probe.model.probing import Observation, Origin, Question, Reason, Role, Shape
from probe.model.target import Port, Protocol

FRAMES = {
    "accepted": ((Reason.SYN_ACK, VPN), AliasSign.FRAME_ANSWERED),
    "refused": ((Reason.RESET, VPN), AliasSign.FRAME_ANSWERED),
    "closed UDP": ((Reason.PORT_UNREACH, VPN), AliasSign.FRAME_ANSWERED),
    "rejected by its own filter": ((Reason.ADMIN_PROHIBITED, VPN), AliasSign.FRAME_ANSWERED),
    "UDP": ((Reason.UDP_RESPONSE, VPN), AliasSign.FRAME_ANSWERED),
    "forwarded": ((Reason.TIME_EXCEEDED, LAN), AliasSign.FRAME_FORWARDED),
    "forwarded, by another of its addresses": ((Reason.TIME_EXCEEDED, CONTAINER), AliasSign.FRAME_FORWARDED),
    "no route there": ((Reason.NET_UNREACH, LAN), AliasSign.FRAME_FORWARDED),
    "no host there": ((Reason.HOST_UNREACH, LAN), AliasSign.FRAME_FORWARDED),
    "handed into a container": ((Reason.TIME_EXCEEDED, VPN), None),  # NAT hides the container in the error
    "this machine itself": ((Reason.HOST_UNREACH, PROBER), None),
    "silence": ((Reason.NO_RESPONSE, None), None),
    "a TCP answer from elsewhere": ((Reason.SYN_ACK, LAN), None),
    "unknown sender": ((Reason.TIME_EXCEEDED, None), None),
}


@pytest.mark.parametrize("name", FRAMES)
def test_frames(name):
    """A frame for one address, handed to the neighbour with the other, is answered or would be forwarded."""
    answer, sign = FRAMES[name]
    assert [f.sign for f in findings(traced(frame(*answer)))] == ([sign] if sign else [])


@pytest.mark.parametrize("shape", [Shape.OPENING, Shape.ACK, Shape.ECHO])
def test_any_shape_of_frame(shape):
    """A stack speaks for the address whatever it was asked."""
    reason = Reason.ECHO_REPLY if shape is Shape.ECHO else Reason.RESET
    assert [f.sign for f in findings(traced(frame(reason, VPN, shape=shape)))] == [AliasSign.FRAME_ANSWERED]


def test_a_udp_answer_to_a_frame_from_the_neighbour_itself():
    """It may answer from its own address: both signs are found, and both imply the same."""
    found = findings(traced(frame(Reason.UDP_RESPONSE, LAN, port=DNS)))
    assert [f.sign for f in found] == [AliasSign.FRAME_ANSWERED, AliasSign.UDP_SENDER]


NO_FRAMES = {
    "it could have been forwarded": traced(frame(Reason.SYN_ACK, VPN, ttl=64)),
    "as the kernel routes it": traced(frame(Reason.SYN_ACK, VPN, hop=None)),
    "to a neighbour that is none of the addresses": traced(
        frame(Reason.SYN_ACK, VPN, hop=replace(TO_LAN, link_address=OTHER_MAC))
    ),
    "on another interface": traced(frame(Reason.SYN_ACK, VPN, hop=replace(TO_LAN, interface="eth1"))),
    "the neighbour's link address is not known": traced(frame(Reason.SYN_ACK, VPN), link=None),
    "no route is known": traced(frame(Reason.SYN_ACK, VPN), route=None),
    "asked of no given address": traced(trace(CONTAINER, Reason.SYN_ACK, CONTAINER, hop=TO_LAN, ttl=1)),
}


@pytest.mark.parametrize("name", NO_FRAMES)
def test_what_is_no_cross_address_frame(name):
    """Only TTL 1 and the neighbour that has another of the addresses make an answer a proof."""
    assert findings(NO_FRAMES[name]) == ()


def test_the_neighbours_other_family_is_not_named():
    """Frames and ARP are found for the address of their family; the other one has the same link address."""
    surveys = [survey(LAN6, link=MAC), *traced(frame(Reason.RESET, VPN), who_has(MAC))]
    found = [(f.sign, f.beside) for f in findings(surveys) if f.sign is not AliasSign.LINK_SAME]
    assert found == [(AliasSign.FRAME_ANSWERED, LAN), (AliasSign.ARP_SAME, LAN)]


def test_a_frame_to_its_own_neighbour_proves_nothing():
    """Where both are neighbours with one link address, a frame to that is the ordinary way to either."""
    traces = (trace(PUBLIC, Reason.RESET, PUBLIC, hop=TO_LAN, ttl=1),)
    surveys = [survey(LAN, link=MAC), survey(PUBLIC, link=MAC, traces=traces)]
    assert [f.sign for f in findings(surveys)] == [AliasSign.LINK_SAME]


ARP = {
    "the neighbour itself": (MAC, TO_LAN, [AliasSign.ARP_SAME]),
    "in other letters": (MAC.upper(), TO_LAN, [AliasSign.ARP_SAME]),
    "without a hop": (MAC, None, [AliasSign.ARP_SAME]),
    "another neighbour": (OTHER_MAC, TO_LAN, [AliasSign.ARP_OTHER]),
    "on another link": (MAC, replace(TO_LAN, interface="eth1"), []),
    "nobody": (None, TO_LAN, []),
}


@pytest.mark.parametrize("name", ARP)
def test_arp(name):
    """Who answers ARP for the VPN address on the LAN."""
    link, hop, signs = ARP[name]
    assert [f.sign for f in findings(traced(who_has(link, hop=hop)))] == signs


def test_arp_beside_two_network_cards():
    """An answer from one of several given neighbours is no other machine's beside the rest of them."""
    surveys = [survey(PUBLIC, link=OTHER_MAC), *traced(who_has(MAC))]
    assert [(f.sign, f.beside) for f in findings(surveys)] == [(AliasSign.ARP_SAME, LAN)]


def test_a_neighbour_of_its_own_may_have_a_card_of_its_own():
    """An address that is itself of the link answers ARP from whichever card has it."""
    asked = survey(VPN, link=OTHER_MAC, traces=(who_has(OTHER_MAC),))
    assert findings([survey(LAN, link=MAC), asked]) == ()


LINKS = {
    "one": (MAC, MAC.upper(), "eth0", [AliasSign.LINK_SAME]),
    "two cards, or two machines": (MAC, OTHER_MAC, "eth0", []),
    "two links": (MAC, MAC, "eth1", []),
}


@pytest.mark.parametrize("name", LINKS)
def test_link_addresses(name):
    """Two neighbours with one link address are one machine; with two, that shows nothing."""
    one, other, interface, signs = LINKS[name]
    surveys = [survey(LAN, link=one), survey(LAN6, link=other, interface=interface)]
    assert [f.sign for f in findings(surveys)] == signs


UDP = {
    "from the other address": (VPN, LAN, [AliasSign.UDP_SENDER]),
    "from itself": (VPN, VPN, []),
    "from an address that was not given": (VPN, CONTAINER, []),
    "from behind a public address": (PUBLIC, LAN, [AliasSign.UDP_FORWARDED]),
}


@pytest.mark.parametrize("name", UDP)
@pytest.mark.parametrize("raw", [True, False])
def test_udp_senders(name, raw):
    """A UDP answer from another address than the one asked, seen as a follow-up or in the survey itself."""
    ip, sender, signs = UDP[name]
    seen = trace(ip, Reason.UDP_RESPONSE, sender, port=DNS)
    facts = {"traces": (seen,)} if raw else {"observations": (seen.observation,)}
    assert [f.sign for f in findings([survey(LAN), survey(ip, **facts)])] == signs


BEHIND = {"observations": (opened(VPN, origin=Origin.BEHIND),)}
LATE = {"observations": (opened(VPN, ttl=63),), "reply_ttl": 64}
ON_TIME = {"observations": (opened(VPN, ttl=64),), "reply_ttl": 64}

KEYS = {
    "equal": (ssh("a"), ssh("a"), {}, [AliasSign.SSH_SAME]),
    "different": (ssh("a"), ssh("b"), {}, [AliasSign.SSH_OTHER]),
    "different, from the host itself": (ssh("a"), ssh("b"), ON_TIME, [AliasSign.SSH_OTHER]),
    "one type is equal": (ssh("a", "b"), ssh("a", "c"), {}, [AliasSign.SSH_SAME]),
    "no type in common": (ssh("a"), ssh(None, "b"), {}, []),
    "no port in common": (ssh("a"), ssh("a", port=Port(Protocol.TCP, 2222)), {}, []),
    "only on one": (ssh("a"), {}, {}, []),
    "equal, forwarded": (ssh("a"), ssh("a"), BEHIND, [AliasSign.SSH_FORWARDED_SAME]),
    "different, forwarded": (ssh("a"), ssh("b"), BEHIND, [AliasSign.SSH_FORWARDED_OTHER]),
    "different, from farther away": (ssh("a"), ssh("b"), LATE, [AliasSign.SSH_FORWARDED_OTHER]),
    "one certificate": (tls("a"), tls("a"), {}, [AliasSign.TLS_SAME]),
    "two certificates": (tls("a"), tls("b"), {}, []),
    "a renewed certificate": (
        tls("a", public_key="k"),
        tls("b", public_key="k"),
        {},
        [AliasSign.TLS_KEY_SAME],
    ),
    "one certificate, its key was read": (
        tls("a", public_key="k"),
        tls("a", public_key="k"),
        {},
        [AliasSign.TLS_SAME],
    ),
    "one certificate, its key was read once": (tls("a", public_key="k"), tls("a"), {}, [AliasSign.TLS_SAME]),
    "two certificates, two keys": (tls("a", public_key="k"), tls("b", public_key="l"), {}, []),
    "keys of two kinds": (ssh("a"), tls("a", SSH), {}, []),
}


NGINX, APACHE = web(port=SSH, server="nginx"), web(port=SSH, server="Apache")
SAME_SIGN, OTHER_SIGN = AliasSign.GREETING_SAME, AliasSign.GREETING_OTHER

GREETINGS = {  # sent on one port of the one, of the other; more of the other; signs
    "alike": (NGINX, NGINX, {}, [SAME_SIGN]),
    "other software": (NGINX, APACHE, {}, [OTHER_SIGN]),
    "other software, forwarded": (NGINX, APACHE, BEHIND, [AliasSign.GREETING_FORWARDED_OTHER]),
    "another page": (NGINX, web(404, SSH, server="nginx"), {}, []),
    "only on one": (NGINX, {}, {}, []),
    "alike on two ports, other on one": (
        {**NGINX, **web(), **greeting("a", DNS)},
        {**APACHE, **web(), **greeting("a", DNS)},
        {},
        [SAME_SIGN, AliasSign.GREETING_MIXED],
    ),
    "keys were compared": (NGINX, APACHE, {"keys": ssh("b")}, [AliasSign.SSH_OTHER]),
    "one certificate": (NGINX, APACHE, {"keys": tls("x", SSH, "k")}, [AliasSign.TLS_SAME]),
    "a renewed certificate": (NGINX, APACHE, {"keys": tls("y", SSH, "k")}, [AliasSign.TLS_KEY_SAME]),
}


@pytest.mark.parametrize("name", GREETINGS)
def test_greetings(name):
    """Compared where no keys decide; a forwarded port stands for another machine."""
    lan, vpn, facts, signs = GREETINGS[name]
    keys = ssh("a") | {SSH: (*ssh("a")[SSH], *tls("x", SSH, "k")[SSH])} if "keys" in facts else {}
    surveys = two({"greetings": lan, "keys": keys}, {"greetings": vpn, **facts})
    assert [f.sign for f in findings(surveys)] == signs


def test_what_greetings_show():
    """All ports that greet alike in one claim; what two services send in another, each on its address."""
    lan, vpn = ({**web(port=SSH, server=name), **web(), **greeting("a", DNS)} for name in ("nginx", "Apache"))
    alike, mixed = findings(two({"greetings": lan}, {"greetings": vpn}))
    (other,) = findings(two({"greetings": NGINX}, {"greetings": APACHE}))
    where = {"about": str(VPN), "beside": str(LAN), "ports": ("22/tcp",), "services": ("Apache", "nginx")}
    assert mixed.claim == AliasClaim(sign=AliasSign.GREETING_MIXED, **where)
    assert other.claim == AliasClaim(sign=AliasSign.GREETING_OTHER, **where)
    assert alike.claim == AliasClaim(sign=AliasSign.GREETING_SAME, ports=("443/tcp", "53/udp"))


@pytest.mark.parametrize("name", KEYS)
def test_keys(name):
    """Keys are compared port by port and type by type; a forwarded port speaks for another machine."""
    lan, vpn, facts, signs = KEYS[name]
    assert [f.sign for f in findings(two({"keys": lan}, {"keys": vpn, **facts}))] == signs


TTLS = {  # reply_ttl and hops of the one, of the other
    "equal": ((64, 1), (62, 3), []),
    "Linux and Windows": ((64, 1), (128, 1), [AliasSign.TTL_OTHER]),
    "Linux and a router": ((64, 1), (253, 3), [AliasSign.TTL_OTHER]),
    "a longer way back": ((64, 1), (50, 10), []),
    "a TTL of its own": ((64, 1), (100, 1), []),
    "distance not measured": ((64, 1), (128, None), []),
    "TTL not measured": ((64, 1), (None, 1), []),
}


@pytest.mark.parametrize("name", TTLS)
def test_initial_ttls(name):
    """Stacks that start with different TTLs are two; how far the answer came is taken off."""
    lan, vpn, signs = TTLS[name]
    surveys = two(*({"reply_ttl": ttl, "hops": hops} for ttl, hops in (lan, vpn)))
    assert [f.sign for f in findings(surveys)] == signs


def test_a_forwarding_address_is_a_front():
    """A router that forwards ports has a stack of its own: that alone makes no other target."""
    front = {"reply_ttl": 255, "hops": 1, "observations": (opened(VPN, origin=Origin.BEHIND),)}
    surveys = two({"reply_ttl": 64, "hops": 1}, front)
    assert [f.sign for f in findings(surveys)] == [AliasSign.TTL_FRONT]
    assert {i.sameness for i in identify(surveys).values()} == {Sameness.ASSUMED}


def test_every_meaning_has_its_strength():
    """Every sign is in the table; only what parts machines has a probability, greetings less than keys."""
    assert set(MEANINGS) == set(AliasSign)
    for meaning in MEANINGS.values():
        assert (meaning.other > 0.5) is (meaning.implies is Sameness.OTHER)
        assert meaning.other < 1
    assert MEANINGS[AliasSign.GREETING_OTHER].other < 0.8 < MEANINGS[AliasSign.SSH_OTHER].other


def test_controls_are_no_forwards():
    """Only what answered is looked at to find a forward."""
    silent = Observation(Question(VPN, SSH, Role.CONTROL), Reason.NO_RESPONSE, 3)
    surveys = two({"keys": ssh("a")}, {"keys": ssh("b"), "observations": (silent,), "reply_ttl": 64})
    assert [f.sign for f in findings(surveys)] == [AliasSign.SSH_OTHER]
