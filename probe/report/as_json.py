"""The report as one JSON object."""

import msgspec

from probe.model.encoding import decode
from probe.model.report import Report
from probe.report.escape import json_escaped
from probe.report.piece import as_pieces


def render_json(report: Report) -> str:
    """Render a report as indented JSON. Ends with a newline.

    Raises:
        msgspec.ValidationError: a required number is not finite. JSON has no NaN and turns it into null,
            which would say "not measured"; so what was written is read again before anyone else does.
    """
    data = msgspec.json.encode(as_pieces(report))
    decode(data, Report)
    return json_escaped(msgspec.json.format(data, indent=2).decode()) + "\n"
