"""The page on the doctor shows a cause as programs get it."""

import datetime as dt
import re
from ipaddress import ip_address
from pathlib import Path

import msgspec

from probe.model.binding import Condition
from probe.model.diagnosis import AddressDiagnosis, Diagnosis, Suspicion
from probe.model.doctor_report import CauseReport
from probe.model.target import Port, Protocol, TargetAddress
from probe.report.doctor_document import DoctorFacts, assemble_doctor

PAGE = Path(__file__).parents[2] / "docs" / "doctor.md"


def test_the_page_has_a_cause_as_programs_get_it() -> None:
    """The example below `--json` is what the report has, sentences included, but for its line breaks."""
    text = PAGE.read_text(encoding="utf-8")
    (example,) = re.findall(r"^(\{\"cause\":.*?)\n```$", text, re.MULTILINE | re.DOTALL)
    cause = msgspec.json.decode(re.sub(r"\n +", " ", example), type=CauseReport)
    bare = Suspicion(
        cause.cause,
        cause.probability,
        tuple(msgspec.structs.replace(one, text="") for one in cause.evidence),
        tuple(msgspec.structs.replace(one, text="") for one in cause.fix),
        (Port(Protocol.TCP, 8000),),
    )
    address = AddressDiagnosis(TargetAddress(ip_address("10.88.0.10"), "vpn"), Condition.CLEAR, (bare,))
    report = assemble_doctor(Diagnosis((), (address,)), DoctorFacts(dt.datetime.now(dt.UTC), "0"))
    assert report.addresses[0].causes == (cause,)
