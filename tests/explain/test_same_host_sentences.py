"""Are the addresses one machine? What the signs amount to, and its sentence."""

import pytest
from address_builder import (
    DNS,
    LAN,
    LAN6,
    MAC,
    OTHER_MAC,
    PUBLIC,
    SSH,
    VPN,
    frame,
    greeting,
    ssh,
    survey,
    tls,
    traced,
    two,
    web,
    who_has,
)

from probe.explain.addresses import address_sentence
from probe.explain.same_host import CLAIMS, claim_words
from probe.inference.identity import identify
from probe.inference.same_host import findings
from probe.model.evidence import AliasClaim
from probe.model.identity import AliasSign, Sameness
from probe.model.probing import Reason

SAME, OTHER, ASSUMED = Sameness
WORD = "assumed to be one host"
ANSWERED = "192.168.77.10 answered a frame for 10.88.0.10 on its lan link"
FORWARDED = (
    "192.168.77.10 did not take a frame for 10.88.0.10 as its own (time-exceeded),"
    " unless that is a container or host behind it"
)
ONE_KEY = "same SSH host key on 22/tcp, unless one is a clone, or forwards the port"
TWO_KEYS = "different SSH host keys on 22/tcp, unless one machine runs two SSH servers"
TWO_SERVICES = (
    "443/tcp differs: Apache on 10.88.0.10, nginx on 192.168.77.10,"
    " unless one machine runs both, or a box on the way answers for one"
)
ONE_LINK = "same link address, {}, unless a repeater or a router stands in for both"
TWO_TTLS = "different initial TTLs, 64 and 128, unless a box on the way answers for one of them"

# Surveys -> of each address its sameness, its probability of being another machine, and the sentences.
WHO = {
    "one address": ([survey(LAN)], {LAN: (ASSUMED, 0.0, [])}),
    "no sign": (two({}, {}), {ip: (ASSUMED, 0.0, [WORD]) for ip in (LAN, VPN)}),
    "a frame is answered": (
        traced(frame(Reason.RESET, VPN)),
        {
            VPN: (SAME, 0.0, [f"same machine as 192.168.77.10: {ANSWERED}"]),
            LAN: (SAME, 0.0, [f"same machine as 10.88.0.10: {ANSWERED}"]),
        },
    ),
    "a frame and ARP are answered": (
        traced(frame(Reason.RESET, VPN), who_has(MAC)),
        {VPN: (SAME, 0.0, [f"same machine as 192.168.77.10: {ANSWERED}"])},
    ),
    "a frame would be forwarded": (
        traced(frame(Reason.TIME_EXCEEDED, LAN)),
        {
            LAN: (ASSUMED, 0.0, []),
            VPN: (OTHER, 0.97, [f"another machine answers here than on 192.168.77.10: {FORWARDED}"]),
        },
    ),
    "one certificate": (
        two({"keys": tls("a")}, {"keys": tls("a")}),
        {
            LAN: (
                ASSUMED,
                0.0,
                [WORD, "compared with 10.88.0.10: same certificate on 443/tcp"],
            ),
        },
    ),
    "a renewed certificate": (
        two({"keys": tls("a", public_key="k")}, {"keys": tls("b", public_key="k")}),
        {
            LAN: (
                ASSUMED,
                0.0,
                [WORD, "compared with 10.88.0.10: certificates with the same key on 443/tcp"],
            ),
        },
    ),
    "other software on one port": (
        two({"greetings": web(server="nginx")}, {"greetings": web(server="Apache")}),
        {
            VPN: (
                OTHER,
                0.6,
                [f"perhaps another machine answers here than on 192.168.77.10: {TWO_SERVICES}"],
            ),
            LAN: (ASSUMED, 0.0, []),
        },
    ),
    "one key outweighs other software": (
        two(
            {"keys": ssh("a"), "greetings": web(server="nginx")},
            {"keys": ssh("a"), "greetings": web(server="Apache")},
        ),
        {
            VPN: (
                SAME,
                0.0,
                [
                    f"same machine as 192.168.77.10: {ONE_KEY}",
                    f"compared with 192.168.77.10, outweighed: {TWO_SERVICES}",
                ],
            ),
        },
    ),
    "the odd one's other address": (
        [
            survey(LAN, link=MAC, greetings=web(server="nginx")),
            survey(LAN6, link=MAC),
            survey(VPN, link=OTHER_MAC, interface="wg0", greetings=web(server="Apache")),
            survey(PUBLIC, link=OTHER_MAC, interface="wg0"),
        ],
        {
            PUBLIC: (
                OTHER,
                0.6,
                [
                    f"perhaps another machine answers here, that of 10.88.0.10: {TWO_SERVICES}",
                    f"same machine as 10.88.0.10: {ONE_LINK.format(OTHER_MAC)}",
                ],
            ),
        },
    ),
    "three with one key": (
        [survey(ip, keys=ssh("a")) for ip in (LAN, LAN6, VPN)],
        {VPN: (SAME, 0.0, [f"same machine as 192.168.77.10 and fd77::10: {ONE_KEY}"])},
    ),
    "the odd one out comes first": (
        [survey(VPN, keys=ssh("b")), survey(LAN, keys=ssh("a")), survey(LAN6, keys=ssh("a"))],
        {
            VPN: (
                OTHER,
                0.9,
                [f"another machine answers here than on 192.168.77.10 and fd77::10: {TWO_KEYS}"],
            ),
            LAN: (SAME, 0.0, [f"same machine as fd77::10: {ONE_KEY}"]),
        },
    ),
    "the odd one out among singles": (
        [survey(ip, reply_ttl=ttl, hops=1) for ip, ttl in ((VPN, 128), (LAN, 64), (LAN6, 64))],
        {
            VPN: (
                OTHER,
                0.8,
                [f"another machine answers here than on 192.168.77.10: {TWO_TTLS}"],
            ),
            LAN: (ASSUMED, 0.0, [WORD]),
            LAN6: (ASSUMED, 0.0, [WORD]),
        },
    ),
    "a better sign outweighs": (
        two({"keys": ssh("a")}, {"keys": ssh("b"), "traces": (frame(Reason.SYN_ACK, VPN),)}),
        {
            VPN: (
                SAME,
                0.0,
                [
                    f"same machine as 192.168.77.10: {ANSWERED}",
                    f"compared with 192.168.77.10, outweighed: {TWO_KEYS}",
                ],
            ),
        },
    ),
    "one link address, two host keys": (
        [survey(LAN, link=MAC, keys=ssh("a")), survey(LAN6, link=MAC, keys=ssh("b"))],
        {
            LAN6: (
                OTHER,
                0.9,
                [
                    f"another machine answers here than on 192.168.77.10: {TWO_KEYS}",
                    f"compared with 192.168.77.10, outweighed: {ONE_LINK.format(MAC)}",
                ],
            ),
        },
    ),
    "two pairs, on your word": (
        [
            survey(LAN, link=MAC),
            survey(LAN6, link=MAC),
            survey(VPN, keys=ssh("a")),
            survey(PUBLIC, keys=ssh("a")),
        ],
        {
            LAN: (SAME, 0.0, [f"same machine as fd77::10: {ONE_LINK.format(MAC)}"]),
            PUBLIC: (SAME, 0.0, [f"same machine as 10.88.0.10: {ONE_KEY}", f"{WORD} with 192.168.77.10"]),
        },
    ),
    "one with the other machine": (
        [
            survey(LAN, link=MAC, keys=ssh("a")),
            survey(LAN6, link=MAC),
            survey(VPN, keys=ssh("b"), link=OTHER_MAC, interface="wg0"),
            survey(PUBLIC, link=OTHER_MAC, interface="wg0"),
        ],
        {
            PUBLIC: (
                OTHER,
                0.9,
                [
                    f"another machine answers here, that of 10.88.0.10: {TWO_KEYS}",
                    f"same machine as 10.88.0.10: {ONE_LINK.format(OTHER_MAC)}",
                ],
            ),
        },
    ),
}


@pytest.mark.parametrize("name", WHO)
def test_who_is_who(name):
    """Each address is the target, another machine, or taken on the user's word, with the evidence for it."""
    surveys, expected = WHO[name]
    found = identify(surveys)
    assert list(found) == [s.seen for s in surveys]
    concluded = {
        ip: (i.sameness, i.other_probability, [address_sentence(one) for one in i.evidence])
        for (_, ip), i in found.items()
    }
    assert {ip: concluded[ip] for ip in expected} == expected


def test_proof_goes_from_one_to_the_next():
    """What is same machine as one of a group is one with all, and parted from the others as they are."""
    surveys = [
        survey(LAN, link=MAC),
        survey(VPN, traces=(frame(Reason.SYN_ACK, VPN),), keys=ssh("a"), reply_ttl=64, hops=1),
        survey(PUBLIC, keys=ssh("a")),
        survey(LAN6, reply_ttl=128, hops=1),
    ]
    found = {ip: identity for (_, ip), identity in identify(surveys).items()}
    assert found[LAN].one_with == (VPN, PUBLIC)
    assert found[VPN].by == (AliasSign.FRAME_ANSWERED, AliasSign.SSH_SAME)
    assert (found[LAN6].sameness, found[LAN6].by) == (OTHER, (AliasSign.TTL_OTHER,))


def test_lesser_signs_do_not_part_a_group():
    """Two addresses that are same machine as a third are one machine, though their TTLs differ."""
    surveys = [
        survey(LAN, keys=ssh("a")),
        survey(VPN, keys=ssh("a"), reply_ttl=64, hops=1),
        survey(LAN6, keys=ssh("a"), reply_ttl=128, hops=1),
    ]
    assert {i.sameness for i in identify(surveys).values()} == {SAME}


def test_greetings_in_words():
    """All ports that greet alike in one sentence; what two services greet with in another."""
    lan, vpn = ({**web(port=SSH, server=name), **web(), **greeting("a", DNS)} for name in ("nginx", "Apache"))
    alike, mixed = (claim_words(f.claim) for f in findings(two({"greetings": lan}, {"greetings": vpn})))
    assert mixed == (
        "22/tcp differs, where other services match: Apache on 10.88.0.10, nginx on 192.168.77.10"
    )
    assert alike == ("same banner on 443/tcp and 53/udp, as of two machines with one image")


def test_every_sign_has_its_words():
    """What it shows, with every argument that it may have."""
    assert set(CLAIMS) == set(AliasSign)
    for sign in AliasSign:
        claim = AliasClaim(
            sign=sign,
            about="A",
            beside="B",
            realm="lan",
            reason=Reason.NET_UNREACH,
            ports=("22/tcp",),
            link_address=MAC,
            ttls=(64, 255),
            services=("one", "two"),
        )
        assert "{" not in claim_words(claim)
