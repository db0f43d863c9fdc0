"""The doctor's JSON: valid, stable, harmless; and the lines of `--watch`."""

import datetime as dt
import json

import msgspec
import pytest
from jsonschema import Draft202012Validator
from sample_diagnoses import CHECKS, EVERY, FACTS, NEVER, TYPICAL, WELL, check, reported
from varied import replace

from probe.model.diagnosis import AddressDiagnosis, Cause, Diagnosis, Suspicion
from probe.model.doctor_report import Change, DoctorReport, Kind
from probe.model.machine_checks import CheckRule, Status
from probe.report.as_json import render_doctor_json, render_line
from probe.report.doctor_document import assemble_doctor
from probe.report.doctor_text import changes, render_change
from probe.report.schema import doctor_schema, render_schema

VALIDATOR = Draft202012Validator(doctor_schema())
NOW = dt.datetime(2026, 11, 22, 12, 3, 10, tzinfo=dt.timezone(dt.timedelta(hours=2)))


@pytest.mark.parametrize("name", EVERY)
def test_every_report_meets_the_schema_and_reads_back(name: str) -> None:
    """What is written is valid, the same when read again, and the same in one line."""
    text = render_doctor_json(EVERY[name])
    VALIDATOR.validate(json.loads(text))
    assert msgspec.json.decode(text, type=DoctorReport) == EVERY[name]
    assert json.loads(render_line(EVERY[name])) == json.loads(text)
    assert render_line(EVERY[name]).count("\n") == 1


def test_the_schema_is_one_and_refuses_others() -> None:
    """The schema is itself valid, and another document does not meet it."""
    Draft202012Validator.check_schema(json.loads(render_schema(doctor_schema())))
    assert doctor_schema()["title"] == "bindprobe.doctor/2"
    assert not VALIDATOR.is_valid({"schema": "bindprobe.doctor/2"})
    for wrong in (
        {"schema": "bindprobe.report/2"},
        {"schema": "bindprobe.doctor/1"},
        {"machine": [{"check": "x", "status": "good"}]},
    ):
        assert not VALIDATOR.is_valid(json.loads(render_doctor_json(TYPICAL)) | wrong)


def test_every_field_has_a_description() -> None:
    """Of the report and of all that it is made of."""
    bare = {
        (name, field)
        for name, part in doctor_schema()["$defs"].items()
        for field, of in part.get("properties", {}).items()
        if not of.get("description")
    }
    assert bare == set()


def test_the_first_version_is_refused() -> None:
    """A report of another version is not read as if it were this one."""
    other = json.loads(render_doctor_json(TYPICAL)) | {"schema": "bindprobe.doctor/1"}
    with pytest.raises(msgspec.ValidationError, match=r"\$\.schema"):
        msgspec.json.decode(json.dumps(other), type=DoctorReport)


def test_a_cause_names_its_port() -> None:
    """Where one port is to blame, with its protocol; else both are null."""
    (address,) = json.loads(render_doctor_json(EVERY["port"]))["addresses"]
    assert [(one["port"], one["protocol"]) for one in address["causes"]] == [(8000, "tcp"), (None, None)]


def test_every_statement_has_its_sentence() -> None:
    """No text of a finished report is empty."""
    for report in EVERY.values():
        statements = [one.found for one in report.machine] + [one.fix for one in report.machine if one.fix]
        for address in report.addresses:
            statements += address.measured
            statements += [each for cause in address.causes for each in (*cause.evidence, *cause.fix)]
        assert all(one.text for one in statements)


def test_keys_stand_in_the_documented_order() -> None:
    """The keys of the contract and those that widen it, in one order."""
    document = json.loads(render_doctor_json(TYPICAL))
    head = ["schema", "version", "started", "elapsed_s", "well", "complete"]
    assert list(document) == [*head, "machine", "addresses", "proposed", "facts", "measurements"]
    assert list(document["machine"][0]) == ["check", "status", "found", "fix"]
    address = document["addresses"][1]
    assert list(address) == ["address", "realm", "name", "condition", "well", "measured", "causes", "as_root"]
    cause = ["cause", "probability", "port", "protocol", "ports", "evidence", "fix"]
    assert list(address["causes"][0]) == cause
    fix = address["causes"][0]["fix"][2]
    assert list(fix) == ["rule", "place", "command", "text"]
    assert (fix["place"], fix["command"]) == ("target", "ip link set wg0 up")
    assert [next(iter(one)) for one in address["causes"][0]["evidence"]] == ["rule", "rule"]
    assert (document["started"], document["elapsed_s"]) == ("2026-11-22T05:00:00Z", 2.148)


@pytest.mark.parametrize(
    ("addresses", "names", "well"),
    [
        ((WELL,), (), True),
        ((WELL, NEVER), (), False),
        ((WELL,), (check("name a.example", Status.OK, CheckRule.NAME_RESOLVED),), True),
        ((WELL,), (check("name a.example", Status.FAIL, CheckRule.NAME_UNRESOLVED),), False),
    ],
)
def test_what_is_well(addresses, names, well: bool) -> None:  # noqa: FBT001 - a case
    """Every address and every name; a failed check of the machine does not make an address unwell."""
    report = assemble_doctor(Diagnosis(CHECKS, addresses), replace(FACTS, names=names))
    assert report.well is well
    assert [one.check for one in report.machine[len(CHECKS) :]] == [name.check for name in names]


def test_not_a_number_is_never_written() -> None:
    """A probability that is no number is a bug that shows, not a null."""
    broken = AddressDiagnosis(NEVER.address, NEVER.condition, (Suspicion(Cause.DNS, float("nan")),))
    with pytest.raises(msgspec.ValidationError):
        render_doctor_json(reported(broken))


@pytest.mark.parametrize("render", [render_doctor_json, render_line])
def test_json_carries_no_control_characters(render) -> None:
    """Escape sequences stay escapes in the text."""
    text = render(EVERY["hostile"])
    assert all(line.isprintable() for line in text.splitlines())
    assert "\\u009b" in text


def well_now(diagnosis: AddressDiagnosis) -> AddressDiagnosis:
    return replace(diagnosis, causes=(Suspicion(Cause.NONE, 1.0),))


OTHER_CHECKS = (*CHECKS[:3], msgspec.structs.replace(CHECKS[3], status=Status.OK))
STEPS = [
    ("nothing", reported(WELL, NEVER), reported(WELL, NEVER), []),
    ("only words", reported(NEVER), reported(replace(NEVER, causes=NEVER.causes[:1])), []),
    ("mended", reported(NEVER), reported(well_now(NEVER)), ["10.88.0.10  handshake-never -> none"]),
    ("machine", reported(), reported(checks=OTHER_CHECKS), ["name resolution  fail -> ok"]),
    ("came", reported(WELL), reported(WELL, NEVER), ["10.88.0.10  absent -> handshake-never"]),
    ("went", reported(WELL, NEVER), reported(WELL), ["10.88.0.10  handshake-never -> absent"]),
    (
        "several",
        reported(NEVER),
        reported(well_now(NEVER), checks=OTHER_CHECKS),
        ["name resolution  fail -> ok", "10.88.0.10  handshake-never -> none"],
    ),
    (
        "hostile",
        reported(checks=()),
        reported(checks=(check("tunnel \x1b[2J", Status.OK, CheckRule.NO_TUNNEL),)),
        ["tunnel \\x1b[2J  absent -> ok"],
    ),
]


@pytest.mark.parametrize(
    ("before", "after", "lines"), [step[1:] for step in STEPS], ids=[s[0] for s in STEPS]
)
def test_changes(before: DoctorReport, after: DoctorReport, lines: list[str]) -> None:
    """One line for each check whose status and each address whose likeliest cause changed, with the time."""
    found = list(changes(before, after, NOW))
    assert [render_change(one, NOW.tzinfo) for one in found] == [f"12:03:10  {line}\n" for line in lines]


def test_a_change_for_programs() -> None:
    """The JSON of a change has its own schema name, the time in UTC, and whether all is well now."""
    (change,) = changes(reported(NEVER), reported(well_now(NEVER)), NOW)
    assert change.kind is Kind.ADDRESS
    assert list(json.loads(render_line(change)).items()) == [
        ("schema", "bindprobe.doctor-change/1"),
        ("time", "2026-11-22T10:03:10Z"),
        ("kind", "address"),
        ("subject", "10.88.0.10"),
        ("before", "handshake-never"),
        ("after", "none"),
        ("well", True),
    ]
    assert msgspec.json.decode(render_line(change), type=Change) == change
