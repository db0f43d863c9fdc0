"""The formats of a report: one name and one row each. The doctor's report has two of them."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import StrEnum

from probe.errors import UsageError
from probe.model.doctor_report import DoctorReport
from probe.model.report import Report
from probe.report.as_csv import render_csv
from probe.report.as_json import json_parts, ndjson_parts, render_doctor_json
from probe.report.doctor_text import render_doctor
from probe.report.markdown import render_markdown
from probe.report.picture import render_picture
from probe.report.style import PLAIN, TextStyle
from probe.report.table import render_table


class Form(StrEnum):
    """A format; its value is the option that asks for it."""

    TABLE = "table"
    PICTURE = "picture"
    JSON = "json"
    NDJSON = "ndjson"
    CSV = "csv"
    MARKDOWN = "md"


# Text, or what is long in parts of it.
_REPORT: Mapping[Form, Callable[[Report, TextStyle], str | Iterator[str]]] = {
    Form.TABLE: render_table,
    Form.PICTURE: render_picture,
    Form.JSON: lambda report, _: json_parts(report),
    Form.NDJSON: lambda report, _: ndjson_parts(report),
    Form.CSV: lambda report, _: render_csv(report),
    Form.MARKDOWN: lambda report, _: render_markdown(report),
}
_DOCTOR: Mapping[Form, Callable[[DoctorReport, TextStyle], str]] = {
    Form.TABLE: render_doctor,
    Form.JSON: lambda report, _: render_doctor_json(report),
}


def render_as(report: Report | DoctorReport, form: Form, style: TextStyle = PLAIN) -> str:
    """Render a report. Ends with a newline.

    Raises:
        UsageError: a format that the doctor's report does not have.
    """
    return "".join(parts_of(report, form, style))


def parts_of(report: Report | DoctorReport, form: Form, style: TextStyle = PLAIN) -> Iterable[str]:
    """Render a report part by part: of many ports the whole would take much memory.

    Raises:
        UsageError: a format that the doctor's report does not have.
    """
    if isinstance(report, Report):
        made = _REPORT[form](report, style)
    elif form in _DOCTOR:
        made = _DOCTOR[form](report, style)
    else:
        raise UsageError(f"the doctor's report has no format {form}: choose {' or '.join(_DOCTOR)}")
    return (made,) if isinstance(made, str) else made
