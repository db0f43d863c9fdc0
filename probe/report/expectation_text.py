"""Checked expectations as text, as JUnit's XML, and as annotations of GitHub's workflows."""

from collections import Counter
from collections.abc import Iterator
from xml.etree import ElementTree as ET

from probe.model.expectation import CheckedExpectation, CheckOutcome, CheckReport
from probe.report.escape import escaped
from probe.report.style import PLAIN, TextStyle

_WORDS = {CheckOutcome.UNMET: "NOT MET", CheckOutcome.UNSETTLED: "unsettled"}


def render_check(report: CheckReport, _: TextStyle = PLAIN) -> str:
    """Render what is not met, what is unsettled, and how many are met. Ends with a newline."""
    return "\n".join(_lines(escaped(report))) + "\n"


def _lines(report: CheckReport) -> Iterator[str]:
    for outcome, word in _WORDS.items():
        yield from (f"{word:9}  {one.text}" for one in report.checked if one.outcome is outcome)
    counts = Counter(one.outcome for one in report.checked)
    yield ", ".join(f"{counts[outcome]} {outcome}" for outcome in CheckOutcome)
    if not report.complete:
        yield "Interrupted: what is missing was not measured."


def render_junit(report: CheckReport, name: str) -> str:
    """Render as JUnit's XML: a test case for each expectation; what is unsettled is skipped.

    Args:
        report: what was checked.
        name: of the suite: the file of expectations.
    """
    counts = Counter(one.outcome for one in report.checked)
    suite = ET.Element(
        "testsuite",
        name=name,
        tests=str(len(report.checked)),
        failures=str(counts[CheckOutcome.UNMET]),
        skipped=str(counts[CheckOutcome.UNSETTLED]),
        timestamp=report.started.removesuffix("Z"),
    )
    for one in escaped(report).checked:
        case = ET.SubElement(suite, "testcase", classname=name, name=f"{one.port} {one.about}".strip())
        if one.outcome is CheckOutcome.UNMET:
            ET.SubElement(case, "failure", message=one.text)
        elif one.outcome is CheckOutcome.UNSETTLED:
            ET.SubElement(case, "skipped", message=one.text)
    ET.indent(suite)
    return ET.tostring(suite, encoding="unicode", xml_declaration=True) + "\n"


_LEVELS = {CheckOutcome.UNMET: "error", CheckOutcome.UNSETTLED: "warning"}


def render_annotations(report: CheckReport, name: str) -> str:
    """Render as workflow commands of GitHub: each at the line of the file that expects it."""
    return "".join(_annotation(one, name) for one in escaped(report).checked if one.outcome in _LEVELS)


def _annotation(one: CheckedExpectation, name: str) -> str:
    line = "" if one.line is None else f",line={one.line}"
    return f"::{_LEVELS[one.outcome]} file={_property(name)}{line}::{_data(one.text)}\n"


def _data(text: str) -> str:
    """What a workflow command carries, escaped as GitHub's toolkit does."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
