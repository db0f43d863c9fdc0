"""The JSON Schema of the report (draft 2020-12), made from the model itself."""

from typing import Any

import msgspec

from probe.model.report import SCHEMA, Report


def report_schema() -> dict[str, Any]:
    """The schema that every `--json` report meets."""
    schema = msgspec.json.schema(Report)
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": SCHEMA}
    schema["$defs"]["Report"]["properties"]["schema"] = {"const": SCHEMA}
    return head | schema


def render_schema() -> str:
    """The schema as indented JSON. Ends with a newline."""
    return msgspec.json.format(msgspec.json.encode(report_schema()), indent=2).decode() + "\n"
