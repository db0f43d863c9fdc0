"""The doctor's report as one JSON object, and as the lines of `--watch`."""

import msgspec
from msgspec import Struct

from probe.model.doctor_report import DoctorReport
from probe.model.encoding import decode, encode
from probe.report.escape import json_escaped


def render_doctor_json(report: DoctorReport) -> str:
    """Render a report as indented JSON. Ends with a newline.

    Raises:
        msgspec.ValidationError: a required number is not finite, which JSON would show as null.
    """
    data = encode(report)
    decode(data, DoctorReport)
    return json_escaped(msgspec.json.format(data, indent=2).decode()) + "\n"


def render_line(piece: Struct) -> str:
    """Render a report or a change as one line of JSON. Ends with a newline."""
    return json_escaped(encode(piece).decode()) + "\n"
