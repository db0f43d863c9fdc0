"""The README has of every cause what the program prints, and shows one as programs get it."""

import datetime as dt
import re
from ipaddress import ip_address
from pathlib import Path

import msgspec

from probe.explain.causes import MEANINGS
from probe.model.binding import Condition
from probe.model.diagnosis import AddressDiagnosis, Cause, Diagnosis, Suspicion
from probe.model.doctor_report import CauseReport
from probe.model.target import Port, Protocol, TargetAddress
from probe.report.doctor_document import DoctorFacts, assemble_doctor

README = Path(__file__).parents[2] / "README.md"


def test_the_readme_has_every_cause() -> None:
    """The table below `## Doctor` is the table of the program."""
    section = README.read_text(encoding="utf-8").partition("\n## Doctor\n")[2].partition("\n## ")[0]
    assert re.findall(r"^\| `([a-z-]+)` \| (.*) \|$", section, re.MULTILINE) == [
        (cause.value, MEANINGS[cause]) for cause in Cause
    ]


def test_the_readme_has_a_cause_as_programs_get_it() -> None:
    """The example below `--json` is what the report has, sentences included, but for its line breaks."""
    text = README.read_text(encoding="utf-8")
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
