"""The formats of a report: one row each. A renderer is loaded when its format is chosen."""

from collections.abc import Callable, Iterable
from enum import StrEnum
from importlib import import_module
from typing import TYPE_CHECKING, Self

from probe.errors import UsageError
from probe.report.style import PLAIN, TextStyle

if TYPE_CHECKING:  # the options of the command line know the formats, and load nothing else
    from probe.model.doctor_report import DoctorReport
    from probe.model.report import Report

    _Renderer = Callable[[Report | DoctorReport, TextStyle], str | Iterable[str]]

MOST_ROWS = 1000  # up to this many ports each has its row in a report


class Form(StrEnum):
    """A format by its name, which is that of its option too.

    A row has the name, the help of the option (none: what is printed without one), and what renders it: a
    module here and a function of it, which takes the report and a style, and returns the text, a long one in
    parts. The last one is for the doctor's report; without it that has no such format.
    """

    about: str
    renderer: str
    doctor_renderer: str

    TABLE = "table", "", "table.render_table", "doctor_text.render_doctor"
    PICTURE = "picture", "A diagram of the target, its addresses and ports.", "picture.render_picture"
    JSON = "json", "One JSON object.", "as_json.json_parts", "as_json.render_doctor_json"
    NDJSON = "ndjson", "The pieces of the JSON, one a line.", "as_json.ndjson_parts"
    CSV = "csv", "One row for each port on each address.", "as_csv.render_csv"
    MARKDOWN = "md", "Markdown.", "markdown.render_markdown"

    def __new__(cls, name: str, about: str, renderer: str, doctor_renderer: str = "") -> Self:
        """Make a member of its row."""
        form = str.__new__(cls, name)
        form._value_ = name
        form.about, form.renderer, form.doctor_renderer = about, renderer, doctor_renderer
        return form


def render_as(report: "Report | DoctorReport", form: Form, style: TextStyle = PLAIN) -> str:
    """Render a report. Ends with a newline.

    Raises:
        UsageError: a format that the doctor's report does not have.
    """
    return "".join(parts_of(report, form, style))


def parts_of(report: "Report | DoctorReport", form: Form, style: TextStyle = PLAIN) -> Iterable[str]:
    """Render a report part by part: of many ports the whole would take much memory.

    Raises:
        UsageError: a format that the doctor's report does not have.
    """
    from probe.model.report import Report  # noqa: PLC0415 - as above

    path = form.renderer if isinstance(report, Report) else form.doctor_renderer
    if not path:
        known = " or ".join(one for one in Form if one.doctor_renderer)
        raise UsageError(f"the doctor's report has no format {form}: choose {known}")
    made = _loaded(path)(report, style)
    return (made,) if isinstance(made, str) else made


def load(form: Form) -> None:
    """Load what renders a format, where it must not be loaded later."""
    for path in filter(None, (form.renderer, form.doctor_renderer)):
        _loaded(path)
    if form is Form.TABLE:
        import_module("tabulate")  # which tables load when they are made


def _loaded(path: str) -> "_Renderer":
    module, _, name = path.partition(".")
    found: _Renderer = getattr(import_module(f"probe.report.{module}"), name)
    return found
