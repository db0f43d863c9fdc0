"""Diagnoses as the doctor makes them: typical, well, of this machine alone, interrupted, hostile."""

import datetime as dt
from dataclasses import replace
from ipaddress import ip_address

from probe.model.binding import Condition
from probe.model.diagnosis import AddressDiagnosis, Cause, Diagnosis, Suspicion
from probe.model.doctor_report import DoctorReport
from probe.model.fixes import Fix, FixRule, Place
from probe.model.machine import TunnelKind
from probe.model.machine_checks import Check, CheckFinding, CheckRule, Handshake, PeerState, Status
from probe.model.measured_facts import FactRule, MeasuredFact
from probe.model.probing import Reason
from probe.model.symptoms import CauseEvidence, Symptom
from probe.model.target import Port, Protocol, TargetAddress
from probe.report.doctor_document import DoctorFacts, assemble_doctor

STARTED = dt.datetime(2026, 11, 22, 5, 0, tzinfo=dt.UTC)
FACTS = DoctorFacts(STARTED, "0.1.0")

KEY = "kGbVK5wzTvYyNzJHYw3WvEPlJTYtTM8dKDvQ2mIxwHA="
FAR = "203.0.113.7:51820"
MEASURED = (MeasuredFact(rule=FactRule.PING_SILENT), MeasuredFact(rule=FactRule.NO_HOP))

CHECKS = (
    Check(
        check="raw packets",
        status=Status.SKIPPED,
        found=CheckFinding(rule=CheckRule.RAW_NOT_PERMITTED),
        fix=Fix(rule=FixRule.PERMIT_RAW, why="run bindprobe with sudo"),
    ),
    Check(
        check="IPv4 route",
        status=Status.OK,
        found=CheckFinding(rule=CheckRule.DEFAULT_ROUTE, family=4, interface="eth0", gateway="192.168.77.1"),
    ),
    Check(
        check="tunnel wg0",
        status=Status.WARN,
        found=CheckFinding(
            rule=CheckRule.TUNNEL_PEERS,
            tunnel_kind=TunnelKind.WIREGUARD,
            addresses=("10.88.0.2/24",),
            peer_count=1,
            peers=(
                PeerState(
                    peer_key=KEY,
                    handshake=Handshake.NEVER,
                    allowed_ips=("10.88.0.0/24",),
                    endpoint="203.0.113.7:51820",
                ),
            ),
        ),
        fix=Fix(rule=FixRule.CHECK_PEER, peer_key=KEY),
    ),
    Check(
        check="name resolution",
        status=Status.FAIL,
        found=CheckFinding(rule=CheckRule.NO_RESOLVER),
        fix=Fix(rule=FixRule.SET_NAME_SERVER, file="/etc/resolv.conf"),
    ),
)


def suspicion(
    cause: Cause, probability: float, *evidence: CauseEvidence, fix: tuple[Fix, ...] = ()
) -> Suspicion:
    return Suspicion(cause, probability, evidence, fix)


def diagnosed(
    ip: str, realm: str, *causes: Suspicion, condition: Condition = Condition.CLEAR, name: str | None = None
) -> AddressDiagnosis:
    return AddressDiagnosis(TargetAddress(ip_address(ip), realm, name), condition, causes)


WELL = diagnosed("192.168.77.10", "lan", suspicion(Cause.NONE, 0.9991), suspicion(Cause.DNS, 0.0009))
NEVER = diagnosed(
    "10.88.0.10",
    "vpn",
    suspicion(
        Cause.HANDSHAKE_NEVER,
        0.913,
        CauseEvidence(
            rule=Symptom.HANDSHAKE_NEVER, address="10.88.0.10", tunnel="wg0", peer_key=KEY, endpoint=FAR
        ),
        CauseEvidence(rule=Symptom.ENDPOINT_REFUSES, reason=Reason.PORT_UNREACH, peer_key=KEY, endpoint=FAR),
        fix=(
            Fix(rule=FixRule.CHECK_FAR_END, peer_key=KEY, endpoint=FAR),
            Fix(
                rule=FixRule.SET_ALLOWED_IPS,
                place=Place.HERE,
                command=f"wg set wg0 peer {KEY} allowed-ips 10.88.0.0/24,10.88.0.10/32",
            ),
            Fix(rule=FixRule.SWITCH_ON, place=Place.TARGET, command="ip link set wg0 up"),
        ),
    ),
    suspicion(Cause.PATH_FIREWALL, 0.062, CauseEvidence(rule=Symptom.NOTHING_RECEIVED, interface="wg0")),
    suspicion(Cause.HOST_DOWN, 0.015),
    suspicion(Cause.NONE, 0.01),
    condition=Condition.TUNNEL_DOWN,
)
NOT_BOUND = Suspicion(
    Cause.NOT_BOUND,
    0.93,
    (CauseEvidence(rule=Symptom.PORT_CLOSED, address="10.88.0.10", port=8000, protocol=Protocol.TCP),),
    ports=(Port(Protocol.TCP, 8000),),
)
PORT = replace(diagnosed("10.88.0.10", "vpn", NOT_BOUND, suspicion(Cause.NONE, 0.07)), measured=MEASURED)
UNSURE = diagnosed(
    "203.0.113.10",
    "public",
    suspicion(Cause.NONE, 0.7),
    suspicion(Cause.MTU_BLACK_HOLE, 0.3, CauseEvidence(rule=Symptom.NO_SIZE_ERROR)),
    name="host.example.org",
)
MANY = diagnosed(
    "2001:db8::10",
    "office",
    *(suspicion(cause, 1 / len(Cause)) for cause in Cause if cause is not Cause.NONE),
    suspicion(Cause.NONE, 1 / len(Cause)),
    condition=Condition.UNKNOWN,
)
HOSTILE = diagnosed(
    "10.0.0.1",
    "vpn",
    suspicion(
        Cause.DNS,
        1.0,
        CauseEvidence(rule=Symptom.NAME_FITS, name="shown \x1b[2J\u009b by \u202ename"),
        fix=(Fix(rule=FixRule.SPLIT_DNS, name="a\nb\x07"),),
    ),
    name="evil\x1b]0;x\x07",
)


def check(name: str, status: Status, rule: CheckRule) -> Check:
    return Check(check=name, status=status, found=CheckFinding(rule=rule))


HOSTILE_CHECK = Check(
    check="tunnel \x1b[31m",
    status=Status.OK,
    found=CheckFinding(rule=CheckRule.NAME_UNRESOLVED, why="\x1b[0m"),
)


def reported(
    *addresses: AddressDiagnosis, checks: tuple[Check, ...] = CHECKS, complete: bool = True
) -> DoctorReport:
    return assemble_doctor(Diagnosis(checks, addresses, 2.1478, complete), FACTS)


TYPICAL = reported(WELL, NEVER)
EVERY = {
    "typical": TYPICAL,
    "well": reported(WELL),
    "unsure": reported(UNSURE, WELL),
    "many": reported(MANY),
    "machine": reported(),
    "nothing failed": reported(checks=CHECKS[:3]),
    "two failed": reported(checks=(*CHECKS, check("open files", Status.FAIL, CheckRule.FILES_UNKNOWN))),
    "port": reported(PORT),
    "interrupted": reported(checks=(), complete=False),
    "hostile": reported(HOSTILE, checks=(HOSTILE_CHECK,)),
}
