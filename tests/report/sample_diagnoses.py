"""Diagnoses as the doctor makes them: typical, well, of this machine alone, interrupted, hostile."""

import datetime as dt
from ipaddress import ip_address

from probe.model.diagnosis import (
    AddressDiagnosis,
    Cause,
    Check,
    Diagnosis,
    Fix,
    Place,
    Status,
    Suspicion,
)
from probe.model.doctor_report import DoctorReport
from probe.model.target import TargetAddress
from probe.model.verdict import Condition
from probe.report.assemble_doctor import DoctorFacts, assemble_doctor

STARTED = dt.datetime(2026, 11, 22, 5, 0, tzinfo=dt.UTC)
FACTS = DoctorFacts(STARTED, "0.1.0")

CHECKS = (
    Check("raw packets", Status.SKIPPED, "not permitted", "run bindprobe with sudo"),
    Check("IPv4 route", Status.OK, "default route: eth0 by way of 192.168.77.1"),
    Check(
        "tunnel wg0",
        Status.WARN,
        "wireguard, up, 10.88.0.2/24; peer kGbVK5wz, never shook hands, allowed IPs 10.88.0.0/24,"
        " endpoint 203.0.113.7:51820",
        "see that the endpoint runs WireGuard",
    ),
    Check("name resolution", Status.FAIL, "no name server", "name one in /etc/resolv.conf"),
)


def suspicion(cause: Cause, probability: float, *evidence: str, fix: tuple[Fix, ...] = ()) -> Suspicion:
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
        "the peer for 10.88.0.10 never shook hands, and the tunnel sent 592 bytes",
        "203.0.113.7 answers a datagram to port 51820 with port-unreach: nothing listens there",
        fix=(
            Fix("start WireGuard at 203.0.113.7"),
            Fix(
                "wg set wg0 peer kGbVK5wzTvYyNzJHYw3WvEPlJTYtTM8dKDvQ2mIxwHA= endpoint HOST:51820", Place.HERE
            ),
            Fix("wg-quick up wg0", Place.TARGET),
        ),
    ),
    suspicion(Cause.PATH_FIREWALL, 0.062, "nothing came back"),
    suspicion(Cause.HOST_DOWN, 0.015),
    suspicion(Cause.NONE, 0.01),
    condition=Condition.TUNNEL_DOWN,
)
UNSURE = diagnosed(
    "203.0.113.10",
    "public",
    suspicion(Cause.NONE, 0.7),
    suspicion(Cause.MTU_BLACK_HOLE, 0.3, "a full segment was sent again three times"),
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
    suspicion(Cause.DNS, 1.0, "told \x1b[2J\u009b by \u202ename", fix=(Fix("a\nb\x07"),)),
    name="evil\x1b]0;x\x07",
)


def told(
    *addresses: AddressDiagnosis, checks: tuple[Check, ...] = CHECKS, complete: bool = True
) -> DoctorReport:
    return assemble_doctor(Diagnosis(checks, addresses, 2.1478, complete), FACTS)


TYPICAL = told(WELL, NEVER)
EVERY = {
    "typical": TYPICAL,
    "well": told(WELL),
    "unsure": told(UNSURE, WELL),
    "many": told(MANY),
    "machine": told(),
    "nothing failed": told(checks=CHECKS[:3]),
    "two failed": told(checks=(*CHECKS, Check("open files", Status.FAIL, ""))),
    "interrupted": told(checks=(), complete=False),
    "hostile": told(HOSTILE, checks=(Check("tunnel \x1b[31m", Status.OK, "\x1b[0m"),)),
}
