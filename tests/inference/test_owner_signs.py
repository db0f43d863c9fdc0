"""The signs of who has an address, and what they make of it."""

from ipaddress import ip_address

import pytest
from survey_builder import CONTROLS, EVERYBODY, NO_PORT, hop_by, survey
from varied import replace

from probe.inference.host import infer_host
from probe.inference.identity import identify
from probe.inference.owner_evidence import SHOWN, OwnerSign, owner_likelihood, owner_signs
from probe.inference.priors import SURE, USUAL, owner_prior
from probe.model.binding import Owner
from probe.model.facts import AddressSurvey, Neighbour, Trace
from probe.model.identity import Key, KeyKind
from probe.model.probing import (
    MARK_TOS,
    Header,
    Observation,
    Origin,
    PurposeRule,
    Question,
    Reason,
    Role,
    Shape,
    TcpFacts,
    TcpOptions,
)
from probe.model.target import Port, Protocol, Realm

PORT, SSH, OTHER_SSH = (Port(Protocol.TCP, number) for number in (8000, 22, 2222))
OPEN = {"controls": "reset@host", "port": "syn-ack@host"}
CLOSED = {"controls": "reset@host", "port": "reset@host"}
SEVEN, NINE = (TcpFacts(1448, scale, timestamps=True, sack=True) for scale in (7, 9))


def lan(tcp: TcpFacts | None = SEVEN, **more: object) -> AddressSurvey:
    """The LAN address, open on the port."""
    return accepting(survey("lan", OPEN | more, PORT), tcp)


def vpn(tcp: TcpFacts | None = SEVEN, **more: object) -> AddressSurvey:
    """The VPN address, the same."""
    return accepting(survey("vpn", OPEN | more, PORT), tcp)


def accepting(one: AddressSurvey, tcp: TcpFacts | None, **more: object) -> AddressSurvey:
    """The address, whose accepted connections are like this."""
    seen = (replace(o, tcp=tcp, **more) if o.reason is Reason.SYN_ACK else o for o in one.observations)
    return replace(one, observations=tuple(seen))


def signs(one: AddressSurvey, *others: AddressSurvey) -> set[OwnerSign]:
    """Its signs beside the others."""
    surveys = (*others, one)
    return set(owner_signs(one, surveys, identify(surveys)[one.seen]))


def owner(owner: Owner, *surveys: AddressSurvey) -> float:
    """P(it has the last address)."""
    return infer_host(surveys, USUAL).models[-1].owner(owner)


def test_alternatives_sum_to_one():
    """Signs that exclude each other, under every owner; priors of every realm."""
    sets = [
        (OwnerSign.FIRST_HOP, OwnerSign.FURTHER),
        (OwnerSign.STACK_SAME, OwnerSign.STACK_OTHER),
        (OwnerSign.CLAIMED, OwnerSign.PASSED_ON, OwnerSign.UNCLAIMED),
    ]
    for which in SHOWN[OwnerSign.FURTHER]:
        for of_one in sets:
            whole = sum(SHOWN[sign][which] for sign in of_one)
            assert whole == pytest.approx(1, abs=0.01)
    for realm in (*Realm, "office"):
        assert sum(owner_prior(realm).values()) == pytest.approx(1)
    assert owner_likelihood((), Owner.TARGET) == 1


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"hops": 1, "on_link": False}, {OwnerSign.FIRST_HOP}),
        ({"hops": 3, "on_link": False}, {OwnerSign.FURTHER}),
        ({"hops": 1}, set()),
        ({"on_link": False}, set()),
        ({"hops": 1, "by": "no route"}, set()),
    ],
)
def test_distance(facts, expected):
    """One hop away and no neighbour: the gateway."""
    assert signs(survey("public", CLOSED | facts, PORT)) == expected


def test_a_stack_is_compared_with_the_lan_s():
    """On common ports, or by what is usual on each; what others accepted in between is no sign."""
    assert signs(vpn(SEVEN), lan(SEVEN)) == {OwnerSign.STACK_SAME}
    assert signs(vpn(NINE), lan(SEVEN)) == {OwnerSign.STACK_OTHER}
    assert signs(lan(SEVEN), vpn(NINE)) == set()
    assert signs(vpn(NINE), lan(None)) == set()
    assert signs(vpn(None), lan(SEVEN)) == set()
    assert signs(accepting(vpn(), NINE, origin=Origin.BEHIND), lan(SEVEN)) == set()
    routed = lan(SEVEN, on_link=False)
    assert signs(vpn(NINE), routed) == set()
    elsewhere = survey("lan", {"controls": "reset@host", "also": "syn-ack@host"}, PORT)
    assert signs(vpn(SEVEN), accepting(elsewhere, SEVEN)) == {OwnerSign.STACK_SAME}
    assert signs(vpn(NINE), accepting(elsewhere, SEVEN)) == {OwnerSign.STACK_OTHER}


def test_where_two_realms_accept_alike_the_lan_is_the_odd_one():
    """The LAN's difference shows nothing of either; two addresses of one realm may have one other owner."""
    public = accepting(survey("public", OPEN, PORT), NINE)
    assert signs(vpn(NINE), lan(SEVEN), public) == set()
    assert signs(vpn(NINE), lan(SEVEN), accepting(public, SEVEN)) == {OwnerSign.STACK_OTHER}
    second = replace(vpn(NINE), address=replace(vpn().address, ip=ip_address("10.88.0.11")))
    assert signs(vpn(NINE), lan(SEVEN), second) == {OwnerSign.STACK_OTHER}


def test_raw_packets_show_the_stack_where_the_kernel_does_not():
    """By the options of a SYN/ACK."""

    def shown(one: AddressSurvey, scale: int) -> AddressSurvey:
        options = TcpOptions(mss=1460, window_scale=scale, timestamps=True, sack=True)
        seen = Observation(
            Question(one.address.ip, PORT), Reason.SYN_ACK, 1, 1, header=Header(options=options)
        )
        return replace(one, traces=(Trace(seen, PurposeRule.WHO_COMPLETES),))

    assert signs(shown(vpn(None), 9), shown(lan(None), 7)) == {OwnerSign.STACK_OTHER}


def frame(reason: Reason, shape: Shape = Shape.OPENING, **more: object) -> Trace:
    """What came of a frame for the VPN address on the LAN."""
    goal = vpn().address.ip
    asked_of = hop_by(lan().address.ip, EVERYBODY)
    port = NO_PORT if shape is Shape.WHO_HAS else Port(Protocol.TCP, CONTROLS[0])
    question = Question(goal, port, Role.CONTROL, ttl=1, shape=shape, hop=asked_of)
    fields = {"attempts": 1, "sender": None if reason is Reason.NO_RESPONSE else goal} | more
    return Trace(Observation(question, reason, **fields), PurposeRule.ONE_MACHINE_BY_FRAME)


@pytest.mark.parametrize(
    ("trace", "expected"),
    [
        (frame(Reason.ARP_RESPONSE, Shape.WHO_HAS), {OwnerSign.CLAIMED}),
        (frame(Reason.NO_RESPONSE, Shape.WHO_HAS), {OwnerSign.UNCLAIMED}),
        (frame(Reason.RESET), {OwnerSign.CLAIMED}),
        (frame(Reason.RESET, sender=ip_address("192.168.77.1")), set()),
        (frame(Reason.TIME_EXCEEDED, sender=ip_address("192.168.77.10")), {OwnerSign.PASSED_ON}),
        (frame(Reason.NO_RESPONSE), set()),
    ],
)
def test_whether_the_host_takes_a_vpn_address_for_its_own(trace, expected):
    """By what its link answers for it."""
    beside = replace(lan(None), traces=(trace,))
    assert signs(vpn(None), beside) == expected
    assert signs(survey("public", OPEN, PORT), beside) == set()


def test_silence_of_nobody_is_no_sign():
    """Where the LAN has no neighbour, ARP shows nothing."""
    silent = (frame(Reason.NO_RESPONSE, Shape.WHO_HAS),)
    assert signs(vpn(None), replace(lan(None), traces=silent, neighbour=Neighbour.FAILED)) == set()


def with_keys(one: AddressSurvey, **by_port: str) -> AddressSurvey:
    """The address, with host keys on ports."""
    keys = {
        Port(Protocol.TCP, int(port[1:])): (Key(KeyKind.SSH, "ssh-ed25519", text),)
        for port, text in by_port.items()
    }
    return replace(one, keys=keys)


def test_a_key_on_another_port_is_a_forward():
    """2222 here is 22 there."""
    front, host = survey("public", OPEN, PORT), lan(None)
    moved = {OwnerSign.KEY_MOVED}
    assert signs(with_keys(front, p2222="one"), with_keys(host, p22="one")) == moved
    both = signs(with_keys(front, p22="two", p2222="one"), with_keys(host, p22="one"))
    assert both == {OwnerSign.KEY_OTHER}
    assert signs(with_keys(front, p22="one"), with_keys(host, p22="one")) == {OwnerSign.KEY_SAME}
    assert signs(with_keys(front, p2222="two"), with_keys(host, p22="one")) == set()


def test_a_certificate_on_another_port_is_a_weaker_sign():
    """By itself or by its key: one certificate may serve several ports."""

    def shows(one: AddressSurvey, port: Port, fingerprint: str) -> AddressSurvey:
        return replace(one, keys={port: (Key(KeyKind.TLS, "x509", fingerprint, "key"),)})

    front, host = survey("public", OPEN, PORT), lan(None)
    https, other = Port(Protocol.TCP, 443), Port(Protocol.TCP, 8443)
    renewed = signs(shows(front, other, "new"), shows(host, https, "old"))
    assert renewed == {OwnerSign.CERTIFICATE_MOVED}
    assert signs(shows(front, https, "new"), shows(host, https, "old")) == set()
    both = (SHOWN[sign] for sign in (OwnerSign.CERTIFICATE_MOVED, OwnerSign.KEY_MOVED))
    weak, strong = (shown[Owner.GATEWAY] / shown[Owner.TARGET] for shown in both)
    assert 1 < weak < strong


def marked(one: AddressSurvey) -> AddressSurvey:
    """The address, whose stack refuses what nothing uses as Linux does."""
    port = next(o.question.port for o in one.controls())
    question = Question(one.address.ip, port, Role.CONTROL)
    seen = Observation(question, Reason.RESET, 1, 1, sender=one.address.ip, header=Header(tos=MARK_TOS))
    return replace(one, traces=(*one.traces, Trace(seen, PurposeRule.MARKS_OF_CONTROLS)))


def test_a_stack_that_takes_every_address_ignores_this_one():
    """Neither ARP nor a frame is answered where Linux refuses for itself: its kernel lacks the address."""
    silent = (frame(Reason.NO_RESPONSE, Shape.WHO_HAS), frame(Reason.NO_RESPONSE))
    beside = replace(lan(None), traces=silent)
    assert signs(vpn(None), beside) == {OwnerSign.UNCLAIMED}
    assert signs(vpn(None), marked(beside)) == {OwnerSign.IGNORED}
    assert signs(vpn(None), marked(replace(beside, traces=silent[:1]))) == {OwnerSign.UNCLAIMED}
    assert owner(Owner.TARGET, marked(beside), vpn()) < owner(Owner.TARGET, beside, vpn())


def test_what_parts_or_joins_addresses_counts_for_their_owner():
    """Another host key makes another machine likely, the same one hardly possible; a program passes it on."""
    host, same = with_keys(lan(), p22="a"), with_keys(vpn(), p22="a")
    other = with_keys(vpn(), p22="b")
    assert OwnerSign.KEY_OTHER in signs(other, host)
    assert OwnerSign.KEY_SAME in signs(same, host)
    assert owner(Owner.OTHER_MACHINE, host, other) > SURE
    assert owner(Owner.OTHER_MACHINE, host, same) < owner(Owner.OTHER_MACHINE, lan(), vpn())
    assert owner(Owner.VPN_PROGRAM, host, same) > 0.5 * owner(Owner.VPN_PROGRAM, lan(), vpn())


def test_evidence_counts_once():
    """What ARP shows of a VPN address is one sign; so is a stack with another TTL and other options."""
    claimed = replace(lan(None), traces=(frame(Reason.RESET),), link_address=EVERYBODY)
    assert signs(vpn(None), claimed) == {OwnerSign.CLAIMED}
    near, far = (replace(one, hops=1, reply_ttl=ttl) for one, ttl in ((lan(SEVEN), 64), (vpn(NINE), 128)))
    assert signs(far, near) == {OwnerSign.TTL_OTHER}
    assert signs(replace(far, reply_ttl=64), near) == {OwnerSign.STACK_OTHER}


def test_another_neighbour_answers_arp():
    """The LAN address's machine does not claim the VPN address where another one does."""
    answer = frame(Reason.ARP_RESPONSE, Shape.WHO_HAS, header=Header(link_address="52:54:00:00:00:99"))
    beside = replace(lan(None), traces=(answer,), link_address="52:54:00:00:00:01")
    assert signs(vpn(None), beside) == {OwnerSign.ARP_OTHER}


def test_signs_decide_who_has_an_address():
    """A program by its stack and a link that ignores it, a gateway at the first hop; else the target."""
    assert owner(Owner.TARGET, lan(), vpn(SEVEN)) > 0.95
    relayed = vpn(NINE)
    assert owner(Owner.VPN_PROGRAM, lan(), relayed) > 5 * owner(Owner.VPN_PROGRAM, lan(), vpn(SEVEN))
    claimed = replace(lan(), traces=(frame(Reason.ARP_RESPONSE, Shape.WHO_HAS),))
    assert owner(Owner.VPN_PROGRAM, claimed, relayed) < 0.05
    ignored = replace(lan(), traces=(frame(Reason.NO_RESPONSE, Shape.WHO_HAS),))
    assert owner(Owner.VPN_PROGRAM, ignored, relayed) > owner(Owner.VPN_PROGRAM, lan(), relayed)
    near = survey("public", {**CLOSED, "hops": 1, "on_link": False}, PORT)
    assert owner(Owner.GATEWAY, lan(), near) > 0.8
