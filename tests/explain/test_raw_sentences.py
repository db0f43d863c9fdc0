"""The sentences for what raw packets brought: written where they hold, and only there."""

import pytest
from in_words import sentences
from survey_builder import port_of, surveys_of

from probe.inference.evidence import port_evidence
from probe.inference.host import infer_host
from probe.inference.priors import USUAL
from probe.inference.raw_evidence import raw_evidence

LAN, VPN = "192.168.77.10 (lan)", "10.88.0.10 (vpn)"
REFUSED = {"controls": "reset@host", "port": "reset@host"}
OPEN = {"controls": "reset@host", "port": "syn-ack@host"}
SILENT = {"controls": "reset@host", "port": "no-response"}
BEHIND = {"controls": "reset@host", "port": "syn-ack@behind"}
OWN = "the reset from {} carries the probe's mark: the host's own stack refuses"
FORGED = "the reset from {} lacks the mark of the host's own resets: a filter forges it"
UNSIGNED = "no reset from {} carries the probe's mark: a filter may forge them all"
ONLY_SYN = "an ACK to {} is reset: only SYNs are dropped, the host is up behind the filter"
STATEFUL = "an ACK to {} is dropped too, as by a stateful filter"
BESIDE = f"a FIN to {LAN}, which NAT skips, is "
RAW_ONLY = "raw packets are answered by {}, but this machine's sockets get nothing"


def marked(**more) -> dict:
    return {"controls": "reset marked", "echo": "marked", **more}


# What is known of the LAN address, what raw packets brought of it, and all sentences about that.
SENTENCES: dict[str, tuple[dict, dict, list[str]]] = {
    "nothing was asked": (REFUSED, {}, []),
    "the stack's own reset": (REFUSED, marked(syn="reset marked"), [OWN.format(LAN)]),
    "a forged reset": (REFUSED, marked(syn="reset plain"), [FORGED.format(LAN)]),
    "pf's reset": (REFUSED, marked(syn="reset odd"), [FORGED.format(LAN)]),
    "no mark anywhere": (
        REFUSED,
        {"syn": "reset plain", "controls": "reset plain", "echo": "plain"},
        [UNSIGNED.format(LAN)],
    ),
    "controls alone were signed": (REFUSED, marked(), []),
    "an ACK is reset": (SILENT, {"ack": "reset marked"}, [ONLY_SYN.format(LAN)]),
    "an ACK is dropped": (SILENT, {"ack": "no-response"}, [STATEFUL.format(LAN)]),
    "an ACK is rejected": (
        SILENT,
        {"ack": "port-unreach/host"},
        [f"an ACK to {LAN} is rejected with an ICMP error"],
    ),
    "an ACK was not sent": (SILENT, {"ack": "not-sent"}, []),
    "a FIN is reset": (
        SILENT,
        {"ack": "reset marked", "fin": "reset marked"},
        [ONLY_SYN.format(LAN), f"a FIN to {LAN} is reset: nothing listens behind the filter"],
    ),
    "a FIN is kept": (
        SILENT,
        {"ack": "reset marked", "fin": "no-response"},
        [
            ONLY_SYN.format(LAN),
            f"a FIN to {LAN} gets no answer where an ACK is reset, as if something listens",
        ],
    ),
    "a FIN is rejected": (SILENT, {"fin": "port-unreach/host"}, []),
    "a FIN beside a forwarding is kept": (
        BEHIND,
        {"fin": "no-response"},
        [BESIDE.removesuffix("is ") + "gets no answer: docker-proxy or a filter has the port too"],
    ),
    "a FIN beside a forwarding is rejected": (
        BEHIND,
        {"fin": "admin-prohibited/host"},
        [BESIDE + "rejected by a filter that forwarded packets bypass"],
    ),
    "a FIN beside a forwarding is reset": (
        BEHIND,
        {"fin": "reset marked"},
        [BESIDE + "reset: no socket of the host has the port"],
    ),
    "a FIN beside a forwarding is reset, perhaps by a filter": (BEHIND, {"fin": "reset plain"}, []),
    "an ACK where the port is open": (OPEN, {"ack": "reset marked"}, []),
    "no window": (
        OPEN,
        {"syn": "syn-ack bare"},
        [f"the SYN/ACK from {LAN} offers no window, as SYN proxies do: nothing may be behind it"],
    ),
    "a window": (OPEN, {"syn": "syn-ack"}, []),
    "sockets do not get it": (SILENT, {"syn": "syn-ack"}, [RAW_ONLY.format(LAN)]),
    "sockets do not get the reset": (
        SILENT,
        marked(syn="reset marked"),
        [RAW_ONLY.format(LAN), OWN.format(LAN)],
    ),
    "a frame is accepted": (
        OPEN,
        {"frame vpn": "syn-ack"},
        [f"the host at {LAN} accepts a packet for 10.88.0.10 on its own link"],
    ),
    "a frame is refused": (
        OPEN,
        {"frame vpn": "reset marked"},
        [f"the host at {LAN} refuses a packet for 10.88.0.10 on its own link"],
    ),
    "a frame is rejected": (
        OPEN,
        {"frame vpn": "port-unreach/host"},
        [f"the host at {LAN} rejects a packet for 10.88.0.10 on its own link"],
    ),
    "a frame would be sent on": (
        OPEN,
        {"frame vpn": "time-exceeded/lan"},
        [f"the host at {LAN} would forward a packet for 10.88.0.10"],
    ),
    "a frame stays unanswered": (
        OPEN,
        {"frame vpn": "no-response"},
        [f"the host at {LAN} does not answer a packet for 10.88.0.10 on its own link"],
    ),
    "loopback accepts": (
        REFUSED,
        {"frame 127.0.0.1": "syn-ack"},
        [f"the host at {LAN} accepts a packet for 127.0.0.1 from its link: loopback is reachable"],
    ),
    "loopback refuses": (
        REFUSED,
        {"frame 127.0.0.1": "reset marked"},
        [f"the host at {LAN} refuses a packet for 127.0.0.1 from its link: nothing listens on it"],
    ),
    "loopback is not answered for": (REFUSED, {"frame 127.0.0.1": "no-response"}, []),
    "two frames": (
        OPEN,
        {"frame vpn": "no-response", "frame public": "syn-ack"},
        [
            f"the host at {LAN} does not answer a packet for 10.88.0.10 on its own link",
            f"the host at {LAN} accepts a packet for 203.0.113.10 on its own link",
        ],
    ),
}


def raw_sentences(case: dict) -> list[str]:
    surveys, port = surveys_of(case), port_of(case)
    return sentences(raw_evidence(port, infer_host(surveys, USUAL).models), port, surveys)


@pytest.mark.parametrize("name", SENTENCES)
def test_sentences(name):
    """Each hint has its sentence, and what shows nothing has none."""
    answers, raw, sentences = SENTENCES[name]
    case = {"lan": {**answers, "raw": raw}}
    assert raw_sentences(case) == sentences


def test_addresses_that_answer_alike_share_a_sentence():
    """One sentence for both, and another for the one that answers more."""
    case = {
        "lan": {**REFUSED, "raw": marked(syn="reset marked", **{"frame vpn": "no-response"})},
        "vpn": {**REFUSED, "raw": marked(syn="reset marked")},
    }
    assert raw_sentences(case) == [
        OWN.format(f"{LAN} and {VPN}"),
        f"the host at {LAN} does not answer a packet for 10.88.0.10 on its own link",
    ]


@pytest.mark.parametrize(("sign", "own"), [("marked", True), ("plain", False), ("odd", False)])
def test_a_refusal_is_the_host_s_own_only_with_its_mark(sign, own):
    """`by the host itself` is written of a reset that shows the mark, or was not looked into; of no other."""
    case = {"lan": {**REFUSED, "raw": marked(syn=f"reset {sign}")}}
    surveys = surveys_of(case)
    (line,) = sentences(
        port_evidence(port_of(case), infer_host(surveys, USUAL).models), port_of(case), surveys
    )
    assert ("refused by the host itself on" in line) is own


def test_what_was_measured_elsewhere_shows_nothing_here():
    """A datagram answered from another address is reported of the address that was asked."""
    case = {
        "protocol": "udp",
        "lan": {"controls": "reset@host", "port": "udp-response"},
        "vpn": {**SILENT, "raw": {"syn": "udp-response/lan"}},
        "public": {"controls": "reset@host"},
    }
    assert raw_sentences(case) == [
        RAW_ONLY.format(VPN),
        f"{VPN} answers from another of its addresses: its socket is bound to all interfaces",
    ]
