"""Prints every sentence of `probe/explain` once, with sample values: `python tests/docs/every_sentence.py`.

A line each, by kind, with its length. Commands that stand for themselves are left out: they are as long as
what they do.
"""

import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import yaml
from msgspec import Struct, convert

from probe.explain import glossary
from probe.explain.addresses import address_sentence
from probe.explain.advice import address_advice, address_command, port_advice
from probe.explain.answers import READINGS
from probe.explain.bindings import next_test_command, next_test_words, rival_words
from probe.explain.causes import MEANINGS, explained_evidence, explained_root
from probe.explain.checks import explained_proposal, result_text
from probe.explain.differences import difference_sentence
from probe.explain.findings import NOT_REACHED
from probe.explain.fixes import explained_fix
from probe.explain.follow_ups import FOLLOW_UPS
from probe.explain.measured import explained_fact
from probe.explain.same_host import CLAIMS, claim_words
from probe.explain.subject import Places, Subject
from probe.explain.wording import evidence_sentence
from probe.model.advice import Advice, AdviceRule, NextTest, NextTestRule, Rival, RivalRule, severity_of
from probe.model.binding import Binding, Proof
from probe.model.diagnosis import Cause, Look, Proposal, RootWouldShow
from probe.model.difference import Difference, DifferenceRule
from probe.model.disposition import RawResponse
from probe.model.evidence import (
    AddressEvidence,
    AddressRule,
    AliasClaim,
    EvidenceRule,
    PortEvidence,
    Response,
)
from probe.model.fixes import Fix
from probe.model.identity import AliasSign
from probe.model.machine_checks import CheckFinding
from probe.model.measured_facts import MeasuredFact
from probe.model.probing import Reason, Shape
from probe.model.sockets import Contradiction
from probe.model.symptoms import CauseEvidence
from probe.model.target import Protocol

DOCTOR = Path(__file__).parents[1] / "cases" / "doctor_sentences.yaml"
LAN, VPN = "192.168.1.20", "10.8.0.20"
PLACES = Places({LAN: "lan", VPN: "vpn"})
SSH = Subject("22", Protocol.TCP, PLACES, "ssh")
DNS = Subject("53", Protocol.UDP, PLACES, "dns")
_CLAIM = AliasClaim(
    sign=AliasSign.SSH_SAME,
    about=VPN,
    beside=LAN,
    realm="lan",
    reason=Reason.TIME_EXCEEDED,
    ports=("22/tcp",),
    link_address="02:00:00:00:00:01",
    ttls=(64, 128),
    services=("nginx", "Apache"),
)
_DOCTORS: Mapping[str, tuple[type[Struct], Callable[..., str]]] = {
    "evidence": (CauseEvidence, lambda one: explained_evidence(one).text),
    "fixes": (Fix, lambda one: "" if one.command is not None else explained_fix(one).text),
    "checks": (CheckFinding, result_text),
    "measured": (MeasuredFact, lambda one: explained_fact(one).text),
}


def sentences() -> Iterator[tuple[str, str]]:
    """Every sentence behind its kind; one that is the same for several values comes once."""
    seen: set[tuple[str, str]] = set()
    for pair in _all():
        if pair[1] and pair not in seen:
            seen.add(pair)
            yield pair


def _all() -> Iterator[tuple[str, str]]:
    yield from _of_ports()
    yield from _of_addresses()
    for rule in AdviceRule:
        yield "advice", _advice(rule)
    yield from _of_rivals()
    for (rule, _), text in READINGS.items():
        yield f"reading ({rule})", text
    for words in FOLLOW_UPS.values():
        yield "raw packet", words.why
    for text in NOT_REACHED.values():
        yield "finding", f"No answer: lan {LAN} ({text})."
    for kind in DifferenceRule:
        one = Difference(
            rule=kind, port=22, protocol=Protocol.TCP, addresses=(LAN,), before="open", after="closed"
        )
        yield "difference", difference_sentence(one)
    for topic, sections in glossary.TOPICS.items():
        for section in sections.values():
            yield from ((f"help {topic}", f"{word}: {meaning}") for word, meaning in section.items())
    yield from _of_the_doctor()


def _of_ports() -> Iterator[tuple[str, str]]:
    values = {
        "addresses": (LAN,),
        "reason": Reason.PORT_UNREACH,
        "sender": "192.168.1.1",
        "tries": 3,
        "controls": 3,
        "destination": VPN,
        "hop": 2,
        "beside": (VPN,),
        "service": "nginx",
        "other_service": "Apache",
        "proofs": (Proof.CERTIFICATE,),
        "option": "--running",
        "probe": Shape.ACK,
        "response": RawResponse.RESET,
        "bindings": (Binding.WILDCARD, Binding.SPECIFIC),
        "lines": ("0.0.0.0:22 (sshd)",),
    }
    for rule in EvidenceRule:
        of_rule = (
            values | {"reason": Reason.SYN_ACK, "later": Reason.RESET}
            if rule is EvidenceRule.CHANGED
            else values
        )
        for subject in (SSH, DNS):
            yield "evidence of a port", evidence_sentence(PortEvidence(rule=rule, **of_rule), subject)
    for contradiction in Contradiction:
        unlike = PortEvidence(rule=EvidenceRule.UNLIKE_LIST, addresses=(LAN,), contradiction=contradiction)
        yield "evidence of a port", evidence_sentence(unlike, SSH)


def _of_addresses() -> Iterator[tuple[str, str]]:
    for rule in AddressRule:
        for tunnel in ("wg0", None):
            one = AddressEvidence(
                rule=rule,
                controls={Response.CLOSED: 3},
                hops=2,
                reply_ttl=62,
                interface="eth0",
                gateway="192.168.1.1",
                tunnel=tunnel,
                loss=0.2,
                probability=0.97,
                addresses=(LAN,),
                claim=_CLAIM,
            )
            yield "evidence of an address", address_sentence(one)
    for sign in CLAIMS:
        values = {name: getattr(_CLAIM, name) for name in _CLAIM.__struct_fields__}
        yield "sign of one machine or several", claim_words(AliasClaim(**values | {"sign": sign}))


def _advice(rule: AdviceRule) -> str:
    one = Advice(
        rule=rule, severity=severity_of(rule), addresses=(LAN,), bound_to=(VPN,), sender="192.168.1.1"
    )
    try:
        return port_advice(one, SSH)
    except KeyError:  # of an address
        return address_advice(one, address_command(one, PLACES))


def _of_rivals() -> Iterator[tuple[str, str]]:
    for rule in RivalRule:
        for binding in (Binding.WILDCARD, Binding.SPECIFIC, Binding.LOOPBACK, Binding.NOT_LISTENING):
            yield "rival", rival_words(Rival(rule=rule, probability=0.06, binding=binding, bound_to=(LAN,)))
    for test in NextTestRule:
        one = NextTest(rule=test)
        yield "next test", next_test_words(one, next_test_command(one, SSH))


def _of_the_doctor() -> Iterator[tuple[str, str]]:
    for cause, text in MEANINGS.items():
        yield "cause", f"{cause}: {text}"
    for kind, cases in yaml.safe_load(DOCTOR.read_text(encoding="utf-8")).items():
        struct, worded = _DOCTORS[kind]
        for case in cases:
            for values in case.values():
                yield f"doctor: {kind}", worded(convert(values, struct))
    shown = RootWouldShow(looks=(Look.TUNNEL_PEERS,), causes=(Cause.HANDSHAKE_NEVER, Cause.TUNNEL_STALE))
    yield "doctor: as root", explained_root(shown).text
    offered = Proposal(interface="wg0", addresses=("10.8.0.1",), customary=True)
    yield "doctor: proposal", explained_proposal(offered).text


if __name__ == "__main__":
    before = ""
    for kind, text in sentences():
        if kind != before:
            sys.stdout.write(f"\n{kind}\n")
        before = kind
        sys.stdout.write(f"{len(text):4}  {text}\n")
