"""Reports of whole scans, in memory: every format takes them, and the JSON meets its schema."""

import json

import pytest
from jsonschema import Draft202012Validator

from probe.app.scan import scan
from probe.lab.files import find_scenario
from probe.lab.open_world import backends_of, open_world
from probe.model.plan import Timing
from probe.model.report import Report
from probe.model.target import Port
from probe.report.as_csv import render_csv
from probe.report.as_json import render_json, render_ndjson
from probe.report.explanation import render_explanation
from probe.report.markdown import render_markdown
from probe.report.picture import render_picture
from probe.report.read import parse_report
from probe.report.schema import report_schema
from probe.report.table import render_table

SCENARIOS = ("loopback-only", "udp-services", "nobody-has-this-address", "container-published")


@pytest.fixture(params=SCENARIOS)
def real(request: pytest.FixtureRequest) -> Report:
    with open_world(find_scenario(request.param), "sim") as world:
        return scan(world.target, Timing(), backends_of(world, "connect"))


def test_real_reports_meet_the_schema(real: Report) -> None:
    """The JSON of a scan is valid, reads back as the same report, and has every address and port."""
    text = render_json(real)
    Draft202012Validator(report_schema()).validate(json.loads(text))
    assert parse_report(text.encode(), "real") == real
    assert len(render_ndjson(real).splitlines()) == 3 + len(real.addresses) + len(real.ports)


def test_real_reports_fit_every_text_format(real: Report) -> None:
    """Tables and pictures keep within 80 columns; every port can be explained."""
    for text in (render_table(real), render_picture(real)):
        assert max(map(len, text.splitlines())) <= 80
    for port in real.ports:
        assert str(port.port) in render_csv(real)
        assert str(port.port) in render_markdown(real)
        assert render_explanation(real, Port(port.protocol, port.port)).startswith(f"{port.port}/")
