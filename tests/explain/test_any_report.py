"""Whatever was measured: every value has one sentence of one line, and the report is read back as it was."""

from hypothesis import given, settings
from hypothesis import strategies as st
from in_words import reported
from survey_builder import stated
from test_raw_properties import TESTED, surveyed

from probe.report.as_json import render_json
from probe.report.read import parse_report


@settings(max_examples=40, deadline=None)
@given(surveys=surveyed(), running=st.booleans(), strict=st.booleans())
def test_every_value_has_a_sentence(surveys, running, strict):
    """No argument is missing in it, and JSON keeps it."""
    report = reported(surveys, stated(*(TESTED[:1] if running else ()), strict=strict))
    values = [one for address in report.addresses for one in (*address.evidence, *address.advice)]
    for port in report.ports:
        values += [*port.evidence, *port.rivals, *port.next_tests, *port.advice]
        values += [one.reading for one in port.observations if one.reading is not None]
        values += [probe.why for probe in port.probes or ()]
        assert port.why
    for value in values:
        assert value.text
        assert not any(mark in value.text for mark in ("\n", "{", "}", "None"))
    assert parse_report(render_json(report).encode(), "any") == report
